"""Screen 4 by keys: all runs with their states, picked ones compared, some deleted, a live one never."""

import dataclasses
import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from engine.base.cancel import How, Stop
from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.events import Epoch, Failed, Interrupted, Resumed
from engine.recipe.config import AugmentConfig, DataConfig, FitConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs.bin import delete, in_bin
from engine.runs.directory import Run, State
from engine.runs.watch import READ_AT_ONCE, Library, Tail, thinned
from engine.runs.writer import create
from tests.conftest import Cli
from tests.makers import fake
from tests.makers.drive import DATA, run, shown_by, text, until
from tests.makers.live import Live
from tui.app import Workbench
from tui.screens.runs.comparison import Comparison, differences
from tui.screens.runs.screen import RunsScreen
from tui.widgets.curves import Curves


def config(out: Path, name: str, epochs: int = 2, mode: str = "transfer") -> TrainConfig:
    network = NetworkConfig(mode=mode)  # type: ignore[arg-type]
    return TrainConfig(network=network, fit=FitConfig(epochs=epochs), output=OutputConfig(out=out, name=name))


def make(out: Path, name: str, epochs: int = 2, mode: str = "transfer") -> Path:
    """A finished run."""
    fake.train(DATA, config(out, name, epochs, mode), Context(), seconds=0)
    return out / name


def said(app: Workbench, words: str) -> bool:
    """Has a message in the corner these words? There it may be broken into lines."""
    return any(words in one.message for one in app._notifications)


@pytest.fixture
def states(tmp_path: Path) -> Path:
    """Runs of all states but live."""
    make(tmp_path, "done")
    for name, end in (("stopped", Interrupted("r", 1, "Stopped.")), ("failed", Failed("No room.")), ("died", None)):
        with create(DATA, config(tmp_path, name)) as writer:
            writer.append(fake.started(name, 2))
            if end:
                writer.append(end)
    return tmp_path


def test_every_state_has_a_sign_and_a_word(states: Path) -> None:
    async def scenario() -> None:
        app = Workbench(states)
        with Live(config(states, "under-way", 1000)):
            async with app.run_test(size=(120, 40), notifications=True) as pilot:
                await pilot.press("4")
                for line in ("+ finished", "= stopped", "! failed", "x died", "* live"):
                    await until(pilot, partial(shown_by, app, line))
                shown = text(app)
                assert "98.5% (91.8-100.0)" in shown and "vgg16" in shown

    run(scenario())


def test_picked_runs_are_laid_over_each_other(tmp_path: Path) -> None:
    make(tmp_path, "one", 3)
    make(tmp_path, "two", 5, "finetune")

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(140, 44), notifications=True) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: "one" in text(app) and "two" in text(app))
            await pilot.press("ctrl+home", "space", "space")
            await until(pilot, lambda: "B one" in text(app) and "A two" in text(app))
            for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
                plot = app.screen.query_one(f"#{name}", Curves)
                marked = {curve.marker: list(curve.y) for curve in plot.curves if curve.marker in "AB"}
                view = {e.run.name: e.view for e in app.session.library.entries()}
                assert marked["A"] == [getattr(epoch, name) for epoch in view["two"].epochs]
                assert marked["B"] == [getattr(epoch, name) for epoch in view["one"].epochs]
            shown = text(app)
            assert "mode" in shown and "finetune" in shown and "Differences" in shown
            await pilot.press("v")
            await until(pilot, lambda: "Differences" not in text(app) and "validation loss" in text(app))
            await pilot.press("v")
            await until(pilot, lambda: "Differences" in text(app) and "training loss" not in text(app))
            await pilot.press("v", "u")
            await until(pilot, lambda: "Differences" not in text(app) and "Unusual" in text(app))
            table, charts = (app.screen.query_one(name).region for name in ("#runs-pane", "#charts"))
            assert table.height <= 8 < charts.height, "two runs leave their room to the charts"
            await pilot.resize_terminal(100, 30)
            await until(pilot, lambda: "validation accuracy" in text(app) and "two" in text(app))
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "validation accuracy" not in text(app))

    run(scenario())


