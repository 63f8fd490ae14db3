"""The borders between panes are dragged: beside each other on every screen, above each other where panes are."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from tests.makers.drive import run, until
from tests.makers.shown import arrive, workplace
from tui.app import Workbench
from tui.widgets.fitted_table import FittedTable
from tui.widgets.panes import LOWEST, NARROWEST
from tui.words.settings import Settings

SIDES = {
    "dataset": ("#facts", "#picture-pane"), "layers": ("#network", "#choice"), "train": ("#left", "#course"),
    "runs": ("#charts", "#differences-pane"), "results": ("#list-pane", "#mistake-pane"),
    "predict": ("#side", "#main"), "audit": ("#left", "#outcome"), "sweep": ("#left", "#outcome"),
    "review": ("#picture-pane", "#text-pane"),
}  # fmt: skip
"""On each screen, two panes beside each other."""
HEIGHTS = {
    "train": ("#epochs", "#log"), "runs": ("#runs-pane", "Comparison"),
    "results": ("#tables", "#mistakes"), "predict": ("#pictures", "#lower"), "audit": ("#variants", "#verdict-pane"),
    "sweep": ("#plot", "#recipes-pane"), "review": ("#desk", "#alike"),
}  # fmt: skip
"""And two above each other, on each that has such whose heights don't follow what is in them."""
WIDE = (150, 45)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs and data."""
    return workplace(tmp_path, monkeypatch)


def opened() -> Workbench:
    return Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))


async def ready(pilot: Pilot[None], app: Workbench, mode: str) -> None:
    await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
    await arrive(pilot, app, mode)
    app.clear_notifications()


async def drag(pilot: Pilot[None], start: tuple[int, int], end: tuple[int, int]) -> None:
    await pilot.mouse_down(offset=start)
    await pilot.hover(offset=end)
    await pilot.mouse_up(offset=end)
    await pilot.pause()


def whole(app: Workbench, pane: Widget) -> bool:
    """Are all tables in the pane wide enough for what never leaves them?"""
    tables = [*pane.query(FittedTable), *([pane] if isinstance(pane, FittedTable) else [])]
    return all(
        table.virtual_size.width <= table.scrollable_content_region.width for table in tables if table.region.area
    )


async def sides(pilot: Pilot[None], app: Workbench, mode: str) -> None:
    left, right = (app.screen.query_one(name) for name in SIDES[mode])
    before, both = left.region, left.region.width + right.region.width
    y = right.region.y + 2
    await drag(pilot, (before.right - 1, y), (before.right - 4, y))
    assert left.region.width == before.width - 3, mode
    await drag(pilot, (left.region.right, y), (2, y))
    least = left.region.width
    assert NARROWEST <= least < before.width and whole(app, left), mode
    await drag(pilot, (left.region.right - 1, y), (WIDE[0] - 1, y))
    assert right.region.width >= NARROWEST and left.region.width > least and whole(app, right), mode
    assert left.region.width + right.region.width == both, mode


async def heights(pilot: Pilot[None], app: Workbench, mode: str) -> None:
    upper, lower = (app.screen.query_one(name) for name in HEIGHTS[mode])
    before, both = upper.region, upper.region.height + lower.region.height
    x = lower.region.x + 3
    await drag(pilot, (x, lower.region.y), (x, lower.region.y + 1))
    assert upper.region.height == before.height + 1, mode
    await drag(pilot, (x, upper.region.bottom - 1), (x, 0))
    assert upper.region.height >= LOWEST, mode
    await drag(pilot, (x, lower.region.y), (x, WIDE[1] - 1))
    assert lower.region.height >= LOWEST and upper.region.height > before.height, mode
    assert upper.region.height + lower.region.height == both, mode


@pytest.mark.parametrize(
    "mode", [pytest.param(mode, marks=() if mode in ("runs", "predict") else pytest.mark.slow) for mode in SIDES]
)
def test_a_drag_of_a_border_makes_one_pane_larger_and_the_other_smaller(here: Path, mode: str) -> None:
    async def scenario() -> None:
        app = opened()
        async with app.run_test(size=WIDE) as pilot:
            await ready(pilot, app, mode)
            await sides(pilot, app, mode)
            if mode in HEIGHTS:
                await heights(pilot, app, mode)

    run(scenario())


def test_what_was_dragged_is_kept_while_other_screens_are_open_and_narrow_has_its_own(here: Path) -> None:
    async def scenario() -> None:
        app = opened()
        async with app.run_test(size=WIDE) as pilot:
            await ready(pilot, app, "layers")
            left, right = (app.screen.query_one(name) for name in SIDES["layers"])
            y = right.region.y + 2
            await drag(pilot, (left.region.right, y), (60, y))
            width = left.region.width
            await arrive(pilot, app, "runs")
            await arrive(pilot, app, "layers")
            assert left.region.width == width
            await pilot.resize_terminal(90, 30)
            await until(pilot, lambda: left.region.width == right.region.width == 90)
            await pilot.resize_terminal(*WIDE)
            await until(pilot, lambda: left.region.width == width)

    run(scenario())
