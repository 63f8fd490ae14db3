"""A new version of Textual may say other things of its keys: each is to be known, so that it can be translated."""

from collections.abc import Iterator

from textual.app import App
from textual.binding import Binding
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.widgets import Input

from tui.app import Workbench, key_ids
from tui.host.textual_texts import TEXTS


def kinds(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
    """All kinds of widgets and screens that are loaded."""
    for one in kind.__subclasses__():
        yield one
        yield from kinds(one)


def test_all_that_textual_says_of_the_keys_on_our_screens_is_known() -> None:
    key_ids()
    ours = [one for one in kinds(DOMNode) if one.__module__.startswith("tui.")]
    theirs = {base for one in ours for base in one.__mro__ if base.__module__.startswith("textual.")}
    assert {App, CommandPalette, Input} <= theirs
    bound = [*(one for kind in theirs for one in kind.__dict__.get("BINDINGS", ())), *Workbench()._bindings]
    said = set[str]()
    for key in Binding.make_bindings(one[1] if isinstance(one, tuple) and len(one) == 2 else one for one in bound):
        said |= {key.description, key.tooltip} if key.id is None else set()
    assert said - {""} - set(TEXTS) == set()
