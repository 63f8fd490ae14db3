"""Every screen of the workbench with data on it, in the language that this process is started in, as JSON.

A process of its own, as the language is chosen once: `python -m tests.makers.every_screen FOLDER COLUMNSxLINES...`
writes {"120x40": {"dataset": [lines], ...}, ...} to standard output, and a picture of each screen into FOLDER/pictures;
with `-light` behind a size in the light theme.
"""

import engine.base.language  # noqa: F401

# isort: split
# The language is read by now: what the tests share sets English.
import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.makers.dialogs import OPENED_BY
from tests.makers.drive import until
from tests.makers.shown import arrive, still, workplace
from tui.app import Workbench
from tui.host.private_apis import shown_text
from tui.screens.frame import MODES
from tui.words.settings import Settings


async def screens(folder: Path, look: str) -> dict[str, list[str]]:
    """The lines of each screen, and of each dialog, at one size in one theme."""
    found = dict[str, list[str]]()
    size, _, light = look.partition("-")
    columns, lines = map(int, size.split("x"))
    settings = Settings(image_protocol="grey", theme="covid-light" if light else "covid-dark")
    app = Workbench(Path("runs"), data=Path("sample_data"), settings=settings)
    async with app.run_test(size=(columns, lines)) as pilot:
        await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
        for mode in MODES:
            await arrive(pilot, app, mode)
            found[mode] = shown_text(app.screen).splitlines()
            picture(app, folder, f"{look}-{mode}")
        for name, keys in OPENED_BY.items():
            for key in ("escape", *keys.split()):
                await pilot.press(key)
                await still(pilot, app)
            found[name] = shown_text(app.screen).splitlines()
            picture(app, folder, f"{look}-{name}")
            while len(app.screen_stack) > 1:
                app.pop_screen()
            await still(pilot, app)
    return found


def picture(app: Workbench, folder: Path, name: str) -> None:
    """Draw the screen into a file."""
    (folder / "pictures").mkdir(exist_ok=True)
    (folder / "pictures" / f"{name}.svg").write_text(app.export_screenshot(), encoding="utf-8")


def main() -> None:
    """See above."""
    folder = Path(sys.argv[1]).resolve()
    with pytest.MonkeyPatch.context() as patch:
        workplace(folder, patch)
        said = {look: asyncio.run(screens(folder, look)) for look in sys.argv[2:]}
    json.dump(said, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
