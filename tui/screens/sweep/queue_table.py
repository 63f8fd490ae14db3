"""The queue of a sweep as a table: what each training costs before it begins, and how far each is afterwards."""

from typing import TYPE_CHECKING

from engine.base.language import tr
from tui.screens.sweep.text import PLANNED, TRAINED, planned_rows, trained_rows
from tui.state.sweep_job import Followed
from tui.widgets.row_table import RowTable
from tui.widgets.safe_cells import content
from tui.words.glyphs import Glyphs

if TYPE_CHECKING:
    from engine.jobs.sweep_plan import Plan


class QueueTable(RowTable):
    """The trainings in the order in which they are done."""

    def show(self, plan: "Plan | None", followed: Followed | None, glyphs: Glyphs) -> None:
        """Show the queue of the sweep that is followed; of the one that is planned where none is."""
        self.border_title = content(
            tr("Queue of {name}", name=followed.path.name) if followed else tr("Queue of the new sweep")
        )
        self.border_subtitle = "" if followed else tr("T: trillions of multiplications, if every epoch is trained")
        if plan is None:
            self.show_rows(PLANNED, [])
        elif followed is None:
            self.show_rows(PLANNED, planned_rows(plan, glyphs))
        else:
            self.show_rows(TRAINED, trained_rows(plan, followed.runs, glyphs))
