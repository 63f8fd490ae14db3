"""A screen with plots, any of which a key shows whole."""

from tui.screens.base import WorkScreen
from tui.widgets.curves import Curves
from tui.widgets.plot_dialog import enlarge


class PlottedScreen(WorkScreen):
    """A screen of the workbench whose plots can be enlarged, by the key ENLARGE, which it puts among its own."""

    def plotted(self) -> str:
        """What the plots show, with which the name of a saved one begins."""
        return self.MODE

    def action_enlarge_plot(self) -> None:
        """One of the plots on the whole screen."""
        enlarge(self.app, self.query(Curves), self.plotted())
