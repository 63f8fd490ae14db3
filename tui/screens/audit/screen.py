"""Screen 7: does the recipe learn from the lungs? An audit started, followed and stopped; earlier ones opened again."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from engine.base.errors import CovidTuiError
from engine.base.events import Audited
from engine.base.language import tr
from engine.base.wording import counted, listing
from engine.evaluation.headline import percent
from engine.recipe.plans import AuditPlan
from tui.screens.audit.text import (
    FINDINGS,
    NO_XRAYS,
    NONE_SHOWN,
    NOT_LIVE,
    accuracy,
    course,
    state_of,
    written_on,
)
from tui.screens.audit.variant_pictures import Views
from tui.screens.audit.verdict import Verdict
from tui.screens.pictures import PictureScreen
from tui.state.audit_job import AuditJob, ends, kept_audits
from tui.state.messages import JobChanged
from tui.widgets.bars import whiskers
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.form import Form
from tui.widgets.panes import Panes
from tui.widgets.question_dialog import Answer, Ask
from tui.widgets.safe_cells import cell, content, lines
from tui.widgets.viewer import Enlarged
from tui.words.numbers import duration

if TYPE_CHECKING:
    from engine.audit.verdict import Audit

NARROWEST_BAR, WIDEST_BAR = 10, 80
COLUMNS = (
    Column(tr("shown"), "shown", least=24),
    Column(tr("0% to 100%"), "bar", rank=2, least=NARROWEST_BAR, most=WIDEST_BAR),
    Column(tr("accuracy (95%)"), "accuracy", right=True), Column(tr("state"), "state", rank=1),
)  # fmt: skip
EARLIER = (Column(tr("finding"), "finding", least=10), Column(tr("name"), "name", least=8, middle=True))
BAR, LIST = 20, "audits"
STOP = Answer("k", tr("Stop after the batch at hand; what is computed is kept for the next audit"), "stop")
GO_ON = Answer("g", tr("Go on"), "")


class VariantTable(FittedTable):
    """The variants; their bars take the room that is left."""

    HELP = tr(
        "The same training on whole images and on parts of them. A bar ends in the 95% interval of "
        'its accuracy; the sign "|" is what always naming the most frequent class would get; last '
        "stands how many answers are right, of how many. What "
        "is left without the lungs is no medicine, and shuffled labels should get no more than "
        "chance."
    )


class AuditScreen(PictureScreen):
    """What to audit on the left; the variants, the verdict and their pictures on the right."""

    MODE = "audit"
    CSS_PATH = "audit.tcss"
    HELP = tr(
        "The recipe is trained on whole images, on the lungs alone, without them, on the border, a "
        "thumbnail, the mask's outline and shuffled labels: if what is left without the lungs "
        "gives the same accuracy, it is a shortcut. Data and network are those of the other "
        "screens; the form says how much is trained."
    )
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "start", tr("Start"), id="audit.start", tooltip=tr("Audit the recipe on the open data.")),
        Binding("s", "stop", tr("Stop"), id="audit.stop", tooltip=tr("Stop the audit under way: you are asked.")),
        Binding("e", "setup", tr("Setup"), id="audit.setup",
                tooltip=tr("To what is audited and earlier audits, and back.")),
        Binding("v", "views", tr("Pictures"), id="audit.views",
                tooltip=tr("To the pictures of the variants, and back.")),
        Binding("n", "step(1)", tr("Next X-ray"), id="audit.next", tooltip=tr("The variants of the next X-ray.")),
        Binding("N,shift+n", "step(-1)", tr("X-ray before"), key_display="N", id="audit.previous", show=False,
                tooltip=tr("The variants of the X-ray before.")),
        Binding("k", "next_class", tr("Class"), id="audit.class",
                tooltip=tr("The variants of an X-ray of the next class.")),
        Binding("c", "copy", tr("Copy"), id="audit.copy",
                tooltip=tr("Copy the table of variants, or the audit's path.")),
    ]  # fmt: skip
    _plan = AuditPlan()
    _shown: "AuditJob | tuple[Path, Audit] | None" = None
    _drawn: object = None
    _seen = False
    """Did anybody see which audit is shown? Until then that is the newest."""
    _kept: "list[tuple[Path, Audit]]" = []  # noqa: RUF012  (never changed in place)

    def __init__(self) -> None:
        super().__init__("-setup")

    def body(self) -> Iterable[Widget]:
        """Budget, data and earlier audits beside variants, progress, verdict and pictures."""
        with Panes(classes="columns"):
            with Panes(id="left"):
                yield Form(self._plan, id="budget").add_class("pane")
                with Panes(id="sources"):
                    yield Static(id="what", classes="pane")
                    yield FittedTable(*EARLIER, show_header=False, id="earlier", classes="pane")
            with Panes(id="outcome"):
                yield VariantTable(*COLUMNS, id="variants", classes="pane")
                yield Static(id="progress")
                with VerticalScroll(id="verdict-pane", classes="pane"):
                    yield Verdict(id="verdict")
                yield Views(self.session, self.workbench.picture_way, self.workbench.abilities, id="views")

    def on_mount(self) -> None:
        """Titles, and a clock for the time left."""
        for name, title in (
            ("#budget", tr("Trainings")), ("#what", tr("Data and recipe")), ("#earlier", tr("Audits on disk")),
            ("#verdict-pane", tr("Verdict")),
        ):  # fmt: skip
            self.query_one(name).border_title = title
        self.query_one(Form).show(self._plan)
        self._shown = self.session.audit
        self._show()
        self._list()
        self.query_one("#budget FieldTable").focus()
        self.set_interval(1.0, self._tick)

    def on_screen_resume(self) -> None:
        """Another process may have written an audit."""
        if LIST not in self.session.jobs:
            self._list()

    def _tick(self) -> None:
        if isinstance(self._shown, AuditJob) and self._shown.alive and self.workbench.current_mode == self.MODE:
            self._progress()

    def data_changed(self) -> None:
        """Say what would be audited."""
        self._what()
        self.query_one(Views).data_changed()

    def config_changed(self) -> None:
        """The recipe is part of it."""
        self._what()

    def run_changed(self, message: object) -> None:
        """A training's end lets an audit begin."""
        self._what()

    def job_changed(self, message: JobChanged) -> None:
        """The audit is further, or over."""
        if message.job.group == AuditJob.GROUP:
            self._show()
            self._what()
            if message.job.over:
                self._list()

    # What is shown

    def _what(self) -> None:
        session = self.session
        scan, network = session.scan, session.config.network
        rows = [content(session.data.name or session.data if session.data else tr("no data chosen"), "bold")]
        if scan:
            classes = listing(f"{name} {summary.images:,}" for name, summary in scan.classes.items())
            masks = sum(summary.masks for summary in scan.classes.values())
            images = counted(len(scan.records), "image")
            told = (
                tr("{images}, {masks:,} with lung masks", images=images, masks=masks)
                if masks
                else tr("{images}, no lung masks: a rectangle stands in", images=images)
            )
            rows += [content(classes), content(told)]
        auto = session.config.way == "auto"
        layers = f" ({network.unfreeze})" if network.unfreeze and not auto else ""
        way, seed = f"{session.config.way}{layers}", session.config.machine.seed
        rows.append(content(tr("{network}, {way}, seed {seed}", network=network.backbone, way=way, seed=seed)))
        if auto:
            rows.append(
                content(tr("For a linear head only folds and class weight of the above count."), "$foreground-muted")
            )
        reason = session.cannot_audit()
        rows.append(content(reason, "$warning") if reason else content(tr("r starts the audit."), "$foreground-muted"))
        self.query_one("#what", Static).update(lines(rows))

    def _list(self) -> None:
        self.session.start(LIST, tr("reading the audits"), partial(kept_audits, self.session.runs), self._listed)

    def _listed(self, read: "tuple[list[tuple[Path, Audit]], list[str]]") -> None:
        kept, troubles = read
        self.warn_of_new(troubles)
        self._kept = kept
        rows = [(cell(FINDINGS[audit.finding], "bold"), cell(path.name)) for path, audit in kept]
        self.query_one("#earlier", FittedTable).fill(rows)
        seen, self._seen = self._seen, self._seen or self.workbench.current_mode == self.MODE
        newer = kept and not seen and isinstance(self._shown, tuple) and self._shown[0] != kept[0][0]
        if kept and (self._shown is None or newer):
            self._shown = kept[0]
            self.set_narrow(False, "-setup")
            self._show()

    def _show(self) -> None:
        variants, audit = self._variants()
        self._table(variants, audit)
        self._progress()
        self._verdict(audit)

    def _variants(self) -> "tuple[list[Audited], Audit | None]":
        shown = self._shown
        if isinstance(shown, AuditJob):
            return list(shown.variants.values()), shown.result
        return (ends(shown[1]), shown[1]) if shown else ([], None)

    def _table(self, variants: list[Audited], audit: "Audit | None") -> None:
        table = self.query_one(VariantTable)
        table.border_title = content(self._title(audit))
        now = self._shown.now if isinstance(self._shown, AuditJob) else None
        key = (tuple(variants), now, audit)
        if key == self._drawn:
            return  # each image that is read is told, and moves the line of progress alone
        self._drawn = key
        rows = []
        for one in variants:
            style = "bold" if one is now else ""
            bar = partial(_bar, one, audit.baseline if audit else None)
            state = cell(state_of(one, one is now), style)
            rows.append((cell(one.title, style), bar, cell(accuracy(one), "bold", right=True), state))
        table.fill(rows)

    def _title(self, audit: "Audit | None") -> str:
        if audit is None:
            return tr("Variants") if self._shown is None else tr("Audit of {name}", name=self._folder().name)
        text = (
            tr("Audit of {folder}: {images} each tested once, | always {usual} {baseline}")
            if audit.folds > 1
            else tr("Audit of {folder}: {images} tested, | always {usual} {baseline}")
        )
        return text.format(
            folder=audit.folder.name or audit.folder, images=counted(sum(audit.tested.values()), "image"),
            usual=audit.baseline_class, baseline=percent(audit.baseline),
        )  # fmt: skip

    def _folder(self) -> Path:
        return self._shown.folder if isinstance(self._shown, AuditJob) else Path()

    def _progress(self) -> None:
        box, glyphs, shown = self.query_one("#progress", Static), self.session.glyphs, self._shown
        rows: list[Content] = []
        box.set_class(isinstance(shown, tuple), "-kept")
        if isinstance(shown, tuple):
            path, audit = shown
            text = tr(
                "{name}, of {day}, took {duration}",
                name=path.name, day=written_on(path), duration=duration(audit.seconds),
            )  # fmt: skip
            rows.append(content(text, "$foreground-muted"))
        elif shown is not None:
            rows = course(shown, glyphs.bar(shown.done / max(1, shown.total), BAR))
            signs = {"finished": glyphs.finished, "stopped": glyphs.stopped, "failed": glyphs.failed}
            if shown.state == "finished" and shown.path and shown.result:
                took = duration(shown.result.seconds)
                text = tr("done in {duration}; kept as {name}", duration=took, name=shown.path.name)
                rows.append(content(f"{signs[shown.state]} {text}", "bold $success"))
            elif not shown.alive:
                style = "bold $error" if shown.state == "failed" else "$warning"
                rows.append(content(f"{signs[shown.state]} {shown.error}", style))
            if shown.warnings and len(rows) < 2:
                rows.append(content(f"{glyphs.beware} {shown.warnings[-1]}", "$warning"))
        box.update(lines(rows), layout=False)

    def _verdict(self, audit: "Audit | None") -> None:
        wanted = tr("The verdict comes when all variants are done.") if self._shown else tr("No audit is shown.")
        self.query_one(Verdict).show(audit, wanted)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there is room, the pictures are always in sight."""
        if action == "views" and not self.has_class("-narrow"):
            return False
        return super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """What can't be done while an audit is under way, or while none is."""
        live = self.session.audit is not None and self.session.audit.alive
        if action == "start":
            return self.session.cannot_audit()
        if action == "stop":
            return "" if live else NOT_LIVE
        if action == "enlarge" and self.is_mounted and self.enlarged() is None:
            return NO_XRAYS
        if action.startswith(("step", "next_class")):
            return "" if self.session.scan else NO_XRAYS
        return NONE_SHOWN if action == "copy" and self._shown is None else super().why_not(action)

    def on_form_changed(self, event: Form.Changed) -> None:
        """Another budget."""
        self._plan = AuditPlan(event.value)
        self.query_one(Form).show(self._plan)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open an earlier audit."""
        listed = event.data_table
        if listed.id == "earlier" and isinstance(listed, FittedTable):
            self._open(self._kept[listed.place_of(event.cursor_row)])

    def _open(self, shown: "AuditJob | tuple[Path, Audit]") -> None:
        self._shown = shown
        self.set_narrow(False, "-setup", "-views")
        self.query_one("#verdict-pane").scroll_home(animate=False)
        self.query_one(VariantTable).focus()
        self.call_after_refresh(self._show)
        self.refresh_bindings()

    def action_start(self) -> None:
        """Audit, or say why not."""
        try:
            self.session.begin_audit(self._plan.audit)
        except CovidTuiError as error:
            self.session.complain(error)
            return
        if self.session.audit:
            self._open(self.session.audit)

    def action_stop(self) -> None:
        """Ask, then stop."""
        self.app.push_screen(Ask(tr("Stop the audit?"), (STOP,), GO_ON), self._stop)

    def _stop(self, answer: str | None) -> None:
        if answer == "stop":
            self.session.cancel(AuditJob.GROUP)

    def action_setup(self) -> None:
        """To the form and the list, or back to what is shown; where nothing is under way in sight, to that."""
        audit = self.session.audit
        away = self.has_class("-setup") if self.has_class("-narrow") else self.query_one("#left").has_focus_within
        if away and audit and audit.alive and self._shown is not audit:
            self._open(audit)
            return
        self.set_narrow(False, "-views")
        self.set_narrow(not away, "-setup")
        self.call_after_refresh(self.query_one(VariantTable if away else "#budget FieldTable").focus)

    def action_views(self) -> None:
        """The pictures in place of the rest, and back."""
        self.set_narrow(False, "-setup")
        self.set_narrow(not self.has_class("-views"), "-views")
        self.call_after_refresh(self._show)

    def action_step(self, by: int) -> None:
        """Another X-ray."""
        self._to_views()
        self.query_one(Views).step(by)

    def pictures(self) -> tuple[list[Enlarged], int]:
        """The pictures of the variants, and the place of the one in focus."""
        views = self.query_one(Views)
        return views.enlarged, views.at_hand

    def enlarged(self) -> Enlarged | None:
        """The picture in focus."""
        pictures, place = self.pictures()
        return pictures[place] if pictures else None

    def action_next_class(self) -> None:
        """An X-ray of another class."""
        self._to_views()
        self.query_one(Views).next_class()

    def _to_views(self) -> None:
        """To the pictures, where the screen is too narrow to show them all the time."""
        if self.has_class("-narrow") and not self.has_class("-views"):
            self.action_views()

    def action_copy(self) -> None:
        """The table where it has the focus, else the audit's path."""
        path = self._shown[0] if isinstance(self._shown, tuple) else self._shown.path if self._shown else None
        if path and self.focused is not self.query_one(VariantTable):
            self.workbench.copy(str(path), tr("the audit's path"))
            return
        variants = self._variants()[0]
        rows = [(one.title, str(one.correct), str(one.n), accuracy(one)) for one in variants]
        self.workbench.copy_table(
            [(tr("shown"), tr("right"), tr("images"), tr("accuracy (95%)")), *rows], tr("the table of variants")
        )


def _bar(one: Audited, baseline: float | None, width: int) -> Text:
    """A variant's accuracy as a bar, empty before there is one."""
    return cell(whiskers(one.correct / one.n, one.accuracy_ci, baseline, width) if one.accuracy_ci else "")


SCREEN = AuditScreen
