"""What the engine refuses, the workbench says with fields and keys: no screen that is painted names a flag."""

import dataclasses
import re
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from engine.recipe.config import DataConfig, MachineConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.recipe.plans import SweepConfig
from engine.runs.writer import create
from tests.makers import fake
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.screens.dataset.augmentation_dialog import AugmentationDialog
from tui.screens.dataset.split_dialog import SplitDialog
from tui.widgets.form import FieldTable, Form, ValueLine
from tui.words.settings import Settings

GREY = Settings(image_protocol="grey", theme="covid-dark")
SIZE = (150, 50)
FLAG = re.compile(r"--[a-z]")
WRONG = ("x", "-1", "http://x")
"""What is wrong in one field or another."""


def flags(app: Workbench) -> list[str]:
    """The lines that stand on the screen, or in a message over it, and name a flag, but for commands in backticks."""
    shown = [*text(app).splitlines(), *(one.message for one in app._notifications)]
    return [line for line in shown if FLAG.search(re.sub("`[^`]*`?", "", line))]


def workbench(runs: Path, data: Path | None = None, config: TrainConfig | None = None) -> Workbench:
    app = Workbench(runs, data=data, settings=GREY)
    app.session.config = config or TrainConfig(network=NetworkConfig(weights="none"))
    return app


async def says(pilot: Pilot[None], app: Workbench, words: str) -> None:
    """Wait for these words, over lines and columns; then no flag stands beside them."""
    await until(pilot, lambda: words in " ".join(text(app).split()))
    assert flags(app) == []


@pytest.mark.parametrize(("key", "step"), [("3", 4), pytest.param("3", 1, marks=pytest.mark.slow), ("7", 1), ("8", 1)])
def test_no_field_of_a_form_names_one_in_its_help_or_in_what_it_refuses(tmp_path: Path, key: str, step: int) -> None:
    """With a step of 4 every fourth line of the form is tried: the recipe has many."""

    async def scenario() -> None:
        app = workbench(tmp_path)
        refused = set[str]()
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press(key)
            table, line = app.screen.query_one(FieldTable), app.screen.query_one(ValueLine)
            for row in range(0, table.row_count, step):
                table.move_cursor(row=row)
                await pilot.pause()
                assert flags(app) == []
                await pilot.press("enter")
                if not line.has_class("-open"):
                    continue  # the name of a part, or a choice
                for wrong in WRONG:
                    line.value = wrong
                    await pilot.pause()
                    assert flags(app) == []
                    error = app.screen.query_one("#field-error")
                    refused |= {f"{row} {wrong}"} if error.display else set()
                await pilot.press("escape")
        assert len(refused) > 10 / step

    run(scenario())


def test_neither_does_a_sweep_that_can_not_be_planned(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("8")
            form = app.screen.query_one(Form)
            for grid, words in (
                (SweepConfig(depths="head,block9"), 'unfreeze "block9" is no part'),
                (SweepConfig(depths="only:block1+x"), 'unfreeze "x" is no part'),
            ):
                form.post_message(Form.Changed("sweep", grid))
                await says(pilot, app, words)
            network = NetworkConfig(weights="mine.h5")
            app.session.configure(network=network)
            form.post_message(Form.Changed("sweep", SweepConfig(backbones="vgg16,vgg19")))
            await says(pilot, app, "weights mine.h5 fits one")

    run(scenario())


def test_neither_do_the_dialogs_of_split_and_augmentation(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, SplitDialog))
            for name, wrong, words in (
                ("val_share", "2", '"validation share" is 2.0'),
                ("test_share", "0.85", '"validation share" and "test share" leave too little'),
                ("seed", "-1", "seed is -1"),
            ):
                field = app.screen.query_one(f"#{name}", Input)
                usual, field.value = field.value, wrong
                await says(pilot, app, words)
                field.value = usual
            await pilot.press("escape", "a")
            await until(pilot, lambda: isinstance(app.screen, AugmentationDialog))
            for name in ("rotation", "shear", "zoom", "shift"):
                field = app.screen.query_one(f"#{name}", Input)
                usual, field.value = field.value, "900"
                note = app.screen.query_one("#augment-note", Static)
                await until(pilot, lambda note=note: "is 900.0: give" in str(note.render()))  # type: ignore[misc]
                assert flags(app) == []
                field.value = usual
                await pilot.pause()

    run(scenario())


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (DataConfig(group_by="name:("), '"group by"'),
        (DataConfig(split=Path("gone.csv")), "check the path given with split"),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in (
                (DataConfig(classes="COVID,Nothing"), 'no class "Nothing"'),
                (DataConfig(group_by="nobody"), '"group by" is "nobody"'),
                (DataConfig(corrections=Path("gone.csv")), "check the path given with corrections"),
            )
        ),
    ],
)
def test_neither_do_data_that_can_not_be_split_nor_their_audit(
    tmp_path: Path, dozen: Path, wanted: DataConfig, words: str
) -> None:
    async def scenario() -> None:
        config = TrainConfig(network=NetworkConfig(weights="none"), data=wanted)
        app = workbench(tmp_path, dozen, config)
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.session.split_problem)
            assert words in app.session.split_problem
            for key in "134578":
                await pilot.press(key)
                await pilot.pause()
                assert flags(app) == []
            await pilot.press("7", "r")
            await until(pilot, lambda: app.session.audit is None or not app.session.audit.alive)
            await pilot.pause()
            assert flags(app) == []

    run(scenario())


def test_neither_does_a_training_or_a_run_that_can_not_go_on(tmp_path: Path, dozen: Path) -> None:
    config = TrainConfig(
        network=NetworkConfig(weights="none"), machine=MachineConfig(devices="workers"),
        output=OutputConfig(out=tmp_path, name="ended"),
    )  # fmt: skip
    with create(dozen, config) as writer:
        writer.append(fake.started(str(writer.run.path), 2))

    async def scenario() -> None:
        app = workbench(tmp_path, dozen, dataclasses.replace(config, output=OutputConfig(out=tmp_path)))
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.session.split is not None and app.session.library.entries())
            await pilot.press("3", "r")
            await says(pilot, app, "devices workers needs to know the workers")
            await pilot.press("4", "r")
            await until(pilot, lambda: app.current_mode == "train" and "ended" in text(app))
            await says(pilot, app, "devices workers needs to know the workers")

    run(scenario())


def test_neither_does_a_prediction_without_a_trained_run(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, picture=DATA / "COVID" / "images" / "COVID-4.png", settings=GREY)
        async with app.run_test(size=SIZE) as pilot:
            await says(pilot, app, "No run has a trained model yet: 3 opens")
            assert "no trained run yet" in text(app)
            await pilot.press("f")
            await pilot.pause()
            assert flags(app) == []

    run(scenario())
