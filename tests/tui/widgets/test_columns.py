"""The border between two panes is dragged."""

from pathlib import Path

from tests.makers.drive import run, until
from tui.app import Workbench
from tui.widgets.columns import NARROWEST, Columns
from tui.words.settings import Settings


def test_a_drag_of_the_border_makes_one_pane_wider_and_the_other_narrower(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(140, 40)) as pilot:
            for key in ("2", "3", "7", "8"):
                await pilot.press("escape", key)
                await pilot.pause()
                left, right = app.screen.query_one(Columns).children
                before, whole = left.region, left.region.width + right.region.width
                await pilot.mouse_down(offset=(before.right - 1, 10))
                await pilot.hover(offset=(before.right + 8, 10))
                await pilot.mouse_up(offset=(before.right + 8, 10))
                await pilot.pause()
                assert left.region.width == before.width + 8, key
                assert left.region.width + right.region.width == whole
                await pilot.mouse_down(offset=(left.region.right, 10))
                await pilot.hover(offset=(2, 10))
                await pilot.mouse_up(offset=(2, 10))
                await pilot.pause()
                assert left.region.width == NARROWEST
            await pilot.resize_terminal(90, 30)
            panes = app.screen.query_one(Columns).children
            await until(pilot, lambda: [pane.region.width for pane in panes if pane.region.area][:1] == [90])

    run(scenario())
