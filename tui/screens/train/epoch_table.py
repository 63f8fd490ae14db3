"""The table of a run's epochs, or of its rungs: title, columns, and a row each, the newest first."""

from collections.abc import Sequence

from rich.text import Text

from engine.base.events import Epoch
from engine.base.language import tr
from engine.runs.watch import RunView
from tui.screens.train.rungs import RUNG_COLUMNS, rung_row, skipped_row
from tui.widgets.fitted_table import Column
from tui.widgets.safe_cells import cell, number
from tui.words.numbers import duration

EPOCHS = (tr("epoch"), tr("loss"), tr("acc"), tr("val loss"), tr("val acc"), tr("rate"), tr("time"), "")
RANKS = (0, 3, 2, 1, 0, 5, 4, 0)


def titled(view: RunView) -> str:
    """What stands above the table."""
    name = view.name or tr("the new run")
    return tr("Rungs of {name}, out of fold", name=name) if view.unit == "rung" else tr("Epochs of {name}", name=name)


def columns(view: RunView | None = None) -> list[Column]:
    """The table's columns: of epochs, where it is not known that the run has rungs."""
    every = enumerate(zip(RUNG_COLUMNS if view and view.unit == "rung" else EPOCHS, RANKS, strict=True))
    return [Column(name, str(place), rank, least=0 if name else 12, right=bool(name)) for place, (name, rank) in every]


def rows_of(view: RunView, star: str) -> list[Sequence[Text]]:
    """A row for each rung that was left out, rung and epoch; `star` is the sign of the best."""
    rows: list[Sequence[Text]] = [skipped_row(skipped) for skipped in reversed(view.skipped)]
    for rung in reversed(view.rungs):
        note = f"{star} {tr('{name}, kept', name=tr(rung.name))}" if rung is view.kept else tr(rung.name)
        rows.append(rung_row(rung, note))
    best, note = view.best, f"{star} {tr('best')}"
    return rows + [_row(epoch, note if epoch is best else "") for epoch in reversed(view.epochs)]


def _row(epoch: Epoch, best: str) -> tuple[Text, ...]:
    values = (epoch.loss, epoch.accuracy, epoch.val_loss, epoch.val_accuracy)
    return (
        number(epoch.epoch, "d"), *(number(value, ".4f") for value in values), number(epoch.learning_rate, ".1e"),
        cell(duration(epoch.seconds), right=True), cell(best, "bold"),
    )  # fmt: skip
