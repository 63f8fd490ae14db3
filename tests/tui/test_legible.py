"""Every letter on every screen with data can be read: 4.5 to 1 at least, in every theme that is offered.

What has no letters is not held: borders, bars, the blocks of pictures, scroll bars.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.color import Color as Ink
from rich.segment import Segment
from rich.style import Style
from textual.color import BLACK, WHITE, Color
from textual.constants import DIM_FACTOR
from textual.screen import ModalScreen

from tests.makers.dialogs import OPENED_BY
from tests.makers.drive import run, until
from tests.makers.few_colours import OWN, Seen, ways
from tests.makers.shown import arrive, still, workplace
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.widgets.few_colours import FewColours
from tui.widgets.legible import INKS, MUTED, contrast, legible
from tui.words.settings import Settings

WANTED = 4.5
THEMES = sorted(Workbench().available_themes)
IN_FEW = tuple(OWN)
"""Those in the terminal's own sixteen colours, held in two palettes that are in wide use."""
IN_FULL = [theme for theme in THEMES if theme not in IN_FEW]
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
                own, how = of(segment.style, app.theme)
                if own is None or own < WANTED:
                    yield f"{app.theme} {app.current_mode}: {segment.text.strip()!r} {own} {segment.style} {how}"


def of(style: Style | None, theme: str) -> tuple[float | None, str]:
    """The contrast of a piece of text, the least where terminals differ, and with which; None where its colours are not
    known.
    """
    if theme not in IN_FEW:
        return in_full(style), ""
    return min((as_seen(one, dim=bool(style and style.dim)), one.how) for one in ways(style or Style(), theme))


def as_seen(seen: Seen, dim: bool) -> float:
    """The contrast of one way to paint it."""
    ink = seen.ground.blend(seen.ink, DIM_FACTOR) if dim else seen.ink
    return round(contrast(ink, seen.ground), 2)


def in_full(style: Style | None) -> float | None:
    """The contrast of colours that the theme says itself."""
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


@pytest.mark.parametrize(
    ("style", "theme", "seen"),
    [
        ("blue", "ansi-dark", 1.58),  # as the console has it
        ("yellow", "ansi-light", 1.7),  # as xterm has it
        ("bold red", "ansi-light", 3.14),  # bold as a brighter colour
        ("bright_cyan reverse", "ansi-dark", 2.61),  # the console's letter stays bright when the pair is turned round
        ("black on bright_red", "ansi-dark", 2.71),  # which has no bright grounds
        ("dim", "ansi-dark", 4.24),
        ("bright_cyan", "ansi-dark", 16.75),
        ("bold blue", "ansi-light", 4.74),
        ("bold", "ansi-light", 7.46),  # xterm's own ink stays, the console's becomes grey
        ("bright_white on blue", "ansi-light", 9.4),
    ],
)
def test_the_least_of_what_terminals_make_of_sixteen_colours_counts(style: str, theme: str, seen: float) -> None:
    assert of(Style.parse(style), theme)[0] == pytest.approx(seen, abs=0.01)


@pytest.mark.parametrize("theme", IN_FEW)
def test_no_role_of_the_sixteen_colours_is_hard_to_read(theme: str) -> None:
    found = legible(Workbench().available_themes[theme].to_color_system().generate())
    for name in (*INKS, *MUTED, "link-color", "link-color-hover"):
        assert (of(Style(color=rich(found[name])), theme)[0] or 0) >= WANTED, name
    for name in ("block-cursor", "input-selection", "screen-selection"):
        ink, ground = (rich(found[f"{name}-{part}"]) for part in ("foreground", "background"))
        assert (of(Style(color=ink, bgcolor=ground), theme)[0] or 0) >= WANTED, name


def rich(colour: str) -> Ink:
    """A theme's colour as it is painted."""
    return Color.parse(colour).rich_color


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("style", ["dim", "bold red", "bold reverse", "bold black on cyan", "bold magenta reverse"])
def test_what_some_terminals_fade_or_brighten_is_painted_plain(style: str, dark: bool) -> None:
    (one,) = FewColours(dark).apply([Segment("word", Style.parse(style))], BLACK)
    assert one.style and not one.style.dim and (not one.style.bold or (style == "bold red" and dark))


def test_bold_stays_where_it_can_be_read() -> None:
    for style in (Style.parse("bold"), Style.parse("bold blue"), Style.parse("bold bright_white on red")):
        assert FewColours(dark=False).apply([Segment("word", style)], WHITE) == [Segment("word", style)]


@pytest.mark.parametrize("theme", IN_FULL)
def test_selected_text_in_a_field_can_be_read(theme: str) -> None:
    found = legible(Workbench().available_themes[theme].to_color_system().generate())
    ink, ground = (Color.parse(found[f"input-selection-{part}"]) for part in ("foreground", "background"))
    assert ground.a == 1 and contrast(ink, ground) >= WANTED


@pytest.mark.parametrize(
    ("size", "themes"),
    [
        pytest.param((120, 40), TRIED_ALWAYS, id="own themes"),
        pytest.param((120, 40), IN_FEW, id="sixteen colours", marks=pytest.mark.slow),
        pytest.param((120, 40), IN_FULL, id="wide", marks=pytest.mark.slow),
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
@pytest.mark.parametrize("themes", [pytest.param((*TRIED_ALWAYS, *IN_FEW), id="own themes")])
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
