"""The sweeps on disk as a list: whether each is trained now, its name, and how much of it is done."""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable

from tui.state.sweep_job import Kept
from tui.widgets.safe_cells import cell
from tui.words.glyphs import Glyphs

COLUMNS = (("", 1), ("name", 24), ("trained", None))


class KeptSweeps(DataTable[Text]):
    """One line a sweep, the newest first. `kept` are those that are listed."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(cursor_type="row", show_header=False, id=id, classes="pane")
        self._glyphs = glyphs
        self.kept: tuple[Kept, ...] = ()

    def on_mount(self) -> None:
        """The columns."""
        for name, width in COLUMNS:
            self.add_column(name, width=width)

    def fill(self, kept: Sequence[Kept]) -> None:
        """List these, the cursor staying where it is."""
        self.kept, place = tuple(kept), self.cursor_row
        self.clear()
        for one in kept:
            state = "live" if one.live else "finished" if one.finished == one.total else "stopped"
            sign, done = self._glyphs.state(state), f"{one.finished}/{one.total}"
            self.add_row(cell(sign), cell(one.path.name, "bold"), cell(done))
        self.move_cursor(row=min(place, len(kept) - 1))
