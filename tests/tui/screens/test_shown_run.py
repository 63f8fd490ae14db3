"""The Train screen beside a run that it was not asked to train: attached, followed, or played back."""

import dataclasses
import json
from functools import partial
from pathlib import Path

import pytest

from engine.base.context import Context
from engine.network.freezing import plan
from engine.recipe import toml
from engine.recipe.config import FitConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs.directory import Run
from engine.runs.watch import RunView
from tests.conftest import Cli
from tests.makers import fake
from tests.makers.drive import DATA, run, text, until
from tests.makers.live import Live
from tests.makers.screen import Terminal
from tui.app import Workbench
from tui.widgets.form import FieldTable, Form

SIZES = [(80, 24), (120, 40)]


def recipe(out: Path, name: str, epochs: int = 7) -> TrainConfig:
    return TrainConfig(
        network=NetworkConfig(mode="finetune"),
        fit=FitConfig(epochs=epochs, batch=13, patience=0),
        output=OutputConfig(out=out, name=name),
    )


def made(out: Path, name: str = "made", seconds: float = 0.0) -> Path:
    """A finished run of a recipe that is not the usual one, whose steps took so long by their stamps."""
    fake.train(DATA, recipe(out, name, 3), Context(), seconds=0)
    events = out / name / "events.jsonl"
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    now = lines[0]["time"]
    for line in lines:
        now += seconds * (line["event"] == "batch")
        line["time"] = now
    events.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return out / name


def is_live(view: RunView) -> bool:
    return view.live


def said(app: Workbench, words: str) -> bool:
    """Has a message in the corner these words? There it may be broken into lines."""
    return any(words in one.message for one in app._notifications)


def title_of_recipe(app: Workbench) -> str:
    return str(app.screen.query_one("#recipe").border_title)


def field(app: Workbench, name: str) -> str:
    """The value that the recipe's form shows."""
    table = app.screen.query_one(FieldTable)
    rows = [table.get_row_at(place) for place in range(table.row_count)]
    return next(value.plain for label, value in rows if label.plain.strip() == name)


@pytest.mark.parametrize("size", SIZES)
def test_attach_opens_on_the_curves_and_the_recipe_is_the_runs_own(tmp_path: Path, size: tuple[int, int]) -> None:
    async def scenario() -> None:
        with Live(recipe(tmp_path, "theirs", 1000)):
            await until_there(tmp_path / "theirs")
            app = Workbench(tmp_path, attached=tmp_path / "theirs")
            async with app.run_test(size=size) as pilot:
                await until(pilot, lambda: "Epochs of theirs" in text(app) and "epoch    " in text(app))
                assert app.screen.query_one("#curves").display and app.screen.query_one("#curves").size.height > 3
                assert title_of_recipe(app) == "Recipe of theirs"
                assert field(app, "batch") == "13" and field(app, "epochs") == "1000"
                await pilot.press("e")
                if size[0] == 80:  # there is no room beside the curves: its own comes first
                    await until(pilot, lambda: "Recipe of theirs" in text(app))
                    await pilot.press("e")
                await until(pilot, lambda: "Recipe of the next training" in text(app))
                assert field(app, "batch") != "13"
                await pilot.press("e")
                await until(pilot, lambda: title_of_recipe(app) == "Recipe of theirs")
                assert app.screen.query_one("#curves").size.height > 3

    run(scenario())


async def until_there(path: Path) -> None:
    import asyncio

    while not (path / "events.jsonl").exists():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("size", SIZES)
def test_a_run_that_is_followed_comes_with_its_recipe_which_can_not_be_changed(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    made(tmp_path)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.press("3")
            await until(pilot, lambda: "Recipe of the next training" in text(app))
            await pilot.press("escape", "4")
            await until(pilot, lambda: "+ finished" in text(app))
            await pilot.press("f")
            await until(pilot, lambda: "Epochs of made" in text(app))
            assert app.screen.query_one("#curves").size.height > 3
            assert title_of_recipe(app) == "Recipe of made" and field(app, "batch") == "13"
            before = app.session.config
            await pilot.press("e") if size[0] == 80 else app.screen.query_one(Form).edit()
            await until(pilot, lambda: app.screen.query_one(FieldTable).has_focus)
            await pilot.press("down", "enter")
            await until(pilot, lambda: "stays as it is" in text(app))
            assert app.session.config == before and field(app, "batch") == "13"

    run(scenario())


def test_the_recipe_in_sight_is_the_one_that_is_saved(tmp_path: Path) -> None:
    made(tmp_path)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: "+ finished" in text(app))
            await pilot.press("f", "w")
            await until(pilot, lambda: "Save the recipe of made to which file?" in text(app))
            app.screen.query_one("#path").value = str(tmp_path / "x.toml")  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda: (tmp_path / "x.toml").exists())

    run(scenario())
    saved = toml.load(tmp_path / "x.toml", plan)
    assert (saved.fit.batch, saved.network.mode) == (13, "finetune")


