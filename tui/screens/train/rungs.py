"""A ladder of the recipe "auto" on the Train screen: a line a rung, and the fits along their strengths as curves."""

from collections.abc import Sequence

from rich.text import Text

from engine.base.events import Rung, Skipped, Tried
from engine.base.language import tr
from tui.widgets.curves import Curve
from tui.widgets.safe_cells import cell, number
from tui.words.numbers import duration

RUNG_COLUMNS = (tr("rung"), "", "", tr("loss"), tr("acc"), "", tr("time"), "")
"""What stands above the columns of the epochs where these are rungs."""


def curves_of(tried: Sequence[Tried], mark: str) -> dict[str, list[Curve]]:
    """The curves of loss and accuracy, by the plot's name; around the accuracy its spread between the folds."""
    shown = places(tried)
    x, fits = list(shown), list(shown.values())

    def curve(values: list[float], label: str = "", marker: str = ".", colour: str = "primary") -> Curve:
        return Curve(label, x, values, marker, colour, joined=False)

    return {
        "loss": [curve([one.loss for one in fits], tr("out of fold"), mark, "warning")],
        "accuracy": [
            curve([max(0.0, one.accuracy - one.spread) for one in fits]),
            curve([min(1.0, one.accuracy + one.spread) for one in fits]),
            curve([one.accuracy for one in fits], tr("out of fold"), mark, "warning"),
        ],
    }


def places(tried: Sequence[Tried]) -> dict[float, Tried]:
    """Where each fit stands on an axis of rungs, those of a rung evenly within it, in order."""
    by_rung: dict[int, list[Tried]] = {}
    for one in tried:
        by_rung.setdefault(one.rung, []).append(one)
    return {
        number - 1 + (place + 0.5) / len(own): one for number, own in by_rung.items() for place, one in enumerate(own)
    }


def skipped_row(rung: Skipped) -> tuple[Text, ...]:
    """The cells of a rung that did not fit into the budget: what it takes, and what budget has room for it."""
    return (
        number(rung.number, "d"), *(cell("") for _ in range(5)), cell(duration(rung.seconds), right=True),
        cell(tr("{name}: budget {needed}", name=tr(rung.name), needed=rung.needed)),
    )  # fmt: skip


def rung_row(rung: Rung, note: str) -> tuple[Text, ...]:
    """A rung's cells in the table of the epochs."""
    return (
        number(rung.number, "d"), cell(""), cell(""), number(rung.loss, ".4f"), number(rung.accuracy, ".4f"), cell(""),
        cell(duration(rung.seconds), right=True),
        cell(note, "bold" if rung.taken else ""),
    )  # fmt: skip
