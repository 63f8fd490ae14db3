"""The learning-rate range test on the Train screen: loss against rate, the rate that it suggests, and a key to take it.

It has the place of the schedule's preview, and its work runs in a thread that ends when the plot is closed.
"""

import dataclasses
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from engine.base.context import Context
from engine.base.language import tr
from engine.base.wording import counted
from engine.recipe.config import TrainConfig
from tui.widgets.curves import Curve, Curves
from tui.widgets.dialog import Dialog, closed_by
from tui.widgets.plot_dialog import ENLARGE, enlarge
from tui.widgets.safe_cells import content, lines
from tui.words.plot import logarithms
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.training.lr_range_test import RangeTest
    from tui.state.session import Session

GROUP = "rate"
SECONDS_BETWEEN_LOOKS = 0.2
MARKED = 24
"""Points that draw the line at the suggestion."""


class Rates(Dialog[None]):
    """The plot over what was found; it tests the recipe as it is when it opens."""

    HELP = tr("Loss against learning rate, one training step a rate. The training itself is not begun.")
    BINDINGS: ClassVar[list[BindingType]] = [
        closed_by("f"),
        Binding(
            "enter,t", "take", tr("Take the rate"), id="rates.take", tooltip=tr("Put the rate found into the recipe.")
        ),
        ENLARGE,
    ]

    def __init__(self, session: "Session") -> None:
        super().__init__(classes="ask")
        self._session = session
        self._test_result: RangeTest | None = None

    def body(self) -> ComposeResult:
        """Plot and words."""
        with Vertical(classes="dialog wide"):
            titles = tr("smoothed loss"), tr("learning rate")
            curves = Curves(titles[0], x_title=titles[1], empty=tr("the test is under way"), id="range")
            curves.x_base = 10
            yield curves.add_class("pane")
            yield Static(tr("The kept activations are looked up."), id="numbers")

    def on_mount(self) -> None:
        """Begin the test."""
        session = self._session
        assert session.data is not None
        work = partial(_test, session.data, session.config)
        session.start(GROUP, tr("testing learning rates"), work, self._show, self._fail)
        self.set_interval(SECONDS_BETWEEN_LOOKS, self._look)

    def on_unmount(self) -> None:
        """End the test, should it still run."""
        self._session.cancel(GROUP)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A rate can be taken once it is found."""
        return self._test_result is not None or None if action == "take" else True

    def action_take(self) -> None:
        """Put the rate into the recipe."""
        if self._test_result:
            fit = dataclasses.replace(self._session.config.fit, lr=self._test_result.rate)
            self._session.configure(tr("the learning rate found"), fit=fit)
            self.dismiss()

    def action_enlarge_plot(self) -> None:
        """The plot on the whole screen."""
        enlarge(self.app, self.query(Curves), "learning-rates")

    def _look(self) -> None:
        job = self._session.jobs.get(GROUP)
        if job and job.progress:
            at = job.progress
            task, done, of = at.title, at.done, at.total
            text = tr("{task}: {done:,} of {total:,}", task=task, done=done, total=of) if of else f"{task}: {done:,}"
            self._say(content(text))

    def _show(self, test: "RangeTest") -> None:
        from engine.training.lr_range_test import RULE

        self._test_result = test
        powers, losses = logarithms(test)
        low, high, at = min(losses), max(losses), math.log10(test.rate)
        marks = [low + (high - low) * step / MARKED for step in range(MARKED + 1)]
        curves = [
            Curve(tr("loss"), powers, losses, "hd", "primary"),
            Curve(tr("suggested"), [at] * len(marks), marks, "x", "warning", joined=False),
        ]
        self.query_one(Curves).draw(curves, (powers[0], powers[-1]))
        rates = [sweep.rate for sweep in test.sweeps]
        spread = tr(
            "the {orders} of the images by themselves suggest {low:g} to {high:g}",
            orders=counted(len(rates), "order"), low=min(rates), high=max(rates),
        )  # fmt: skip
        self._say(
            lines(
                [
                    Content.assemble(
                        f"{tr('Suggested:')} ", (f"{test.rate:g}", "bold"), f"  {tr('enter takes it into the recipe.')}"
                    ),
                    content(
                        tr("It is {rule}; {spread}. The schedule begins there and falls.", rule=RULE, spread=spread),
                        "$text-muted",
                    ),
                ]
            )
        )
        self.refresh_bindings()

    def _fail(self, error: Exception) -> None:
        self._say(content(f"! {in_recipe_terms(error)}", "$error"))

    def _say(self, text: Content) -> None:
        if self.is_attached:
            self.query_one("#numbers", Static).update(text)


def _test(folder: Path, config: TrainConfig, context: Context) -> "RangeTest":
    from engine.jobs.probe import find_rate

    return find_rate(folder, config, context)
