"""The table of a dataset's classes: how many images each has, of what kind, and whether the training takes it."""

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import DataTable

from engine.base.wording import noun, whole_percent
from tui.widgets.safe_cells import cell, content, number
from tui.words.glyphs import Glyphs
from tui.words.image_words import by_mode_word

if TYPE_CHECKING:
    from engine.data.records import ClassSummary, Scan

BAR = 8
BOX = 4
"""Columns that the box before a class's name takes."""
ROOMY = 150
"""Columns of the terminal from which on the table also tells formats, sizes, modes and sources."""
LEFT = ("class", "", "format", "size", "mode")


class ClassTable(DataTable[Text]):
    """One line a class; space takes it into the training or leaves it out."""

    HELP = (
        "One line a class: its images, their share of the training's, lung masks and problems. Space, or a click on "
        "the box, takes a class into the next training or leaves it out; enter goes to its images."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", "Pick", id="dataset.pick", tooltip="Train on this class, or leave it out."),
    ]

    class Picked(Message):
        """The user wants this class turned."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, cursor_type: str = "row", id: str | None = None) -> None:
        super().__init__(cursor_type="row", id=id)
        self._roomy = False
        self._last: tuple[Scan | None, Scan | None, Glyphs] | None = None
        self._drawn: dict[str, list[Text]] = {}
        """The cells of each class."""

    def fit(self, width: int) -> None:
        """Take as many columns as a terminal of this width has room for."""
        if (width >= ROOMY) != self._roomy and self._last:
            self._roomy = width >= ROOMY
            self.show(*self._last)

    def show(self, whole: "Scan | None", picked: "Scan | None", glyphs: Glyphs) -> None:
        """The classes of a folder, those of `picked` being marked."""
        self._last = whole, picked, glyphs
        kinds = ("format", "size", "mode", "sources") if self._roomy else ()
        header = ("class", "images", "share", "", *kinds, "masks", "problems")
        rows = {}
        for name, summary in (whole.classes if whole else {}).items():
            wrong = sum(problem.label == name for problem in (whole.problems if whole else ()))
            rows[name] = self._cells(name, summary, picked, wrong, glyphs)
        before, self._drawn = self._drawn, rows
        if [key.value for key in self.columns] != list(header) or list(before) != list(rows):
            self._lay(header, rows)
            return
        for name, cells in rows.items():  # in place, so that nothing else learns of another line under the cursor
            for column, new, old in zip(header, cells, before[name], strict=True):
                if new != old or new.style != old.style:
                    self.update_cell(name, column, new, update_width=True)

    def _lay(self, header: tuple[str, ...], rows: dict[str, list[Text]]) -> None:
        kept = self.cursor_row
        self.clear(columns=True)
        for name in header:
            self.add_column(Text(name, justify="left" if name in LEFT else "right"), key=name)
        for name, cells in rows.items():
            self.add_row(*cells, key=name)
        if kept < self.row_count:
            self.move_cursor(row=kept)

    def _cells(
        self, name: str, summary: "ClassSummary", picked: "Scan | None", wrong: int, glyphs: Glyphs
    ) -> list[Text]:
        taken = bool(picked and name in picked.classes)
        style = "" if taken else "dim"
        share = summary.images / max(1, len(picked.records)) if taken and picked else 0.0
        cells = [
            cell(f"[{'x' if taken else ' '}] {name}", "bold" if taken else "dim"),
            number(summary.images),
            cell(whole_percent(share) if taken else "-", style, right=True),
            cell(glyphs.bar(share, BAR) if taken else " " * BAR, style),
        ]
        if self._roomy:
            cells += [cell(most(counts)) for counts in (summary.formats, summary.sizes, by_mode_word(summary.modes))]
            cells.append(number(len(summary.sources) or None))
        return [*cells, number(summary.masks), number(wrong)]

    def action_pick(self) -> None:
        """Turn the class under the cursor."""
        if self.row_count:
            name = self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value
            self.post_message(self.Picked(str(name)))

    def on_click(self, event: Click) -> None:
        """A click on the box turns the class, and does not go to its images."""
        place = event.style.meta.get("row", -1)
        if place >= 0 and event.style.meta.get("column") == 0 and event.x <= BOX:
            event.prevent_default()
            self.move_cursor(row=place)
            self.action_pick()


def most(counts: dict[str, int]) -> str:
    """The commonest of the counted things, and how many others there are."""
    if not counts:
        return "-"
    return next(iter(counts)) + (f" +{len(counts) - 1}" if len(counts) > 1 else "")


def about(name: str, summary: "ClassSummary", glyphs: Glyphs) -> Content:
    """A class in a line: formats, sizes, modes, mean level, sources, masks."""
    level = "-" if summary.mean_intensity is None else f"{summary.mean_intensity:.0f}"
    parts = [
        *(_counted(counts) for counts in (summary.formats, summary.sizes, by_mode_word(summary.modes))),
        f"mean {level}",
        f"{len(summary.sources) or 'no known'} {noun(len(summary.sources), 'source')}",
        f"masks {summary.masks:,}/{summary.images:,}",
    ]
    return content(f"{name}: " + f" {glyphs.dot} ".join(part for part in parts if part))


def _counted(counts: dict[str, int]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    shown = ", ".join(f"{key} {count:,}" for key, count in list(counts.items())[:3])
    return f"{shown} and {len(counts) - 3} more" if len(counts) > 3 else shown
