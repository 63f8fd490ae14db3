"""The table of a dataset's classes: how many images each has, of what kind, and whether the training takes it."""

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message

from engine.base.language import tr
from engine.base.wording import counted, listing, whole_percent
from tui.screens.dataset.corrected import corrected_words, went_and_came
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.safe_cells import cell, content, number
from tui.words.image_words import by_mode_word

if TYPE_CHECKING:
    from engine.data.records import ClassSummary
    from tui.state.session import Session

BAR = 8
BOX = 4
"""Columns that the box before a class's name takes."""
COLUMNS = (
    Column(tr("class"), "class", least=20), Column(tr("images"), "images", right=True),
    Column(tr("share"), "share", rank=1, right=True), Column(tr("corrected"), "corrected", rank=1, filled=True),
    Column("", "bar", rank=4), Column(tr("format"), "format", rank=6), Column(tr("size"), "size", rank=5),
    Column(tr("mode"), "mode", rank=7), Column(tr("sources"), "sources", rank=8, right=True),
    Column(tr("masks"), "masks", rank=3, right=True), Column(tr("problems"), "problems", rank=2, right=True),
)  # fmt: skip


class ClassTable(FittedTable):
    """One line a class; space takes it into the training or leaves it out."""

    HELP = tr(
        "One line a class: its images, their share of the training's, lung masks and problems, and "
        "with corrections how many images went (-) and came (+). Space, or a click on the box, "
        "takes a class into the next training or leaves it out; enter goes to its images."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", tr("Pick"), id="dataset.pick", tooltip=tr("Train on this class, or leave it out.")),
    ]

    class Picked(Message):
        """The user wants this class turned."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, cursor_type: str = "row", id: str | None = None) -> None:
        super().__init__(*COLUMNS, cursor_type=cursor_type, id=id)

    def show(self, session: "Session") -> None:
        """The classes of the session's folder; those that the recipe picks are marked, and as corrections have them."""
        whole = session.whole
        rows = {}
        for name in whole.classes if whole else ():
            wrong = sum(problem.label == name for problem in (whole.problems if whole else ()))
            rows[name] = self._class_cells(name, wrong, session)
        self.fill(list(rows.values()), list(rows))

    def _class_cells(self, name: str, wrong: int, session: "Session") -> list[Text]:
        picked, glyphs, summary = session.scan, session.glyphs, summary_of(name, session)
        taken = bool(picked and name in picked.classes)
        style = "" if taken else "dim"
        share = summary.images / max(1, len(picked.records)) if taken and picked else 0.0
        changes = session.corrected.of_class(name) if session.corrected else None
        return [
            cell(f"[{'x' if taken else ' '}] {name}", "bold" if taken else "dim"),
            number(summary.images),
            cell(whole_percent(share) if taken else "-", style, right=True),
            cell(went_and_came(changes) if changes else ""),
            cell(glyphs.bar(share, BAR) if taken else " " * BAR, style),
            *(cell(most(counts)) for counts in (summary.formats, summary.sizes, by_mode_word(summary.modes))),
            number(len(summary.sources) or None),
            number(summary.masks),
            number(wrong),
        ]

    def action_pick(self) -> None:
        """Turn the class under the cursor."""
        if self.row_count:
            self.post_message(self.Picked(str(self.key_at_cursor)))

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


def summary_of(name: str, session: "Session") -> "ClassSummary":
    """What a class consists of: as corrected, where the recipe picks it."""
    found = session.scan if session.scan and name in session.scan.classes else session.whole
    assert found
    return found.classes[name]


def about(name: str, session: "Session") -> Content:
    """A class in a line: what corrections did to it, formats, sizes, modes, mean level, sources, masks."""
    summary, changes = summary_of(name, session), session.corrected.of_class(name) if session.corrected else None
    level = "-" if summary.mean_intensity is None else f"{summary.mean_intensity:.0f}"
    parts = [
        corrected_words(changes) if changes else "",
        *(_counted(counts) for counts in (summary.formats, summary.sizes, by_mode_word(summary.modes))),
        tr("mean brightness {level}", level=level),
        counted(len(summary.sources), "source") if summary.sources else tr("no known sources"),
        tr("masks {masks:,}/{images:,}", masks=summary.masks, images=summary.images),
    ]
    return content(f"{name}: " + f" {session.glyphs.dot} ".join(part for part in parts if part))


def _counted(counts: dict[str, int]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    shown = listing(f"{key} {count:,}" for key, count in list(counts.items())[:3])
    return tr("{shown} and {count} more", shown=shown, count=len(counts) - 3) if len(counts) > 3 else shown
