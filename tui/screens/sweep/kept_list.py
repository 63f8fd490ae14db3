"""The sweeps on disk as a list: whether each is trained now, its name, and how much of it is done."""

from collections.abc import Sequence

from engine.base.language import tr
from tui.state.sweep_job import Followed, Kept
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.safe_cells import cell
from tui.words.glyphs import Glyphs

COLUMNS = (
    Column("", "sign"),
    Column(tr("name"), "name", least=8, middle=True),
    Column(tr("trained"), "trained", rank=1),
)


class KeptSweeps(FittedTable):
    """One line a sweep, the newest first. `kept` are those that are listed."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(*COLUMNS, show_header=False, id=id, classes="pane")
        self._glyphs = glyphs
        self.kept: tuple[Kept, ...] = ()

    def show_kept(self, kept: Sequence[Kept]) -> None:
        """List these, the cursor staying where it is."""
        self.kept, rows = tuple(kept), []
        for one in kept:
            state = "live" if one.live else "finished" if one.finished == one.total else "stopped"
            sign, done = self._glyphs.state(state), f"{one.finished}/{one.total}"
            rows.append((cell(sign), cell(one.path.name, "bold"), cell(done)))
        self.fill(rows)

    def has(self, shown: Followed) -> bool:
        """Does the list say of this sweep what is known of it?"""
        result = shown.result
        return result is not None and Kept(shown.path, result.finished, len(result.points), shown.live) in self.kept
