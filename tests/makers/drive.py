"""What the tests of single screens share: driving the app by keys, reading its screen, waiting for it."""

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tui.app import Workbench
from tui.host.private_apis import shown_text

DATA = Path(__file__).parents[2] / "sample_data"
SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
"""Seconds between two looks at what is waited for."""
ALLOCATIONS = (50_000, 20, 20)
"""After so many Python looks for circles: a workbench makes objects by the hundred thousand, none of which goes yet."""


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Drive a coroutine to its end, within a time."""
    usual = gc.get_threshold()
    gc.set_threshold(*ALLOCATIONS)
    try:
        asyncio.run(asyncio.wait_for(scenario, 180))
    finally:
        gc.set_threshold(*usual)


def text(app: Workbench) -> str:
    """What the screen shows."""
    return shown_text(app.screen)


async def until(pilot: Pilot[None], holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `holds()`, looking less often the longer it takes, as each look costs what is waited for its time."""
    end, pause = time.monotonic() + seconds, SHORTEST_PAUSE
    while not holds():
        assert time.monotonic() < end, text(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE)


def shown_by(app: Workbench, words: str) -> bool:
    """Do these words stand on the screen?"""
    return words in text(app)
