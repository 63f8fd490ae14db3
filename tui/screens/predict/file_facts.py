"""The pane that tells what there is to know of a file, as much of it as there is room for."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from engine.base.language import tr
from tui.screens.predict.text import facts_text
from tui.services.read_picture import Picture
from tui.widgets.safe_cells import content
from tui.words.glyphs import Glyphs

if TYPE_CHECKING:
    from engine.evaluation.prediction import Prediction


class FileFacts(VerticalScroll):
    """The facts of one file, its name as the title."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._glyphs = glyphs
        self._shown: tuple[Picture, Prediction | None] | None = None

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static(id="facts")

    def on_mount(self) -> None:
        """The title, before there is a file."""
        self.show(None)

    def show(self, picture: Picture | None, prediction: "Prediction | None" = None) -> None:
        """Tell of this file and, where a model has answered, how it looks beside the training images; or of none."""
        self._shown = (picture, prediction) if picture else None
        self.border_title = content(tr("The file {name}", name=picture.path.name) if picture else tr("The file"))
        self._draw()

    def on_resize(self) -> None:
        """Another size has room for more, or less."""
        self._draw()

    def _draw(self) -> None:
        width, height = self.content_size
        if self._shown and width and height:
            self.query_one("#facts", Static).update(facts_text(*self._shown, self._glyphs, width, height))
        elif not self._shown:
            self.query_one("#facts", Static).update("")
