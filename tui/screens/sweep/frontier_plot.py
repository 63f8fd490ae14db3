"""A sweep's recipes in the plane of cost and accuracy, each a letter: large on the frontier, small off it."""

import math
from collections.abc import Sequence

from rich.text import Text

from engine.base.language import tr
from engine.sweep.result import SweptRecipe
from tui.widgets.curves import SMALLEST, Curves
from tui.words.plot import blank, letters, whole_ticks
from tui.words.plotext_private import plotext

WHISKER = "│"
LEAST = {"seconds": 0.01, "trainable": 1.0}
"""What stands for a cost of nothing on a logarithmic scale."""


class Frontier(Curves):
    """Validation accuracy by training seconds or by parameters that train, with intervals."""

    HELP = tr(
        "Each letter is a recipe of the table: its mean validation accuracy, upward, by what it "
        "costs. Large letters are on the frontier: no other recipe is as accurate, as quick and as "
        "small. The lines are 95% intervals."
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(empty=tr("no training is finished yet"), id=id)
        self._shown: tuple[Sequence[SweptRecipe], str, str] = (), "seconds", ""

    def show(self, candidates: Sequence[SweptRecipe], cost: str, recommended: str) -> None:
        """Show these recipes, in the order of the table, by "seconds" or "trainable"."""
        self._shown = candidates, cost, recommended
        self.border_subtitle = tr("A on the frontier  b off it  │ 95% interval") if candidates else ""
        self.draw(())

    def _figure(self, width: int, height: int) -> Text:
        if width < SMALLEST[0] or height < SMALLEST[1] or not self._shown[0]:
            return Text(self.empty if height else "", style="dim")
        return Text.from_ansi(self._drawn_with(width, height), no_wrap=True, end="")

    def _drawn_with(self, width: int, height: int) -> str:
        candidates, cost, recommended = self._shown
        figure = blank(width, height)
        places = [math.log10(max(float(getattr(one, cost)), LEAST[cost])) for one in candidates]
        points = list(zip(letters(list(candidates)), places, candidates, strict=True))
        rows = max(2, 4 * height)
        worst = min(one.accuracy_ci[0] for one in candidates)
        bottom = max(0.0, 100 * worst - 2)
        whisker = plotext().marker(WHISKER, self._pixel("border"))
        for _, place, one in points:
            low, high = (100 * end for end in one.accuracy_ci)
            steps = [low + (high - low) * step / rows for step in range(rows + 1)]
            figure.draw(figure.signal([place] * len(steps), steps, marker=whisker))
        for letter, place, one in sorted(points, key=lambda item: (item[2].frontier, item[2].name == recommended)):
            colour = "success" if one.name == recommended else "primary" if one.frontier else "warning"
            marker = plotext().marker(letter, self._pixel(colour))
            figure.draw(figure.signal([place], [100 * one.accuracy], marker=marker))
        margin = max(0.08, (max(places) - min(places)) / 12)
        low, high = min(places) - margin, max(places) + margin
        ticks = [low + (high - low) * k / 4 for k in range(5)]
        figure.ruler("x").lim(low, high).ticks(ticks, [_cost(10**tick, cost) for tick in ticks])
        marks = whole_ticks(bottom, 100.0, most=max(2, height // 2))
        figure.ruler("y").lim(bottom, 100.0).ticks(marks, list(map(str, marks)))
        return str(figure.build().string())


def _cost(value: float, cost: str) -> str:
    if cost == "seconds":
        return f"{value:.2g} s" if value < 100 else f"{value:,.0f} s"
    return f"{value / 1e6:.2g} M" if value >= 1e6 else f"{value / 1e3:.0f} k"
