"""A screen with plots, any of which a key shows whole."""

from functools import partial

from textual.binding import Binding

from engine.base.language import tr
from tui.screens.base import WorkScreen
from tui.widgets.charts import Bars
from tui.widgets.curves import Curves, Plot
from tui.widgets.plot_dialog import PlotView

ENLARGE = Binding(
    "Z,shift+z", "enlarge_plot", tr("Plot"), key_display="Z", id="plot.enlarge",
    tooltip=tr("A plot on the whole screen, where its values can be read and it can be saved."),
)  # fmt: skip


class PlottedScreen(WorkScreen):
    """A screen of the workbench whose plots can be enlarged, by the key ENLARGE, which it puts among its own."""

    @property
    def plots(self) -> list[Curves]:
        """Those in sight that have something drawn; all that have, where the screen is too small to show one. Bars say
        all that they have to.
        """
        every = [one for one in self.query(Curves) if not isinstance(one, Bars)]
        drawn = [one for one in every if any(len(curve.x) for curve in one.curves)]
        return [one for one in drawn if one.region] or drawn

    def plotted(self) -> str:
        """What the plots show, with which the name of a saved one begins."""
        return self.MODE

    def action_enlarge_plot(self) -> None:
        """One of the plots on the whole screen."""
        if plots := self.plots:
            self.app.push_screen(PlotView([partial(_plot_of, one) for one in plots], self.plotted()))
        else:
            self.workbench.say(tr("There is no plot to enlarge yet."))


def _plot_of(curves: Curves) -> Plot:
    return curves.plot
