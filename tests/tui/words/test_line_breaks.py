"""Lines of Chinese are filled, and no mark stands where a line may not begin or end."""

from collections.abc import Iterator

import pytest
import rich._wrap
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from textual.content import Content

from tui.words.cells import cells
from tui.words.line_breaks import break_chinese, pieces

WORDS = rich._wrap.words
LATIN = st.characters(max_codepoint=0x24F)


@pytest.fixture
def breaking() -> Iterator[None]:
    """Lines break as in the workbench."""
    break_chinese()
    yield
    rich._wrap.words = WORDS


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("選擇 X 光影像。", ["選", "擇 ", "X ", "光", "影", "像。"]),
        ("移出（-）與", ["移", "出", "（-）", "與"]),
        ("按「Enter」，看 3.5 張", ["按", "「Enter」，", "看 ", "3.5 ", "張"]),
        ("灰階(8 位元)", ["灰", "階", "(8 ", "位", "元)"]),
        ("，（", ["，", "（"]),
        ("", []),
    ],
)
def test_a_line_may_break_between_characters_but_not_at_marks(text: str, kept: list[str]) -> None:
    assert [piece for _, _, piece in pieces(text)] == kept


@given(st.text())
def test_nothing_is_lost_and_no_piece_is_empty(text: str) -> None:
    found = list(pieces(text))
    assert "".join(piece for _, _, piece in found) == (text if text.strip() else "")
    assert all(text[start:end] == piece and piece.strip() for start, end, piece in found)


@given(st.text(LATIN))
def test_other_lines_break_as_ever(text: str) -> None:
    assert list(pieces(text)) == list(WORDS(text))


def test_rich_and_textual_break_so(breaking: None, capsys: pytest.CaptureFixture[str]) -> None:
    text = "選擇 X 光影像的資料夾，查看內容，並選取要訓練的類別。"
    Console(width=20).print(text)
    lines = capsys.readouterr().out.splitlines()
    assert [cells(line.rstrip()) for line in lines] == [19, 20, 14]
    content = Content(text)
    assert content.get_height({}, 20) == 3
