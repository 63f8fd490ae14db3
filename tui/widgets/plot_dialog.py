"""A plot on the whole screen: its values read by keys, zoomed, moved, on a logarithmic axis, and saved as a file."""

import asyncio
import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.base.wording import listing
from tui.widgets.charts import Bars
from tui.widgets.curves import Curves, Plot
from tui.widgets.dialog import Dialog, closed_by
from tui.widgets.pick_dialog import AskFile, free_name
from tui.widgets.plot_file import FORMATS, save_plot
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from textual.app import App

SECONDS_BETWEEN_LOOKS = 0.5
ZOOM = 2.0
ONLY_ONE, ALL_OF_IT = tr("There is only one plot here."), tr("All of the plot is in sight.")
OF_BARS = tr("Bars begin at nothing: they don't move, and have no logarithmic axis.")
ASIDE = 0.25
"""Of what is seen, so much goes by with one step aside."""
Source = Callable[[], Plot]
"""Gives a plot as it is now."""
ENLARGE = Binding(
    "Z,shift+z", "enlarge_plot", tr("Plot"), key_display="Z", id="plot.enlarge",
    tooltip=tr("A plot on the whole screen, where its values can be read and it can be saved."),
)  # fmt: skip


def enlarge(app: "App[Any]", curves: Iterable[Curves], name: str) -> None:
    """Show the plots in sight on the whole screen, one at a time; all, where the screen is too small to show one.

    `name` is what a saved plot's file begins with.
    """
    drawn = [one for one in curves if one.something_drawn]
    seen = [one for one in drawn if one.region] or drawn
    if seen:
        app.push_screen(PlotView([partial(_plot_of, one) for one in seen], name))
    else:
        app.notify(tr("There is no plot to enlarge yet."), markup=False)


def _plot_of(curves: Curves) -> Plot:
    return curves.plot


