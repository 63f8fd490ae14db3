"""A picture on the whole screen: keys and the mouse change what is seen, the title says it, and it can be reset."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from textual.app import App
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from engine.data.image.view import View
from tests.makers.drive import until
from tests.makers.pictures import chest
from tui.host.private_apis import shown_text
from tui.host.terminal import Abilities
from tui.widgets.viewer import EDGE, Enlarged, Viewer, told
from tui.widgets.xray import Way, Xray

PICTURE = chest(200, 240)
MASK = np.zeros((100, 120), np.uint8)
MASK[20:80, 30:90] = 255
HEAT = np.zeros((20, 24), np.float32)
HEAT[5:10, 5:10] = 1


def looked_at(seen: Enlarged, check: Callable[[Pilot[None], Viewer], object], way: Way = "halfblock") -> None:
    """Open the picture in a viewer and do with it what `check` does."""

    async def scenario() -> None:
        async with App[None]().run_test(size=(80, 30)) as pilot:
            viewer = Viewer([seen], way, Abilities(), "-")
            pilot.app.push_screen(viewer)
            await until(pilot, lambda: viewer.is_mounted and viewer.query_one(Xray).pixels is not None)
            await check(pilot, viewer)  # type: ignore[misc]

    asyncio.run(asyncio.wait_for(scenario(), 60))


async def scrolled(pilot: Pilot[None], viewer: Viewer, way: type[MouseScrollUp] | type[MouseScrollDown]) -> None:
    """Turn the wheel over the picture, as a terminal tells the app of it."""
    x, y, _, _ = viewer.query_one(Xray).region
    pilot.app.post_message(way(None, x + 9, y + 4, 0, 0, 0, False, False, False, x + 9, y + 4))
    await pilot.pause()


def title(viewer: Viewer) -> str:
    """What the frame is called."""
    return str(viewer.query_one("#whole").border_title)


def pixels(viewer: Viewer) -> np.ndarray:
    """What is drawn."""
    found = viewer.query_one(Xray).pixels
    assert found is not None
    return found


def test_keys_zoom_move_and_reset_and_the_title_says_what_is_seen() -> None:
    async def check(pilot: Pilot[None], viewer: Viewer) -> None:
        assert np.array_equal(pixels(viewer), PICTURE)
        assert title(viewer) == "X-ray: one.png - whole picture - black 0, white 255"
        await pilot.press("plus", "plus", "plus")
        nearer = pixels(viewer)
        assert nearer.shape[0] < 200 / 1.5 and "2.0 times nearer" in title(viewer)
        middle = (np.array(PICTURE.shape) - nearer.shape) // 2
        await pilot.press("right", "down")
        moved = pixels(viewer)
        assert moved.shape == nearer.shape and not np.array_equal(moved, nearer)
        assert viewer.looked.x > 0.5 and viewer.looked.y > 0.5 and min(middle) > 0
        await pilot.press("left", "up")
        assert np.array_equal(pixels(viewer), nearer)
        await pilot.press("minus", "0")
        assert np.array_equal(pixels(viewer), PICTURE) and viewer.looked == View()

    looked_at(Enlarged("one.png", PICTURE), check)


def test_it_moves_no_farther_than_to_the_edge_and_says_so_there() -> None:
    async def check(pilot: Pilot[None], viewer: Viewer) -> None:
        await pilot.press("plus")
        assert pixels(viewer).shape[1] == 100, "its whole width is in sight: else this tests nothing"
        await pilot.press("left")
        assert any("on that side" in one.message for one in viewer.app._notifications)
        await pilot.press("up", "up", "up", "up")
        top = pixels(viewer)
        assert np.array_equal(top, PICTURE[: len(top), :100])
        await pilot.press("down")
        assert not np.array_equal(pixels(viewer), top), "what was pressed at the edge is not to be taken back"

    looked_at(Enlarged("one.png", PICTURE[:, :100]), check)


def test_contrast_brightness_and_inversion_change_the_levels_that_are_black_and_white() -> None:
    async def check(pilot: Pilot[None], viewer: Viewer) -> None:
        await pilot.press(*"cccc", *"bb")
        low, high = viewer.looked.ends
        assert (low, high) == (0, 191) and "black 0, white 191" in title(viewer)
        assert np.ptp(pixels(viewer)) > np.ptp(PICTURE) and pixels(viewer).mean() > PICTURE.mean()
        shown = pixels(viewer)
        await pilot.press("i")
        assert np.array_equal(pixels(viewer), 255 - shown) and "white 0, black 191" in title(viewer)
        await pilot.press("i", "C", "C", "C", "C", "B", "B")
        assert viewer.looked == View()

    looked_at(Enlarged("one.png", PICTURE), check)


def test_dragging_changes_the_window_and_the_wheel_zooms() -> None:
    async def check(pilot: Pilot[None], viewer: Viewer) -> None:
        await pilot.mouse_down(Xray, offset=(40, 10))
        await pilot.hover(Xray, offset=(30, 14))
        assert viewer.looked.width < 255 and viewer.looked.level > 127.5
        await pilot.mouse_up(Xray, offset=(30, 14))
        before = viewer.looked
        await pilot.hover(Xray, offset=(10, 5))
        assert viewer.looked == before, "only while the button is down"
        whole = pixels(viewer).shape
        await scrolled(pilot, viewer, MouseScrollUp)
        await scrolled(pilot, viewer, MouseScrollUp)
        nearer = pixels(viewer).shape
        assert viewer.looked.zoom > 1 and nearer < whole and "times nearer" in title(viewer)
        await scrolled(pilot, viewer, MouseScrollDown)
        assert nearer < pixels(viewer).shape < whole
        await scrolled(pilot, viewer, MouseScrollDown)
        assert viewer.looked == before and "whole picture" in title(viewer)

    looked_at(Enlarged("one.png", PICTURE), check)


def test_the_edge_of_the_lungs_and_the_heat_are_laid_over_and_taken_off() -> None:
    async def check(pilot: Pilot[None], viewer: Viewer) -> None:
        assert title(viewer).startswith("Where it looked: COVID, one.png")
        assert viewer.query_one(Xray).heat is not None and "heat: none" in str(
            viewer.query_one("#whole").border_subtitle
        )
        await pilot.press("g")
        assert viewer.query_one(Xray).heat is None and title(viewer).startswith("X-ray: one.png")
        assert str(viewer.query_one("#whole").border_subtitle) == ""
        await pilot.press("m")
        shown = pixels(viewer)
        edge = (shown == np.array(EDGE, np.uint8)).all(axis=-1)
        rows, columns = np.nonzero(edge)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 159, 60, 179)
        assert not edge[60:140, 80:160].any()
        await pilot.press("plus", "plus")
        nearer = (pixels(viewer) == np.array(EDGE, np.uint8)).all(axis=-1)
        assert nearer.any(), "it stays where it is as one goes nearer"
        await pilot.press(*["plus"] * 5)
        assert not (pixels(viewer) == np.array(EDGE, np.uint8)).all(axis=-1).any(), (
            "and the picture's cut is no edge of the lungs"
        )
        await pilot.press("m")
        assert pixels(viewer).ndim == 2
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Viewer))

    looked_at(Enlarged("one.png", PICTURE, HEAT, "COVID", MASK), check)


def test_a_key_for_what_there_is_not_is_dim_and_says_why() -> None:
    async def check(pilot: Pilot[None], viewer: Viewer) -> None:
        able = {active.binding.id: active.enabled for active in viewer.active_bindings.values()}
        assert not able["view.mask"] and not able["view.heat"] and not able["view.reset"] and able["view.nearer"]
        await pilot.press("m", "g", "0", "left")
        said = [one.message for one in pilot.app._notifications]
        assert len(said) == 4 and "no lung mask" in said[0] and "no heat" in said[1]
        assert np.array_equal(pixels(viewer), PICTURE)

    looked_at(Enlarged("one.png", PICTURE), check)


@pytest.mark.parametrize("way", ["halfblock", "quadrant", "sextant", "octant", "grey", "sixel", "kitty"])
def test_it_is_drawn_in_every_way(way: Way) -> None:
    async def check(pilot: Pilot[None], viewer: Viewer) -> None:
        await pilot.press("plus", "c", "m", "g", "g")
        assert viewer.query_one(Xray).children

    looked_at(Enlarged("one.png", PICTURE, HEAT, "COVID", MASK), check, way)


@pytest.mark.parametrize("width", [30, 50, 78])
def test_a_long_name_leaves_room_for_what_the_title_says(width: int) -> None:
    said = told("X-ray: ", View().zoomed(2).turned(), f"{'long' * 20}.png", " - ", width)
    assert said.startswith("X-ray: lo") and said.endswith(".png - 2.0 times nearer - white 0, black 255")
    assert len(said) <= max(width, 15 + len(" - 2.0 times nearer - white 0, black 255"))


@pytest.mark.parametrize("width", [52, 60, 74])
def test_of_a_title_what_is_as_usual_leaves_before_anything_is_cut(width: int) -> None:
    what = "Where it looked: Viral Pneumonia, "
    said = told(what, View(), "COVID-4.png", " - ", width)
    assert said.startswith(f"{what}COVID-4.png") and len(said) <= width
    assert "white 7, black" not in said and told(what, View(), "COVID-4.png", " - ", 120).endswith(", white 255")


def test_the_lungs_edge_can_be_told_where_signs_stand_for_grey() -> None:
    async def check(pilot: Pilot[None], viewer: Viewer) -> None:
        before = shown_text(viewer).count("o")
        await pilot.press("m")
        await until(pilot, lambda: shown_text(viewer).count("o") > before + 20)

    looked_at(Enlarged("one.png", PICTURE, None, "", MASK), check, "grey")
