"""What each variant of an audit shows of one X-ray of the open folder, in small pictures."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.widgets import Static

from engine.base.context import Context
from engine.base.language import tr
from tui.host.terminal import Abilities
from tui.state.session import Session
from tui.widgets.safe_cells import content
from tui.widgets.viewer import Enlarged
from tui.widgets.xray import Way, Xray, focused_of
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels
    from engine.data.records import Record

MOST = 6
"""Variants with a picture of their own; shuffled labels show the whole image."""
DEEP = 16
"""Lines from which on two rows of three pictures show more than a row of six."""

Shown = list[tuple[str, "Pixels"]]


class Views(Vertical):
    """The pictures, each over its variant's title."""

    def __init__(self, session: Session, way: Way, abilities: Abilities, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._session = session
        self._record: Record | None = None
        self._pictures = tuple(Xray(way, abilities, id=f"view-{place}") for place in range(MOST))
        self.shown: Shown = []

    def compose(self) -> ComposeResult:
        """A grid of pictures with captions."""
        with Grid(id="view-grid"):
            for place in range(MOST):
                with Vertical(classes="view"):
                    yield self._pictures[place]
                    yield Static(id=f"view-title-{place}", classes="view-title")
        yield Static(id="no-views", classes="muted")

    def on_mount(self) -> None:
        """Nothing yet."""
        self.border_title = tr("What each variant shows")

    def on_resize(self) -> None:
        """One row or two."""
        self.set_class(self.size.height >= DEEP, "-deep")

    def data_changed(self) -> None:
        """Keep to the image where it is still there; else the first."""
        records = self._session.scan.records if self._session.scan else ()
        if self._record not in records:
            self._show(records[0] if records else None)

    @property
    def enlarged(self) -> list[Enlarged]:
        """The pictures with their names."""
        name = Path(self._record.file).name if self._record else ""
        return [Enlarged(f"{name}, {title}", pixels) for title, pixels in self.shown]

    @property
    def at_hand(self) -> int:
        """The place of the picture in focus; 0 where none is."""
        return focused_of(self._pictures)

    def step(self, by: int) -> None:
        """The picture of the next image, or of the one before."""
        records = self._session.scan.records if self._session.scan else ()
        if self._record in records:
            self._show(records[(records.index(self._record) + by) % len(records)])

    def next_class(self) -> None:
        """The picture of the next class's first image."""
        if self._session.scan and self._record:
            labels = list(self._session.scan.classes)
            label = labels[(labels.index(self._record.label) + 1) % len(labels)]
            self._show(next(record for record in self._session.scan.records if record.label == label))

    def _show(self, record: "Record | None") -> None:
        self._record = record
        if record is None or self._session.data is None:
            self._draw([], tr("Open a folder on the Dataset screen to see what the variants show of its images."))
            return
        self.border_title = content(
            tr("What each variant shows of {file} ({label})", file=record.file, label=record.label)
        )
        work = partial(_views, self._session.data / record.file, self._session.freeze.backbone.size)
        self._session.start(
            "views", tr("reading a picture"), work, self._draw, lambda error: self._draw([], in_recipe_terms(error))
        )

    def _draw(self, shown: Shown, trouble: str = "") -> None:
        self.shown = shown
        for place in range(MOST):
            title, pixels = shown[place] if place < len(shown) else ("", None)
            picture = self._pictures[place]
            picture.can_focus = pixels is not None
            picture.show(pixels)
            self.query_one(f"#view-title-{place}", Static).update(content(title))
        self.query_one("#view-grid").display, self.query_one("#no-views").display = bool(shown), not shown
        self.query_one("#no-views", Static).update(content(trouble))


def _views(path: Path, side: int, context: Context) -> Shown:
    from engine.audit.variants import views

    region, pictures = views(path, side)
    return [(variant.titled(region), pixels) for variant, pixels in pictures if not variant.shuffled]
