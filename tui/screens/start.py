"""What a newcomer sees first: what this is, in a few lines, and four ways to begin."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key

from engine.base.language import tr
from tui.state.memory import sample_data
from tui.widgets.bars import shortened
from tui.widgets.question_dialog import Answer, Ask

WHAT_THIS_IS = tr(
    "covid-tui learns from chest X-rays: it reads a folder with one folder a class, says what "
    "is wrong with it, trains a network, tests it on images that it never saw, and asks it "
    "about others. For research and teaching only, not for diagnosis."
)
OPEN, SAMPLE, LOOK, LEAVE = "open", "sample", "look", "leave"
NAME = 46
RECENT = "abc"
"""The keys of the latest folders."""
TO_SCREEN = "screen "
"""What is given back begins so where a screen's number was pressed."""


class Begin(Ask):
    """Asks how to begin; the keys of the screens and of leaving hold here too, and escape looks around first."""

    HELP = tr("Press the key before a line, or go to it with the arrows and press enter; 1 to 9 open a screen.")
    OPENS_ON = 0
    """No answer does harm here: enter takes the first."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q", "quit", tr("Quit"), id="app.quit", tooltip=tr("Leave the workbench.")),
    ]

    def on_key(self, event: Key) -> None:
        """An answer's key, or one of those."""
        super().on_key(event)
        if event.key in "123456789":
            self._give(event, f"{TO_SCREEN}{event.key}")

    def action_quit(self) -> None:
        """Leave the workbench."""
        self.dismiss(LEAVE)

    def _give(self, event: Key, answer: str) -> None:
        event.stop()
        event.prevent_default()
        self.dismiss(answer)


def begin_dialog(recent: Sequence[Path]) -> Begin:
    """What this is, above the ways to begin; gives `open`, `sample`, a place among the `recent` folders, or another."""
    answers = [Answer("o", tr("Open a folder of X-rays"), OPEN)]
    if sample_data():
        answers.append(Answer("s", tr("Try it on drawn sample images, led by one key"), SAMPLE))
    for place, (key, folder) in enumerate(zip(RECENT, recent, strict=False)):
        answers.append(Answer(key, tr("Again: {folder}", folder=shortened(folder, NAME)), str(place)))
    answers.append(Answer("q", tr("Leave"), LEAVE))
    return Begin(WHAT_THIS_IS, answers, Answer("l", tr("Look around first"), LOOK))
