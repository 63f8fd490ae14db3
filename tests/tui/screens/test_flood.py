"""Ten thousand events a second, from this process and from another, neither grow memory nor slow keys."""

import asyncio
import gc
import json
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from textual.events import Key
from textual.pilot import Pilot

from engine.base.context import Context
from engine.base.events import Epoch
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs.watch import KEPT_POINTS
from engine.runs.writer import create
from tests.makers import fake
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.widgets.form import FieldTable

pytestmark = pytest.mark.alone

A_SECOND = 10_000
AT_ONCE = 100
SECONDS = 4.0
GROWTH = 12_000_000
"""Bytes that four seconds may add; the forty thousand events alone would be more than twice that."""
SLOWEST_KEY = 0.25


class Flood:
    """Emits at a rate, whatever the screen does."""

    def __init__(self) -> None:
        self.emitted = 0
        self.late = 0.0

    def train(self, folder: Path, config: TrainConfig, context: Context) -> None:
        context.emit(fake.started(str(config.output.out / "flood"), 100_000))
        began, epoch = time.monotonic(), 0
        while not context.stop.is_set():
            for _ in range(AT_ONCE):
                self.emitted += 1
                context.emit(fake.batch(epoch + 1, 1 + self.emitted % fake.STEPS))
            if self.emitted % 5000 == 0:
                epoch += 1
                context.emit(Epoch(epoch, 1.0, 0.5, 1.0, 0.5, 1e-4, 0.5))
            time.sleep(max(0.0, began + self.emitted / A_SECOND - time.monotonic()))


async def press_for(pilot: Pilot[None], seconds: float, seen: Callable[[], object]) -> list[float]:
    """Press a key again and again; how long each took to be answered."""
    took, end = list[float](), time.monotonic() + seconds
    while time.monotonic() < end:
        before, began = seen(), time.perf_counter()
        # As the driver hands it over: `pilot.press` waits until the process is idle, which it never is here.
        key = Key("down" if len(took) % 2 == 0 else "up", None)
        key.set_sender(pilot.app)
        pilot.app.post_message(key)
        while seen() == before and time.perf_counter() - began < 5:
            await asyncio.sleep(0.001)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    return took


async def measure(pilot: Pilot[None], seen: Callable[[], object]) -> None:
    """Keys and memory while it floods."""
    await until(pilot, lambda: "whole" in text(pilot.app))  # type: ignore[arg-type]
    await press_for(pilot, 1.0, seen)
    gc.collect()
    before = psutil.Process().memory_info().rss
    took = await press_for(pilot, SECONDS, seen)
    gc.collect()
    grown = psutil.Process().memory_info().rss - before
    assert grown < GROWTH, grown
    assert statistics.quantiles(took, n=20)[-1] < SLOWEST_KEY, took
    assert len(took) > SECONDS


def test_from_this_process(tmp_path: Path, dozen: Path) -> None:
    flood = Flood()

    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = flood.train
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "r", "e")
            training = app.session.training
            assert training is not None
            try:
                fields = app.screen.query_one(FieldTable)
                began, count = time.monotonic(), flood.emitted
                await measure(pilot, lambda: fields.cursor_row)
                assert (flood.emitted - count) / (time.monotonic() - began) > A_SECOND / 2
                assert len(training.view.points.x) <= KEPT_POINTS
            finally:
                training.request_stop("now")

    run(scenario())


def test_from_another_process(tmp_path: Path) -> None:
    """Through the disk: a run directory that grows by ten thousand lines a second."""
    halt = threading.Event()
    config = TrainConfig(output=OutputConfig(out=tmp_path, name="flood"))
    lines = "".join(json.dumps(fake.batch(1, n % fake.STEPS + 1).to_dict()) + "\n" for n in range(1000))

    def write() -> None:
        with create(DATA, config) as writer:
            writer.append(fake.started(str(tmp_path / "flood"), 20))
            began, count = time.monotonic(), 0
            while not halt.is_set():
                writer._events.write(lines)
                writer._events.flush()
                count += 1
                time.sleep(max(0.0, began + count * 1000 / A_SECOND - time.monotonic()))

    other = threading.Thread(target=write)
    other.start()

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: "* live" in text(app))
            await pilot.press("f", "e")
            await until(pilot, lambda: app.current_mode == "train")
            await pilot.pause()
            fields = app.screen.query_one(FieldTable)
            await measure(pilot, lambda: fields.cursor_row)
            view = app.session.shown
            assert view is not None and 0 < len(view.points.x) <= KEPT_POINTS

    try:
        run(scenario())
    finally:
        halt.set()
        other.join()