def test_the_differences_are_those_of_the_recipes(tmp_path: Path) -> None:
    make(tmp_path, "one", 3)
    make(tmp_path, "two", 5, "finetune")
    library = Library(tmp_path)
    library.take(library.look())
    rows = dict(differences(library.entries()))
    assert rows["mode"] == ["finetune", "transfer"]
    assert rows["epochs"] == rows["epochs trained"] == ["5", "3"] and not any("rung" in name for name in rows)
    assert rows["test"] == ["98.5% (91.8-100.0)"] * 2
    assert "batch" not in rows and "name" not in rows


def test_what_computed_the_frozen_layers_is_compared_where_it_was_not_keras(tmp_path: Path) -> None:
    for name, engine in (("a", "ncnn"), ("b", "keras"), ("c", None)):  # of an earlier version
        with create(DATA, config(tmp_path, name)) as writer:
            started = dataclasses.replace(fake.started(name, 2), frozen_engine=engine)  # type: ignore[arg-type]
            writer.append(started)
    library = Library(tmp_path)
    library.take(library.look())
    entries = sorted(library.entries(), key=lambda entry: entry.run.name)
    assert dict(differences(entries))["precision"] == ["float32", "float32", "float32"]
    assert dict(differences(entries))["frozen layers by"] == ["ncnn", "Keras", "Keras"]


def test_enter_opens_the_result_or_the_course(states: Path) -> None:
    async def scenario() -> None:
        app = Workbench(states)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: len(app.session.library.entries()) == 4)
            await pilot.press("ctrl+end", "enter")
            await until(pilot, lambda: app.current_mode == "results")
            assert app.session.judged == states / "done"
            await pilot.press("4", "ctrl+home", "enter")
            await until(pilot, lambda: app.current_mode == "train")
            assert app.session.shown and app.session.shown.name == "died"
            await until(pilot, lambda: "Its process died" in text(app))

    run(scenario())


def test_runs_are_deleted_after_a_question_and_live_ones_never(states: Path) -> None:
    async def scenario() -> None:
        app = Workbench(states)
        with Live(config(states, "under-way", 1000)):
            async with app.run_test(size=(120, 40), notifications=True) as pilot:
                await pilot.press("4")
                await until(pilot, lambda: "* live" in text(app) and "x died" in text(app))
                await pilot.press("ctrl+home", "d")
                assert "Delete the run" not in text(app)
                await pilot.press("down", "d")
                await until(pilot, lambda: "Delete the run died?" in text(app))
                await pilot.press("escape")
                assert (states / "died").is_dir()
                await pilot.press("ctrl+home", *["space"] * 3, "d")
                await until(pilot, lambda: "Delete 2 runs (died, failed)?" in text(app))
                await pilot.press("y")
                await until(pilot, lambda: len(app.session.library.entries()) == 3)
                left = {path.name for path in states.iterdir() if not path.name.startswith(".")}
                assert left == {"done", "stopped", "under-way"}

    run(scenario())


def test_a_deletion_opens_on_keep_and_is_undone_by_a_key_also_after_a_restart(states: Path) -> None:
    async def deleting() -> None:
        app = Workbench(states)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: "x died" in text(app))
            await pilot.press("ctrl+home", "d")
            await until(pilot, lambda: "Delete the run died?" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "Delete the run died?" not in text(app))
            await pilot.press("z")
            await until(pilot, lambda: "There is no deleted run to bring back." in text(app))
            assert (states / "died" / "config.json").is_file() and in_bin(states) == []
            for _ in range(2):
                await pilot.press("ctrl+home", "d")
                await until(pilot, lambda: "Delete the run" in text(app))
                await pilot.press("up", "enter")
                await until(pilot, lambda: "z undoes that" in text(app))
                await until(pilot, lambda: len(app.session.library.entries()) + len(in_bin(states)) == 4)
                app.clear_notifications()

    async def restarted() -> None:
        app = Workbench(states)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: len(app.session.library.entries()) == 2)
            await pilot.press("z")
            await until(pilot, lambda: "Brought back failed." in text(app) and "! failed" in text(app))
            await pilot.press("z")
            await until(pilot, lambda: "x died" in text(app))

    run(deleting())
    assert [one.name for one in in_bin(states)] == ["failed", "died"]
    run(restarted())
    assert {path.name for path in states.iterdir()} == {"done", "stopped", "failed", "died"}


