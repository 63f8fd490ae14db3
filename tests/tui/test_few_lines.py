"""On few lines too, all that can be chosen in a dialog is in sight, or comes into sight as one goes there."""

from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import OptionList

from engine.runs.watch import Library
from tests.makers import made
from tests.makers.drive import DATA, run, text, until
from tui.app import QUIT_ANSWERS, QUIT_QUESTION, STAY, Workbench
from tui.screens.settings_dialog import SettingsDialog
from tui.screens.start import begin_dialog
from tui.widgets.dialog import Dialog
from tui.widgets.pick_dialog import PickRun
from tui.widgets.question_dialog import Ask
from tui.words.settings import Settings

FEW = (60, 15)
MANY = 20


def runs(folder: Path) -> Library:
    """More runs than there are lines."""
    line = ("COVID/images/COVID-1.png", "COVID", [0.9, 0.1])
    for number in range(MANY):
        made.finished_run(folder, f"run-{number:02d}", DATA, [line])
    library = Library(folder)
    while len(library.entries()) < MANY:
        library.take(library.look())
    return library


async def shown(pilot: Pilot[Any], app: Workbench, dialog: Dialog[Any]) -> None:
    app.push_screen(dialog)
    await until(pilot, lambda: app.screen is dialog and dialog.focused is not None)
    await pilot.pause()


async def each_is_reached(pilot: Pilot[Any], app: Workbench) -> None:
    """Going from answer to answer, the one at hand is in sight."""
    answers = app.screen.query_one(OptionList)
    await pilot.press("home")
    for place in range(answers.option_count):
        assert answers.highlighted == place
        said = str(answers.get_option_at_index(place).prompt).strip()[:24]  # the rest may be in the next line
        await until(pilot, lambda said=said: said in text(app), 5)  # type: ignore[misc]
        await pilot.press("down")
    app.pop_screen()


def test_every_answer_of_a_question_and_every_run_can_be_seen(tmp_path: Path) -> None:
    entries = runs(tmp_path / "others").entries()

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=FEW) as pilot:
            await shown(pilot, app, begin_dialog([Path(f"folder-{name}") for name in "abc"]))
            for words in ("research and teaching", "Open a folder"):
                assert words in " ".join(text(app).replace("│", " ").split())
            await each_is_reached(pilot, app)
            await shown(pilot, app, Ask(QUIT_QUESTION, QUIT_ANSWERS, STAY))
            await each_is_reached(pilot, app)
            await shown(pilot, app, PickRun("Whose result?", entries, None))
            assert "enter Choose" in text(app).splitlines()[-1]
            await each_is_reached(pilot, app)
            await pilot.resize_terminal(80, 24)
            await shown(pilot, app, PickRun("Whose result?", entries, None))
            await each_is_reached(pilot, app)

    run(scenario())


def test_what_a_setting_is_stands_below_the_list_and_leaves_it_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            active = list(app.screen.active_bindings.values())
            dialog = SettingsDialog(Settings(image_protocol="grey"), ["covid-dark"], active, lambda *_: True)
            await shown(pilot, app, dialog)
            await pilot.press("down", "down")
            await until(pilot, lambda: "How X-rays are drawn" in text(app))
            assert "letters and signs" in text(app)
            await pilot.press("down", "down")
            await until(pilot, lambda: "How X-rays are drawn" not in text(app))
            await pilot.resize_terminal(*FEW)
            await until(pilot, lambda: isinstance(app.screen, ModalScreen) and app.size == FEW)
            await pilot.pause()
            assert sum("key: " in line for line in text(app).splitlines()) >= 5

    run(scenario())
