"""Screen 3 by keys: the recipe as a form and as a file, a training as it goes, its log, its stop."""

import dataclasses
import os
import time
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from engine.base.context import Context
from engine.base.errors import ConfigError
from engine.base.events import Epoch, Notice
from engine.network.freezing import plan
from engine.recipe import fields as recipe
from engine.recipe import toml
from engine.recipe.config import PARTS, AugmentConfig, DataConfig, FitConfig, NetworkConfig, TrainConfig, from_dict
from engine.runs.watch import RunView
from engine.training.phases import rates
from tests.makers import fake
from tests.makers.drive import DATA, run, shown_by, text, until
from tui import cli
from tui.app import Workbench
from tui.screens.train.log_dialog import log_line
from tui.screens.train.machine import Machine, Meter
from tui.screens.train.progress import course
from tui.state.training_job import TrainingJob
from tui.widgets.form import FieldTable, Form, ValueLine
from tui.widgets.pick_dialog import AskFile
from tui.words.glyphs import PLAIN


def place(name: str) -> int:
    """The line of a field in the form."""
    lines = [line for part in recipe.parts() for line in (part.name, *(field.name for field in part.fields))]
    return lines.index(name)


async def go_to(app: Workbench, name: str) -> None:
    """Put the form's cursor on a field."""
    app.screen.query_one(FieldTable).move_cursor(row=place(name))


class TestRecipe:
    def test_every_field_of_the_recipe_is_in_it_with_its_help(self) -> None:
        fields = [field for part in recipe.parts() for field in part.fields]
        assert [field.name for field in fields] == [f.name for part in PARTS for f in dataclasses.fields(part)]
        assert all(field.help.endswith(".") for field in fields)
        assert next(field for field in fields if field.name == "batch").help == "Images a training step."

    def test_a_file_holds_the_recipe_to_the_letter(self, tmp_path: Path) -> None:
        odd = 'COVID,"a, b",\\x[/]\x1b\x7f\n\u9aa8'
        written = TrainConfig(
            data=DataConfig(classes=odd, split=Path("a b/split.csv")), fit=FitConfig(lr=1 / 3, epochs=7)
        )
        toml.save(written, tmp_path / "r.toml")
        assert toml.load(tmp_path / "r.toml", plan) == written
        assert from_dict(TrainConfig, tomllib.loads(toml.to_toml(TrainConfig()))) == TrainConfig()

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("[fit]\nepoch = 3\n", "unknown key epoch"),
            ("[fit]\nepochs = 0\n", "--epochs is 0"),
            ('[fit]\nepochs = "3"\n', '"fit.epochs" should be a whole number, not text'),
            ('[network]\nmode = "partial"\nunfreeze = "block9"\n', "no part of VGG16"),
            ("[data]\nsplit = 3\n", "r.toml"),
            ("fit = 3\n", '"fit" should be a group of keys, not a whole number'),
            ("[fit\n", "is no TOML file"),
            ("\x00\xff", "is no TOML file"),
        ],
    )
    def test_a_file_that_can_not_be_used_is_refused_in_a_sentence(
        self, tmp_path: Path, text: str, sentence: str
    ) -> None:
        (tmp_path / "r.toml").write_bytes(text.encode("latin-1"))
        with pytest.raises(ConfigError, match=sentence):
            toml.load(tmp_path / "r.toml", plan)

    def test_mode_and_layers_go_together(self) -> None:
        fields = {field.name: field for part in recipe.parts() for field in part.fields}
        chosen = recipe.change(TrainConfig(), fields["unfreeze"], "block5", plan)
        assert chosen == NetworkConfig(mode="partial", unfreeze="block5")
        back = recipe.change(TrainConfig(network=chosen), fields["mode"], "finetune", plan)
        assert back == NetworkConfig(mode="finetune")
        with pytest.raises(ConfigError, match="no part of VGG16"):
            recipe.change(TrainConfig(), fields["unfreeze"], "block7", plan)

    def test_another_backbone_keeps_the_layers_that_it_has_too(self) -> None:
        fields = {field.name: field for part in recipe.parts() for field in part.fields}
        before = TrainConfig(network=NetworkConfig(mode="partial", unfreeze="block5"))
        assert recipe.change(before, fields["backbone"], "vgg19", plan).unfreeze == "block5"
        other = recipe.change(before, fields["backbone"], "resnet50v2", plan)
        assert other == NetworkConfig(backbone="resnet50v2", mode="partial")


