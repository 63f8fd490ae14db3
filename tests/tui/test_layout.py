"""Every screen with data on it, at many widths: no table scrolls sideways, and no result is cut."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.makers.drive import run, text, until
from tests.makers.extent import ALL
from tests.makers.shown import arrive, sideways, still, workplace
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.widgets.fitted_table import PADDING, Column, fitting
from tui.widgets.form import FieldTable
from tui.words.settings import Settings

WIDTHS = (60, 67, 80, 92, 100, 115, 116, 120, 140, 160) if ALL else (60, 80, 115, 116)
RESULTS = {
    "runs": ["91.7% (61.5-99.8)", "50.0% (11.8-88.2)"],
    "sweep": ["81.2% (54 to 96)", "56.2% (30 to 80)"],
    "audit": ["96.5% (93.2 to 98.5)", "56.4% (49.7 to 62.9)"],
    "results": ["83.3% (36 to 100)", "100.0% (54 to 100)"],
    "predict": ["59.2%"],
    "train": ["1.0000", "* best"],
}
"""What must stand whole on a screen, however narrow."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs and data."""
    return workplace(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "mode", [pytest.param(mode, marks=() if mode in ("runs", "predict") else pytest.mark.slow) for mode in MODES]
)
def test_no_table_scrolls_sideways_and_no_result_is_cut(here: Path, mode: str) -> None:
    async def scenario() -> None:
        app = Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(WIDTHS[0], 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            await arrive(pilot, app, mode)
            wrong: list[str] = []
            for width in WIDTHS:
                await pilot.resize_terminal(width, 40)
                await still(pilot, app)
                shown = text(app)
                wrong += sideways(app)
                wrong += [f"{mode} {width}: {whole} is cut" for whole in RESULTS.get(mode, ()) if whole not in shown]
            assert wrong == []

    run(scenario())


async def with_runs(pilot: Pilot[Any], app: Workbench) -> None:
    await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)


def test_columns_come_back_when_there_is_room(here: Path) -> None:
    async def scenario() -> None:
        app = Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(70, 30)) as pilot:
            await with_runs(pilot, app)
            await arrive(pilot, app, "runs")
            assert "backbone" not in text(app)
            await pilot.resize_terminal(130, 30)
            await until(pilot, lambda: "backbone" in text(app))
            assert "vgg16" in text(app)

    run(scenario())


def test_end_in_the_recipe_leaves_the_names_of_the_fields_in_sight(here: Path) -> None:
    async def scenario() -> None:
        app = Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(80, 30)) as pilot:
            await with_runs(pilot, app)
            await pilot.press("escape", "8", "e")
            await still(pilot, app)
            assert isinstance(app.focused, FieldTable) and "depths" in text(app)
            await pilot.press("end")
            await still(pilot, app)
            assert "depths" in text(app) and "backbones" in text(app)

    run(scenario())


COLUMNS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 12), st.integers(0, 40)).map(
        lambda drawn: (Column("x", rank=drawn[0], least=drawn[1]), drawn[2])
    ),
    max_size=8,
)


@given(COLUMNS, st.integers(10, 200))
def test_what_never_leaves_is_there_and_the_rest_fits(drawn: list[tuple[Column, int]], room: int) -> None:
    columns, wanted = [column for column, _ in drawn], [width for _, width in drawn]
    given = fitting(columns, wanted, room)
    needed = sum(max(1, min(width, column.least or width)) + PADDING for column, width in drawn if column.rank == 0)
    assert all(width > 0 for column, width in zip(columns, given, strict=True) if column.rank == 0)
    assert sum(width + PADDING for width in given if width) <= max(room, needed)
    for (column, width), own in zip(drawn, given, strict=True):
        assert own == 0 or own >= min(width, column.least or width), "cut to less than it may be"
        assert own <= max(1, width)


def test_a_column_of_greater_rank_leaves_first() -> None:
    columns = [Column("name", least=5), Column("kind", rank=2), Column("result"), Column("time", rank=1)]
    wanted = [20, 8, 10, 4]
    assert fitting(columns, wanted, 60) == [20, 8, 10, 4]
    assert fitting(columns, wanted, 36) == [6, 8, 10, 4]
    assert fitting(columns, wanted, 25) == [5, 0, 10, 4]
    assert fitting(columns, wanted, 19) == [5, 0, 10, 0]


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40)])
def test_what_the_model_says_and_the_file_s_facts_need_no_scroll_bar(here: Path, size: tuple[int, int]) -> None:
    async def scenario() -> None:
        app = Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            await arrive(pilot, app, "predict")
            for pane in ("#answer-pane", "#facts-pane"):
                assert not app.screen.query_one(pane).max_scroll_y, pane
            shown = text(app)
            assert "Viral Pneumonia  59.2%" in shown and "model here." in shown and "0.94 to 1.06" in shown

    run(scenario())
