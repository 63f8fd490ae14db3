"""Foreign text on a terminal: shown, never obeyed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.words.safe_text import display_name, undisplayed


@given(st.text(st.characters(codec=None)))
def test_nothing_that_a_terminal_obeys_or_hides_comes_through(text: str) -> None:
    shown = display_name(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in shown)
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("COVID-1.png", "COVID-1.png"),
        ("胸部.png", "胸部.png"),
        ("[red]x[/]", "[red]x[/]"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb", "a\\x0ab"),
        ("\x9b31m", "\\x9b31m"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        (b"caf\xe9.png".decode("utf-8", "surrogateescape"), "caf\\xe9.png"),
    ],
)
def test_ordinary_names_stay_and_acting_characters_show_as_escapes(text: str, shown: str) -> None:
    assert display_name(text) == shown


@given(st.text(st.characters(codec=None)))
def test_what_was_shown_means_what_it_was(text: str) -> None:
    assert undisplayed(display_name(text), text) == text


@pytest.mark.parametrize("name", [b"caf\xe9".decode("utf-8", "surrogateescape"), "a\x1bb", "evil\u202egnp"])
def test_what_was_shown_and_edited_keeps_what_cannot_be_shown(name: str) -> None:
    assert undisplayed(f"/other/{display_name(name)}/split.csv", f"/x/{name}") == f"/other/{name}/split.csv"
    assert undisplayed("/plain", name) == "/plain"
    assert undisplayed(f"{display_name(name)}!", "/plain") == f"{display_name(name)}!"
