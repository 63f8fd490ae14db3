"""The test images that a run got wrong, or was least sure of, with the picture of the one under the cursor."""

from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.language import tr
from engine.base.wording import counted
from engine.evaluation.predictions_table import Answer, worst_first
from engine.recipe.config import TrainConfig
from engine.runs.directory import Run
from tui.host.terminal import Abilities
from tui.services.models import Heated
from tui.services.read_picture import Picture, network_side, read_picture
from tui.state.session import Session
from tui.widgets.bars import bars
from tui.widgets.facts import Facts
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.panes import Panes
from tui.widgets.safe_cells import cell, content, lines
from tui.widgets.viewer import Enlarged
from tui.widgets.xray import Way, Xray, heat_scale
from tui.words.recipe_terms import in_recipe_terms

COLUMNS = (
    Column("", "wrong"), Column(tr("file"), "file", least=10, middle=True), Column(tr("truth"), "truth", least=6),
    Column(tr("said"), "said", least=6), Column(tr("sure"), "sure", right=True),
)  # fmt: skip
MOST = 500
"""So many images are listed."""


class AnswerTable(FittedTable):
    """The list."""

    HELP = tr(
        "The test images, worst first: the mistakes that the model was surest of, then what it got "
        "right but was least sure of. The sign marks the mistakes. Up and down show the picture; g "
        "lays the heat on it, which says where the model looks (HiResCAM); p asks a model, c "
        "copies the path."
    )
    BINDINGS: ClassVar[list[BindingType]] = []


