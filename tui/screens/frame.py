"""The workbench as its screens know it: what they share, how they speak to the user, and how they leave."""

from collections.abc import Iterable
from typing import Protocol

from engine.base.language import tr
from tui.host.terminal import Abilities
from tui.state.host import Host, Listener
from tui.state.session import Session
from tui.widgets.xray import Way

TITLES = {
    "dataset": tr("Dataset"), "layers": tr("Layers"), "train": tr("Train"), "runs": tr("Runs"),
    "results": tr("Results"), "predict": tr("Predict"), "audit": tr("Audit"), "sweep": tr("Sweep"),
    "review": tr("Review"),
}  # fmt: skip
"""What each screen is called."""
MODES = tuple(TITLES)
"""The screens, in the order of their keys."""


class Frame(Host, Protocol):
    """The app, as far as a screen needs it."""

    session: Session
    abilities: Abilities
    listeners: list[Listener]

    @property
    def picture_way(self) -> Way:
        """How X-rays are drawn on this terminal."""

    @property
    def current_mode(self) -> str:
        """The name of the open screen."""

    def copy(self, text: str, what: str) -> None:
        """Put text on the clipboard and say so."""

    def copy_table(self, rows: Iterable[Iterable[str]], what: str) -> None:
        """Put rows of texts on the clipboard and say so."""

    def leave(self, code: int = 0) -> None:
        """Close the workbench; a training goes on."""