class TestConfigFlag:
    @pytest.fixture
    def trained(self, monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
        found: list[TrainConfig] = []

        def train(data: Path, config: TrainConfig, as_json: bool, resume: Path | None) -> int:
            found.append(config)
            return 0

        monkeypatch.setattr("tui.cli.commands.train.train_once", train)
        return found

    def test_flags_overrule_the_file_and_the_file_the_defaults(
        self, tmp_path: Path, trained: list[TrainConfig]
    ) -> None:
        file = tmp_path / "r.toml"
        file.write_text(
            "[fit]\nepochs = 7\nlr = 1\n[augment]\nflip = false\n[output]\ntensorboard = true\n"
            '[data]\nsplit = "s.csv"\nclasses = "A,B"\n'
        )
        assert cli.run(["--train", "data", "--config", str(file), "--lr", "0.5", "--no-tensorboard"]) == 0
        (config,) = trained
        assert (config.fit.epochs, config.fit.lr, config.fit.batch) == (7, 0.5, 64)
        assert (config.augment.flip, config.output.tensorboard) == (False, False)
        assert config.data == DataConfig(classes="A,B", split=Path("s.csv"))

    def test_even_a_flag_with_the_usual_value_overrules(self, tmp_path: Path, trained: list[TrainConfig]) -> None:
        (tmp_path / "r.toml").write_text("[fit]\nepochs = 7\n[augment]\nflip = false\n")
        assert cli.run(["train", "data", f"--config={tmp_path / 'r.toml'}", "--epochs", "20", "--flip"]) == 0
        assert trained == [TrainConfig()]

    def test_what_the_workbench_saves_is_what_is_trained(self, tmp_path: Path, trained: list[TrainConfig]) -> None:
        network = NetworkConfig(mode="partial", unfreeze="block5", weights="none")
        saved = TrainConfig(network=network, data=DataConfig(classes="A,B"), fit=FitConfig(batch=8, lr=3e-5))
        toml.save(saved, tmp_path / "r.toml")
        assert cli.run(["--train", "data", "--config", str(tmp_path / "r.toml")]) == 0
        assert trained == [saved]

    def test_a_bad_file_ends_with_a_sentence(
        self, tmp_path: Path, trained: list[TrainConfig], capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "r.toml").write_text("[fit]\nepoch = 7\n")
        assert cli.run(["train", "data", "--config", str(tmp_path / "r.toml")]) == 2
        assert cli.run(["train", "data", "--config", str(tmp_path / "gone.toml")]) == 2
        said = capsys.readouterr().err
        assert "unknown key epoch" in said and "gone.toml can't be read" in said
        assert not trained


class TestForm:
    def test_a_value_is_checked_as_it_is_typed(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            app = Workbench(tmp_path)
            async with app.run_test(size=(120, 40), notifications=True) as pilot:
                await pilot.press("3")
                await go_to(app, "epochs")
                await pilot.press("enter", "backspace", "backspace", "0")
                await until(pilot, lambda: "--epochs is 0: give a whole" in text(app))
                await pilot.press("enter")
                assert app.session.config.fit.epochs == 20
                assert app.screen.query_one(ValueLine).has_focus
                await pilot.press("backspace", "7", "enter")
                await until(pilot, lambda: app.session.config.fit.epochs == 7)
                assert app.screen.query_one(FieldTable).has_focus
                await pilot.pause()
                assert "--epochs" not in text(app)
                await pilot.press("enter", "9", "escape")
                assert app.session.config.fit.epochs == 7
                await pilot.press("backspace")
                await until(pilot, lambda: app.session.config.fit.epochs == 20)

        run(scenario())

    def test_choices_turn_and_help_is_the_docstring(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            app = Workbench(tmp_path)
            async with app.run_test(size=(120, 40), notifications=True) as pilot:
                await pilot.press("3")
                await go_to(app, "mode")
                await until(pilot, lambda: "transfer trains the head alone" in text(app))
                await pilot.press("right", "right")
                await until(pilot, lambda: app.session.config.network.mode == "partial")
                await go_to(app, "unfreeze")
                await pilot.press("enter", *"block4,block5", "enter")
                await until(pilot, lambda: app.session.config.network.unfreeze == "block4,block5")
                await go_to(app, "mode")
                await pilot.press("left")
                await until(pilot, lambda: app.session.config.network == NetworkConfig(mode="finetune"))
                await go_to(app, "flip")
                await pilot.press("space")
                await until(pilot, lambda: not app.session.config.augment.flip)
                await go_to(app, "out")
                await pilot.press("enter")
                await until(pilot, lambda: "folder is given by" in text(app))

        run(scenario())

    def test_it_is_reached_by_a_key_on_a_narrow_screen(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            app = Workbench(tmp_path, data=DATA)
            app.session.work = fake.train
            async with app.run_test(size=(80, 24), notifications=True) as pilot:
                await until(pilot, lambda: app.session.split is not None)
                await pilot.press("3")
                await until(pilot, lambda: "NETWORK" in text(app) and "val loss" not in text(app))
                await pilot.press("r")
                await until(pilot, lambda: "val loss" in text(app) and "NETWORK" not in text(app))
                await pilot.press("e")
                await until(pilot, lambda: "NETWORK" in text(app) and "whole" in text(app))
                assert app.screen.query_one(Form).has_focus_within
                await pilot.press("e")
                await until(pilot, lambda: "val loss" in text(app))
                await pilot.press("x", "n")
                await until(pilot, lambda: not app.session.training or not app.session.training.alive)

        run(scenario())


def test_the_recipe_is_saved_and_loaded_by_keys(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path / "runs")
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("3")
            app.session.configure(fit=FitConfig(epochs=9))
            file = tmp_path / "mine.toml"
            await pilot.press("w")
            app.screen.query_one("#path").value = str(file)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, file.exists)
            saved = toml.load(file, plan)
            assert (saved.fit.epochs, saved.output.out) == (9, app.session.runs)
            app.session.configure(fit=FitConfig(epochs=1))
            await pilot.press("w")
            app.screen.query_one("#path").value = str(file)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda: "enter writes over it" in text(app))
            assert toml.load(file, plan).fit.epochs == 9
            await pilot.press("escape", "o")
            app.screen.query_one("#path").value = str(file)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda: app.session.config.fit.epochs == 9)
            file.write_text("[fit]\nepoch = 3\n")
            await pilot.press("o")
            app.screen.query_one("#path").value = str(file)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda: "unknown" in text(app))

    run(scenario())


