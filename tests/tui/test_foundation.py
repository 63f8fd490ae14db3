"""The workbench's frame by keys: screens, palette, help, keys of the user's own, work in threads, a flood of events."""

import gc
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.recipe.config import TrainConfig
from engine.runs.watch import KEPT_POINTS, Points
from tests.conftest import ROOT
from tests.makers import fake
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.host.terminal import Abilities
from tui.screens.frame import MODES
from tui.widgets.xray import choose
from tui.words.plot import thinned
from tui.words.settings import Settings, load

PICTURED = ((80, 24), (120, 40))
"""The sizes in which every screen is pictured, and compared with what is kept, in test_snapshots."""
ALLOWED = {chr(code) for code in (*range(0x20, 0x7F), *range(0x2500, 0x25A0))} | {"\n"}


def mode(app: Workbench) -> str:
    """The recipe's mode now."""
    return app.session.config.network.mode


@pytest.mark.parametrize("size", [*(pytest.param(size, marks=pytest.mark.slow) for size in PICTURED), (200, 50)])
def test_number_keys_open_every_screen_in_plain_characters(tmp_path: Path, size: tuple[int, int]) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=size) as pilot:
            for number, mode in enumerate(MODES, start=1):
                await pilot.press("escape", str(number))
                await pilot.pause()
                assert app.current_mode == mode
                shown = text(app)
                assert "covid-tui" in shown
                assert not set(shown) - ALLOWED, (mode, set(shown) - ALLOWED)

    run(scenario())


def test_the_first_visit_of_a_screen_reads_no_file_of_styles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: any("review.tcss" in path for path, _ in app.stylesheet.source))
            read: list[object] = []
            monkeypatch.setattr(app.stylesheet, "read", read.append)
            for number, mode in enumerate(MODES, start=1):
                await pilot.press("escape", str(number))
                await pilot.pause()
                assert app.current_mode == mode
            assert read == []

    run(scenario())


@pytest.mark.parametrize(
    ("theme", "colours"),
    [
        ("covid-dark", False),
        *(
            pytest.param(theme, colours, marks=pytest.mark.slow)
            for theme in ("covid-dark", "covid-light", "ansi-light", "ansi-dark")
            for colours in (True, False)
            if colours or theme != "covid-dark"
        ),
    ],
)
def test_every_theme_paints_every_screen(
    tmp_path: Path, theme: str, colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colours:
        monkeypatch.setenv("NO_COLOR", "1")

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(theme=theme))
        async with app.run_test(size=(80, 24)) as pilot:
            for number in range(1, len(MODES) + 1):
                await pilot.press("escape", str(number))
            assert app.theme == theme

    run(scenario())


def test_layers_are_chosen_by_keys(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("2", "b")
            await pilot.pause()
            assert app.session.config.network.unfreeze == "block5"
            assert "7,343,106" in text(app)
            await pilot.press("B")
            assert app.session.config.network.unfreeze == "block4,block5"
            await pilot.press("f")
            assert mode(app) == "finetune"
            await pilot.press("t")
            assert mode(app) == "transfer"
            await pilot.press("ctrl+end", *["up"] * 4, "space")  # block5_pool is row 18, block5_conv3 row 17
            assert app.session.config.network.unfreeze == "block5_conv3"
            await pilot.press("shift+up", "shift+up")
            assert app.session.config.network.unfreeze == "block5"
            await pilot.press("space", "shift+down", "shift+down")
            assert mode(app) == "transfer"

    run(scenario())


def test_keys_and_recipe_follow_the_config_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        'theme = "covid-light"\ncolour = 1\n[keys]\n"layers.all" = "a"\n[recipe.fit]\nbatch = 16\n', "utf-8"
    )
    settings = load(file)
    assert "colour" in settings.complaints[0]

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=settings)
        async with app.run_test() as pilot:
            assert app.session.config.fit.batch == 16
            await pilot.press("2", "f")
            assert mode(app) == "transfer"
            await pilot.press("a")
            assert mode(app) == "finetune"

    run(scenario())


def test_a_theme_or_a_key_that_there_is_not_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(theme="covid-drak", keys={"train.stpo": "a", "list.copy": "k"}))
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: "train.stpo" in text(app))
            assert "no theme covid-drak" in text(app) and "list.copy" not in text(app)

    run(scenario())


