"""Screen 8 by keys: a sweep that the real engine trains, stopped, gone on with and chosen from; others followed."""

import dataclasses
import json
import math
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from engine.base.errors import ConfigError
from engine.data.split import Split
from engine.jobs.sweep import Sweep
from engine.recipe.config import AugmentConfig, DataConfig, FitConfig, NetworkConfig, TrainConfig
from engine.recipe.fields import parts
from engine.recipe.plans import SweepConfig
from engine.runs.directory import Run
from engine.runs.writer import take_lock
from engine.sweep import store
from engine.sweep.result import SweptRecipe
from tests.makers import fake, made
from tests.makers.drive import DATA, run, text, until
from tests.makers.examples import examples
from tui.app import Workbench
from tui.screens.sweep.frontier_plot import Frontier
from tui.screens.sweep.kept_list import KeptSweeps
from tui.screens.sweep.screen import SweepScreen
from tui.state.sweep_job import Followed
from tui.widgets.form import Form
from tui.widgets.row_table import RowTable
from tui.words.plot import letters
from tui.words.settings import Settings

pytestmark = pytest.mark.usefixtures("small_pictures")

GREY = Settings(image_protocol="grey", theme="covid-dark")
CLASSES = ("COVID", "Viral Pneumonia")
RECIPE = TrainConfig(
    data=DataConfig(val_share=0.2, test_share=0.2),
    network=NetworkConfig(weights="none"),
    augment=AugmentConfig(augment="none"),
    fit=FitConfig(epochs=1, batch=4, lr=1e-3),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten images of each of two classes."""
    for name in CLASSES:
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(1, 11):
            shutil.copy(DATA / name / "images" / f"{name}-{number}.png", tmp_path / "data" / name)
    return tmp_path / "data"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of runs with a complete sweep in it, named "which"; its images are those of the sample data."""
    made.kept_sweep(tmp_path / "runs" / "which", DATA)
    return tmp_path / "runs"


def workbench(runs: Path, data: Path | None) -> Workbench:
    app = Workbench(runs, data=data, settings=GREY)
    app.session.config = RECIPE
    return app


def sweep_screen(app: Workbench) -> SweepScreen:
    assert isinstance(app.screen, SweepScreen)
    return app.screen


async def grid(pilot: Pilot[None], app: Workbench, **values: Any) -> None:
    """Put these values into the form, as typing them would."""
    screen = sweep_screen(app)
    before = screen._wanted.sweep
    new = SweepConfig(**{**vars(before), **values})
    screen.query_one(Form).post_message(Form.Changed("sweep", new))
    await until(pilot, lambda: screen._wanted.sweep == new and screen._plan is not None)


def offered(app: Workbench) -> set[str]:
    """What the palette offers."""
    return {command.title for command in app.get_system_commands(app.screen)}


def test_a_plan_is_the_verbs_and_follows_the_form(tmp_path: Path, data: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path / "runs", data)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("8", "down", "down", "down", "down", "enter", "end", "backspace", "3", "enter")  # seeds
            await until(pilot, lambda: "18 trainings on 12 images" in text(app))
            await pilot.press("up", "up", "enter", *["backspace"] * 60, *"head,block9", "enter")
            assert "block9" in text(app)
            await until(pilot, lambda: 'unfreeze "block9" is no part' in text(app))
            assert "Start" not in offered(app)
            await pilot.press("enter", "end", *["backspace"] * 6, *"block5", "enter")
            await until(pilot, lambda: "6 trainings on 12 images" in text(app))
            plan = sweep_screen(app)._plan
            assert plan is not None and not any(plan.rates.values())
            output = RECIPE.output.__class__(out=tmp_path / "runs", name=plan.path.name)
            config = dataclasses.replace(RECIPE, output=output)
            same = Sweep(data, config, plan.sweep.grid).plan(12)
            assert [(one.point.name, one.filling, one.training) for one in same] == [
                (one.point.name, one.filling, one.training) for one in plan.queue
            ]
            for one in same:
                assert f"{one.training / 1e12:.1f} T" in text(app)
            assert "Start" in offered(app) and not offered(app) & {"Stop", "Choose", "Go on", "Queue"}
            assert not (tmp_path / "runs").exists()

    run(scenario())


def test_a_plan_and_the_screen_layers_count_the_same_parameters(tmp_path: Path, data: Path) -> None:
    """Three classes, which nobody has named: both say what the training of the head alone will train."""
    (data / "Normal").mkdir()
    for number in range(1, 11):
        shutil.copy(DATA / "Normal" / "images" / f"Normal-{number}.png", data / "Normal")

    async def scenario() -> None:
        app = workbench(tmp_path / "runs", data)
        async with app.run_test(size=(140, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("2")
            await until(pilot, lambda: "264,195" in text(app))
            await pilot.press("8")
            await until(pilot, lambda: sweep_screen(app)._plan is not None and "264,195" in text(app))
            assert "263,682" not in text(app)

    run(scenario())


@pytest.mark.slow
def test_stopped_it_keeps_what_is_finished_goes_on_and_opens_the_test_when_one_is_chosen(
    tmp_path: Path, data: Path
) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path / "runs", data)
        session = app.session
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: session.split is not None)
            await pilot.press("8")
            await grid(pilot, app, depths="head", lrs="1e-3,1e-4", seeds=1, budget="9m")
            screen = sweep_screen(app)
            await pilot.press("r")
            await until(pilot, lambda: session.sweep is not None)
            live = session.sweep
            assert live is not None
            with pytest.raises(ConfigError, match="A sweep is under way"):
                session.train()
            await until(pilot, lambda: "budget 9 min left" in text(app))
            first = Run(live.path / "vgg16-head-lr0.0001-seed0")
            await until(pilot, lambda: first.finished() or not live.alive, 120)
            await pilot.press("s")
            await until(pilot, lambda: "Stop the sweep?" in text(app))
            await pilot.press("k")
            await until(pilot, lambda: not live.alive, 60)
            assert live.state == "stopped", live.error
            kept = (first.path / "events.jsonl").read_bytes()
            await until(pilot, lambda: "1 of 2 trainings is left. Key r goes on." in text(app))
            await until(pilot, lambda: "1 of 2 trainings are finished" in text(app))
            await until(pilot, lambda: {"Go on", "Choose"} <= offered(app))

            await pilot.press("r")
            await until(pilot, lambda: session.sweep is not live)
            again = session.sweep
            assert again is not None and again.path == live.path
            await until(pilot, lambda: not again.alive, 120)
            assert again.state == "finished", again.error
            assert (first.path / "events.jsonl").read_bytes() == kept
            await until(pilot, lambda: "2 of 2 trainings are finished" in text(app))
            await until(pilot, lambda: "Go on" not in offered(app))
            if screen.query_one("#queue").display:
                await pilot.press("u")
            result = store.read(live.path)
            await until(pilot, lambda: all(f"{one.trainable:,}" in text(app) for one in result.candidates))
            assert "The test part is shut" in text(app) and not list(live.path.rglob("test.json"))

            await pilot.press("o")
            await until(pilot, lambda: "Open the test part" in text(app))
            await pilot.press("k")
            await until(pilot, lambda: app.screen is screen)
            assert not list(live.path.rglob("test.json"))
            await pilot.press("o", "r")
            await until(pilot, lambda: store.read(live.path).chosen, 60)
            end = store.read(live.path).chosen
            assert end and result.advice and end.recipe == result.advice.name
            tested = Run(live.path / end.run).finished()
            assert tested and tested.test and tested.test.n == end.test.n == 4
            await until(pilot, lambda: f"Chosen: {end.run}" in text(app) and f"{end.test.correct}/4" in text(app))
            assert [path.parent.name for path in live.path.rglob("test.json")] == [end.run]

        app = workbench(tmp_path / "runs", None)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("8")
            await until(pilot, lambda: f"Chosen: {end.run if end else '?'}" in text(app))
            assert sweep_screen(app)._wanted.sweep.lrs == "0.001,0.0001"

    run(scenario())


def test_one_thing_is_trained_at_a_time_and_leaving_asks(tmp_path: Path, data: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path / "runs", data)
        app.session.work = fake.train
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            app.session.configure(fit=FitConfig(epochs=1000))
            app.session.train()
            await pilot.press("8")
            await until(pilot, lambda: "A training is under way" in text(app))
            assert "Start" not in offered(app)
            app.session.training.request_stop("now")  # type: ignore[union-attr]
            await until(pilot, lambda: not app.session.training.alive)  # type: ignore[union-attr]
            app.session.configure(fit=dataclasses.replace(RECIPE.fit, epochs=100_000, patience=0))
            await grid(pilot, app, depths="head", seeds=1)
            await until(pilot, lambda: "Start" in offered(app))
            await pilot.press("r")
            await until(pilot, lambda: app.session.sweep is not None)
            live = app.session.sweep
            assert live is not None and app.session.cannot_audit().startswith("A sweep is under way")
            await pilot.press("q")
            await until(pilot, lambda: "A sweep is under way in this workbench, and stops with it" in text(app))
            await pilot.press("s")
            assert live.alive
            app.session.cancel("sweep")
            await until(pilot, lambda: not live.alive, 120)
            assert live.state == "stopped"

    run(scenario())


def test_an_earlier_sweep_shows_frontier_table_and_advice(runs: Path) -> None:
    result = store.read(runs / "which")

    async def scenario(size: tuple[int, int]) -> None:
        app = workbench(runs, None)
        async with app.run_test(size=size) as pilot:
            await pilot.press("8")
            await until(pilot, lambda: "The test part is shut" in text(app) or "Recommended" in text(app))
            rows = sweep_screen(app).query_one("#recipes", RowTable).texts()[1:]
            ordered = result.by_cost()
            for row, one in zip(rows, ordered, strict=True):
                assert row[0][0].isupper() == one.frontier == ("*" in row[0])
                assert (">" in row[0]) == (one == result.recommended)
                low, high = (100 * end for end in one.accuracy_ci)
                assert row[2] == f"{one.accuracy:.1%} ({low:.0f} to {high:.0f})"
                assert row[5] == f"{one.trainable:,}"
            if size[0] == 80:
                await pilot.press("v")
            await until(pilot, lambda: "by training seconds" in text(app))
            shown = {letter for line in plot(app) for letter in line if letter.isalpha() and letter.lower() <= "h"}
            assert {row[0][0] for row in rows} <= shown
            await pilot.press("x")
            await until(pilot, lambda: "by parameters that train" in text(app))
            await pilot.press("u")
            await until(pilot, lambda: "Queue of which" in text(app))
            for one in result.candidates:
                assert f"{one.accuracies[0]:.1%}" in text(app)
            await pilot.press("u")
            sweep_screen(app).query_one("#recipes", RowTable).focus()
            await pilot.press("c")
            assert app.clipboard.splitlines()[0].split("\t")[1] == "recipe"
            assert len(app.clipboard.splitlines()) == 1 + len(ordered)

    for size in ((80, 24), (120, 40)):
        run(scenario(size))


def plot(app: Workbench) -> list[str]:
    """The lines of the plot."""
    widget = app.screen.query_one(Frontier)
    return str(widget.render()).splitlines()


def test_one_of_another_process_is_followed_and_not_touched(runs: Path) -> None:
    path = runs / "which"
    last = sorted(path.glob("*/events.jsonl"), key=lambda file: "block4" in file.parent.name)[-1]
    whole = last.read_text().splitlines(keepends=True)
    epochs = [place for place, line in enumerate(whole) if '"event": "epoch"' in line]

    async def scenario() -> None:
        app = workbench(runs, None)
        last.write_text("".join(whole[: epochs[0] + 1]))
        with (path / "lock").open("w") as outer, (last.parent / "lock").open("w") as inner:
            take_lock(outer, path)
            take_lock(inner, last.parent)
            async with app.run_test(size=(120, 40)) as pilot:
                await pilot.press("8")
                await until(pilot, lambda: "by another process" in text(app) and "epoch 2/" in text(app))
                assert not offered(app) & {"Stop", "Go on", "Choose", "Start"}
                with last.open("a") as file:
                    file.write(whole[epochs[1]])
                await until(pilot, lambda: "epoch 3/" in text(app))
                inner.close()
                outer.close()
                await until(pilot, lambda: "by another process" not in text(app))
                await until(pilot, lambda: "Go on" in offered(app))

    run(scenario())


def test_what_is_damaged_is_told_and_foreign_text_is_only_shown(runs: Path) -> None:
    result = json.loads((runs / "which" / "sweep.json").read_text())
    for name in ("damaged", "foreign"):
        (runs / name).mkdir()
    (runs / "damaged" / "sweep.json").write_text('{"points": [')
    evil = "[@click=app.quit]\x1b[31mhead"
    result["advice"]["sentence"] = f"Take {evil}."
    for one in result["candidates"]:
        one["label"] = evil
    (runs / "foreign" / "sweep.json").write_text(json.dumps(result))
    for key in ("candidates", "points", "advice", "chosen"):
        broken = {**result, key: [{"name": 1}] if key in ("candidates", "points") else {"name": 2}}
        (runs / f"broken-{key}").mkdir()
        (runs / f"broken-{key}" / "sweep.json").write_text(json.dumps(broken))

    async def scenario() -> None:
        app = workbench(runs, None)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("8")
            screen = sweep_screen(app)
            await until(
                pilot, lambda: {kept.path.name for kept in screen.query_one(KeptSweeps).kept} == {"which", "foreign"}
            )
            said = [note.message for note in app._notifications]
            assert sum("sweep.json" in message for message in said) == 5, said
            screen._open(runs / "foreign")
            await until(pilot, lambda: "[@click=app.quit]\\x1b[31mhead" in text(app))
            assert "\x1b" not in text(app)
            await until(pilot, lambda: "say" in text(app) or "missing" in text(app) or "split.csv" in text(app))
            assert "Go on" not in offered(app)

    run(scenario())


def test_the_form_knows_every_backbone_of_the_engine() -> None:
    from engine.network.backbones import BACKBONES

    (part,) = parts(type(SweepScreen._wanted))
    known = next(field.known for field in part.fields if field.name == "backbones")
    assert known == tuple(BACKBONES)
    assert SweepConfig(backbones=",".join(known)).backbones
    with pytest.raises(ConfigError, match="vgg16"):
        SweepConfig(backbones="vgg61")


@pytest.mark.slow
def test_the_verbs_sweep_is_followed_killed_and_gone_on_with(tmp_path: Path, data: Path, cache: Path) -> None:
    arguments = ["sweep", data, "--weights", "none", "--augment", "none", "--batch", "4", "--epochs", "40",
                 "--val-share", "0.2", "--test-share", "0.2", "--lr", "1e-3", "--patience", "0", "--depths", "head",
                 "--seeds", "2", "--name", "s", "--out", tmp_path / "runs", "--checkpoint-minutes", "0"]  # fmt: skip
    command = [sys.executable, "-c", "from tui.cli import main; main()", *map(str, arguments)]

    async def scenario() -> None:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 120
            while not list((tmp_path / "runs").glob("s/*/history.csv")):
                assert time.monotonic() < end and process.poll() is None
                time.sleep(0.05)
            app = Workbench(tmp_path / "runs", settings=GREY)
            async with app.run_test(size=(120, 40)) as pilot:
                await pilot.press("8")
                await until(pilot, lambda: "by another process" in text(app) and "epoch" in text(app), 60)
                process.send_signal(signal.SIGKILL)
                process.wait()
                await until(pilot, lambda: "Go on" in offered(app), 60)
                await pilot.press("r")
                await until(pilot, lambda: app.session.sweep is not None)
                own = app.session.sweep
                assert own is not None
                await until(pilot, lambda: not own.alive, 170)
                assert own.state == "finished", own.error
                assert len({Split.read(file).rows for file in own.path.rglob("split.csv")}) == 1
        finally:
            process.kill()

    run(scenario())


def test_a_followed_folder_that_vanishes_is_no_error(runs: Path) -> None:
    followed = Followed(runs / "which")
    look = followed.look()
    assert look and look.result
    followed.take(look)
    assert followed.look() is None and len(followed.runs) == len(look.result.points)
    shutil.rmtree(runs / "which")
    gone = followed.look()
    assert gone
    followed.take(gone)
    assert not followed.runs and followed.result == look.result


numbers = st.floats(0, 1)


@st.composite
def candidates(draw: st.DrawFn) -> list[SweptRecipe]:
    found = []
    for place in range(draw(st.integers(1, 8))):
        low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
        found.append(SweptRecipe(
            name=f"r{place}", label=f"r{place}", n=9, accuracy=value, accuracy_ci=(low, high), accuracies=(value,),
            loss=0.1, seconds=draw(st.floats(0, 1e6)), filling=(0.0,), trainable=draw(st.integers(0, 10**9)),
            frontier=draw(st.booleans()),
        ))  # fmt: skip
    return found


class Bare(Frontier):
    """The plot without an app."""

    def _pixel(self, name: str) -> Any:
        return None


@given(candidates(), st.integers(20, 120), st.integers(6, 40), st.sampled_from(["seconds", "trainable"]))
@settings(deadline=None, max_examples=examples(60))
def test_the_plot_draws_any_recipes_in_any_room(found: list[SweptRecipe], width: int, height: int, cost: str) -> None:
    widget = Bare()
    widget.show(found, cost, found[0].name)
    rows = widget._figure(width, height).plain.splitlines()
    assert len(rows) <= height and max(map(len, rows)) <= width
    drawn = {letter for row in rows for letter in row}
    own = letters(found)
    places = {(math.log10(max(getattr(one, cost), 0.01)), one.accuracy) for one in found}
    if len(places) == 1:
        assert drawn & set(own)
    assert any(letter in drawn for letter in own)