class Mistakes(Panes):
    """List and picture. `path` is the image under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "heat", tr("Heat"), id="results.heat", tooltip=tr("Where the model looks (HiResCAM), and back.")),
    ]

    def __init__(self, session: Session, way: Way, abilities: Abilities, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._session, self._way, self._abilities = session, way, abilities
        self._folder = Path()
        self._answers: list[Answer] = []
        self.path: Path | None = None
        self._run: Run | None = None
        self._side = network_side(None)
        self._hot = False
        self._picture: Picture | None = None
        self._warm: Heated | None = None
        """What lies over the picture."""

    def compose(self) -> ComposeResult:
        """The list beside the picture."""
        with Vertical(classes="pane", id="list-pane"):
            yield AnswerTable(*COLUMNS, id="answers")
            yield Static(id="no-answers", classes="muted")
        with Vertical(classes="pane", id="mistake-pane"):
            yield Xray(self._way, self._abilities, id="mistake")
            yield Facts(id="mistake-facts")

    def on_mount(self) -> None:
        """Titles."""
        self.query_one("#list-pane").border_title = tr("Worst first")
        self.query_one("#mistake-pane").border_title = tr("Picture")

    @property
    def table(self) -> AnswerTable:
        """The list."""
        return self.query_one(AnswerTable)

    def show(self, run: Run, config: TrainConfig | None) -> None:
        """List this run's answers on its test part; `config` is its recipe, where that can be read."""
        self._run, self._side = run, network_side(config)
        self._fill([], Path(), tr("Reading the predictions ..."))
        self._session.start("mistakes", tr("reading the predictions"), partial(_load, run), self._loaded, self._failed)

    def _loaded(self, found: tuple[list[Answer], Path]) -> None:
        self._fill(*found, tr("The run's predictions.csv lists no image."))

    def _failed(self, error: Exception) -> None:
        self._fill([], Path(), in_recipe_terms(error))

    def _fill(self, answers: list[Answer], folder: Path, empty: str) -> None:
        self._answers, self._folder, self.path, self._picture = answers[:MOST], folder, None, None
        self._session.cancel("heat")
        wrong = sum(answer.wrong for answer in answers)
        mistakes, images = counted(wrong, "mistake"), counted(len(answers), "image")
        self.query_one("#list-pane").border_title = (
            tr("Worst first: {mistakes} in {images}, {most} of them here", mistakes=mistakes, images=images, most=MOST)
            if len(answers) > MOST
            else tr("Worst first: {mistakes} in {images}", mistakes=mistakes, images=images)
        )
        self.query_one("#no-answers", Static).update(content("" if answers else empty))
        self.table.display, self.query_one("#no-answers").display = bool(answers), not answers
        self.query_one(Xray).show(None)
        self.query_one("#mistake-facts", Facts).update("")
        self.query_one("#mistake-pane").border_title = tr("Picture")
        beware = self._session.glyphs.beware
        rows = [
            (
                cell(beware if answer.wrong else " "), cell(Path(answer.file).name), cell(answer.truth),
                cell(answer.said), cell(f"{answer.sure:.1%}", right=True),
            )
            for answer in self._answers
        ]  # fmt: skip
        self.table.fill(rows, [answer.file for answer in self._answers])

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the picture."""
        event.stop()
        place = self.table.place_of(event.cursor_row)
        if not 0 <= place < len(self._answers):
            return
        answer = self._answers[place]
        self.path, self._picture = self._folder / answer.file, None
        self._session.cancel("heat")
        self._see(None)
        self._facts(answer, "")
        self._session.start(
            "mistake", tr("reading a picture"), partial(read_picture, self.path, self._side),
            partial(self._show, answer), partial(self._missing, answer),
        )  # fmt: skip
        self.screen.refresh_bindings()

    def _show(self, answer: Answer, picture: Picture) -> None:
        self._picture = picture
        self._see(None)
        self.screen.refresh_bindings()
        if self._hot:
            self._ask(answer, picture)

    def _see(self, heated: Heated | None) -> None:
        """The picture, with heat or without, under what it is called."""
        self._warm = heated
        pane, name = self.query_one("#mistake-pane"), self.path.name if self.path else ""
        pane.border_title = content(
            tr("Where it looked: {target}, {name}", target=heated.explanation.target, name=name)
            if heated
            else tr("X-ray {name}", name=name)
        )
        pane.border_subtitle = heat_scale(self.app, self._way) if heated else ""
        if self._picture:
            self.query_one(Xray).show(self._picture.shown, heated.explanation.heat if heated else None)

    def enlarged(self) -> Enlarged | None:
        """The picture under the cursor, with what lies over it; None where it could not be read."""
        picture, heat = self._picture, self._warm.explanation if self._warm else None
        if picture is None:
            return None
        return Enlarged(
            picture.path.name, picture.shown, heat.heat if heat else None, heat.target if heat else "", picture.mask
        )

    def _missing(self, answer: Answer, error: Exception) -> None:
        self.query_one(Xray).show(None)
        self._facts(answer, in_recipe_terms(error))

    def action_heat(self) -> None:
        """Lay the heat on the picture, or take it off; the next pictures are shown alike."""
        self._hot = not self._hot
        self._session.cancel("heat")
        if self._picture is None:
            return
        answer = self._answers[self.table.place]
        self._see(None)
        self._facts(answer, "")
        if self._hot:
            self._ask(answer, self._picture)

    def _ask(self, answer: Answer, picture: Picture) -> None:
        if self._run is None:
            return
        work = partial(self._session.models.heat, self._run, picture.path, picture.shown)
        done, failed = partial(self._heated, answer), partial(self._unheated, answer)
        self._session.start("heat", tr("asking where the model looks"), work, done, failed)

    def _heated(self, answer: Answer, heated: Heated) -> None:
        self._see(heated)
        self._facts(answer, "", in_recipe_terms(heated.sentence))

    def _unheated(self, answer: Answer, error: Exception) -> None:
        self._facts(answer, "" if isinstance(error, Stopped) else in_recipe_terms(error))

    def _facts(self, answer: Answer, trouble: str, heat: str = "") -> None:
        verdict = tr("truth {truth}, said {said}: wrong") if answer.wrong else tr("truth {truth}, said {said}: right")
        first = content(verdict.format(truth=answer.truth, said=answer.said), "bold" if answer.wrong else "")
        rows = []
        if answer.shares != answer.own:
            rows.append(
                content(
                    tr("before calibration: {said} {share:.1%}", said=answer.said, share=answer.own[answer.said]),
                    "$foreground-muted",
                )
            )
        rows.append(content(trouble, "$error") if trouble else content(answer.file, "$foreground-muted"))
        if heat:
            rows.append(content(heat))

        def drawn(width: int) -> Content:
            return lines([first, *bars(answer.shares, answer.said, self._session.glyphs, max(24, width)), *rows])

        self.query_one("#mistake-facts", Facts).draw(drawn)


def _load(run: Run, context: Context) -> tuple[list[Answer], Path]:
    return worst_first(run), run.folder()
