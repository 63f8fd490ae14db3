"""The confusion matrix in any room: names of classes are whole where there is a line for them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.pilot import Pilot

from tui.host.private_apis import shown_text
from tui.screens.results.confusion import Confusion, broken
from tui.words.glyphs import PLAIN

NAMES = ("COVID", "Viral Pneumonia")


@pytest.mark.parametrize(
    ("name", "width", "lines"),
    [
        ("Viral Pneumonia", 15, ["Viral Pneumonia"]),
        ("Viral Pneumonia", 9, ["Viral", "Pneumonia"]),
        ("Lung_Opacity", 7, ["Lung_", "Opacity"]),
        ("Viral Pneumonia", 6, ["Viral", "Pneumonia"]),
        ("Viral Pneumonia", 4, ["Viral Pneumonia"]),
        ("a b c d", 5, ["a b c", "d"]),
        ("肺炎 病毒", 4, ["肺炎", "病毒"]),
    ],
)
def test_a_name_that_does_not_fit_is_broken_where_it_has_a_gap(name: str, width: int, lines: list[str]) -> None:
    assert broken(name, width) == lines


@given(st.text("abc _-肺", min_size=1, max_size=20), st.integers(1, 25))
def test_nothing_of_a_name_but_a_gap_is_lost(name: str, width: int) -> None:
    assert "".join(broken(name, width)).replace(" ", "") == name.replace(" ", "")


@pytest.mark.parametrize("size", [(38, 8), (38, 5), (38, 3), (20, 8), (76, 8)])
def test_every_count_is_there_and_names_are_whole_where_there_is_room(size: tuple[int, int]) -> None:
    async def check(pilot: Pilot[None]) -> None:
        matrix = Confusion(PLAIN)
        await pilot.app.mount(matrix)
        matrix.show(NAMES, [[5, 1], [0, 6]])
        await pilot.pause()
        shown = shown_text(matrix.screen)
        assert "[5]" in shown and "[6]" in shown and len(shown.rstrip().splitlines()) <= size[1]
        if size[0] >= 38 and size[1] > len(NAMES) + 1:
            assert ".." not in shown and shown.count("Pneumonia") == 2

    async def scenario() -> None:
        async with App[None]().run_test(size=size) as pilot:
            await check(pilot)

    asyncio.run(scenario())