def test_the_table_has_the_focus_again_when_its_only_run_is_brought_back(tmp_path: Path) -> None:
    make(tmp_path, "only")

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: len(app.session.library.entries()) == 1)
            await pilot.press("d")
            await until(pilot, lambda: "Delete the run" in text(app))
            await pilot.press("up", "enter")
            await until(pilot, lambda: not app.session.library.entries())
            await pilot.press("z")
            await until(pilot, lambda: len(app.session.library.entries()) == 1)
            await until(pilot, lambda: app.focused is not None and app.focused.id == "runs")

    run(scenario())


def test_a_run_that_came_alive_is_not_deleted(tmp_path: Path) -> None:
    outside = make(tmp_path / "elsewhere", "far")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(outside)
    with Live(config(tmp_path / "runs", "alive", 1000)):
        while not (tmp_path / "runs" / "alive" / "events.jsonl").exists():
            pass
        with pytest.raises(RunError, match="is live"):
            delete([Run(tmp_path / "runs" / "alive")], Context())
        assert (tmp_path / "runs" / "alive" / "config.json").is_file()
    assert [one.name for one in delete([Run(tmp_path / "runs" / "link")], Context())] == ["link"]
    assert (outside / "config.json").is_file()


def test_a_run_that_vanishes_or_is_damaged_harms_nothing(states: Path) -> None:
    (states / "failed" / "config.json").write_text("[1, 2")

    async def scenario() -> None:
        app = Workbench(states)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: "unreadable" in text(app))
            await pilot.press("space", "space", "space", "space")
            shutil.rmtree(states / "died")
            await until(pilot, lambda: "died" not in text(app))
            assert "died" not in [entry.run.name for entry in app.session.library.entries()]
            assert app.screen.query_one(Comparison)

    run(scenario())


def test_names_of_folders_are_no_markup_in_titles(tmp_path: Path) -> None:
    out = tmp_path / "r[" / "]s"  # which reads "[/]"
    make(out, "run").rename(out / "[red]run")

    async def scenario() -> None:
        app = Workbench(out)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.library.entries())
            await pilot.press("4")
            await until(pilot, lambda: "r[/]s" in text(app))
            await pilot.press("f")
            await until(pilot, lambda: "Epochs of [red]run" in text(app))

    run(scenario())


def test_a_long_run_is_read_thinned_and_ends_as_it_ended(tmp_path: Path) -> None:
    path = make(tmp_path, "long", 1)
    lines = (path / "events.jsonl").read_bytes().splitlines()
    steps = [json.dumps(fake.batch(1, n % fake.STEPS + 1).to_dict()).encode() for n in range(50_000)]
    end = [line for line in lines if b'"epoch"' in line[:20] or b'"finished"' in line]
    (path / "events.jsonl").write_bytes(b"\n".join([lines[0], *steps, *end, b""]))
    tail, kept = Tail(Run(path)), []
    while more := tail.read():
        kept += more
    assert len(kept) < 5000
    assert [event.kind for _, event in kept[-3:]] == ["batch", "epoch", "finished"]
    assert thinned(lines) == lines