def test_a_key_of_the_screen_that_can_not_act_says_why(tmp_path: Path) -> None:
    made(tmp_path)
    alone = {
        "r": "Choose a folder of X-rays first.",
        "f": "Choose a folder of X-rays first.",
        "s": "No run is shown yet",
        "x": "No run is shown yet",
        "n": "No run is shown yet",
        "v": "No run is shown yet",
        "b": "No training of this workbench is under way",
    }

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("3")
            for key, sentence in alone.items():
                await pilot.press(key)
                await until(pilot, partial(said, app, sentence))
                app.clear_notifications()
            await pilot.press("4")
            await until(pilot, lambda: "+ finished" in text(app))
            await pilot.press("f", "s")
            await until(pilot, lambda: said(app, "is not being trained, so there is nothing to stop"))

    run(scenario())


def test_attach_takes_the_one_live_run_or_names_them(tmp_path: Path, cli: Cli) -> None:
    made(tmp_path)
    done = cli("attach", "--out", tmp_path)
    assert done.returncode == 1 and "is being trained now" in done.stderr and "`covid-tui runs`" in done.stderr
    with Live(recipe(tmp_path, "one", 3)):
        while not (tmp_path / "one" / "events.jsonl").exists():
            pass
        done = cli("attach", "--out", tmp_path)
        assert done.returncode == 0 and "test accuracy  65/66" in done.stdout
    with Live(recipe(tmp_path, "two", 1000)), Live(recipe(tmp_path, "three", 1000)):
        while any(Run(tmp_path / name).state() != "live" for name in ("two", "three")):
            pass
        done = cli("attach", "--out", tmp_path)
        assert done.returncode == 1 and "2 runs under" in done.stderr
        assert "two" in done.stderr and "three" in done.stderr


def test_a_finished_run_is_played_back_by_keys(tmp_path: Path) -> None:
    path = made(tmp_path, seconds=0.1)
    stamps = [
        line for line in (path / "events.jsonl").read_bytes().splitlines() if line.startswith(b'{"event": "batch"')
    ]
    assert len(stamps) == 60

    async def scenario() -> None:
        app = Workbench(tmp_path, attached=path, speed=0.25)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: "replay of made, 0.25 times as fast" in text(app))
            await until(pilot, lambda: "epoch    1" in text(app))
            assert title_of_recipe(app) == "Recipe of made" and field(app, "batch") == "13"
            await pilot.press("minus")
            await until(pilot, lambda: said(app, "can't be slower"))
            await pilot.press("plus")
            await until(pilot, lambda: "0.5 times as fast" in text(app))
            await pilot.press("space")
            await until(pilot, lambda: "replay of made, paused" in text(app))
            shown = app.session.shown
            assert shown and is_live(shown) and shown.batch
            stood = shown.batch
            await pilot.press("s")
            await until(pilot, lambda: said(app, "nothing to stop"))
            assert shown.batch == stood and not (path / "stop").exists()
            await pilot.press("j")
            await until(pilot, lambda: "replay of made, at its end" in text(app) and "test 65/66" in text(app))
            assert len(shown.epochs) == 3 and not is_live(shown)
            await pilot.press("space")
            await until(pilot, lambda: "times as fast" in text(app))
            assert app.session.shown is not shown
            await pilot.press("4")
            await until(pilot, lambda: "+ finished" in text(app))
            await pilot.press("f")
            await until(pilot, lambda: "replay of" not in text(app))
            await pilot.press("3", "space", "j")
            await pilot.pause(0.3)
            assert app.session.replay is None and "replay of" not in text(app)

    run(scenario())


def test_replay_is_a_verb_that_loads_no_tensorflow(tmp_path: Path, cli: Cli) -> None:
    made(tmp_path, seconds=0.05)
    told = f"""
import sys
from pathlib import Path
from tui.app import Workbench
leave = Workbench.leave
def telling(self, code=0):
    names = [name for name in ("tensorflow", "keras", "numpy") if name in sys.modules]
    Path({str(tmp_path / "loaded")!r}).write_text(",".join(names))
    leave(self, code)
Workbench.leave = telling
"""
    terminal = Terminal(["replay", "made", "--out", str(tmp_path), "--speed", "0.25"], prelude=told)
    terminal.until("replay of made, 0.25 times as fast")
    terminal.press("j")
    terminal.until("test 65/66")
    terminal.press("q")
    assert terminal.wait() == 0
    assert (tmp_path / "loaded").read_text() == ""
    done = cli("replay", "made", "--out", tmp_path)
    assert done.returncode == 2 and "replay needs a terminal" in done.stderr
    assert cli("replay", "made", "--out", tmp_path, "--speed", "0").returncode == 2


def test_who_has_changed_the_next_recipe_still_sees_the_runs_own(tmp_path: Path) -> None:
    made(tmp_path)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: "+ finished" in text(app))
            await pilot.press("f")
            await until(pilot, lambda: "Epochs of made" in text(app))
            app.session.configure(fit=dataclasses.replace(app.session.config.fit, batch=5))
            await pilot.pause(0.2)
            assert field(app, "batch") == "13"
            await pilot.press("e")
            await until(pilot, lambda: field(app, "batch") == "5")

    run(scenario())
