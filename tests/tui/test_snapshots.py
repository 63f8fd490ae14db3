"""Pictures of every screen, narrow and wide, dark, light and without colours, compared with those kept here.

`pytest tests/tui/test_snapshots.py --snapshot-update` draws them anew; look at each before keeping it.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension

from tests.makers.drive import run, until
from tests.makers.shown import arrive, workplace
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.words.settings import Settings

LOOKS = {"dark": "covid-dark", "light": "covid-light", "nocolor": "covid-dark"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs and data under names that are the same everywhere, and a machine that stands still."""
    return workplace(tmp_path, monkeypatch)


def slim(picture: str) -> str:
    """The SVG without what only guards against fonts of another width: half as large."""
    picture = re.sub(r'<clipPath id="[^"]*-line-\d+">.*?</clipPath>\s*', "", picture, flags=re.DOTALL)
    return re.sub(r' clip-path="url\([^)]*-line-\d+\)"| textLength="[^"]*"| shape-rendering="crispEdges"', "", picture)


@pytest.mark.parametrize(
    ("size", "look"),
    [
        pytest.param((80, 24), "dark", id="80x24-dark"),
        pytest.param((80, 24), "light", id="80x24-light", marks=pytest.mark.slow),
        pytest.param((80, 24), "nocolor", id="80x24-nocolor", marks=pytest.mark.slow),
        pytest.param((120, 40), "dark", id="120x40-dark", marks=pytest.mark.slow),
        pytest.param((120, 40), "light", id="120x40-light"),
        pytest.param((120, 40), "nocolor", id="120x40-nocolor", marks=pytest.mark.slow),
    ],
)
def test_screens_look_as_kept(
    here: Path, snapshot: Any, look: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if look == "nocolor":
        monkeypatch.setenv("NO_COLOR", "1")
    pictures: dict[str, str] = {}

    async def scenario() -> None:
        blocks = look == "dark" and size == (80, 24)  # half blocks make large files, so the others are in characters
        protocol = "halfblock" if blocks else "auto" if look == "nocolor" else "grey"
        settings = Settings(theme=LOOKS[look], image_protocol=protocol)  # type: ignore[arg-type]
        app = Workbench(Path("runs"), data=Path("sample_data"), settings=settings)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            for mode in MODES:
                await arrive(pilot, app, mode)
                assert app.current_mode == mode
                pictures[mode] = slim(app.export_screenshot())

    run(scenario())
    kept = snapshot.use_extension(SVGImageExtension)
    assert [mode for mode, picture in pictures.items() if kept(name=mode) != picture] == []
