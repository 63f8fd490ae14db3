"""Where a field stands in the form of the recipe, and how a test gets there."""

from engine.recipe import fields as recipe
from tui.app import Workbench
from tui.widgets.form import FieldTable


def place(name: str) -> int:
    """The line of a field in the form."""
    lines = [line for part in recipe.parts() for line in (part.name, *(field.name for field in part.fields))]
    return lines.index(name)


async def go_to(app: Workbench, name: str) -> None:
    """Put the form's cursor on a field."""
    app.screen.query_one(FieldTable).move_cursor(row=place(name))
