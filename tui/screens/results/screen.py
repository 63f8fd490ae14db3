"""Screen 5: how good a run is: accuracy with interval and baseline, what each class gets, and the worst mistakes."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.auto.curve import LearningCurve, read_curve
from engine.base.errors import CovidTuiError, RunError
from engine.base.events import Finished
from engine.base.language import marked, tr
from engine.base.result import Measures, Tested
from engine.base.wording import listing
from engine.evaluation.headline import Headline
from engine.runs.directory import Run
from engine.runs.watch import Entry
from tui.screens.pictures import PictureScreen
from tui.screens.results.confusion import Confusion
from tui.screens.results.mistakes import Mistakes
from tui.screens.results.more_images import learning_table
from tui.screens.results.plots import plots_of
from tui.screens.results.text import (
    END_OF_SCALE,
    NEWEST,
    NO_CURVE,
    NO_MISTAKE,
    NO_SCALE,
    NONE_TESTED,
    OF_A_RESULT,
    OLDEST,
)
from tui.screens.results.worth import Worth, worth_by_prevalence
from tui.widgets.bars import span
from tui.widgets.curves import Plot
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.panes import Panes
from tui.widgets.pick_dialog import PickRun
from tui.widgets.plot_dialog import PlotView
from tui.widgets.safe_cells import cell, content, lines, number
from tui.widgets.table_dialog import Listing
from tui.widgets.viewer import Enlarged
from tui.words.event_text import kept
from tui.words.headline import headline
from tui.words.numbers import as_number, as_share, duration
from tui.words.recipe_terms import in_recipe_terms
from tui.words.worth import worth_line

if TYPE_CHECKING:
    from engine.base.batch_result import AtPrevalence

MEASURES = ((marked("sensitivity"), marked("specificity")), (marked("precision"), "F1"), ("AUC", "MCC"))
"""Columns by class that are shown together: so many fit a narrow screen with their intervals."""
SHARES = ("sensitivity", "specificity", "precision")
MACRO = tr("mean of classes")
ENDED = {"all epochs": tr("all epochs done"), "patience": tr("ended by patience"), "stopped": tr("stopped by hand"),
         "ladder": tr("all rungs tried")}  # fmt: skip


class ResultsScreen(PictureScreen):
    """The result of one tested run."""

    MODE = "results"
    CSS_PATH = "results.tcss"
    HELP = tr(
        "How good a run is on images that it never saw. The test part is opened once, after "
        "training. An interval says what so many images allow to claim; the baseline is what "
        "always giving the most frequent class would get."
    )
    AUTO_FOCUS = "#answers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "pick", tr("Run"), id="results.run", tooltip=tr("Choose the run to look at.")),
        Binding("n", "step(1)", tr("Older"), id="results.older",
                tooltip=tr("The result of the next older tested run.")),
        Binding(
            "N,shift+n", "step(-1)", tr("Newer"), key_display="N", id="results.newer",
            tooltip=tr("The result of the next newer tested run."),
        ),
        Binding("m", "turn_view", tr("Mistakes"), id="results.mistakes",
                tooltip=tr("To the list of mistakes, and back.")),
        Binding("t", "turn_measures", tr("Measures"), id="results.measures",
                tooltip=tr(
                    "The next two measures by class: sensitivity and specificity, precision and F1, AUC and MCC."
                )),
        Binding("h", "more_images", tr("More images"), id="results.more",
                tooltip=tr("What two and four times as many images would bring; of runs by the recipe auto.")),
        Binding("plus,equals_sign", "prevalence(1)", tr("More frequent"), key_display="+", id="results.more-frequent",
                tooltip=tr("What answers are worth where the class is more frequent: PPV and NPV at a prevalence.")),
        Binding("minus", "prevalence(-1)", tr("Rarer"), key_display="-", id="results.rarer",
                tooltip=tr("The same where it is rarer.")),
        Binding("Z,shift+z,g", "plots", tr("Plots"), key_display="Z", id="results.plots",
                tooltip=tr("ROC curves, reliability, and what more images would bring, on the whole screen.")),
        Binding("p", "predict", tr("Predict"), id="results.predict", tooltip=tr("Ask this run about the image.")),
        Binding("c", "copy", tr("Copy"), id="results.copy",
                tooltip=tr("Copy the image's path, or the table in focus.")),
    ]  # fmt: skip
    _shown: tuple[object, ...] = ()
    _measures = 0
    _worth: "tuple[AtPrevalence, ...]" = ()
    """What answers of the shown run are worth, by prevalence; empty while that is not known."""
    _place = 0

    def body(self) -> Iterable[Widget]:
        """The verdict above the tables above the mistakes."""
        with Panes():
            yield Static(classes="pane", id="verdict")
            with Panes(id="tables", classes="columns"):
                with Vertical(classes="pane", id="confusion-pane"):
                    yield Confusion(self.session.glyphs, id="confusion")
                with Vertical(classes="pane", id="classes-pane"):
                    yield FittedTable(id="classes")
            yield Mistakes(self.session, self.workbench.picture_way, self.workbench.abilities, id="mistakes")

    def on_mount(self) -> None:
        """Titles and columns."""
        self.query_one("#verdict").border_title = tr("Test")
        self.query_one("#confusion-pane").border_title = tr("Truth in rows, said in columns")
        self.query_one("#classes-pane").border_title = tr("By class")

    def enlarged(self) -> Enlarged | None:
        """The picture of the answer under the cursor."""
        return self.query_one(Mistakes).enlarged()

    def tested(self) -> list[Entry]:
        """The runs that were tested, newest first."""
        return [entry for entry in self.session.library.entries() if entry.test is not None]

    def on_screen_resume(self) -> None:
        """Another screen may have picked a run."""
        self.runs_changed()
        self.call_after_refresh(self._focus_in_sight)

    def on_resize(self) -> None:
        """The interval is as long as there is room; a narrow screen has none for the mistakes."""
        if (now := self._entry()) and now.test and now.view.result and self._shown:
            self._verdict(now, now.view.result, now.test)
        self.call_after_refresh(self._focus_in_sight)

    def _focus_in_sight(self) -> None:
        """Keys must not move what nobody sees."""
        hidden = self.has_class("-narrow") and not self.has_class("-list")
        if hidden and (self.focused is None or self.query_one(Mistakes).has_focus_within):
            self.query_one(Confusion).focus()

    def runs_changed(self) -> None:
        """Show the picked run, the newest tested one when none is."""
        tested, picked = self.tested(), self.session.judged
        place = next((place for place, entry in enumerate(tested) if entry.run.path == picked), None)
        entry = tested[place or 0] if tested else None
        key = (entry.view.result if entry else None, place, len(tested), picked)
        if key == self._shown:
            return
        same = bool(self._shown) and key[0] is self._shown[0]
        self._shown = key
        self.set_class(entry is None, "-none")
        end = entry.view.result if entry else None
        if entry is None or end is None or entry.test is None:
            self.query_one("#verdict").border_title = tr("Test")
            text = tr("No run has been tested yet: a training ends with its test, and then this screen shows it.")
            self.query_one("#verdict", Static).update(content(text))
            return
        self.query_one("#verdict").border_title = content(
            tr("{name} ({place} of {count})", name=entry.run.name, place=(place or 0) + 1, count=len(tested))
        )
        self._verdict(entry, end, entry.test)
        if picked and place is None:
            self.query_one("#verdict").border_subtitle = tr("the picked run has no result; this is the newest")
        else:
            self.query_one("#verdict").border_subtitle = ""
        if not same:
            self._ask_worth(entry, end, entry.test)
            self._tables(entry.test)
            self.query_one(Mistakes).show(Run(entry.run.path), entry.config)

    def _verdict(self, entry: Entry, end: Finished, test: Tested) -> None:
        low, high = test.accuracy_ci
        rows = [content(headline(tr("test"), test), "bold")]
        room = max(20, min(76, self.size.width - 30))
        line = span(low, test.accuracy, high, test.baseline, room)
        rows.append(Content.assemble(line, content(f"  | {tr('baseline')}", "$foreground-muted")))
        judged = tr("out of fold") if end.unit == "rung" else tr("validation")
        text = tr("{headline}, loss {loss}", headline=headline(judged, end.val), loss=as_number(end.val.loss, 4))
        rows.append(content(text))
        mode = entry.config.way if entry.config else tr("unreadable recipe")
        facts = [mode, kept(end), ENDED[end.ended], duration(end.seconds)]
        facts += [f"AUC {_three(test.auc)}", tr("loss {loss}", loss=as_number(test.loss, 4))]
        rows.append(content(listing(facts), "$foreground-muted"))
        if curve := self._curve(entry):
            text = tr("How many more images? {sentence}", sentence=in_recipe_terms(curve.sentence))
            rows.append(content(text, "$foreground-muted"))
        if self._worth:
            rows.append(content(f"{worth_line(self._worth[self._place])}  - +"))
        if not Headline.of(test).beats_baseline:
            text = tr(
                "{beware} Not shown to be better than always saying {baseline_class}.",
                beware=self.session.glyphs.beware,
                baseline_class=test.baseline_class,
            )
            rows.append(content(text, "bold $warning"))
        if only := test.only_answer:
            text = tr(
                "{beware} Says {only} for every image: it does not tell the classes apart.",
                beware=self.session.glyphs.beware,
                only=only,
            )
            rows.append(content(text, "bold $warning"))
        self.query_one("#verdict", Static).update(lines(rows))

    def _ask_worth(self, entry: Entry, end: Finished, test: Tested) -> None:
        """Work out PPV and NPV, which loads SciPy; they are shown when they are there."""
        self._worth = ()

        def show(found: Worth) -> None:
            if self._shown and self._shown[0] is end:
                self._worth, self._place = found
                self._verdict(entry, end, test)
                self.refresh_bindings()

        if test.operating:
            self.session.start(
                "worth", tr("working out what answers are worth"), partial(worth_by_prevalence, test), show
            )

    def action_prevalence(self, by: int) -> None:
        """The next higher or lower prevalence."""
        now = self._entry()
        if now and now.test and now.view.result and self._worth:
            self._place = min(max(0, self._place + by), len(self._worth) - 1)
            self._verdict(now, now.view.result, now.test)
            self.refresh_bindings()

    def _tables(self, test: Tested) -> None:
        names = tuple(test.classes)
        self.query_one(Confusion).show(names, test.confusion)
        for few in (2, 3, 4):
            self.query_one("#tables").set_class(len(names) == few, f"-of{few}")
        self._by_class(test)

    def _by_class(self, test: Tested) -> None:
        classes = self.query_one("#classes", FittedTable)
        pair = MEASURES[self._measures]
        (label, images, *titles), *rows = class_rows(test, pair)
        named, counted = Column(label, "class", least=8), Column(images, "images", rank=1, right=True)
        measures = [Column(title, name, right=True) for title, name in zip(titles, pair, strict=True)]
        classes.offer(named, counted, *measures)
        styles = ["bold" if place == len(test.classes) else "" for place in range(len(rows))]
        classes.fill(
            [
                (cell(row[0], style), *(cell(text, style, right=True) for text in row[1:]))
                for row, style in zip(rows, styles, strict=True)
            ]
        )
        self.query_one("#classes-pane").border_title = tr(
            "By class: {one} and {other} ({place} of {count})",
            one=tr(pair[0]), other=tr(pair[1]), place=self._measures + 1, count=len(MEASURES),
        )  # fmt: skip

    def _entry(self) -> Entry | None:
        tested = self.tested()
        return next((entry for entry in tested if entry.run.path == self.session.judged), next(iter(tested), None))

    def action_step(self, by: int) -> None:
        """Another run's result."""
        tested, now = self.tested(), self._entry()
        if now:
            place = min(max(0, tested.index(now) + by), len(tested) - 1)
            self.session.judged = tested[place].run.path
            self.runs_changed()

    def action_pick(self) -> None:
        """Choose among the tested runs."""
        now = self._entry()
        self.app.push_screen(
            PickRun(tr("Whose result?"), self.tested(), now.run.path if now else None), self._picked
        )  # fmt: skip

    def _picked(self, path: Any) -> None:
        if path:
            self.session.judged = path
            self.runs_changed()

    def action_turn_view(self) -> None:
        """To the mistakes and back; where the screen is narrow, they take the tables' place."""
        mistakes = self.query_one(Mistakes)
        to_list = not (self.has_class("-list") if self.has_class("-narrow") else mistakes.has_focus_within)
        self.set_narrow(to_list, "-list")
        self.call_after_refresh((mistakes.table if to_list else self.query_one(Confusion)).focus)

    def action_turn_measures(self) -> None:
        """The next measures by class."""
        now = self._entry()
        if now and now.test:
            self._measures = (self._measures + 1) % len(MEASURES)
            self._by_class(now.test)

    def _curve(self, entry: Entry) -> LearningCurve | None:
        """What more images would bring; none where that can't be read."""
        try:
            return read_curve(Run(entry.run.path))
        except RunError:
            return None

    def action_more_images(self) -> None:
        """The learning curve as a table, and what was not checked."""
        now = self._entry()
        if now and (curve := self._curve(now)):
            self.app.push_screen(Listing(learning_table(curve)))

    def action_plots(self) -> None:
        """The curves of the test on the whole screen."""
        now = self._entry()
        if now is None:
            return
        try:
            plots = plots_of(Run(now.run.path))
        except CovidTuiError as error:
            self.session.complain(error)
            return
        if plots:
            self.app.push_screen(PlotView([partial(_same, plot) for plot in plots], now.run.name))
        else:
            self.workbench.say(tr("{name} was tested by an earlier version, which kept no curves.", name=now.run.name))

    def action_predict(self) -> None:
        """Ask a model about the image under the cursor."""
        now = self._entry()
        if now and (path := self.query_one(Mistakes).path):
            self.session.picture, self.session.asked = path, now.run.path
            self.app.switch_mode("predict")

    def action_copy(self) -> None:
        """The path of the image, or the table that has the focus."""
        entry, focused = self._entry(), self.focused
        if entry is None or entry.test is None:
            return
        if focused is self.query_one(Confusion):
            self.workbench.copy_table(self.query_one(Confusion).table(), tr("the confusion matrix"))
        elif focused is self.query_one("#classes"):
            rows = class_rows(entry.test, [name for pair in MEASURES for name in pair])
            self.workbench.copy_table(rows, tr("the table by class, all measures"))
        elif path := self.query_one(Mistakes).path:
            self.workbench.copy(str(path), tr("the image's path"))

    def why_not(self, action: str) -> str:
        """What there is nothing for."""
        name, tested, now = action.partition("(")[0], self.tested(), self._entry()
        if name in OF_A_RESULT and (now is None or not tested):
            return NONE_TESTED
        by = -1 if action.endswith("(-1)") else 1
        if name == "step" and now and not 0 <= tested.index(now) + by < len(tested):
            return OLDEST if by > 0 else NEWEST
        if name == "prevalence" and not 0 <= self._place + by < len(self._worth):
            return END_OF_SCALE if self._worth else NO_SCALE
        if name == "more_images" and now and self._curve(now) is None:
            return NO_CURVE
        if name == "predict" and self.query_one(Mistakes).path is None:
            return NO_MISTAKE
        return super().why_not(action)


def _same(plot: Plot) -> Plot:
    return plot


def class_rows(test: Tested, measures: Iterable[str]) -> list[tuple[str, ...]]:
    """The measures of each class against the rest and their means, each with its interval, under the columns' names.

    A result from before a measure was taken has a dash for it.
    """
    names = tuple(measures)
    rows = [(tr("class"), tr("images"), *(tr("{name} (95%)", name=tr(name)) for name in names))]
    every: list[tuple[str, int, Measures]] = [(label, own.n, own) for label, own in test.classes.items()]
    for label, n, own in [*every, (MACRO, test.n, test.macro)] if test.macro != Measures() else every:
        rows.append((label, number(n).plain, *(_measured(own, name) for name in names)))
    return rows


def _measured(own: Measures, name: str) -> str:
    value, ends = own.measured(name.lower())
    if name in SHARES:
        return as_share(value, ends, 0)
    if value is None or not ends:
        return _three(value)
    return tr("{value} ({low:.2f} to {high:.2f})", value=_three(value), low=ends[0], high=ends[1])


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


SCREEN = ResultsScreen
