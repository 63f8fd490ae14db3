"""A look at the learning rate over the epochs of a recipe: the numbers that the training will use."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from engine.base.language import tr
from engine.base.wording import in_turn
from engine.recipe.config import TrainConfig
from engine.training.phases import phases, rates, sentence
from engine.training.schedule import FIRST_PERIOD, PERIOD_GROWTH, RATE_DECAY
from tui.widgets.curves import Curve, Curves
from tui.widgets.dialog import Dialog, closed_by
from tui.widgets.plot_dialog import ENLARGE, enlarge
from tui.widgets.safe_cells import content, lines

LISTED = 12
"""So many rates are written out."""


class Schedule(Dialog[None]):
    """The plot over the first numbers."""

    HELP = tr("The learning rate of each epoch, as the recipe has it: how large a step the training takes.")
    BINDINGS: ClassVar[list[BindingType]] = [closed_by("l"), ENLARGE]

    def __init__(self, config: TrainConfig, done: int, mark: str) -> None:
        """`done` epochs of the run shown are over; `mark` marks the one at hand."""
        super().__init__(classes="ask")
        self._config, self._done, self._mark = config, done, mark

    def body(self) -> ComposeResult:
        """Plot, numbers, words."""
        with Vertical(classes="dialog wide"):
            first = tr("share of the first learning rate") if self._auto else tr("learning rate")
            yield Curves(first, x_title=tr("epoch"), id="rates").add_class("pane")
            yield Static(self._numbers(), id="numbers")

    def on_mount(self) -> None:
        """Draw."""
        values = self._rates()
        # As steps, for a rate holds for a whole epoch.
        steps = [(epoch + side, rate) for epoch, rate in enumerate(values) for side in (0.0, 1.0)]
        curves = [Curve(tr("rate"), [x for x, _ in steps], [y for _, y in steps], "hd", "primary")]
        if 0 < self._done < len(values):
            curves.append(
                Curve(tr("now"), [self._done + 0.5], [values[self._done]], self._mark, "warning", joined=False)
            )
        self.query_one(Curves).draw(curves, (0.0, float(len(values))))

    def action_enlarge_plot(self) -> None:
        """The plot on the whole screen."""
        enlarge(self.app, self.query(Curves), "schedule")

    def _numbers(self) -> Content:
        values = self._rates()
        shown = "  ".join(f"{rate:.4g}" for rate in values[:LISTED])
        more = f"  {tr('and {count} more', count=len(values) - LISTED)}" if len(values) > LISTED else ""
        rule = tr(
            "Cosine decay with restarts: the first period has {period} epochs, each next one {growth:g} "
            "times as many, and starts at {decay:g} of the rate that the one before started at.",
            period=FIRST_PERIOD, growth=PERIOD_GROWTH, decay=RATE_DECAY,
        )  # fmt: skip
        if self._auto:
            rule = in_turn(rule, tr('The rates are shares of the first, which "auto" finds before training.'))
        every = phases(self._config)
        of_phases = [content(sentence(every, self._config))] if len(every) > 1 else []
        which = tr("Epochs 1 to {count}:", count=min(LISTED, len(values)))
        return lines([content(f"{which}  {shown}{more}"), *of_phases, content(rule, "$text-muted")])

    @property
    def _auto(self) -> bool:
        return self._config.fit.lr == "auto"

    def _rates(self) -> list[float]:
        return rates(self._config, 1.0 if self._auto else self._config.fit.peak)
