"""Some runs beside each other: the report's four charts, and what differs in recipe and result.

A ladder's rungs stand where another run's epochs do; they are judged out of fold, so there is no curve of its training.
"""

import re
from collections.abc import Callable, Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.widgets import Static

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.language import tr
from engine.base.wording import noun
from engine.recipe.fields import parts
from engine.runs.watch import Entry
from tui.widgets.curves import FRAME, Curve, Curves
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.panes import Panes
from tui.widgets.safe_cells import cell, content
from tui.words.headline import accuracy
from tui.words.numbers import as_share, duration
from tui.words.safe_text import display_name

SIGNS = "ABCDEF"
COLOURS = ("primary", "warning", "success", "error", "accent", "secondary")
CHARTS = {
    "loss": tr("training loss"), "accuracy": tr("training accuracy"), "val_loss": tr("validation loss"),
    "val_accuracy": tr("validation accuracy"),
}  # fmt: skip
OF_RUNGS = {"val_loss": "loss", "val_accuracy": "accuracy"}
"""What a rung has in place of what an epoch has."""
EMPTY, NO_TRAINING_CURVE = tr("no epoch yet"), tr("a ladder has no curve of its training")
KEPT, DONE = tr("epoch or rung kept"), tr("epochs or rungs")
OF_UNIT = {
    "epoch": {KEPT: tr("epoch kept"), DONE: tr("epochs trained")},
    "rung": {KEPT: tr("rung kept"), DONE: tr("rungs tried")},
}
"""How the same is called where all runs went in epochs, or all by a ladder's rungs."""
NARROWEST = 12
"""Characters to which a run's name and its values may be cut."""


def validation(entry: Entry) -> str:
    """The best validation accuracy, with its interval once the run is finished."""
    return accuracy(entry.view.result.val, "-") if entry.view.result else as_share(entry.view.val_accuracy)


def test(entry: Entry) -> str:
    """The test accuracy with its interval."""
    return accuracy(entry.test, "-")


def seconds(entry: Entry) -> float:
    """How long it trained."""
    return entry.view.seconds or 0.0


def _test_number(entry: Entry, name: str, form: str) -> str:
    value = getattr(entry.test, name, None)
    return "-" if value is None else format(value, form)


def _best(entry: Entry, name: str, form: str) -> str:
    best, kept = entry.view.best, entry.view.kept
    if kept and name in OF_RUNGS:
        return format(getattr(kept, OF_RUNGS[name]), form)
    return format(getattr(best, name), form) if best else "-"


def points(entry: Entry, name: str) -> tuple[list[float], list[float]]:
    """Where a run's epochs, or rungs, lie in the chart of this name."""
    view = entry.view
    if view.unit == "epoch":
        return [float(epoch.epoch) for epoch in view.epochs], [getattr(epoch, name) for epoch in view.epochs]
    rungs = view.rungs if name in OF_RUNGS else []
    return [float(rung.number) for rung in rungs], [getattr(rung, OF_RUNGS[name]) for rung in rungs]


def _started(entry: Entry, name: str, form: str = "") -> str:
    started = entry.view.started
    return format(getattr(started, name), form) if started else "-"


def _frozen_by(entry: Entry) -> str:
    """What computed the frozen layers."""
    engine = entry.view.started.frozen_engine if entry.view.started else None
    return "Keras" if engine in (None, "keras") else str(engine)


def _device(entry: Entry) -> str:
    """The device's name without what its maker adds to each."""
    return " ".join(re.sub(r"\((R|TM)\)|\b(CPU|Processor)\b", "", _started(entry, "device")).split())


RESULTS: tuple[tuple[str, Callable[[Entry], str]], ...] = (
    (tr("state"), lambda entry: tr(entry.view.state)),
    (tr("test"), test),
    (tr("test AUC"), lambda entry: _test_number(entry, "auc", ".3f")),
    (tr("always one class"), lambda entry: as_share(entry.test.baseline if entry.test else None)),
    (tr("validation"), validation),
    (tr("validation loss"), lambda entry: _best(entry, "val_loss", ".4f")),
    (tr("training accuracy"), lambda entry: _best(entry, "accuracy", ".4f")),
    (KEPT, lambda entry: str(entry.view.best_number or "-")),
    (DONE, lambda entry: str(entry.view.done)),
    (tr("time"), lambda entry: duration(seconds(entry))),
    (tr("trained weights"), lambda entry: _started(entry, "trainable", ",")),
    (noun(1, "precision", "precision"), lambda entry: _started(entry, "precision")),
    (tr("frozen layers by"), _frozen_by),
    (tr("device"), _device),
)


