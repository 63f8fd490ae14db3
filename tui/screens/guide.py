"""The line that leads a newcomer: where one is, and what the next key does."""

from textual.widgets import Static

from tui.state.session import Session
from tui.widgets.safe_cells import content


class GuideLine(Static):
    """A line above the keys, there while a newcomer is led; a click goes the next step."""

    DEFAULT_CSS = """
    GuideLine { display: none; height: auto; max-height: 2; padding: 0 1; background: $panel; }
    GuideLine { color: $accent; text-style: bold; }
    GuideLine.-on { display: block; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._told = ""

    def look(self) -> None:
        """Show where the newcomer is, where one is led."""
        tour = self.session.tour
        told = tour.step(self.session).told if tour else ""
        if told != self._told:
            self._told = told
            self.update(content(told))
            self.set_class(bool(told), "-on")

    async def on_click(self) -> None:
        """As the key does."""
        await self.app.run_action("next_step")
