"""Foreign text in files: nothing in it acts, and it comes back exactly."""

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.base.escape import escaped, from_cell, to_cell, unescaped

texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=20),  # surrogates too
    st.text(st.sampled_from("\\xuU0159afc'=+-@ \t\n\x1b\x9b\u202e\udc9b＝"), max_size=14),
)


@given(texts)
@example("\\x41")
@example("\\\x1b")
@example("\\U00110000")
@example("'=1")
@example("a\\")
def test_it_acts_on_nothing_and_comes_back(text: str) -> None:
    for shown, back in ((escaped(text), unescaped(escaped(text))), (to_cell(text), from_cell(to_cell(text)))):
        assert back == text
        assert all(unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029" for c in shown)
        shown.encode()


@given(texts)
def test_no_cell_is_a_formula(text: str) -> None:
    assert not to_cell(text).lstrip().startswith(tuple("=+-@＝＋－＠"))


@given(st.lists(texts, min_size=1, max_size=4))
def test_a_csv_line_of_cells_is_one_line_and_reads_back(row: list[str]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(map(to_cell, row))
    assert text.getvalue().count("\n") == 1
    assert [from_cell(cell) for cell in next(csv.reader([text.getvalue()]))] == row


@pytest.mark.parametrize("text", ["COVID-1.png", "Viral Pneumonia/images/胸.png", "a\\b.png", "it's", "3-2=1"])
def test_an_ordinary_name_stays_as_it_is(text: str) -> None:
    assert to_cell(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\x1b=1", "\n@x", "'=1", "＝1"])
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert to_cell(text).startswith(("'", "\\"))
