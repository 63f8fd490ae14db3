"""The line of keys: help and leave are always there, each key can be clicked, and none is half shown."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.base.context import Context
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs.bin import in_bin
from tests.makers import fake
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.widgets.key_line import KeyItem, KeyLine, fitting
from tui.widgets.question_dialog import Help
from tui.words.settings import Settings


def test_help_and_leave_are_in_sight_at_any_width_and_are_clicked(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(60, 24)) as pilot:
            for width in (60, 80, 120, 160):
                await pilot.resize_terminal(width, 24)
                for number, _ in enumerate(MODES, start=1):
                    await pilot.press("escape", str(number))
                    await pilot.pause()
                    last = text(app).splitlines()[-1]
                    assert "? Help" in last and "q Quit" in last and last.rstrip().endswith("palette"), last
            await pilot.click(offset=(text(app).splitlines()[-1].index("? Help"), 23))
            await pilot.pause()
            assert isinstance(app.screen, Help)
            await pilot.press("escape", "4")
            await pilot.pause()
            await pilot.click(offset=(text(app).splitlines()[-1].index("q Quit"), 23))
            await pilot.pause()
        assert not app.is_running

    run(scenario())


def messages(app: Workbench) -> list[str]:
    found = [one.message for one in app._notifications]
    app.clear_notifications()
    return found


@pytest.mark.parametrize(
    ("size", "screens"),
    [
        pytest.param((230, 24), (2, 8), id="two screens"),
        pytest.param((110, 24), range(1, 1 + len(MODES)), id="narrow", marks=pytest.mark.slow),
        pytest.param((230, 24), range(1, 1 + len(MODES)), id="wide", marks=pytest.mark.slow),
    ],
)
def test_a_dim_key_says_why_it_can_not_act_when_it_is_pressed_and_when_it_is_clicked(
    tmp_path: Path, size: tuple[int, int], screens: Sequence[int]
) -> None:
    async def scenario() -> None:
        app, dim = Workbench(tmp_path, settings=Settings(image_protocol="grey")), 0
        async with app.run_test(size=size, notifications=True) as pilot:
            for number in screens:
                await pilot.press("escape", str(number))
                await pilot.pause()
                for begin, _, one in app.screen.query_one(KeyLine).places:
                    if not one.enabled:
                        messages(app)
                        await pilot.press(one.key)
                        pressed = messages(app)
                        await pilot.click(offset=(begin + 1, size[1] - 1))
                        await pilot.pause()
                        assert len(pressed) == 1 and messages(app) == pressed, (number, one)
                        dim += 1
        assert dim >= len(screens)

    run(scenario())


def test_where_there_is_little_room_delete_stays_and_after_it_undo(tmp_path: Path) -> None:
    for name in ("one", "two"):
        fake.train(DATA, TrainConfig(output=OutputConfig(out=tmp_path, name=name)), Context(), seconds=0)

    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(80, 24)) as pilot:

            def last() -> str:
                return text(app).splitlines()[-1]

            await pilot.press("4")
            await until(pilot, lambda: "one" in text(app) and "d Delete" in last() and "enter Open" in last())
            for deleted in (1, 2):
                await pilot.press("d")
                await until(pilot, lambda: "Delete the run" in text(app))
                await pilot.press("up", "enter")
                await until(pilot, lambda: len(app.session.library.entries()) == 2 - deleted)  # noqa: B023
                for width in (60, 80):
                    await pilot.resize_terminal(width, 24)
                    await until(pilot, lambda: "z Undelete" in last())
                    assert "? Help" in last() and "q Quit" in last()
            await pilot.press("z")
            await until(pilot, lambda: len(in_bin(tmp_path)) == 1)
            await pilot.pause()
            assert "z Undelete" in last(), "there is more to bring back"
            await pilot.press("z")
            await until(pilot, lambda: not in_bin(tmp_path))
            assert "d Delete" in last()

    run(scenario())


def test_keys_leave_from_the_end_but_for_those_that_are_wanted() -> None:
    items = [KeyItem(f"do_{name}", name, name, "12345", True) for name in "abcd"]  # 7 columns each, 2 between

    def left(first: tuple[str, ...], room: int) -> str:
        return "".join(one.key for one in fitting(items, first, room))

    assert [left((), room) for room in (34, 33, 16, 15, 6)] == ["abcd", "abc", "ab", "a", ""]
    assert [left(("do_d", "do_c"), room) for room in (34, 25, 16, 15)] == ["abcd", "acd", "cd", "d"]


def test_a_field_takes_capital_letters_and_no_hint_offers_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("escape", "7")
            await until(pilot, lambda: "F Enlarge" in text(app).splitlines()[-1])
            field = Input()
            await app.screen.mount(field)
            field.focus()
            await until(pilot, lambda: "^q Quit" in text(app).splitlines()[-1])
            assert "Enlarge" not in text(app).splitlines()[-1]
            await pilot.press("F")
            assert field.value == "F"

    run(scenario())


def test_help_names_a_key_once_and_its_lines_stand_below_each_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Workbench(tmp_path, settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("escape", "7", "question_mark")
            await until(pilot, lambda: isinstance(app.screen, Help) and "zoom, contrast" in text(app))
            lines = text(app).splitlines()
            at = next(row for row, line in enumerate(lines) if "zoom, contrast" in line)
            assert " F  The picture" in lines[at] and "F F" not in lines[at], lines[at]
            assert lines[at + 1].index("brightness") == lines[at].index("The picture"), lines[at : at + 2]

    run(scenario())
