"""Every letter on every screen with data can be read: 4.5 to 1 at least, in every theme that is offered."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.constants import DIM_FACTOR
from textual.screen import ModalScreen

from tests.makers.dialogs import OPENED_BY
from tests.makers.drive import run, until
from tests.makers.shown import arrive, still, workplace
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.widgets.legible import contrast, legible
from tui.words.settings import Settings

WANTED = 4.5
THEMES = sorted(name for name in Workbench().available_themes if not name.startswith("ansi"))
"""What the terminal's own sixteen colours are, nobody but the terminal knows."""
TRIED_ALWAYS = ("covid-dark", "covid-light")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs and data."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return workplace(tmp_path, monkeypatch)


def faint(app: Workbench) -> Iterator[str]:
    """The words on the screen that can't be told well from what is under them; of a dialog those in it, as the screen
    below is dimmed to say that it waits.
    """
    modal = isinstance(app.screen, ModalScreen)
    boxes = app.screen.query(".dialog, .whole")
    area = boxes.first().region if modal and boxes else app.screen.region
    for y, line in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for segment in line:
            inside, x = area.contains(x, y), x + segment.cell_length
            if inside and any(letter.isalnum() and letter.isascii() for letter in segment.text):
                own = of(segment)
                if own is None or own < WANTED:
                    yield f"{app.theme} {app.current_mode}: {segment.text.strip()!r} {own} {segment.style}"


def of(segment: Segment) -> float | None:
    """The contrast of a piece of text; None where its colours are not known."""
    style = segment.style
    if style is None or style.color is None or style.bgcolor is None:
        return None
    ink, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    if style.dim:
        ink = ground.blend(ink, DIM_FACTOR)
    return round(contrast(ink, ground), 2)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(Color.parse("#000000"), Color.parse("#ffffff")) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), Color.parse("#ffffff")) == pytest.approx(4.48, abs=0.01)
    assert contrast(Color.parse("#ff0000"), Color.parse("#0000ff")) == pytest.approx(2.15, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_selected_text_in_a_field_can_be_read(theme: str) -> None:
    found = legible(Workbench().available_themes[theme].to_color_system().generate())
    ink, ground = (Color.parse(found[f"input-selection-{part}"]) for part in ("foreground", "background"))
    assert ground.a == 1 and contrast(ink, ground) >= WANTED


@pytest.mark.parametrize(
    ("size", "themes"),
    [
        pytest.param((120, 40), TRIED_ALWAYS, id="own themes"),
        pytest.param((120, 40), THEMES, id="wide", marks=pytest.mark.slow),
        pytest.param((80, 24), THEMES, id="narrow", marks=pytest.mark.slow),
    ],
)
def test_every_letter_can_be_read_in_every_theme(here: Path, size: tuple[int, int], themes: Sequence[str]) -> None:
    async def scenario() -> None:
        app = Workbench(
            Path("runs"), data=Path("sample_data"), settings=Settings(theme=themes[0], image_protocol="halfblock")
        )
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            wrong: list[str] = []
            for mode in MODES:
                await arrive(pilot, app, mode)
                for theme in themes:
                    app.theme = theme
                    await pilot.pause()
                    wrong += faint(app)
            await pilot.press("question_mark")
            for theme in themes:
                app.theme = theme
                await pilot.pause()
                wrong += faint(app)
            assert wrong == []

    run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize("themes", [pytest.param(TRIED_ALWAYS, id="own themes")])
def test_every_letter_of_every_dialog_can_be_read(here: Path, themes: Sequence[str]) -> None:
    async def scenario() -> None:
        app = Workbench(
            Path("runs"), data=Path("sample_data"), settings=Settings(theme=themes[0], image_protocol="halfblock")
        )
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            wrong: list[str] = []
            for keys in OPENED_BY.values():
                for key in ("escape", *keys.split()):
                    await pilot.press(key)
                    await still(pilot, app)
                assert isinstance(app.screen, ModalScreen), keys
                for theme in themes:
                    app.theme = theme
                    await pilot.pause()
                    wrong += [f"{keys}: {one}" for one in faint(app)]
                app.pop_screen()
                await still(pilot, app)
            assert wrong == []

    run(scenario())


@pytest.mark.slow
def test_every_dialog_stands_in_the_middle(here: Path) -> None:
    async def scenario() -> None:
        app = Workbench(Path("runs"), data=Path("sample_data"), settings=Settings(image_protocol="grey"))
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            opened = set()
            for keys in OPENED_BY.values():
                for key in ("escape", *keys.split()):
                    await pilot.press(key)
                    await still(pilot, app)
                assert isinstance(app.screen, ModalScreen), keys
                opened.add(type(app.screen).__name__)
                for box in (one.region for one in app.screen.query(".dialog, .whole")):  # none fills the screen
                    assert abs(box.x - (app.size.width - box.right)) <= 1, (keys, box)
                    assert abs(box.y - (app.size.height - box.bottom)) <= 2, (keys, box)
                app.pop_screen()
                await still(pilot, app)
            assert len(opened) >= 10, opened

    run(scenario())