def test_the_schedule_is_that_of_the_training(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("3", "l")
            await until(pilot, lambda: "learning rate by epoch" in text(app))
            for rate in rates(TrainConfig(), 1e-4)[:6]:
                assert f"{rate:.4g}" in text(app)
            await pilot.press("l")
            await until(pilot, lambda: "learning rate by epoch" not in text(app))

    run(scenario())


def test_a_rate_is_found_and_taken(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA)
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


def test_a_training_is_followed_in_full(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA)
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
            await until(pilot, lambda: "loss, epoch" in text(app))
            await pilot.press("n")
            await until(pilot, lambda: "Log of" in text(app))
            await pilot.press("n", "s", "k")
            await until(pilot, lambda: "tests the best epoch" in text(app) or "test 65/66" in text(app))
            await until(pilot, lambda: "test 65/66" in text(app))
            assert "always COVID" in text(app)

    run(scenario())


def test_enter_beside_the_form_starts_and_only_then(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA)
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


def test_a_click_on_a_field_of_the_recipe_changes_it_and_starts_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA)
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


def test_a_path_that_can_be_none_is_told_not_died_of(tmp_path: Path) -> None:
    """A home of nobody, and a name longer than any can be."""

    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA)
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


def test_another_training_can_begin_as_soon_as_the_last_has_come_to_its_end(tmp_path: Path) -> None:
    """Its thread may have work to do after it told its result, long after the run on disk is no longer live."""

    def slow_to_end(folder: Path, config: TrainConfig, context: Context) -> None:
        fake.train(folder, config, context, seconds=0)
        time.sleep(2)

    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA)
        app.session.work = slow_to_end
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "r")
            await until(pilot, lambda: "test 65/66" in text(app))
            assert app.session.cannot_train()
            await until(pilot, lambda: not app.session.cannot_train())
            await pilot.pause(0.3)
            assert dict(app.screen._keys)["r"]  # type: ignore[attr-defined]

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
    assert {"cpu", "memory", "this"} <= set(names)
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


def test_the_form_cuts_no_field_s_name(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("3")
            for name in ("near_duplicates", "checkpoint_minutes", "mode"):
                await go_to(app, name)
                await until(pilot, lambda name=name: f" {name.replace('_', ' ')}  " in text(app))  # type: ignore[misc]

    run(scenario())


def test_who_stops_a_training_at_once_and_leaves_is_told_that_it_stays_untested(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, data=DATA)
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


def test_a_file_is_written_over_by_a_second_enter_alone(tmp_path: Path) -> None:
    there, got = tmp_path / "there.csv", list[Path | None]()
    there.write_text("mine")

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            app.push_screen(AskFile("Which file?", there, suffix=".csv", writes=True), got.append)
            await pilot.pause()
            await pilot.press("enter")
            await until(pilot, lambda: "enter writes over it" in text(app))
            assert not got
            await pilot.press("enter")
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
            app.push_screen(AskFile("Which file?", tmp_path / "y.csv", suffix=".csv", writes=True), got.append)
            await pilot.pause()
            for path, sentence in refused.items():
                app.screen.query_one("#path").value = path  # type: ignore[attr-defined]
                for _ in range(2):
                    await pilot.press("enter")
                    await until(pilot, partial(shown_by, app, sentence))
            assert not got

    run(scenario())
    assert {file.read_text() for file in (picture, *made.iterdir())} == {"mine"}