class PlotView(Dialog[None]):
    """One of several plots at a time, each followed as it grows."""

    DEFAULT_CSS = """
    PlotView { background: $background; }
    PlotView Curves { border: round $primary; }
    """
    HELP = tr(
        "The arrows read the values of a plot, plus, minus and the mouse's wheel zoom, < and > move "
        "what is zoomed, g turns its upright axis logarithmic, s saves it as a picture, as SVG or as "
        "PNG."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        closed_by("Z,shift+z"),
        Binding("left,up", "read(-1)", tr("Read"), key_display=tr("arrows"), id="plot.left",
                tooltip=tr("The values of the point before.")),
        Binding("right,down", "read(1)", "", id="plot.right", show=False, tooltip=tr("The values of the next point.")),
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
        Binding("less_than_sign,comma", "move(-1)", tr("Move"), key_display="< >", id="plot.aside",
                tooltip=tr("What lies to the left of what is zoomed.")),
        Binding("greater_than_sign,full_stop", "move(1)", "", id="plot.aside_right", show=False,
                tooltip=tr("What lies to the right of it.")),
        Binding("g", "log", tr("Log axis"), id="plot.log", tooltip=tr("The upright axis logarithmic, and back.")),
        Binding("tab", "turn(1)", tr("Next"), id="plot.next", tooltip=tr("The next plot of the screen.")),
        Binding("shift+tab", "turn(-1)", "", id="plot.before", show=False, tooltip=tr("The plot before.")),
        Binding("s", "save", tr("Save"), id="plot.save", tooltip=tr("Save the plot as SVG or PNG.")),
    ]  # fmt: skip

    def __init__(self, sources: Sequence[Source], name: str, first: int = 0) -> None:
        """`name` is what a saved plot's file begins with."""
        super().__init__()
        self._sources, self._file, self._place = tuple(sources), name, first
        self._window: tuple[float, float] | None = None
        self._logarithmic: bool | None = None
        self._seen: Plot | None = None

    def body(self) -> ComposeResult:
        """The plot and its keys."""
        yield Bars(id="plot")

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
        bars = self.is_mounted and bool(self.query_one(Bars).bars)
        if bars and (action == "log" or action.startswith("move")):
            return OF_BARS
        if action.startswith("move") and self._window is None:
            return ALL_OF_IT
        return super().why_not(action)

    def _look(self) -> None:
        plot = self.plot
        if plot != self._seen:
            self._seen = plot
            self._draw()

    def _draw(self) -> None:
        plot, curves = self.plot, self.query_one(Bars)
        place = (
            tr("{place} of {count}", place=self._place + 1, count=len(self._sources)) if len(self._sources) > 1 else ""
        )
        curves.note = listing(part for part in (place, tr("zoomed") if self._window else "") if part)
        log = plot.log if self._logarithmic is None else self._logarithmic
        limits = self._window or plot.x_limits
        curves.show_plot(dataclasses.replace(plot, x_limits=limits, log=log))
        self.refresh_bindings()

    def _points(self) -> list[float]:
        """The places that the arrows go to: the points of the curves with marks, of all where none has; or the bars."""
        plot = self.query_one(Bars)
        if plot.bars:
            return [float(place) for place in range(len(plot.bars))]
        low, high = self._whole() or (0.0, 0.0)
        marked = [curve for curve in plot.curves if curve.mark and curve.joined] or list(plot.curves)
        return sorted({x for curve in marked for x in curve.x if low <= x <= high})

    def action_read(self, by: int) -> None:
        """The values of the next point, or of the one before; what is zoomed goes with it."""
        curves, points = self.query_one(Bars), self._points()
        if not points:
            return
        now, seen = curves.cursor, points
        if self._window and not curves.bars:
            seen = [x for x in points if self._window[0] <= x <= self._window[1]] or points
        if now is None:
            curves.point_at(seen[-1] if by < 0 else seen[0])
            return
        at = min(range(len(points)), key=lambda place: abs(points[place] - now))
        to = points[min(max(0, at + by), len(points) - 1)]
        if self._window and not curves.bars and not self._window[0] <= to <= self._window[1]:
            self._look_at(to)
        curves.point_at(to)

    def action_zoom(self, by: int) -> None:
        """Half or twice as much of the horizontal axis, around the cursor; of bars from their beginning."""
        curves, whole = self.query_one(Bars), self._whole()
        if whole is None:
            return
        low, high = self._window or whole
        half = (high - low) / 2 * ZOOM**-by
        middle = (low + high) / 2 if curves.cursor is None else curves.cursor
        if curves.bars:
            middle = whole[0] + half
        if by < 0 or curves.bars or len([x for x in self._points() if abs(x - middle) <= half]) > 1:
            self._window = None if 2 * half >= whole[1] - whole[0] else (middle - half, middle + half)
            self._look_at(middle)

    def action_move(self, by: int) -> None:
        """Aside, where a part is seen."""
        if self._window:
            low, high = self._window
            self._look_at((low + high) / 2 + by * ASIDE * (high - low))

    def _look_at(self, middle: float) -> None:
        """Move what is zoomed to a place, as far as the plot goes."""
        whole = self._whole()
        if self._window and whole:
            half = (self._window[1] - self._window[0]) / 2
            middle = min(max(middle, whole[0] + half), whole[1] - half)
            self._window = middle - half, middle + half
        self._draw()

    def on_mouse_scroll_up(self) -> None:
        """Nearer, around what lies under the mouse."""
        self.action_zoom(1)

    def on_mouse_scroll_down(self) -> None:
        """Back."""
        self.action_zoom(-1)

    def _whole(self) -> tuple[float, float] | None:
        plot = self.plot
        every = [x for curve in plot.curves for x in curve.x]
        return plot.x_limits or ((min(every), max(every)) if every else None)

    def action_log(self) -> None:
        """Turn the upright axis."""
        self._logarithmic = not self.query_one(Bars).logarithmic
        self._draw()

    def action_turn(self, by: int) -> None:
        """Another plot."""
        self._place = (self._place + by) % len(self._sources)
        self._window = self._logarithmic = None
        self.query_one(Bars).point_at(None)
        self._draw()

    def action_save(self) -> None:
        """Ask for a file."""
        plot = self.query_one(Bars).plot
        plain = re.sub(r"[^A-Za-z0-9\u3400-\u9fff]+", "-", plot.title).strip("-")
        first = free_name(Path.cwd() / f"{self._file}-{plain}{FORMATS[0]}")
        question = tr("Save the plot to which file? It is written as its name ends: .svg or .png.")
        self.app.push_screen(
            AskFile(question, first, suffixes=FORMATS, writes=True, exact=True), partial(self._save, plot)
        )

    async def _save(self, plot: Plot, path: Path | None) -> None:
        """Write the plot as it was shown, and say where."""
        if path is None:
            return
        try:
            await asyncio.to_thread(save_plot, plot, path)
        except CovidTuiError as error:
            self.app.notify(display_name(in_recipe_terms(error)), severity="error", markup=False)
        else:
            self.app.notify(tr("Saved as {path}.", path=display_name(path)), markup=False)
