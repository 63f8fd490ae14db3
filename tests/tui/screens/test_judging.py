"""What the screens say of a judgement: which of two runs is better, and how far an answer can be trusted."""

from pathlib import Path

from engine.base.context import Context
from engine.evaluation.prediction import Decision, Prediction
from engine.recipe.config import NetworkConfig, TrainConfig
from engine.runs.directory import Run
from tests.makers.drive import DATA, run, text, until
from tests.makers.made import answers, finished_run
from tui.app import Workbench
from tui.screens.predict.questions import Answered, Wanted
from tui.screens.predict.text import answer_text
from tui.services.read_picture import network_side, read_picture
from tui.words.glyphs import PLAIN


def test_two_picked_runs_are_compared_on_their_test_images(tmp_path: Path) -> None:
    lines = answers(DATA)
    finished_run(tmp_path, "good", DATA, lines)
    worse = [(file, label, shares[::-1] if place % 3 else shares) for place, (file, label, shares) in enumerate(lines)]
    finished_run(tmp_path, "worse", DATA, worse)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(160, 48)) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: all(name in text(app) for name in ("good", "worse")))
            from tui.screens.runs.comparison import testable, verdict

            entries = {entry.run.name: entry for entry in app.session.library.entries()}

            def judged(*names: str) -> str:
                return verdict([entries[name] for name in names], Context())

            said = judged("worse", "good")
            assert said.startswith("B is better (McNemar p = ") and " decides): A - B -" in said
            assert judged("good", "good").startswith("no difference shown (McNemar p = 1 decides): A - B +0.0%")
            assert testable(list(entries.values())) and not testable([entries["good"]])
            await pilot.press("space", "down", "space")
            await until(pilot, lambda: "McNemar" in str(app.screen.query_one("#differences-pane").border_subtitle))
            (entries["good"].run.path / "predictions.csv").unlink()
            assert judged("worse", "good") == ""

    run(scenario())


def test_a_picture_is_shown_as_the_runs_own_network_sees_it() -> None:
    path = DATA / "COVID" / "images" / "COVID-4.png"
    side = network_side(TrainConfig(network=NetworkConfig(backbone="efficientnetb1")))
    assert read_picture(path, side, Context()).seen.shape == (240, 240, 3)
    assert network_side(None) == 224


def test_an_answer_says_what_it_rests_on() -> None:
    path = DATA / "COVID" / "images" / "COVID-4.png"
    shares = {"COVID": 0.9, "Viral Pneumonia": 0.1}
    bare = Prediction(path, "COVID", shares)
    assert "not calibrated" in answer_text(Answered(Run(path), bare, None), Wanted(), PLAIN, 60).plain
    decision = Decision("COVID", 0.75, "youden", False, "Viral Pneumonia")
    full = Prediction(
        path, "COVID", shares, (), {"COVID": 0.7, "Viral Pneumonia": 0.3}, decision, 0.81, 0.42, ("is unlike anything",)
    )
    shown = answer_text(Answered(Run(path), full, None), Wanted(), PLAIN, 60).plain
    for words in (
        " 70.0%  ", "before calibration: COVID 90.0%",
        "threshold decides: Viral Pneumonia (from 75.0% on for COVID; sensitivity and specificity together best",
        "distance to the training images 0.81, usual up to 0.42", "! It is unlike anything.",
    ):  # fmt: skip
        assert words in shown
    assert "not calibrated" not in shown
