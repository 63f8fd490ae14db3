"""The recipe on screen 3, as a form and as a file."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from engine.base.errors import ConfigError
from engine.network.freezing import plan
from engine.recipe import fields as recipe
from engine.recipe import toml
from engine.recipe.config import PARTS, DataConfig, FitConfig, NetworkConfig, TrainConfig, from_dict
from tests.makers import fake
from tests.makers.drive import run, text, until
from tests.makers.recipe_form import go_to
from tui import cli
from tui.app import Workbench
from tui.widgets.form import FieldTable, Form, ValueLine


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
                await until(pilot, lambda: "! epochs is 0: give a whole" in text(app))
                await pilot.press("enter")
                assert app.session.config.fit.epochs == 20
                assert app.screen.query_one(ValueLine).has_focus
                await pilot.press("backspace", "7", "enter")
                await until(pilot, lambda: app.session.config.fit.epochs == 7)
                assert app.screen.query_one(FieldTable).has_focus
                await pilot.pause()
                assert "epochs is 0" not in text(app)
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
                await until(pilot, lambda: "folder is that of" in text(app))

        run(scenario())

    def test_it_is_reached_by_a_key_on_a_narrow_screen(self, tmp_path: Path, dozen: Path) -> None:
        async def scenario() -> None:
            app = Workbench(tmp_path, data=dozen)
            app.session.work = fake.train
            async with app.run_test(size=(80, 24), notifications=True) as pilot:
                await until(pilot, lambda: app.session.split is not None)
                await pilot.press("3")
                await until(pilot, lambda: "label column" in text(app) and "val loss" not in text(app))
                await pilot.press("r")
                await until(pilot, lambda: "val loss" in text(app) and "label column" not in text(app))
                await pilot.press("e")
                await until(pilot, lambda: "label column" in text(app) and "whole" in text(app))
                assert app.screen.query_one(Form).has_focus_within and "Recipe of the next training" not in text(app)
                await pilot.press("e")
                await until(pilot, lambda: "Recipe of the next training" in text(app))
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
            await until(pilot, lambda: "exists already. Write over it?" in text(app))
            assert toml.load(file, plan).fit.epochs == 9
            await pilot.press("escape", "escape", "o")
            app.screen.query_one("#path").value = str(file)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda: app.session.config.fit.epochs == 9)
            file.write_text("[fit]\nepoch = 3\n")
            await pilot.press("o")
            app.screen.query_one("#path").value = str(file)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda: "unknown" in text(app))

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
