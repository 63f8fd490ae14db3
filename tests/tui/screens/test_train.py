"""Screen 3 by keys: a training as it goes, its log, its stop, and the files that it asks for."""

import dataclasses
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from engine.base.context import Context
from engine.base.events import Epoch, Notice
from engine.recipe.config import AugmentConfig, DataConfig, FitConfig, TrainConfig
from engine.runs.watch import RunView
from engine.training.phases import rates
from tests.makers import fake
from tests.makers.drive import run, shown_by, text, until
from tests.makers.recipe_form import go_to, place
from tui.app import Workbench
from tui.screens.train.log_dialog import LogLines, log_line
from tui.screens.train.machine import Machine, Meter
from tui.screens.train.progress import course
from tui.state.training_job import TrainingJob
from tui.widgets.form import ValueLine
from tui.widgets.pick_dialog import AskFile
from tui.widgets.question_dialog import Ask
from tui.words.glyphs import PLAIN


def test_the_schedule_is_that_of_the_training(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("3", "l")
            await until(pilot, lambda: "learning rate by epoch" in text(app))
            for rate in rates(TrainConfig(), 1e-4)[:6]:
                assert f"{rate:.4g}" in text(app)
            assert "Epochs 1 to 12:" in text(app)
            await pilot.press("l")
            await until(pilot, lambda: "learning rate by epoch" not in text(app))

    run(scenario())


@pytest.mark.slow
def test_a_rate_is_found_and_taken(tmp_path: Path, few: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=few)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            data = dataclasses.replace(app.session.config.data, classes="COVID,Viral Pneumonia")
            augment, fit = AugmentConfig(augment="none"), FitConfig(batch=8, lr="auto")
            app.session.configure(data=data, augment=augment, fit=fit)
            await pilot.press("3", "l")
            await until(pilot, lambda: "shares of the first" in text(app))
            await pilot.press("escape", "f")
            await until(pilot, lambda: "the test is under way" in text(app))
            await pilot.press("t")
            assert app.session.config.fit.lr == "auto"
            await until(pilot, lambda: "Suggested: " in text(app), seconds=150)
            await until(pilot, lambda: "1e-4" in text(app) and "orders of the images" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "Suggested: " not in text(app))
            assert 1e-7 < app.session.config.fit.peak < 1
            await pilot.press("f", "escape")
            await until(pilot, lambda: not app.session.jobs)

    run(scenario())


def test_a_training_is_followed_in_full(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = partial(fake.train, seconds=0.03)
        async with app.run_test(size=(140, 44), notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "r")
            await until(pilot, lambda: "epoch    3" in text(app))
            shown = text(app)
            assert "* best" in shown and "patience 0 of 3" in shown and "123 images/s" in shown and "left" in shown
            assert "! These numbers are made up." in shown
            await until(pilot, lambda: "cpu" in text(app) and "GB" in text(app))
            await pilot.press("v")
            await until(pilot, lambda: "loss by epoch  (epoch" in text(app))
            await pilot.press("n")
            await until(pilot, lambda: "Log of" in text(app))
            box, inside = app.screen.query_one(".dialog"), app.screen.query_one(LogLines)
            assert box.region.height == inside.region.height + 4 < 20  # no higher than its lines, title and border
            await pilot.press("n", "s", "k")
            await until(pilot, lambda: "tests the best epoch" in text(app) or "test 65/66" in text(app))
            await until(pilot, lambda: "test 65/66" in text(app))
            assert "always COVID" in text(app)

    run(scenario())


def test_what_a_warning_advises_is_put_into_the_recipe_by_a_key(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = fake.train
        async with app.run_test(size=(140, 44), notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "y")
            assert app.session.config.fit == FitConfig()
            await pilot.press("r")
            await until(pilot, lambda: "y puts batch 8, epochs 84 into the recipe" in text(app))
            await pilot.press("x", "n")
            await until(pilot, lambda: "Finished after" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "The recipe of the next training has batch 8, epochs 84." in text(app))
            assert app.session.config.fit == FitConfig(batch=8, epochs=84)

    run(scenario())


def test_enter_beside_the_form_starts_and_only_then(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = fake.train

        def live() -> TrainingJob | None:
            return app.session.training

        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "enter")
            assert live() is None
            await pilot.press("e", "r")
            await until(pilot, lambda: app.session.training is not None)
            await pilot.press("x")
            await until(pilot, lambda: "untested" in text(app))
            await pilot.press("escape")
            training = live()
            assert training and not training.stop.is_set()
            await pilot.press("x", "n")
            await until(pilot, lambda: app.session.training is not None and app.session.training.stop.now)

    run(scenario())


def test_a_click_on_a_field_of_the_recipe_changes_it_and_starts_nothing(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = fake.train
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3")
            await pilot.pause()
            for _ in range(2):
                await pilot.click("#recipe FieldTable", offset=(5, place("val_share")))
            await until(pilot, lambda: app.screen.query_one(ValueLine).has_focus)
            assert app.session.training is None

    run(scenario())


def test_a_path_that_can_be_none_is_told_not_died_of(tmp_path: Path, dozen: Path) -> None:
    """A home of nobody, and a name longer than any can be."""

    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3")
            await go_to(app, "split")
            await pilot.press("enter", *("tilde" if sign == "~" else sign for sign in "~noone"), "enter")
            await until(pilot, lambda: "~noone" in app.session.split_problem)
            await pilot.press("e", "o")
            await until(pilot, lambda: "which file" in text(app))
            app.screen.query_one("#path", Input).value = "/" + 300 * "x"
            await pilot.press("enter")
            await until(pilot, lambda: "There is no file" in text(app))

    run(scenario())


def test_another_training_can_begin_as_soon_as_the_last_has_come_to_its_end(tmp_path: Path, dozen: Path) -> None:
    """Its thread may have work to do after it told its result, long after the run on disk is no longer live."""

    end = threading.Event()

    def slow_to_end(folder: Path, config: TrainConfig, context: Context) -> None:
        fake.train(folder, config, context, seconds=0)
        assert end.wait(60)

    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = slow_to_end
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "r")
            await until(pilot, lambda: "test 65/66" in text(app))
            assert app.session.cannot_train()
            end.set()
            await until(pilot, lambda: not app.session.cannot_train())
            await until(pilot, lambda: dict(app.screen._keys)["r"])  # type: ignore[attr-defined]

    run(scenario())


def test_patience_and_states_in_words() -> None:
    view = RunView(Path("r"), own=True)
    view.fold(fake.started("r", 20, patience=3))
    for number, accuracy in enumerate((0.8, 0.9, 0.85, 0.9), start=1):
        view.fold(Epoch(number, 1.0, 0.5, 1.0, accuracy, 1e-4, 2.0))
    view.fold(fake.batch(5, 10))
    lines = [line.plain for line in course(view, PLAIN)]
    assert "10/20" in lines[0] and "1 s left" in lines[0]
    assert "patience 2 of 3" in lines[1] and "31 s left" in lines[1]
    view.state = "died"
    assert "Its process died" in course(view, PLAIN)[-1].plain
    view.fold(Notice("warning", "[red]x\x1b"))
    assert log_line(view.log[-1]) == ("warning", "[red]x\x1b")


def test_the_machine_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {gauge.name: gauge for gauge in Meter().read()}
    assert {"cpu", "memory", "program"} <= set(names)
    assert all(0 <= gauge.share <= 1.5 for gauge in names.values())

    class Card:
        used, total, gpu = 21e9, 80e9, 83

    class Nvml:
        @staticmethod
        def read(card: Any) -> type[Card]:
            return Card

        nvmlDeviceGetUtilizationRates = nvmlDeviceGetMemoryInfo = read

    meter = Meter()
    meter._nvml, meter._cards = Nvml, [object()]
    gpu = {gauge.name: gauge.text for gauge in meter.read()}
    assert (gpu["gpu"], gpu["gpu mem"]) == ("83%", "21/80 GB")
    assert Machine.__doc__


def test_a_path_that_cannot_be_shown_is_edited_without_harm(tmp_path: Path) -> None:
    given = Path(os.fsdecode(b"/x/caf\xe9/s.csv"))

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("3")
            app.session.configure(data=DataConfig(split=given))
            await go_to(app, "split")
            await pilot.pause()
            await pilot.press("enter", "enter")
            await pilot.pause()
            assert app.session.config.data.split == given
            await pilot.press("enter", "end", *["backspace"] * 4, "2", "enter")
            await until(pilot, lambda: app.session.config.data.split == given.with_name("s2"))

    run(scenario())


def test_who_stops_a_training_at_once_and_leaves_is_told_that_it_stays_untested(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = fake.train
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            app.session.train()
            training = app.session.training
            assert training is not None
            await until(pilot, lambda: training.view.name)
            training.request_stop("now")
            app.leave()
        assert app.farewell.startswith("The training ends with the step at hand, untested, in the background.")
        assert f"`covid-tui attach {training.view.name}` shows it." in app.farewell
        training.wait()

    run(scenario())


def test_a_file_is_written_over_by_an_answer_that_says_so_alone(tmp_path: Path) -> None:
    there, got = tmp_path / "there.csv", list[Path | None]()
    there.write_text("mine")

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            app.push_screen(AskFile("Which file?", there, suffixes=[".csv"], writes=True), got.append)
            await pilot.pause()
            for _ in range(2):  # pressed again, enter takes the harmless answer
                await pilot.press("enter")
                await until(pilot, lambda: "Write over it?" in text(app) and isinstance(app.screen, Ask))
                await pilot.press("enter")
                await until(pilot, lambda: isinstance(app.screen, AskFile))
            assert not got
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Ask))
            await pilot.press("w")
            await until(pilot, lambda: got == [there])

    run(scenario())


def test_a_file_of_another_kind_or_of_a_run_or_an_address_is_not_written_at_all(tmp_path: Path) -> None:
    picture, made, got = tmp_path / "x.png", tmp_path / "run", list[Path | None]()
    made.mkdir()
    for file in (picture, made / "config.json", made / "events.jsonl", made / "history.csv"):
        file.write_text("mine")
    refused = {
        str(picture): "is not replaced",
        str(made / "history.csv"): "belongs to the run",
        str(tmp_path / "nowhere" / "x.csv"): "There is no folder",
        "https://host/x.csv": "addresses are not read",
    }

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(200, 24)) as pilot:
            app.push_screen(AskFile("Which file?", tmp_path / "y.csv", suffixes=[".csv"], writes=True), got.append)
            await pilot.pause()
            for path, sentence in refused.items():
                app.screen.query_one("#path").value = path  # type: ignore[attr-defined]
                for _ in range(2):
                    await pilot.press("enter")
                    await until(pilot, partial(shown_by, app, sentence))
            assert not got

    run(scenario())
    assert {file.read_text() for file in (picture, *made.iterdir())} == {"mine"}
