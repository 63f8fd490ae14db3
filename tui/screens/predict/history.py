"""What was predicted: the files of this session, or all files of a folder, as one table."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import DataTable, Static

from engine.base.events import Progress
from engine.base.language import tr
from engine.base.wording import listing
from engine.data.image.notes import noted
from engine.evaluation.predictions_table import stood_by
from tui.widgets.bars import capped
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.safe_cells import cell, content
from tui.words.glyphs import Glyphs
from tui.words.recipe_terms import in_recipe_terms

NAME, BAR = 12, 8
FILE, SAID = Column(tr("file"), "file", least=10, middle=True), Column(tr("said"), "said", least=8)
SURE, RUN = Column(tr("sure"), "sure", right=True), Column(tr("run"), "run", rank=1, least=8, middle=True, filled=True)


@dataclass(frozen=True)
class Asked:
    """A file of this session with what a run's model said."""

    path: Path
    run: Path
    label: str
    sure: float


def said(line: dict[str, Any]) -> str:
    """What is given as the answer to a file: its class, that it is refused, or that the file gave an error."""
    if line.get("refused"):
        return tr("refused")
    return str(line["label"]) if "label" in line else tr("error")


class PredictionTable(FittedTable):
    """The table."""

    HELP = tr(
        "What was predicted: the images of this session, newest first, or all those of a folder. "
        "Enter shows an image again, h turns between the two, w writes the folder's table as CSV, "
        "c copies it."
    )
    BINDINGS: ClassVar[list[BindingType]] = []


class History(Vertical):
    """The table under a line that says how far it is. `folder` is the folder predicted, where one was."""

    class Chosen(Message):
        """The user wants to see this file again."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._glyphs = glyphs
        self._asked: list[Asked] = []
        self.folder: Path | None = None
        self.lines: list[dict[str, Any]] = []
        """The folder's answers so far, as `Models.predict_folder` adds them."""
        self.of_folder = False
        """Is it the folder's table that is shown?"""
        self._listed: list[Path] = []
        self._columns: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """Line and table."""
        yield Static(id="so-far", classes="muted")
        yield PredictionTable(id="predictions")

    def on_mount(self) -> None:
        """Nothing yet."""
        self.turn(of_folder=False)

    @property
    def table(self) -> PredictionTable:
        """The table."""
        return self.query_one(PredictionTable)

    def add(self, asked: Asked) -> None:
        """An image was predicted."""
        self._asked = [asked, *(a for a in self._asked if (a.path, a.run) != (asked.path, asked.run))]
        if not self.of_folder:
            self.turn(of_folder=False)

    def begin(self, folder: Path) -> list[dict[str, Any]]:
        """A folder is to be predicted; the list that takes its lines."""
        self.folder, self.lines = folder, []
        self.turn(of_folder=True)
        return self.lines

    def turn(self, of_folder: bool) -> None:
        """Show the folder's table, or the session's."""
        self.of_folder, self._listed = of_folder, []
        name = (self.folder.name or self.folder) if self.folder else ""
        self.border_title = content(tr("Folder {name}", name=name) if of_folder else tr("This session"))
        self.table.fill([])
        self._columns = ()
        if of_folder:
            self.catch_up()
        else:
            self._session_rows()

    def catch_up(self, progress: Progress | None = None, over: str = "") -> None:
        """Take in the folder's new lines; `over` says how it ended."""
        if not self.of_folder:
            return
        new = self.lines[len(self._listed) :]
        if new and not self._columns:
            classes = next((tuple(line["probabilities"]) for line in self.lines if "probabilities" in line), ())
            if classes or over:
                self._columns = ("file", "said", *classes)
                every = [
                    Column(capped(name, NAME), f"class {rank}", rank, right=True)
                    for rank, name in enumerate(classes, 1)
                ]
                self.table.offer(FILE, SAID, *every)
        rows = []
        for line in new if self._columns else ():
            self._listed.append(Path(line["file"]))
            shares = list(stood_by(line).values())
            rows.append((
                cell(Path(line["file"]).name), cell(said(line)),
                *(cell(f"{share:.1%}", right=True) for share in shares),
                *(cell("") for _ in self._columns[2 + len(shares) :]),
            ))  # fmt: skip
        self.table.append(rows)
        self.query_one("#so-far", Static).update(content(self._so_far(progress, over)))

    def _so_far(self, progress: Progress | None, over: str) -> str:
        if over:
            return over
        if progress and progress.total and progress.done < progress.total:
            bar = self._glyphs.bar(progress.done / progress.total, BAR)
            return tr("{done:,} of {total:,} {bar} ^g cancels", done=progress.done, total=progress.total, bar=bar)
        if not self.lines:
            return tr("The model is being loaded ...")
        counts = Counter(map(said, self.lines))
        notes = noted((Path(line["file"]).name, line["notes"]) for line in self.lines if "notes" in line)
        summed = listing(f"{name} {count:,}" for name, count in counts.most_common())
        return "\n".join([summed, *(f"{self._glyphs.beware} {in_recipe_terms(item.sentence)}" for item in notes)])

    def _session_rows(self) -> None:
        self.table.offer(FILE, SAID, SURE, RUN)
        self._listed = [asked.path for asked in self._asked]
        one_run = len({asked.run for asked in self._asked}) == 1  # it stands at the top of the screen
        self.table.fill(
            [
                (
                    cell(asked.path.name), cell(asked.label), cell(f"{asked.sure:.1%}", right=True),
                    cell("" if one_run else asked.run.name),
                )
                for asked in self._asked
            ]
        )  # fmt: skip
        count = len(self._asked)
        text = tr("{count:,} predicted", count=count) if count else tr("Nothing has been predicted yet.")
        self.query_one("#so-far", Static).update(content(text))

    def rows(self) -> list[tuple[str, ...]]:
        """What is shown as rows of texts, a header first."""
        if not self.of_folder:
            head = (tr("file"), tr("said"), tr("probability"), tr("run"))
            return [head, *((str(a.path), a.label, f"{a.sure:.6f}", str(a.run)) for a in self._asked)]
        classes = self._columns[2:]
        return [(tr("file"), tr("said"), *classes)] + [
            (line["file"], tr("error: {error}", error=line["error"]) if "error" in line else said(line),
             *(f"{share:.6f}" for share in stood_by(line).values()))
            for line in self.lines
        ]  # fmt: skip

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter or a click on the highlighted row."""
        event.stop()
        place = self.table.place_of(event.cursor_row)
        if 0 <= place < len(self._listed):
            self.post_message(self.Chosen(self._listed[place]))
