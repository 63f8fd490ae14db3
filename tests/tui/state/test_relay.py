"""The one throttle between a training and the screen."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.context import Context
from engine.base.events import Batch
from engine.recipe.config import TrainConfig
from tests.makers import fake
from tests.makers.drive import run, until
from tui.app import Workbench
from tui.screens.train.screen import TrainScreen
from tui.state.messages import RunChanged
from tui.state.relay import SECONDS_AT_MOST, SECONDS_BETWEEN_HANDOVERS, Relay
from tui.widgets.curves import Curves

SECONDS = 1.0


def test_it_merges_what_stands_for_the_same_and_wakes_the_screen_once() -> None:
    woken: list[Relay] = []
    relay = Relay(woken.append)
    for step in range(1, 10_001):
        relay.emit(fake.batch(1, step % fake.STEPS + 1))
    assert len(woken) == 1
    assert len(relay.drain()) == 1
    relay.emit(fake.batch(1, 1))
    relay.emit(fake.batch(2, 1))
    assert [event.epoch for event in relay.drain() if isinstance(event, Batch)] == [1, 2]
    assert len(woken) == 2


@given(ago=st.floats(0, 3), typed_ago=st.floats(0, 3))
def test_while_keys_come_it_waits_for_a_pause_but_no_longer_than_so(ago: float, typed_ago: float) -> None:
    relay, now = Relay(lambda relay: None), time.monotonic()
    relay.drained = now - ago
    wait = relay.due(now - typed_ago)
    taken = time.monotonic() - now
    assert ago + wait <= SECONDS_AT_MOST or wait == 0.0
    if wait == 0.0:
        pause = min(ago, typed_ago) + taken >= SECONDS_BETWEEN_HANDOVERS
        assert pause or ago + taken >= SECONDS_AT_MOST


def train(folder: Path, config: TrainConfig, context: Context) -> None:
    """A step every few milliseconds until it is stopped."""
    context.emit(fake.started("run", 2))
    while not context.stop.is_set():
        for step in range(1, fake.STEPS + 1):
            context.emit(fake.batch(1, step))
            time.sleep(0.002)


def test_the_screen_learns_of_a_flood_so_often_as_the_relay_says_and_draws_each_time(
    tmp_path: Path, dozen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, drawn = list[float](), list[str]()
    changed, draw = TrainScreen.run_changed, Curves.draw

    def run_changed(self: TrainScreen, message: RunChanged) -> None:
        heard.append(time.monotonic())
        changed(self, message)

    def count(self: Curves, *arguments: object) -> None:
        drawn.append(str(self.id))
        draw(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainScreen, "run_changed", run_changed)
    monkeypatch.setattr(Curves, "draw", count)

    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen)
        app.session.work = train
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("3", "r")
            await until(pilot, lambda: len(heard) > 2)
            heard.clear()
            drawn.clear()
            await pilot.pause(SECONDS)
            times, curves = len(heard), [drawn.count(name) for name in ("loss", "accuracy")]
            assert app.session.training
            app.session.training.request_stop("now")
            assert 1 < times <= SECONDS / SECONDS_BETWEEN_HANDOVERS + 2
            assert all(abs(count - times) <= 1 for count in curves)

    run(scenario())
