"""How one begins: a newcomer is asked and led, everybody else finds again what was open."""

import json
import re
import tomllib
from functools import partial
from pathlib import Path

import pytest

from tests.makers import fake, made
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.screens.settings_dialog import SettingsDialog
from tui.state.memory import MOST, Memory, sample_data
from tui.widgets.question_dialog import Ask
from tui.words.settings import Settings, load

LOOK = Settings(image_protocol="grey")


def workbench(tmp_path: Path, memory: Path, data: Path | None = None) -> Workbench:
    return Workbench(tmp_path / "runs", data=data, settings=LOOK, memory=Memory(memory))


def test_a_newcomer_is_told_what_this_is_and_asked_how_to_begin(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, tmp_path / "session.json")
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, Ask) and "learns from" in text(app))
            shown = text(app)
            for words in ("learns from chest X-rays", "Open a folder", "drawn sample images", "not for diagnosis"):
                assert words in " ".join(shown.replace("│", " ").split()), shown
            box = app.screen.query_one(".dialog").region  # of the slow tests, one looks so at every dialog
            assert box.x == 80 - box.right > 0 and abs(box.y - (24 - box.bottom)) <= 1, "it stands in the middle"
            await pilot.press("o")
            await until(pilot, lambda: "Open a folder of X-rays" in text(app) and not isinstance(app.screen, Ask))

    run(scenario())


def test_the_guide_leads_from_scan_to_prediction_by_one_key_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sample_data() == DATA

    async def scenario() -> None:
        app = workbench(tmp_path, tmp_path / "session.json")
        app.session.work = partial(fake.train, seconds=0.001)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, Ask))
            await pilot.press("s")
            await until(pilot, lambda: "Step 1 of 4. The folder is read" in text(app))
            await pilot.press(">")
            await until(pilot, lambda: app.current_mode == "train" and "Step 2 of 4. Trained" in text(app))
            await pilot.press(">")
            await until(pilot, lambda: app.current_mode == "results" and "Step 3 of 4" in text(app))
            await pilot.press(">")
            await until(pilot, lambda: app.current_mode == "predict" and "Step 4 of 4" in text(app))
            await pilot.press(">")
            await until(pilot, lambda: "Step 4" not in text(app))

    run(scenario())


def test_the_last_session_is_opened_again(tmp_path: Path, dozen: Path) -> None:
    memory = tmp_path / "state" / "session.json"

    async def first() -> None:
        app = workbench(tmp_path, memory, data=dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("escape", "2")
            await pilot.pause()
            await pilot.press("q")

    async def second() -> None:
        app = workbench(tmp_path, memory)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            assert app.session.data == dozen and app.current_mode == "layers"
            await pilot.press("f3")
            await until(pilot, lambda: isinstance(app.screen, Ask) and "Again: " in text(app))

    run(first())
    run(second())


def test_who_names_a_picture_sees_it_and_not_the_last_session_though_its_screen_is_opened_first(
    tmp_path: Path, dozen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, begin = Memory(tmp_path / "session.json"), Workbench._begin
    memory.opened(dozen)
    memory.left("dataset")
    begun: list[Workbench] = []

    def late(app: Workbench) -> None:
        """Begin when Predict has its picture already."""
        if app.session.picture:
            app.set_timer(0.05, partial(late, app))
        else:
            begin(app)
            begun.append(app)

    async def scenario() -> None:
        monkeypatch.setattr(Workbench, "_begin", late)
        picture = next(dozen.rglob("*.png"))
        app = Workbench(tmp_path / "runs", picture=picture, settings=LOOK, memory=memory)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: begun)
            await pilot.pause(0.3)
            assert app.current_mode == "predict" and app.session.data is None

    run(scenario())


def test_what_is_remembered_is_bounded_and_a_damaged_file_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    memory = Memory(path)
    for number in range(MOST + 3):
        (tmp_path / str(number)).mkdir()
        memory.opened(tmp_path / str(number))
    memory.opened(tmp_path / "5")
    again = Memory(path)
    assert len(again.now.folders) == MOST and again.now.folders[0] == tmp_path / "5"
    assert again.now.folders.count(tmp_path / "5") == 1
    (tmp_path / "5").rmdir()
    assert tmp_path / "5" not in again.recent()
    for damaged in ("", "[]", "{", '{"folders": 3}', json.dumps({"folders": [1, "\0"], "mode": []}), "[" * 100_000):
        path.write_text(damaged)
        assert Memory(path).recent() == [] and Memory(path).now.mode == ""


def test_settings_are_changed_by_keys_and_kept_in_the_users_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config = tmp_path / "covid-tui" / "config.toml"
    config.parent.mkdir()
    made.finished_run(tmp_path / "runs", "one", DATA, [("COVID/images/COVID-1.png", "COVID", [0.9, 0.1])])
    themes = list[str]()
    config.write_text('# mine\nunknown = 1\n\n[keys]\n"runs.pick" = "x"  # a habit\n')

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", settings=LOOK)
        async with app.run_test(size=(100, 40)) as pilot:
            await until(pilot, lambda: len(app.session.library.entries()) == 1)
            await pilot.press("4")
            await pilot.pause()
            await pilot.press("f2")
            await until(pilot, lambda: "Settings" in text(app))
            rows = [line.split("key: ")[1].split() for line in text(app).splitlines() if "key: " in line]
            for name, key in (("Plot", "Z"), ("Quit", "q"), ("Delete", "d")):
                assert [name, key] in [row[:2] for row in rows], "as the line of keys names it"
            themes.append(app.theme)
            await pilot.press("enter")
            await pilot.pause()
            themes.append(app.theme)
            assert load(config).theme == app.theme
            await pilot.press("down", "right", "right")  # language
            await pilot.pause()
            assert load(config).language == "zh_TW"
            await pilot.press("down", "left")  # how pictures are drawn
            await pilot.pause()
            assert load(config).image_protocol == "kitty"
            await pilot.press("slash", *"follow")
            await pilot.pause()
            await pilot.press("enter", "enter")
            await until(pilot, lambda: "Press the new key" in text(app))
            await pilot.press("d")
            await until(pilot, lambda: 'd is the key for "Delete" already' in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "Press the new key" in text(app))
            await pilot.press("f7")
            await until(pilot, lambda: load(config).keys.get("runs.follow") == "f7")
            await pilot.press("backspace")
            await until(pilot, lambda: load(config).keys.get("runs.follow") is None)
            assert re.search(r"key: Follow +f ", text(app)), "the usual one is shown again"
            await pilot.press("enter", "f7")
            await until(pilot, lambda: load(config).keys.get("runs.follow") == "f7")
            await pilot.press("escape")
            await pilot.pause()
            assert not isinstance(app.screen, SettingsDialog)

    run(scenario())
    kept = config.read_text()
    chosen = tomllib.loads(kept)
    assert (chosen["theme"], chosen["language"], chosen["image_protocol"]) == (themes[1], "zh_TW", "kitty")
    assert themes[0] != themes[1]
    assert "# mine\n" in kept and "unknown = 1\n" in kept and '"runs.pick" = "x"  # a habit\n' in kept


def test_the_keys_of_screens_and_of_leaving_hold_in_the_first_question(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, tmp_path / "session.json")
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, Ask))
            await pilot.press("2")
            await until(pilot, lambda: app.current_mode == "layers" and not isinstance(app.screen, Ask))
            await pilot.press("f3")
            await until(pilot, lambda: isinstance(app.screen, Ask))
            await pilot.press("q")
            await pilot.pause()
        assert not app.is_running

    run(scenario())
