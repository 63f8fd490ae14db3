"""The line of keys: help and leave are always there, each key can be clicked, and none is half shown."""

from pathlib import Path

from tests.makers.drive import run, text
from tui.app import Workbench
from tui.screens.frame import MODES
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
