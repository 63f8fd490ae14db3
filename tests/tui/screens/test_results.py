"""The Results screen by keys: the numbers with their intervals and baseline, the matrix, the mistakes, copying."""

import asyncio
import shutil
from pathlib import Path

import pytest

from engine.evaluation.predictions_table import worst_first
from engine.evaluation.prevalence import PREVALENCES, at_prevalence, rates_of
from engine.evaluation.result_files import read_test
from tests.makers.drive import DATA, run, text, until
from tests.makers.made import CLASSES, Line, answers, finished_run
from tui.app import Workbench
from tui.screens.results.mistakes import Mistakes
from tui.widgets.viewer import Viewer
from tui.widgets.xray import Xray
from tui.words.settings import Settings
from tui.words.worth import worth_line

GREY = Settings(image_protocol="grey", theme="covid-dark")


def report() -> list[Line]:
    """495 answers, 487 of them right, 361 on COVID images."""
    lines: list[Line] = []
    for number in range(495):
        label, wrong = ("COVID", number < 2) if number < 361 else ("Viral Pneumonia", number < 367)
        sure = 0.6 + number / 2000
        first = (label == "COVID") != wrong
        lines.append((f"{label}/{number}.png", label, [sure, 1 - sure] if first else [1 - sure, sure]))
    return lines


@pytest.mark.parametrize("size", [(80, 24), *(pytest.param(s, marks=pytest.mark.slow) for s in ((120, 40), (200, 50)))])
def test_numbers_stand_with_interval_and_baseline(tmp_path: Path, size: tuple[int, int]) -> None:
    finished_run(tmp_path, "report", DATA, report())

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=size) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "487/495" in text(app))
            await pilot.pause()
            shown = text(app)
            assert "test 487/495 = 98.4% (96.8 to 99.3); always COVID 72.9%" in shown
            assert "validation 487/495 = 98.4% (96.8 to 99.3)" in shown
            assert "[359]" in shown and "[128]" in shown and "99%" in shown
            assert "99.4% (98 to 100)" in shown  # sensitivity for COVID
            assert "95.5% (91 to 98)" in shown  # its specificity
            assert "baseline" in shown and "Not shown to be better" not in shown

    run(scenario())


def test_the_interval_is_as_long_as_there_is_room_when_the_size_changes(tmp_path: Path) -> None:
    finished_run(tmp_path, "report", DATA, report()[350:380])

    def length(app: Workbench) -> int:
        """Characters from one end of the interval to the other."""
        line = next(line for line in text(app).splitlines() if "├" in line and "baseline" in line)
        return line.rindex("┤") - line.index("├")

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "24/30" in text(app))
            narrow = length(app)
            await pilot.resize_terminal(124, 36)
            await until(pilot, lambda: length(app) > narrow)
            await pilot.press("1")
            await pilot.resize_terminal(80, 24)
            await pilot.press("5")
            await until(pilot, lambda: length(app) == narrow)

    run(scenario())


def test_the_bars_of_a_mistake_follow_the_width_of_their_pane(tmp_path: Path) -> None:
    finished_run(tmp_path, "report", DATA, report()[350:380])

    def ends(app: Workbench) -> int:
        """The columns between the bars and the border of their pane."""
        pane = app.screen.query_one("#mistake-pane").region
        rows = [line[pane.x + 1 : pane.right - 1] for line in text(app).splitlines()]
        return next((len(row) - len(row.rstrip()) for row in rows if row.startswith(" > ")), 99)

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(160, 50)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: ends(app) in (1, 2, 3))
            border = app.screen.query_one("#mistake-pane").region
            await pilot.mouse_down(offset=(border.x, border.y + 5))
            await pilot.hover(offset=(border.x - 30, border.y + 5))
            await pilot.mouse_up(offset=(border.x - 30, border.y + 5))
            await until(pilot, lambda: app.screen.query_one("#mistake-pane").region.width > border.width + 20)
            await until(pilot, lambda: ends(app) in (1, 2, 3))

    run(scenario())


def test_keys_step_through_prevalences_and_say_what_answers_are_worth_there(tmp_path: Path) -> None:
    made = finished_run(tmp_path, "report", DATA, report(), threshold=0.5)
    test = read_test(made)
    rates = rates_of(test)
    assert rates

    def told(prevalence: float) -> str:
        return worth_line(at_prevalence(rates, "COVID", prevalence))

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: told(0.75) in text(app))  # nearest to the test's own, 72.9%
            await pilot.press("minus")
            await until(pilot, lambda: told(0.7) in text(app))
            await pilot.press("plus", "plus")
            await until(pilot, lambda: told(0.8) in text(app))
            await pilot.press(*["minus"] * 60)
            await until(pilot, lambda: told(PREVALENCES[0]) in text(app))

    run(scenario())


def test_no_better_than_the_baseline_is_said(tmp_path: Path) -> None:
    lines: list[Line] = [(f"{n}.png", CLASSES[n > 6], [0.7, 0.3] if n < 9 else [0.2, 0.8]) for n in range(10)]
    finished_run(tmp_path, "poor", DATA, lines)

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "Not shown to be better than always saying COVID" in text(app))

    run(scenario())


def test_a_model_that_names_one_class_for_every_image_is_called_so(tmp_path: Path) -> None:
    finished_run(tmp_path, "one", DATA, [(f"{n}.png", CLASSES[n > 17], [0.7, 0.3]) for n in range(20)])

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "Says COVID for every image: it does not tell the classes apart" in text(app))

    run(scenario())


