"""Screens that nobody has opened yet are made while nobody presses a key, and look as if they were made by a visit."""

import asyncio
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.pilot import Pilot

from tests.makers.drive import run, text, until
from tests.makers.made import kept_sweep
from tests.makers.shown import still, workplace
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.screens.sweep.screen import SweepScreen
from tui.widgets.file_tree import FileTree
from tui.words.settings import Settings

Lines = list[list[Segment]]


def made(app: Workbench) -> set[str]:
    """The screens that are there."""
    return {mode for mode in MODES if mode in app._screen_stacks}


async def all_made(pilot: Pilot[None], app: Workbench) -> None:
    await until(pilot, lambda: made(app) == set(MODES))
    await until(pilot, lambda: not app.session.jobs)
    await pilot.pause(1.0)  # what came last is laid out


async def visited(pilot: Pilot[None], app: Workbench) -> dict[str, Lines]:
    """What each screen shows when it is opened."""
    found = dict[str, Lines]()
    for mode in MODES:
        app.switch_mode(mode)
        await still(pilot, app)
        found[mode] = [list(strip) for strip in app.screen._compositor.render_strips()]
    return found


async def seen(ahead: bool, size: tuple[int, int], change: Any = None) -> dict[str, Lines]:
    """What each screen shows, after a change where there is one: made ahead, or by a visit."""
    settings = Settings(image_protocol="grey", theme="covid-dark")
    app = Workbench(Path("runs"), data=Path("sample_data"), settings=settings, ahead=ahead)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
        if ahead:
            await all_made(pilot, app)
            assert app.current_mode == "dataset"
        elif change:
            await visited(pilot, app)
        if change:
            app.switch_mode("dataset")
            await change(pilot, app)
        return await visited(pilot, app)


SIZES = [(100, 30), pytest.param((80, 24), marks=pytest.mark.slow), pytest.param((120, 40), marks=pytest.mark.slow)]


@pytest.mark.parametrize("size", SIZES)
def test_a_screen_made_ahead_looks_as_if_a_visit_had_made_it(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace(tmp_path, monkeypatch)

    async def scenario() -> None:
        by_visit, ahead = await seen(False, size), await seen(True, size)
        for mode in MODES:
            assert ahead[mode] == by_visit[mode], mode

    run(scenario())


@pytest.mark.slow
def test_it_follows_the_size_and_the_theme_that_are_chosen_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace(tmp_path, monkeypatch)

    async def other(pilot: Pilot[None], app: Workbench) -> None:
        app.theme = "covid-light"
        await pilot.resize_terminal(124, 36)

    async def scenario() -> None:
        by_visit, ahead = await seen(False, (80, 24), other), await seen(True, (80, 24), other)
        for mode in MODES:
            assert ahead[mode] == by_visit[mode], mode

    run(scenario())


def test_what_others_wrote_since_it_was_made_is_what_a_first_visit_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace(tmp_path, monkeypatch)

    async def scenario() -> None:
        app = Workbench(Path("runs"), ahead=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await all_made(pilot, app)
            shutil.copytree("runs/covid-audit", "runs/later-audit", copy_function=shutil.copyfile)
            kept_sweep(Path("runs/later-sweep"), Path("sample_data"))
            os.utime("runs/later-sweep/sweep.json")
            await pilot.press("7")
            await until(pilot, lambda: "later-audit, of " in text(app))
            await pilot.press("8")
            await until(pilot, lambda: app.current_mode == "sweep")
            sweeps = app.screen
            assert isinstance(sweeps, SweepScreen)
            await until(pilot, lambda: sweeps._shown and sweeps._shown.path.name == "later-sweep")

    run(scenario())


@pytest.mark.parametrize("data", [True, False])
def test_files_are_listed_from_the_data_or_beside_the_first_picture_though_they_were_chosen_later(
    data: bool, dozen: Path, tmp_path: Path
) -> None:
    picture = next(dozen.rglob("*.png"))

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", ahead=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await all_made(pilot, app)
            if data:
                app.session.open_data(dozen)
                await until(pilot, lambda: app.session.split is not None)
            app.session.picture = picture
            await pilot.press("6")
            await until(pilot, lambda: app.current_mode == "predict" and not app.session.jobs)
            assert app.screen.query_one(FileTree).path == (dozen if data else picture.parent)

    run(scenario())


def test_what_is_wrong_with_a_file_is_said_when_its_screen_is_opened(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "audit.json").write_text('{"variants": [')
    (tmp_path / "broken" / "audit.svg").touch()

    async def scenario() -> None:
        app = Workbench(tmp_path, ahead=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await all_made(pilot, app)
            assert not app._notifications
            await pilot.press("7")
            await until(pilot, lambda: any("no audit that can be read" in said.message for said in app._notifications))
            assert len(app._notifications) == 1

    run(scenario())


def test_none_is_made_while_keys_come_or_work_is_under_way(dozen: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        app, over = Workbench(tmp_path, ahead=True), threading.Event()
        async with app.run_test(size=(80, 24)) as pilot:
            for _ in range(12):
                await pilot.press("down")
                await asyncio.sleep(0.15)
            assert made(app) == {"dataset"}
            app.session.start("long", "a long job", lambda context: over.wait(60))
            await asyncio.sleep(1.5)
            assert made(app) == {"dataset"}
            over.set()
            await all_made(pilot, app)

    run(scenario())


def test_who_leaves_while_screens_are_made_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.ahead.SECONDS_STILL", 0.0)
    monkeypatch.setattr("tui.ahead.SECONDS_BETWEEN", 0.001)

    async def scenario() -> None:
        for moment in range(8):
            app = Workbench(tmp_path, ahead=True)
            async with app.run_test(size=(80, 24)) as pilot:
                await until(pilot, lambda app=app, moment=moment: len(made(app)) > moment)  # type: ignore[misc]

    run(scenario())