def test_attach_without_a_terminal_tells_a_long_run_to_its_result(tmp_path: Path, cli: Cli) -> None:
    path = make(tmp_path, "long")
    first, *rest = (path / "events.jsonl").read_bytes().splitlines()
    step = json.dumps(fake.batch(1, 1).to_dict()).encode()
    (path / "events.jsonl").write_bytes(b"\n".join([first, *[step] * (2 * READ_AT_ONCE // len(step)), *rest, b""]))
    done = cli("attach", "long", "--out", tmp_path)
    assert done.returncode == 0
    assert "epoch   2" in done.stderr and "test accuracy  65/66" in done.stdout


def test_a_run_that_was_moved_is_where_it_was_found(tmp_path: Path) -> None:
    moved = make(tmp_path / "before", "run").rename(tmp_path / "moved")
    library = Library(tmp_path)
    assert [view.path for view in library.take(library.look())] == [moved]


def test_a_run_that_cannot_be_read_hides_no_other(states: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Run.state

    def state(self: Run) -> State:
        if self.name == "failed":
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Run, "state", state)
    library = Library(states)
    library.take(library.look())
    assert {entry.run.name for entry in library.entries()} == {"done", "stopped", "died"}


@pytest.mark.usefixtures("small_pictures")
@pytest.mark.parametrize(
    ("how", "state"),
    [pytest.param("now", "= stopped", marks=pytest.mark.slow), ("keep", "= stopped, tested")],
)
def test_a_stopped_run_is_gone_on_with_by_a_key_whichever_way_it_was_stopped(
    tmp_path: Path, dozen: Path, how: How, state: str
) -> None:
    """With the real engine: the epochs before the stop stay, those after it are added to the same run."""
    from engine.jobs import train

    recipe = TrainConfig(
        data=DataConfig(classes="COVID,Normal"),
        network=NetworkConfig(weights="none"),
        augment=AugmentConfig(augment="none"),
        fit=FitConfig(epochs=3, patience=0),
        output=OutputConfig(out=tmp_path, name="gone-on"),
    )
    stop = Stop()
    train.train(dozen, recipe, Context(lambda event: stop.request(how) if isinstance(event, Epoch) else None, stop))
    found = Run(tmp_path / "gone-on")
    assert len(found.epochs()) < 3 and not found.summary().through

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: state in text(app))
            await pilot.press("r")
            await until(pilot, lambda: app.current_mode == "train" and app.session.shown and app.session.shown.end)
            shown = app.session.shown
            assert shown and [epoch.epoch for epoch in shown.epochs] == [1, 2, 3]
            assert any(isinstance(event, Resumed) for event in shown.log)
            training = app.session.training
            await until(pilot, lambda: training and not training.alive)
            await pilot.press("4")
            await until(pilot, lambda: "+ finished" in text(app))
            await pilot.press("r")
            await until(pilot, lambda: said(app, "gone-on is through: all epochs of its recipe are trained."))
            assert app.session.training is training

    run(scenario())
    assert found.state() == "finished" and [epoch.epoch for epoch in found.epochs()] == [1, 2, 3]
    assert found.summary().through


def test_a_run_that_is_not_through_can_be_gone_on_with_and_no_other(states: Path) -> None:
    (states / "failed" / "config.json").write_text("[1, 2")
    make(states, "kept")
    log = states / "kept" / "events.jsonl"
    text_of_it = log.read_text().replace('"ended": "all epochs"', '"ended": "stopped"')
    log.write_text(text_of_it.replace('"epochs": 2, "seconds"', '"epochs": 1, "seconds"'))
    with Live(config(states, "alive", 1000)):
        while not (states / "alive" / "events.jsonl").exists():
            pass
        library = Library(states)
        library.take(library.look())
        hindrances = {entry.run.name: entry.hindrance for entry in library.entries()}
    assert hindrances == {
        "stopped": None, "died": None, "kept": None, "alive": "live", "failed": "recipe", "done": "all epochs",
    }  # fmt: skip


def test_a_key_that_can_not_act_says_why(tmp_path: Path) -> None:
    async def nothing() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4")
            for key in ("v", "f", "r", "d", "c"):
                await pilot.press(key)
                await until(pilot, lambda: any("no runs here" in said.message for said in app._notifications))
                app.clear_notifications()
            await pilot.press("u")
            await until(pilot, lambda: said(app, "No run is picked"))

    async def live() -> None:
        app = Workbench(tmp_path)
        with Live(config(tmp_path, "alive", 1000)):
            async with app.run_test(size=(120, 40), notifications=True) as pilot:
                await pilot.press("4")
                await until(pilot, lambda: "* live" in text(app))
                await pilot.press("d")
                await until(pilot, lambda: said(app, "A live run can't be deleted"))
                await pilot.press("r")
                await until(pilot, lambda: said(app, "alive is being trained now"))

    run(nothing())
    run(live())


def test_a_run_that_has_just_vanished_is_not_gone_on_with(states: Path) -> None:
    async def scenario() -> None:
        app = Workbench(states)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4", "ctrl+home")
            await until(pilot, lambda: "x died" in text(app))
            screen = app.screen
            assert isinstance(screen, RunsScreen)
            shutil.rmtree(states / "died")
            screen.action_resume()  # before anybody has looked at the disk again
            assert app.session.training is None and app.current_mode == "runs"
            await until(pilot, lambda: any("config.json" in said.message for said in app._notifications))

    run(scenario())
