"""What the Predict screen stands by: calibrated probabilities, the classes that an image may have, and refusals."""

import dataclasses
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from engine.base.files import write_json
from engine.base.typed_files import plain
from engine.evaluation.calibration import CALIBRATION, calibrate, softmax
from engine.evaluation.conformal import Possible
from engine.evaluation.evaluate import keep_validation
from engine.evaluation.prediction import Prediction
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.predictor import Predictor
from engine.evaluation.promised import Asked
from engine.evaluation.refusal import RISKS
from engine.recipe.config import TrainConfig
from engine.runs.directory import Run
from tests.makers.drive import DATA, run, text, until
from tests.makers.made import CLASSES, model_run
from tui.app import Workbench
from tui.screens.predict.history import History
from tui.screens.predict.questions import Answered, Wanted
from tui.screens.predict.text import answer_text
from tui.words.glyphs import PLAIN, RICH
from tui.words.settings import Settings

pytestmark = pytest.mark.usefixtures("small_pictures")

GREY = Settings(image_protocol="grey", theme="covid-dark")


async def said(pilot: Pilot[None], app: Workbench) -> None:
    """Wait for the model's answer and the look at the training images."""
    await until(pilot, lambda: "The model says " in text(app), 60)
    await until(pilot, lambda: not app.session.jobs, 60)
    await pilot.pause()


def promising_run(out: Path, few: Path, temperature: float | None = None, sure: float = 0.0) -> Run:
    """A run with 60 calibration images, whose answers are random but for so much that they are `sure` of the truth."""
    made = model_run(out, "sets", few)
    labels, logits = np.arange(60) % 2, np.random.default_rng(0).normal(size=(60, 2))
    logits[np.arange(60), labels] += sure
    found = calibrate(labels, logits, CLASSES, TrainConfig().judge)
    found = found if temperature is None else dataclasses.replace(found, temperature=temperature)
    write_json(made.path / CALIBRATION, plain(found))
    keep_validation(made, Predictions(CLASSES, tuple(map(str, range(60))), labels, softmax(logits)))
    return made


def test_the_calibrated_probability_is_what_is_drawn_listed_and_written(tmp_path: Path, few: Path) -> None:
    made = promising_run(tmp_path / "runs", few, temperature=0.05)
    shutil.copytree(DATA / "COVID" / "images", tmp_path / "data" / "in")
    path = tmp_path / "data" / "in" / "COVID-4.png"
    answer = next(iter(Predictor(made).predict([path])))
    assert isinstance(answer, Prediction) and answer.calibrated
    own, stood_by = answer.probabilities[answer.label], answer.calibrated[answer.label]
    assert abs(own - stood_by) > 0.002, "the two can be told apart"

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", data=tmp_path / "data", picture=path, settings=GREY)
        async with app.run_test(size=(160, 50)) as pilot:
            await said(pilot, app)
            words = str(app.screen.query_one("#answer", Static).visual)
            [bar] = [line for line in words.splitlines() if line.startswith(f"> {answer.label}")]
            assert f"{stood_by:.1%}" in bar and f"{own:.1%}" not in bar
            assert f"before calibration: {answer.label} {own:.1%}" in words
            history = app.screen.query_one(History)
            assert history.rows()[1][2] == f"{stood_by:.6f}"
            assert f"{stood_by:.1%}" in str(history.table.get_row_at(0)[2])
            await pilot.press("f")
            await until(pilot, lambda: len(history.lines) > 3 and not app.session.jobs, 60)
            place = [Path(line["file"]).name for line in history.lines].index(path.name)
            await until(pilot, lambda: history.table.row_count == len(history.lines))
            row = dict(zip(history.rows()[0], history.rows()[1 + place], strict=True))
            assert row[answer.label] == f"{stood_by:.6f}"

    run(scenario())


def test_the_screen_says_for_whom_the_promise_holds_and_when_an_answer_is_refused(tmp_path: Path, few: Path) -> None:
    made = promising_run(tmp_path, few, sure=4.0)
    path = DATA / "COVID" / "images" / "COVID-4.png"
    predictor = Predictor(made)
    answer = next(iter(predictor.predict([path])))
    promised = predictor.promised
    assert isinstance(answer, Prediction) and answer.possible and promised

    def words(app: Workbench) -> str:
        return " ".join(str(app.screen.query_one("#answer", Static).visual).split())

    async def scenario() -> None:
        app = Workbench(tmp_path, picture=path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await said(pilot, app)
            assert all(sentence in words(app) for sentence in promised.sentences(Asked(0.9)))
            assert "refused" not in words(app) and "answered" not in words(app)
            await pilot.press("k")
            for risk in RISKS:
                refused = next(iter(predictor.predict([path], asked=Asked(0.9, risk)))).refused  # type: ignore[union-attr]
                line = f"{'refused' if refused else 'answered'}, for at most {risk:.0%} wrong"
                await until(pilot, partial(lambda line: line in words(app), line))
                assert all(sentence in words(app) for sentence in promised.sentences(Asked(0.9, risk)))
                await pilot.press("k")
            await until(pilot, lambda: "refused" not in words(app) and "answered" not in words(app))

    run(scenario())


def test_a_folder_s_answers_are_refused_as_is_asked(tmp_path: Path, few: Path) -> None:
    promising_run(tmp_path / "runs", few, sure=4.0)
    shutil.copytree(DATA / "COVID" / "images", tmp_path / "data" / "in")
    path = tmp_path / "data" / "in" / "COVID-4.png"

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", data=tmp_path / "data", picture=path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await said(pilot, app)
            await pilot.press("k", "f")
            history = app.screen.query_one(History)
            await until(pilot, lambda: len(history.lines) > 3 and not app.session.jobs, 60)
            refused = [line["refused"] for line in history.lines]
            assert all(refused), "60 images promise nothing of 1% wrong"
            await until(pilot, lambda: f"refused {len(refused)}" in text(app))
            assert {row[1] for row in history.rows()[1:]} == {"refused"}

    run(scenario())


def test_an_image_that_fits_no_class_is_said_to_be_none_of_these() -> None:
    possible = Possible(0.9, dict.fromkeys(CLASSES, 0.05), dict.fromkeys(CLASSES, 60))
    shares = dict(zip(CLASSES, (0.6, 0.4), strict=True))
    prediction = Prediction(Path("a.png"), CLASSES[0], shares, calibrated=shares, possible=possible)
    for glyphs in (PLAIN, RICH):
        answer = answer_text(Answered(Run(Path("one")), prediction, None), Wanted(), glyphs, 60)
        assert f"{glyphs.beware} may be, at 90%: none of these" in answer.plain


def test_what_it_may_be_is_promised_at_the_level_that_a_key_turns_to(tmp_path: Path, few: Path) -> None:
    made = promising_run(tmp_path, few)
    path = DATA / "COVID" / "images" / "COVID-4.png"
    answer = next(iter(Predictor(made).predict([path])))
    assert isinstance(answer, Prediction) and answer.possible
    possible = answer.possible

    async def scenario() -> None:
        app = Workbench(tmp_path, picture=path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await said(pilot, app)
            for level in (0.9, 0.95, 0.99, 0.8, 0.9):
                line = f"may be, at {level:.0%}: {possible.at(level).says}"[:22]
                await until(pilot, partial(lambda line: line in text(app), line))
                assert ("not promised: too" in text(app)) == (level == 0.99) == bool(possible.at(level).short)
                await pilot.press("l")

    run(scenario())
