"""A sweep's recipes in the plane of cost and accuracy, each a letter: large on the frontier, small off it."""

import math
from collections.abc import Sequence

from engine.base.language import tr
from engine.sweep.result import SweptRecipe
from tui.widgets.curves import Curve, Curves, Plot
from tui.words.plot import letters

WHISKER = "│"
LEAST = {"seconds": 0.01, "trainable": 1.0}
"""What stands for a cost of nothing on a logarithmic scale."""
COSTS = {"seconds": tr("training seconds"), "trainable": tr("parameters that train")}
MARGIN = 0.08
"""Left and right of the letters, in powers of ten."""


def frontier(candidates: Sequence[SweptRecipe], cost: str, recommended: str) -> Plot:
    """Validation accuracy, with its intervals, by "seconds" or "trainable"; letters are in the order given."""
    places = [math.log10(max(float(getattr(one, cost)), LEAST[cost])) for one in candidates]
    points = list(zip(letters(list(candidates)), places, candidates, strict=True))
    whiskers = [
        Curve("", (place, place), [100 * end for end in one.accuracy_ci], WHISKER, "border") for _, place, one in points
    ]
    signs = [
        Curve(
            one.name, (place,), (100 * one.accuracy,), letter, _colour(one, recommended), joined=False, mark=letter,
            note=tr("({low:.1f} to {high:.1f})", low=100 * one.accuracy_ci[0], high=100 * one.accuracy_ci[1]),
        )
        for letter, place, one in sorted(points, key=lambda item: (item[2].frontier, item[2].name == recommended))
    ]  # fmt: skip
    margin = max(MARGIN, (max(places) - min(places)) / 12) if places else 0.0
    return Plot(
        tr("validation accuracy in %"),
        COSTS[cost],
        (*whiskers, *signs),
        (min(places) - margin, max(places) + margin) if places else None,
        (max(0.0, 100 * min((one.accuracy_ci[0] for one in candidates), default=0.0) - 2), 100.0),
        x_base=10,
        key=tr("A on the frontier  b off it  │ 95% interval") if places else "",
    )


def _colour(one: SweptRecipe, recommended: str) -> str:
    return "success" if one.name == recommended else "primary" if one.frontier else "warning"


class Frontier(Curves):
    """Validation accuracy by training seconds or by parameters that train, with intervals."""

    HELP = tr(
        "Each letter is a recipe of the table: its mean validation accuracy, upward, by what it "
        "costs. Large letters are on the frontier: no other recipe is as accurate, as quick and as "
        "small. The lines are 95% intervals."
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(empty=tr("no training is finished yet"), id=id)

    def show(self, candidates: Sequence[SweptRecipe], cost: str, recommended: str) -> None:
        """Show these recipes, in the order of the table, by "seconds" or "trainable"."""
        self.show_plot(frontier(candidates, cost, recommended))