def test_help_and_palette_offer_what_can_be_done_now(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 60)) as pilot:
            await pilot.press("2", "question_mark")
            await pilot.pause()
            assert "Train the head alone." in text(app)
            assert "what it learnt on ImageNet" in text(app)
            notes = [str(one.render()) for one in app.screen.query("Help Grid Static") if not one.has_class("key")]
            assert [note for note in notes if not note.endswith(".")] == [], "Textual's own are sentences too"
            await pilot.press("escape")
            names = [command.title for command in app.get_system_commands(app.screen)]
            assert "Last block" in names and "Stop" not in names and "Cancel" not in names
            await pilot.press("3")
            assert "Start" not in [command.title for command in app.get_system_commands(app.screen)]

    run(scenario())


def test_a_folder_is_read_in_a_thread_and_can_be_cancelled(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.pause()
            assert "Viral Pneumonia" in text(app)
            waiting = threading.Event()

            def work(context: Context) -> str:
                waiting.set()
                while not context.stop.is_set():
                    time.sleep(0.01)
                return "unwanted"

            results: list[str] = []
            app.session.start("slow", "counting sheep", work, results.append)
            await until(pilot, lambda: "counting sheep" in text(app))
            await pilot.press("ctrl+g")
            await until(pilot, lambda: app.session.busy is None)
            await pilot.pause(0.1)
            assert not results

    run(scenario())


def test_a_training_is_shown_live_and_stopped(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = fake.train
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "r")
            await until(pilot, lambda: re.search(r"epoch ([2-9]|1[0-9])/20", text(app)) is not None)
            await pilot.press("1")
            await pilot.pause()
            assert "training  epoch" in text(app)
            await pilot.press("3", "s", "k")
            await until(pilot, lambda: "test 65/66" in text(app))
            await pilot.press("4")
            await until(pilot, lambda: "98.5%" in text(app))

    run(scenario())


def test_a_second_workbench_sees_the_run_live_and_stops_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        stop = Stop()
        config = TrainConfig()
        object.__setattr__(config.output, "out", tmp_path)
        other = threading.Thread(target=fake.train, args=(DATA, config, Context(stop=stop), 0.02, tmp_path / "never"))
        other.start()
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: "live" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "whole" in text(app))
            await pilot.press("s", "k")
            await until(pilot, lambda: "test 65/66" in text(app))
        other.join()

    run(scenario())


def test_curves_stay_small_and_finite() -> None:
    points = Points()
    for step in range(100_000):
        points.add(step, 1.0, 0.5)
    assert len(points.x) <= KEPT_POINTS and points.x[0] == 0 and points.x[-1] == 99_999
    x, y = thinned(range(1000), [float("nan"), float("inf"), *map(float, range(998))], 100)
    assert len(x) == len(y) <= 110 and min(y) == 0 and max(y) == 997


def test_pictures_are_drawn_as_the_terminal_can() -> None:
    assert choose("auto", Abilities(sixel=True), "256") == "sixel"
    assert choose("auto", Abilities(), "truecolor") == "halfblock"
    assert choose("auto", Abilities(), "standard") == "grey"
    assert choose("grey", Abilities(sixel=True), "truecolor") == "grey"


def test_starting_the_workbench_loads_no_tensorflow() -> None:
    code = """
import asyncio, sys
import pytest
from tests.makers.quick import make_quick
make_quick(pytest.MonkeyPatch())
from tui.app import Workbench
async def main():
    async with Workbench().run_test() as pilot:
        for key in "123456": await pilot.press("escape", key)
asyncio.run(main())
print(sorted(m for m in ("tensorflow", "keras", "scipy", "sklearn", "plotext", "numpy") if m in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_verbs_load_no_textual() -> None:
    code = "import sys; from tui.cli import run; run(['layers']); sys.exit('textual' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_folder_of_runs_that_can_not_be_looked_into_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file, where the folder should be")

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs")
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: any("can't be looked into" in said.message for said in app._notifications))
            await pilot.pause(1.2)
            assert len([said for said in app._notifications if "looked into" in said.message]) == 1

    run(scenario())


def test_a_workbench_that_is_closed_leaves_the_collector_as_it_was(tmp_path: Path) -> None:
    before = gc.get_threshold()

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs")
        async with app.run_test() as pilot:
            await until(pilot, lambda: gc.get_freeze_count() > 0 and gc.get_threshold() != before)

    run(scenario())
    assert gc.get_freeze_count() == 0 and gc.get_threshold() == before
