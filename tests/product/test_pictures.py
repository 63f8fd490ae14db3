"""The pictures of the site and of the README show the workbench as it is today: its tabs, its keys, the titles of its
panes. `make pictures` draws them anew.
"""

import contextlib
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from docs import reference
from docs.pictures.__main__ import SIZE, TOUR
from docs.pictures.svg import ACROSS, DOWN, boxes, captions, picture, shown_lines
from tests.conftest import ROOT
from tests.makers.drive import run, text, until
from tests.makers.shown import arrive, workplace
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.words.block_cells import GRIDS, characters

PAGES = ROOT / "docs"
TABS, KEYS = 1, SIZE[1] - 1
"""The lines of the screens' names and of the keys."""
STAY = 3
"""Keys at the right that are on every screen."""
HEATED = "X-ray as the network sees it"
"""The title of a pane that lies under heat in the picture, and says so."""


@pytest.fixture(scope="module")
def screens() -> dict[str, tuple[list[str], str]]:
    """Each screen without data: its lines, and Textual's picture of it."""
    seen: dict[str, tuple[list[str], str]] = {}

    async def scenario() -> None:
        app = Workbench()
        async with app.run_test(size=SIZE) as pilot:
            for number, mode in enumerate(MODES, start=1):
                await pilot.press("escape", str(number))
                await until(pilot, partial(is_open, app, mode))
                seen[mode] = text(app).splitlines(), app.export_screenshot()

    with contextlib.chdir(ROOT):
        run(scenario())
    return seen


def is_open(app: Workbench, mode: str) -> bool:
    """Is this screen the one that is drawn?"""
    return app.current_mode == mode and "? Help" in text(app)


def kept(mode: str) -> list[str]:
    """The lines of the picture on a screen's page."""
    return shown_lines((PAGES / "screens" / f"{mode}.svg").read_text(encoding="utf-8"))


def items(line: str) -> list[str]:
    """The keys of the last line, each with what it does."""
    return re.split(r"\s{2,}", line.strip())


def bound(mode: str) -> set[str]:
    """All keys that the last line may show on a screen."""
    reference.bindings()  # imports every screen and widget
    app, found, left = Workbench(), set[str](), [DOMNode]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        for one in Binding.make_bindings(kind.__dict__.get("BINDINGS", ())):
            where = (one.id or "").split(".")[0]
            if one.description and kind.__module__.startswith("tui.") and (where == mode or where not in MODES):
                found.add(f"{app.get_key_display(one)} {one.description}")
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_has_the_tabs_that_the_workbench_has(mode: str, screens: dict[str, tuple[list[str], str]]) -> None:
    assert kept(mode)[TABS].rstrip() == screens[mode][0][TABS].rstrip()


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_has_keys_that_there_are(mode: str, screens: dict[str, tuple[list[str], str]]) -> None:
    shown, stay = items(kept(mode)[KEYS]), items(screens[mode][0][KEYS])[-STAY:]
    assert shown[-STAY:] == stay
    assert set(shown) - bound(mode) - set(stay) == set()


def test_the_moving_picture_shows_these_tabs_under_its_captions(screens: dict[str, tuple[list[str], str]]) -> None:
    tour = (PAGES / "tour.svg").read_text(encoding="utf-8")
    assert captions(tour) == [caption for _, caption in TOUR]
    for frame in range(len(TOUR)):
        assert shown_lines(tour, frame)[TABS].rstrip() == screens["dataset"][0][TABS].rstrip()


@pytest.mark.slow
def test_a_picture_has_the_panes_that_a_screen_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking: list[str] = []
    workplace(tmp_path, monkeypatch)

    async def scenario() -> None:
        app = Workbench(Path("runs"), data=Path("sample_data"))
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
            for mode in MODES:
                await arrive(pilot, app, mode)
                panes = [one for one in app.screen.query(".pane") if one.region.area and one.border_title]
                titles = {first_of(str(one.border_title)) for one in panes}
                other = {HEATED, *(entry.run.name for entry in app.session.library.entries())}
                shown = "\n".join(kept(mode))
                lacking.extend(f"{mode}: {title}" for title in titles - other if title not in shown)

    run(scenario())
    assert lacking == []


def first_of(title: str) -> str:
    """A title up to what depends on the data."""
    return re.split(r" of |[:,]|  | \S*\d", title)[0]


def test_no_text_of_a_screen_is_lost_in_its_picture(screens: dict[str, tuple[list[str], str]]) -> None:
    for mode, (lines, svg) in screens.items():
        found = shown_lines(picture(svg, mode, SIZE))
        plain = ["".join(" " if boxes(sign) else sign for sign in line).rstrip() for line in lines]
        assert [line.rstrip() for line in found] == plain[: len(found)] and not any(plain[len(found) :]), mode


def signs() -> Iterator[tuple[str, float]]:
    """Every block character of the pictures, and which share of it is lit."""
    for kind, (across, down) in GRIDS.items():
        for pattern, sign in enumerate(characters(kind)):
            yield sign, pattern.bit_count() / (across * down)
    yield from (("▁", 1 / 8), ("▇", 7 / 8), ("▏", 1 / 8), ("▉", 7 / 8), ("▔", 1 / 8), ("▕", 1 / 8))


def test_a_block_character_is_drawn_as_what_it_lights() -> None:
    for sign, share in signs():
        lit = {(x, y) for left, top, wide, high in boxes(sign)
               for x in range(left, left + wide) for y in range(top, top + high)}  # fmt: skip
        assert len(lit) == share * ACROSS * DOWN, sign
        assert all(0 <= x < ACROSS and 0 <= y < DOWN for x, y in lit), sign


@pytest.mark.parametrize(
    ("sign", "edges"), [("─", "lr"), ("│", "ud"), ("┌", "rd"), ("╯", "lu"), ("┼", "lrud"), ("├", "udr")]
)
def test_a_line_character_reaches_the_characters_beside_it(sign: str, edges: str) -> None:
    drawn = boxes(sign)
    reached = {"l": any(one.left == 0 for one in drawn), "u": any(one.top == 0 for one in drawn),
               "r": any(one.left + one.wide == ACROSS for one in drawn),
               "d": any(one.top + one.high == DOWN for one in drawn)}  # fmt: skip
    assert {edge for edge, is_reached in reached.items() if is_reached} == set(edges)


def test_letters_and_dots_are_text() -> None:
    assert not any(boxes(sign) for sign in "aA0 é⠿·●")
