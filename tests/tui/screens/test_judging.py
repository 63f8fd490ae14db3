"""What the screens say of a judgement: which of two runs is better, and how far an answer can be trusted."""

import threading
from pathlib import Path

import pytest
from textual.widgets import Static

from engine.base.context import Context
from engine.evaluation import compare
from engine.evaluation.evaluate import keep_predictions
from engine.evaluation.prediction import Decision, Prediction
from engine.recipe.config import NetworkConfig, TrainConfig
from engine.runs.directory import Run
from tests.makers.drive import DATA, run, text, until
from tests.makers.made import answers, finished_run
from tui.app import Workbench
from tui.screens.predict.questions import Answered, Wanted
from tui.screens.predict.text import answer_text
from tui.screens.runs.screen import RunsScreen
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
            assert said.startswith("B is better: chance alone would ") and " (McNemar). A - B -" in said
            even = "chance alone would part them so far in 100% of cases, p = 1 (McNemar). A - B +0.0%"
            assert judged("good", "good").startswith(f"no difference shown: {even}")
            assert testable(list(entries.values())) and not testable([entries["good"]])
            await pilot.press("space", "down", "space")
            for width in (120, 160):
                await pilot.resize_terminal(width, 48)
                await until(
                    pilot, lambda: all(part in text(app) for part in ("chance alone", "McNemar", "A - B", "%)"))
                )
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


def predicted(path: Path, right: int) -> None:
    """Let the run have told so many of 20 images right."""
    lines = [(f"{n}.png", "a", [0.9, 0.1] if n < right else [0.1, 0.9]) for n in range(20)]
    keep_predictions(path / "predictions.csv", ("a", "b"), lines)


def test_two_runs_are_judged_in_a_thread_and_never_by_the_last_pairs_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, right in (("one", 20), ("two", 4), ("three", 19)):
        finished_run(tmp_path, name, DATA, answers(DATA))
        predicted(tmp_path / name, right)
    real, threads, go = compare.compare_runs, list[threading.Thread](), threading.Event()

    def slow(first: Run, second: Run, with_auc: bool = True) -> compare.Comparison:
        threads.append(threading.current_thread())
        assert {first.name, second.name} != {"one", "two"} or go.wait(60)
        return real(first, second, with_auc)

    monkeypatch.setattr(compare, "compare_runs", slow)

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: len(app.session.library.entries()) == 3)
            screen = app.screen
            assert isinstance(screen, RunsScreen)
            line = screen.query_one("#verdict", Static)

            def pick(*names: str) -> None:
                screen._picked = [tmp_path / name for name in names]
                screen.runs_changed()

            pick("one", "two")
            await until(pilot, lambda: threads)
            assert not line.display
            pick("one", "three")
            go.set()
            await until(pilot, lambda: "no difference shown" in text(app))
            await until(pilot, lambda: not app.session.jobs)
            assert "no difference shown" in text(app)
            pick("one", "two")
            assert not line.display
            await until(pilot, lambda: "A is better" in text(app))
            await pilot.press("v")
            assert "A is better" in str(line.visual) and len(threads) == 3
            pick("one")
            assert not line.display
            assert threading.main_thread() not in threads

    run(scenario())
