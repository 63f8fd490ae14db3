"""The heat on the Results screen's pictures: asked for by a key, computed beside the screen, taken off again."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.base.files import write_json
from engine.evaluation.predictor import MODEL
from engine.network.freezing import plan
from engine.runs import directory
from engine.runs.directory import Run
from tests.makers.drive import DATA, run, text, until
from tests.makers.loads import count_loads
from tests.makers.made import CLASSES, answers, finished_run
from tui.app import Workbench
from tui.screens.predict.screen import PredictScreen
from tui.screens.results.mistakes import Mistakes
from tui.widgets.viewer import Viewer
from tui.widgets.xray import Xray
from tui.words.settings import Settings

pytestmark = pytest.mark.usefixtures("small_pictures")

GREY = Settings(image_protocol="grey", theme="covid-dark")


def screen(app: Workbench) -> PredictScreen:
    """The Predict screen, which must be open."""
    assert isinstance(app.screen, PredictScreen)
    return app.screen


def hot(picture: Xray) -> bool:
    """Does heat lie over it?"""
    return picture.heat is not None


def give_model(made: Run) -> None:
    """A model of random weights for a run that has its results already."""
    from engine.network.classifier import build

    freeze = plan(made.config().network)
    side = freeze.backbone.size
    contract = {"classes": list(CLASSES), "backbone": "vgg16", "input": [side, side, 3], "preprocessing": "caffe"}
    write_json(made.path / MODEL, contract)
    build(freeze, len(CLASSES), "float32", seed=1).save_weights(made.path / directory.WEIGHTS)


def test_a_key_lays_the_heat_on_the_picture_and_takes_it_off(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in CLASSES:
        for folder in ("images", "masks"):
            shutil.copytree(DATA / name / folder, data / name / folder)
    give_model(finished_run(tmp_path / "runs", "one", data, answers(data)))

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "2 mistakes in" in text(app))
            picture = app.screen.query_one("#mistake", Xray)
            await until(pilot, lambda: picture.pixels is not None)
            plain = picture.pixels
            assert plain is not None and plain.ndim == 2
            await pilot.press("g")
            await until(pilot, lambda: hot(picture), 120)
            assert picture.heat is not None and picture.heat.max() == 1 and picture.pixels is plain
            pane = app.screen.query_one("#mistake-pane")
            assert str(pane.border_title).startswith("Where it looked: ") and "tenths" in str(pane.border_subtitle)
            assert "3" in text(app).split("Where it looked")[1], "the heat is drawn, in tenths"
            await until(pilot, lambda: "heat for Viral Pneumonia" in text(app) or "heat for COVID" in text(app))
            assert "lung mask" in text(app)
            await pilot.press("g")
            await until(pilot, lambda: not hot(picture))
            assert picture.pixels is plain and "heat for" not in text(app)
            assert str(pane.border_title).startswith("X-ray ") and not str(pane.border_subtitle)
            await pilot.press("g", "down")  # the next picture is shown alike
            await until(pilot, lambda: hot(picture), 60)
            assert app.screen.query_one(Mistakes).path is not None

    run(scenario())


def test_the_predict_screen_lays_it_on_what_the_network_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = count_loads(monkeypatch)
    give_model(finished_run(tmp_path / "runs", "one", DATA, answers(DATA)))
    path = DATA / "COVID" / "images" / "COVID-4.png"

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", picture=path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: "The model says " in text(app), 120)
            seen, whole = app.screen.query_one("#as-seen", Xray), app.screen.query_one("#as-file", Xray)
            assert seen.pixels is not None and whole.pixels is not None
            plain, untouched = seen.pixels, whole.pixels
            assert np.ptp(plain.astype(int), axis=-1).max() == 0
            await pilot.press("g")
            await until(pilot, lambda: "heat for" in text(app) and "lung mask" in text(app), 120)
            assert hot(seen) and seen.pixels is plain
            assert whole.pixels is untouched and whole.heat is None
            pane = app.screen.query_one("#seen-pane")
            titles = [f"Where it looked: {name}" for name in CLASSES]
            assert str(pane.border_title) in [*titles, "Where it looked"]  # a long class stands in the answer alone
            assert "tenths" in str(pane.border_subtitle)
            screen(app).open(DATA / "COVID" / "images" / "COVID-5.png")  # the next picture is shown alike
            await until(pilot, lambda: "heat for" not in text(app), 60)
            await until(pilot, lambda: "heat for" in text(app), 120)
            assert hot(seen)
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, Viewer) and ", COVID-5.png - whole" in text(app))
            assert "Where it looked: " in text(app)
            await pilot.press("escape", "g")
            await until(pilot, lambda: "heat for" not in text(app))
            assert not hot(seen) and str(pane.border_title) == "X-ray as the network sees it"
            await pilot.press("5", "g")
            await until(pilot, lambda: "heat for" in text(app), 120)
            assert loads == [tmp_path / "runs" / "one"], "one model serves both screens, predictions and heat"

    run(scenario())


def test_a_run_without_a_model_says_so_and_shows_the_picture(tmp_path: Path) -> None:
    finished_run(tmp_path, "one", DATA, answers(DATA))

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("5")
            picture = app.screen.query_one("#mistake", Xray)
            await until(pilot, lambda: picture.pixels is not None)
            await pilot.press("g")
            await until(pilot, lambda: "no trained weights" in text(app) or "has no" in text(app), 120)
            assert picture.pixels is not None and not hot(picture)

    run(scenario())