def test_the_worst_mistakes_come_first_with_their_pictures(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in CLASSES:
        shutil.copytree(DATA / name / "images", data / name / "images")
    found = finished_run(tmp_path / "runs", "one", data, answers(data))
    order = worst_first(found)
    assert [answer.wrong for answer in order[:3]] == [True, True, False]
    assert order[0].sure > order[1].sure and order[2].sure < order[-1].sure
    (data / order[1].file).unlink()

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "2 mistakes in" in text(app))
            picture = app.screen.query_one("#mistake", Xray)
            await until(pilot, lambda: picture.pixels is not None)
            assert f"truth {order[0].truth}, said {order[0].said}: wrong" in text(app)
            assert "95.0%" in text(app)
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, Viewer))
            await until(pilot, lambda: f"X-ray: {Path(order[0].file).name}" in text(app))
            await pilot.press("m")
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, Viewer))
            await pilot.press("c")
            assert app.clipboard == str(data / order[0].file)
            await pilot.press("down")
            await until(pilot, lambda: "there is no such file" in text(app).replace("\n", " "))
            assert picture.pixels is None
            await pilot.press("up")
            await until(pilot, lambda: picture.pixels is not None)
            await pilot.press("m", "c")
            assert app.clipboard.splitlines()[0] == "truth \\ said\tCOVID\tViral Pneumonia"
            await pilot.press("tab", "c")
            assert app.clipboard.startswith("class\timages\tsensitivity")

    run(scenario())


def test_a_narrow_screen_turns_between_tables_and_mistakes(tmp_path: Path) -> None:
    finished_run(tmp_path, "one", DATA, answers(DATA))

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "By class" in text(app))
            assert "Worst first" not in text(app)
            await pilot.press("m")
            await until(pilot, lambda: "Worst first" in text(app) and "By class" not in text(app))
            await pilot.press("m")
            await until(pilot, lambda: "By class" in text(app))

    run(scenario())


def test_keys_never_go_to_a_list_that_is_out_of_sight(tmp_path: Path) -> None:
    finished_run(tmp_path, "report", DATA, report())

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: app.focused is not None and app.focused.id == "answers")
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: app.focused is not None and app.focused.id == "confusion")
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: app.focused is not None and app.focused.id == "confusion")

    run(scenario())


def test_runs_are_chosen_by_keys_and_by_other_screens(tmp_path: Path) -> None:
    async def scenario() -> None:
        first = finished_run(tmp_path, "first", DATA, answers(DATA))
        await asyncio.sleep(0.02)
        finished_run(tmp_path, "second", DATA, answers(DATA)[5:])
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "second (1 of 2)" in text(app))
            await pilot.press("n")
            await until(pilot, lambda: "first (2 of 2)" in text(app))
            await pilot.press("N")
            await until(pilot, lambda: "second (1 of 2)" in text(app))
            await pilot.press("r", "down", "enter")
            await until(pilot, lambda: "first (2 of 2)" in text(app))
            await pilot.press("N", "1")
            app.session.judged = first.path
            await pilot.press("5")
            await until(pilot, lambda: "first (2 of 2)" in text(app))
            await until(pilot, lambda: app.screen.query_one(Mistakes).path is not None)
            wanted = app.screen.query_one(Mistakes).path
            await pilot.press("p")
            await until(pilot, lambda: app.current_mode == "predict")
            assert app.session.asked == first.path
            await until(pilot, lambda: wanted is not None and wanted.name in text(app))

    run(scenario())


def test_damaged_predictions_are_told(tmp_path: Path) -> None:
    found = finished_run(tmp_path, "one", DATA, answers(DATA))
    (found.path / "predictions.csv").write_text("file,class,said,COVID\na,COVID,COVID,much\n")

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "can't be read" in text(app))
            assert "truth" in text(app) or "Truth" in text(app)

    run(scenario())


def test_without_a_tested_run_it_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "No run has been tested yet" in text(app))
            assert "Copy" not in [command.title for command in app.get_system_commands(app.screen)]

    run(scenario())


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)])
def test_every_measure_by_class_stands_with_its_interval(tmp_path: Path, size: tuple[int, int]) -> None:
    found = finished_run(tmp_path, "report", DATA, report())
    test = found.read_json("test.json")

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=GREY)
        async with app.run_test(size=size) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "487/495" in text(app))
            for names in (("sensitivity", "specificity"), ("precision", "f1"), ("auc", "mcc")):
                await pilot.pause(0.1)
                shown = text(app)
                for own in (*test["classes"].values(), test["macro"]):
                    for name in names:
                        value, (low, high) = own[name], own[f"{name}_ci"]
                        wanted = f"{value:.3f} ({low:.2f} to {high:.2f})"
                        if name in ("sensitivity", "specificity", "precision"):
                            wanted = f"{value:.1%} ({100 * low:.0f} to {100 * high:.0f})"
                        assert wanted in shown, (name, wanted, shown)
                assert "mean of classes" in shown
                await pilot.press("t")
            assert "sensitivity (95%)" in text(app)
            app.screen.query_one("#classes").focus()
            await pilot.press("c")
            head, *rows = app.clipboard.splitlines()
            assert len(rows) == 3 and all(f"{name} (95%)" in head for name in ("precision", "F1", "AUC", "MCC"))

    run(scenario())
