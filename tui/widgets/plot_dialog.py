"""A plot on the whole screen: its values read by keys, zoomed, on a logarithmic axis, and saved as a file."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.base.wording import listing
from tui.widgets.curves import Curves, Plot
from tui.widgets.dialog import Dialog, closed_by
from tui.widgets.plot_file import save_plot
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name

SECONDS_BETWEEN_LOOKS = 0.5
ZOOM = 2.0
ONLY_ONE, ALL_OF_IT = tr("There is only one plot here."), tr("All of the plot is in sight.")
Source = Callable[[], Plot]
"""Gives a plot as it is now."""


class PlotView(Dialog[None]):
    """One of several plots at a time, each followed as it grows."""

    DEFAULT_CSS = """
    PlotView { background: $background; }
    PlotView Curves { border: round $primary; }
    """
    HELP = tr(
        "The arrows read the values of a plot, plus and minus zoom, g turns its upright axis "
        "logarithmic, s saves it as a picture (SVG) into the folder in which the workbench was "
        "started."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        closed_by("Z,shift+z"),
        Binding("left", "read(-1)", tr("Read"), id="plot.left", tooltip=tr("The values of the point before.")),
        Binding("right", "read(1)", "", id="plot.right", show=False, tooltip=tr("The values of the next point.")),
        Binding(
            "plus,equals_sign",
            "zoom(1)",
            tr("Zoom in"),
            key_display="+",
            id="plot.in",
            tooltip=tr("Half as much of it."),
        ),
        Binding(
            "minus", "zoom(-1)", tr("Zoom out"), key_display="-", id="plot.out", tooltip=tr("Twice as much of it.")
        ),
        Binding("g", "log", tr("Log axis"), id="plot.log", tooltip=tr("The upright axis logarithmic, and back.")),
        Binding("tab", "turn(1)", tr("Next"), id="plot.next", tooltip=tr("The next plot of the screen.")),
        Binding("shift+tab", "turn(-1)", "", id="plot.before", show=False, tooltip=tr("The plot before.")),
        Binding("s", "save", tr("Save"), id="plot.save", tooltip=tr("Save the plot as SVG; nothing is written over.")),
    ]

    def __init__(self, sources: Sequence[Source], name: str, first: int = 0) -> None:
        """`name` is what a saved plot's file begins with."""
        super().__init__()
        self._sources, self._file, self._place = tuple(sources), name, first
        self._window: tuple[float, float] | None = None
        self._logarithmic: bool | None = None
        self._seen: Plot | None = None

    def body(self) -> ComposeResult:
        """The plot and its keys."""
        yield Curves(id="plot")

    def on_mount(self) -> None:
        """Follow it."""
        self._look()
        self.set_interval(SECONDS_BETWEEN_LOOKS, self._look)

    @property
    def plot(self) -> Plot:
        """The plot at hand, as its screen has it."""
        return self._sources[self._place]()

    def why_not(self, action: str) -> str:
        """What there is nothing for."""
        if action.startswith("turn") and len(self._sources) == 1:
            return ONLY_ONE
        if action == "zoom(-1)" and self._window is None:
            return ALL_OF_IT
        return super().why_not(action)

    def _look(self) -> None:
        plot = self.plot
        if plot != self._seen:
            self._seen = plot
            self._draw()

    def _draw(self) -> None:
        plot, curves = self.plot, self.query_one(Curves)
        place = (
            tr("{place} of {count}", place=self._place + 1, count=len(self._sources)) if len(self._sources) > 1 else ""
        )
        curves.note = listing(part for part in (place, tr("zoomed") if self._window else "") if part)
        log = plot.log if self._logarithmic is None else self._logarithmic
        limits = self._window or plot.x_limits
        curves.show_plot(dataclasses.replace(plot, x_limits=limits, log=log))
        self.refresh_bindings()

    def _points(self) -> list[float]:
        """The places that the arrows go to: the points of the curves with marks, of all where none has."""
        curves = self.query_one(Curves)
        low, high = curves.x_span or (0.0, 0.0)
        marked = [curve for curve in curves.curves if curve.mark and curve.joined] or list(curves.curves)
        return sorted({x for curve in marked for x in curve.x if low <= x <= high})

    def action_read(self, by: int) -> None:
        """The values of the next point, or of the one before."""
        curves, points = self.query_one(Curves), self._points()
        if not points:
            return
        now = curves.cursor
        if now is None:
            curves.point_at(points[-1] if by < 0 else points[0])
            return
        at = min(range(len(points)), key=lambda place: abs(points[place] - now))
        curves.point_at(points[min(max(0, at + by), len(points) - 1)])

    def action_zoom(self, by: int) -> None:
        """Half or twice as much of the horizontal axis, around the cursor."""
        curves, whole = self.query_one(Curves), self._whole()
        if whole is None:
            return
        low, high = self._window or whole
        half = (high - low) / 2 * ZOOM**-by
        middle = (low + high) / 2 if curves.cursor is None else curves.cursor
        middle = min(max(middle, whole[0] + half), whole[1] - half)
        wide = 2 * half >= whole[1] - whole[0]
        if by < 0 or len([x for x in self._points() if abs(x - middle) <= half]) > 1:
            self._window = None if wide else (middle - half, middle + half)
            self._draw()

    def _whole(self) -> tuple[float, float] | None:
        plot = self.plot
        every = [x for curve in plot.curves for x in curve.x]
        return plot.x_limits or ((min(every), max(every)) if every else None)

    def action_log(self) -> None:
        """Turn the upright axis."""
        self._logarithmic = not self.query_one(Curves).logarithmic
        self._draw()

    def action_turn(self, by: int) -> None:
        """Another plot."""
        self._place = (self._place + by) % len(self._sources)
        self._window = self._logarithmic = None
        self.query_one(Curves).point_at(None)
        self._draw()

    def action_save(self) -> None:
        """Write the plot as it is shown, and say where."""
        plot = self.query_one(Curves).plot
        plain = re.sub(r"[^A-Za-z0-9\u3400-\u9fff]+", "-", plot.title)
        try:
            path = save_plot(plot, Path.cwd(), f"{self._file}-{plain}")
        except CovidTuiError as error:
            self.app.notify(display_name(in_recipe_terms(error)), severity="error", markup=False)
        else:
            self.app.notify(tr("Saved as {path}.", path=display_name(path)), markup=False)
