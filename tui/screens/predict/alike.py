"""The image beside the training images most like it, each with its label and how far off it is to the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from engine.base.context import Context
from engine.base.language import tr
from engine.runs.directory import Run
from tui.host.terminal import Abilities
from tui.screens.predict.text import alike_text, alike_title, asked_text
from tui.services.models import Models
from tui.services.read_picture import Picture, read_picture
from tui.widgets.dialog import Dialog, closed_by
from tui.widgets.safe_cells import content
from tui.widgets.viewer import Enlarged, Viewer
from tui.widgets.xray import Way, Xray, focused_of

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels
    from engine.evaluation.alike import Alike

COUNT = 3
"""Training images that are shown."""


@dataclass(frozen=True, eq=False)
class Near:
    """The training images most like an image, each with its pixels, None where its file can't be read any more."""

    found: "Sequence[tuple[Alike, Pixels | None]]"
    kept: int
    """Of so many training images the run knows how the network sees them."""


def ask_near(models: Models, run: Run, picture: Picture, context: Context) -> Near:
    """Find and read them, in a thread. Raises as `Models.alike` does."""
    from engine.data.image.reader import ImageError

    alike, kept = models.alike(run, picture.path, COUNT, context)
    folder = run.folder()
    found: list[tuple[Alike, Pixels | None]] = []
    for one in alike:
        try:
            found.append((one, read_picture(folder / one.file, picture.seen.shape[0], context).shown))
        except ImageError:
            found.append((one, None))
    return Near(found, kept)


class AlikeView(Dialog[None]):
    """The image and its neighbours in a row, the nearest first."""

    HELP = tr(
        "Beside the image stand the training images that the network sees most alike, the nearest "
        "first, each with the label that it was trained with. Where they have another label than "
        "the answer, or lie far off, the answer stands on little. F shows the picture in focus on "
        "the whole screen."
    )
    DEFAULT_CSS = """
    AlikeView > Vertical { width: 100%; height: 1fr; background: $background; }
    AlikeView Horizontal { height: 1fr; }
    AlikeView .pane { width: 1fr; height: 1fr; layout: vertical; }
    AlikeView .pane Static { height: 4; }
    AlikeView #about { height: auto; padding: 0 1; }
    """
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        closed_by("n"),
        Binding("F,shift+f", "enlarge", tr("Enlarge"), key_display="F", id="alike.enlarge",
                tooltip=tr("The picture in focus, or the image, on the whole screen.")),
    ]  # fmt: skip

    def __init__(self, picture: Picture, label: str, near: Near, way: Way, abilities: Abilities, dot: str) -> None:
        """`label` is what the model says."""
        super().__init__()
        self._picture, self._label, self._near = picture, label, near
        self._way, self._abilities, self._dot = way, abilities, dot

    def body(self) -> ComposeResult:
        """What is seen, above the pictures with what they are."""
        with Vertical():
            yield Static(content(alike_title(len(self._near.found), self._near.kept)), id="about")
            with Horizontal():
                with Container(classes="pane"):
                    yield Xray(self._way, self._abilities)
                    yield Static(asked_text(self._label, self._picture.path.name))
                for one, pixels in self._near.found:
                    with Container(classes="pane"):
                        yield Xray(self._way, self._abilities)
                        yield Static(alike_text(one, self._label, pixels is not None))

    def on_mount(self) -> None:
        """The pictures."""
        panes = self.query(".pane")
        titles = [tr("The image"), *(f"{place}." for place in range(1, len(panes)))]
        for pane, title, (_, pixels) in zip(panes, titles, self._shown(), strict=True):
            pane.border_title = title
            pane.query_one(Xray).show(pixels)

    def _shown(self) -> "list[tuple[str, Pixels | None]]":
        """Names and pixels, from left to right."""
        near = [(Path(one.file).name, pixels) for one, pixels in self._near.found]
        return [(self._picture.path.name, self._picture.shown), *near]

    def action_enlarge(self) -> None:
        """Show the picture in focus on the whole screen."""
        place = focused_of(self.query(Xray))
        seen = [
            (number, Enlarged(name, pixels, mask=None if number else self._picture.mask))
            for number, (name, pixels) in enumerate(self._shown())
            if pixels is not None
        ]
        first = next((at for at, (number, _) in enumerate(seen) if number == place), None)
        if first is not None:
            pictures = [one for _, one in seen]
            self.app.push_screen(Viewer(pictures, self._way, self._abilities, self._dot, first))
