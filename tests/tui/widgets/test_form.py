"""The recipe as a form: the help of each field can be read to its end, and so can a value that is cut."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from engine.recipe.config import TrainConfig
from engine.recipe.fields import Field, Part, Tree, parts
from engine.recipe.plans import AuditPlan, SweepPlan
from tests.makers.drive import run, text, until
from tests.makers.extent import ALL
from tui.app import Workbench
from tui.widgets.form import REST, FieldTable, Form, usual
from tui.words.recipe_terms import in_recipe_terms

SIZES = [(80, 24), (100, 30), (120, 40), (160, 50)]
FORMS: dict[str, tuple[str, Tree]] = {
    "3": ("train", TrainConfig()),
    "7": ("audit", AuditPlan()),
    "8": ("sweep", SweepPlan()),
}


async def opened(app: Workbench, pilot: Pilot[None], key: str) -> FieldTable:
    """The fields of a screen, in focus."""
    await pilot.press(key)
    await until(pilot, lambda: app.current_mode == FORMS[key][0] and app.screen.query(FieldTable))
    if not app.screen.query_one(FieldTable).size.width:
        await pilot.press("e")
    await until(pilot, lambda: app.screen.query_one(FieldTable).size.width)
    app.screen.query_one(FieldTable).focus()
    return app.screen.query_one(FieldTable)


def painted(app: Workbench, widget: Widget) -> list[str]:
    """The lines of the screen where the widget is, border and padding apart."""
    area = widget.content_region
    return [line[area.x : area.right] for line in text(app).splitlines()[area.y : area.bottom]]


def help_shown(app: Workbench) -> str:
    """What is painted in the help of the field at hand, in one line."""
    return " ".join(" ".join(painted(app, app.screen.query_one(Form).query_one("#field-help"))).split())


def rows(tree: Tree) -> list[Part | Field]:
    """The lines of its form."""
    found: list[Part | Field] = []
    for part in parts(type(tree)):
        found += [part, *part.fields]
    return found


def in_sight(table: FieldTable) -> bool:
    """Is the line under the cursor painted?"""
    return bool(0 <= table.cursor_row - table.scroll_offset.y < table.size.height)


def closed(said: str) -> str:
    """Without blanks: a long word is broken at the end of its line."""
    return "".join(said.split())


@pytest.mark.parametrize("size", SIZES if ALL else SIZES[:1])
def test_the_help_of_each_field_is_whole_and_its_line_in_sight(size: tuple[int, int], tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=size) as pilot:
            for key, (_, tree) in FORMS.items():
                table = await opened(app, pilot, key)
                for place, row in enumerate(rows(tree)):
                    if isinstance(row, Part):
                        continue
                    table.move_cursor(row=place)
                    whole = closed(f"{in_recipe_terms(row.help)} {usual(row)}")
                    await until(pilot, lambda: closed(help_shown(app)).endswith(whole), seconds=5)  # noqa: B023
                    await until(pilot, lambda: in_sight(table), seconds=5)  # noqa: B023

    run(scenario())


def test_what_a_small_terminal_has_no_room_for_is_behind_a_key_that_is_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(60, 15)) as pilot:
            table = await opened(app, pilot, "8")
            table.move_cursor(row=2)
            await until(pilot, lambda: help_shown(app).endswith(REST))
            assert "ladder" not in help_shown(app)
            await pilot.press("question_mark")
            await until(pilot, lambda: "depths: How much trains" in " ".join(text(app).split()))

    run(scenario())


def test_a_value_that_is_cut_is_whole_above_its_help(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            table = await opened(app, pilot, "8")
            table.move_cursor(row=2)
            for value in ("head,block3,block2,all", "head,block3,block1,all"):
                await pilot.press("enter", "ctrl+u", *value, "enter")
                await until(pilot, lambda: closed(help_shown(app)).startswith(f"{value}Howmuch"))  # noqa: B023
                assert value not in "\n".join(painted(app, table)), "else this tests nothing"

    run(scenario())