def differences(entries: Sequence[Entry]) -> list[tuple[str, list[str]]]:
    """Names and values of the recipe's fields in which the runs differ (one alone: from the usual), then results."""
    rows = []
    if len({entry.folder for entry in entries}) > 1:
        rows.append((tr("data"), [entry.folder for entry in entries]))
    for field in (field for part in parts() for field in part.fields):
        values = [field.value(entry.config) if entry.config else None for entry in entries]
        usual = [field.default] if len(entries) == 1 else []
        if field.name not in ("name", "out") and len({str(value) for value in values + usual}) > 1:
            shown = [
                field.text(v) or "-" if e.config else tr("unreadable") for e, v in zip(entries, values, strict=True)
            ]
            rows.append((field.name.replace("_", " "), shown))
    units = {entry.view.unit for entry in entries}
    said = OF_UNIT[units.pop()] if len(units) == 1 else {}
    return rows + [(said.get(name, name), [tell(entry) for entry in entries]) for name, tell in RESULTS]


def testable(entries: Sequence[Entry]) -> bool:
    """Two finished runs: may one be better than the other?"""
    return len(entries) == 2 and all(entry.view.result for entry in entries)


def verdict(entries: Sequence[Entry], context: Context) -> str:
    """Whether one of two runs is shown to be better on the same test images; empty where that can't be told. For a
    thread: thousands of images take it half a second.
    """
    from engine.evaluation.compare import by_chance, compare_runs

    try:
        found = compare_runs(entries[0].run, entries[1].run, with_auc=False)
    except RunError:
        return ""
    low, high = found.difference_ci
    better = (
        tr("{run} is better", run=SIGNS[0 if found.difference > 0 else 1]) if found.shown else tr("no difference shown")
    )
    return tr(
        "{better}: {chance} (McNemar). A - B {difference:+.1%} ({low:+.1%} to {high:+.1%})",
        better=better,
        chance=by_chance(found.p),
        difference=found.difference,
        low=low,
        high=high,
    )


class Comparison(Panes):
    """Charts beside a table."""

    HELP = tr("The picked runs, or the one under the cursor. A letter stands for a run, in the charts as in the table.")

    def compose(self) -> ComposeResult:
        """Four charts, one table."""
        with Grid(id="charts"):
            for name, title in CHARTS.items():
                limits = (None, 1.0) if "accuracy" in name else (None, None)
                yield Curves(title, y_limits=limits, empty=EMPTY, id=name).add_class("pane")
        with Vertical(classes="pane", id="differences-pane"):
            yield FittedTable(id="differences")
            yield Static("", id="verdict")

    def on_mount(self) -> None:
        """The title."""
        self.query_one("#differences-pane").border_title = tr("Recipe and result")

    def show(self, entries: Sequence[Entry]) -> None:
        """Compare these runs."""
        self._charts(entries)
        self._table(entries)

    def conclude(self, text: str) -> None:
        """Say which run is better; nothing where that is not known, or not yet."""
        line = self.query_one("#verdict", Static)
        if text or line.display:
            line.update(content(text))
            line.display = bool(text)

    def _charts(self, entries: Sequence[Entry]) -> None:
        longest = max((entry.view.done for entry in entries), default=0)
        ladders = bool(entries) and all(entry.view.unit == "rung" for entry in entries)
        limits = (0.0, float(longest)) if longest else None
        room = self.query_one(f"#{next(iter(CHARTS))}").size.width - FRAME
        fits = sum(cell_len(display_name(entry.run.name)) + 4 for entry in entries) <= room  # else the letters must do
        for name, title in CHARTS.items():
            lines, marks = [], []
            for place, entry in enumerate(entries):
                x, y = points(entry, name)
                lines.append(Curve("", x, y, "hd", COLOURS[place]))
                marks.append(Curve(entry.run.name if fits else "", x, y, SIGNS[place], COLOURS[place], joined=False))
            chart = self.query_one(f"#{name}", Curves)
            chart.empty = NO_TRAINING_CURVE if ladders and name not in OF_RUNGS else EMPTY
            chart.name_it(title, x_title=tr("rung") if ladders else tr("epoch"))
            chart.draw(lines + marks, limits)

    def _table(self, entries: Sequence[Entry]) -> None:
        pane = self.query_one("#differences-pane")
        pane.border_title = (
            tr("Differences in recipe and result") if len(entries) > 1 else tr("Unusual in the recipe; result")
        )
        table, rows = self.query_one("#differences", FittedTable), differences(entries) if entries else []
        titles = [(f"{SIGNS[place]} {entry.run.name}", str(entry.run.path)) for place, entry in enumerate(entries)]
        table.offer(Column("", "name", least=20), *(Column(*title, least=NARROWEST) for title in titles))
        shown = []
        for name, values in rows:
            style = "bold" if len(set(values)) > 1 else ""
            shown.append((cell(name, "dim"), *(cell(value, style) for value in values)))
        table.fill(shown)
