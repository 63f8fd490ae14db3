"""Which recipes of a sweep are worth their cost: the frontier as a plot, the recipes as a table, and the advice."""

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import DataTable, Static

from engine.base.language import tr
from engine.sweep.result import Swept, SweptRecipe
from tui.screens.sweep.frontier_plot import Frontier
from tui.screens.sweep.text import RECIPES, advice, detail, recipe_rows
from tui.widgets.panes import Panes
from tui.widgets.row_table import RowTable


class RecipeTable(RowTable):
    """The recipes, each with its letter in the plot."""

    HELP = Frontier.HELP


class ResultPane(Panes):
    """The result so far of the sweep that is shown."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cost = "seconds"
        self._result: Swept | None = None
        self._ordered: list[SweptRecipe] = []
        """The recipes in the table's order."""

    def compose(self) -> ComposeResult:
        """Plot, table and advice."""
        yield Frontier(id="plot").add_class("pane")
        with Vertical(id="recipes-pane", classes="pane"):
            yield RecipeTable(id="recipes")
            yield Static(id="detail")
        with VerticalScroll(id="advice-pane", classes="pane"):
            yield Static(id="advice")

    def on_mount(self) -> None:
        """Titles."""
        self.query_one("#recipes-pane").border_title = tr("Recipes, the quickest first; * frontier, > recommended")
        self.query_one("#advice-pane").border_title = tr("Advice")

    @property
    def highlighted(self) -> SweptRecipe | None:
        """The recipe under the cursor."""
        place = self.query_one("#recipes", RowTable).place
        return self._ordered[place] if 0 <= place < len(self._ordered) else None

    def show(self, result: Swept | None) -> None:
        """Show what sweep.json holds; None for nothing."""
        self._result, self._ordered = result, result.by_cost() if result else []
        recommended = result.advice.name if result and result.advice else ""
        table = self.query_one("#recipes", RowTable)
        anew = not table.row_count
        table.show_rows(RECIPES, recipe_rows(self._ordered, recommended))
        if anew and recommended:
            table.move_cursor(row=[one.name for one in self._ordered].index(recommended))
        self.query_one("#advice", Static).update(advice(result))
        self._draw(recommended)
        self._detail()

    def _draw(self, recommended: str) -> None:
        self.query_one(Frontier).show(self._ordered, self._cost, recommended)

    def turn_axis(self) -> None:
        """Plot by the other cost."""
        self._cost = "trainable" if self._cost == "seconds" else "seconds"
        self.show(self._result)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Say more of the recipe."""
        self._detail()

    def _detail(self) -> None:
        self.query_one("#detail", Static).update(detail(self.highlighted, self._result))
