"""How long a training still takes: true to a factor of 1.5 from its second tenth on, on recorded and on made-up runs.

What is estimated is the time of all epochs of the recipe, as nobody can know whether patience ends it sooner: where it
has, the rest is what the epochs that were left would have taken, each as long as the last ones.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from engine.base.events import (
    FILL,
    TESTING,
    Ahead,
    Batch,
    Doing,
    Epoch,
    EpochsAhead,
    Event,
    Finished,
    Progress,
    Resumed,
    Started,
    Stretch,
    TimeLeft,
)
from engine.base.result import Validated
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, FitConfig, NetworkConfig, TrainConfig
from engine.runs.event_log import Timed, events
from engine.runs.forecast import RATE, SLOWER, Forecast
from engine.runs.summary import RunSummary
from engine.training.ahead import UNIT, Counts, ahead, unseen
from engine.training.augment import view_of
from engine.training.resolved import Resolved, resolve
from tests.makers import fake

LOGS = Path(__file__).parent / "logs"
"""Of real trainings on the sample data, on two processors that others used too; without notices and most steps."""
A_MINUTE = 60.0
FACTOR, SLACK = 1.5, 5.0
"""How far the estimate may be off; of the last seconds no factor is asked."""


def estimates(log: Sequence[Timed]) -> Iterator[float | None]:
    """The seconds that are left by the estimate, after each event."""
    summary = RunSummary()
    for at, event in log:
        summary.fold(event, at)
        yield summary.seconds_left()


def _measures(event: Event) -> bool:
    """Does it tell how long an image takes in the frozen layers?"""
    return isinstance(event, Progress) and event.task.startswith(FILL) and event.done > 0


def assert_true(log: Sequence[Timed], saved: float = 0.0) -> None:
    """The estimates of a log are true from its second tenth on, once anything is measured.

    `saved` are the seconds that patience has spared.
    """
    planned = any(isinstance(event, Ahead) for _, event in log)
    begun, end, known, steps = log[0][0], log[-1][0] + saved, False, 0
    for (at, event), left in zip(log, estimates(log), strict=True):
        rest, share = end - at, (at - begun) / (end - begun)
        steps += isinstance(event, Batch)
        known = known or steps > 1 or isinstance(event, Epoch | TimeLeft) or (planned and _measures(event))
        if share < 0.1 or not known or isinstance(event, Finished):
            continue
        assert left is not None, (share, event)
        assert rest / FACTOR - SLACK <= left <= rest * FACTOR + SLACK, (round(share, 3), left, rest, event)


@pytest.mark.parametrize("name", ["views", "partial", "gradual", "auto"])
def test_on_a_recorded_training_it_is_true_from_the_second_tenth_on(name: str) -> None:
    log = [*events(LOGS / f"{name}.jsonl")]
    assert isinstance(log[-1][1], Finished) and len(log) > 30
    assert any(isinstance(event, Ahead | TimeLeft) for _, event in log)
    assert_true(log)


@dataclass(frozen=True)
class Machine:
    """How fast a made-up machine is: seconds."""

    rate: float
    """Of a billion multiply-adds in the frozen layers."""
    slower: float
    """How many times as long one takes where layers train."""
    tracing: float
    closing: float


def made_up(recipe: Resolved, counts: Counts, machine: Machine, ended: int) -> list[Timed]:
    """The log of a training that ends after the epoch `ended`."""
    config, kept = recipe.config, unseen(recipe.config.augment.kept_views, counts)
    told = ahead(recipe, counts, [kept if phase.plan.cut > 1 else None for phase in recipe.phases])
    steps = -(-counts.train // config.fit.batch)
    phases = tuple(Stretch(phase.name, phase.first, phase.last) for phase in recipe.phases)
    parts = {"train": {"a": counts.train}, "validation": {"a": counts.validation}, "test": {"a": counts.test}}
    begun = Started(
        "r", ("a", "b"), parts, "made up", 1, 1, config.fit.epochs, steps, "float32", "cpu", 0, phases, "ncnn"
    )
    at, log = 100.0, list[Timed]()

    def add(event: Event, seconds: float = 0.0) -> None:
        nonlocal at
        at += seconds
        log.append((at, event))

    add(Doing("loading TensorFlow"))
    add(begun, 5.0)
    add(told)
    for phase, stretch in zip(recipe.phases, told.epochs, strict=True):
        seconds = stretch.work * machine.rate * machine.slower
        for epoch in range(phase.first, min(phase.last, ended) + 1):
            passes = stretch.passes[epoch - phase.first] if epoch - phase.first < len(stretch.passes) else 0
            task = f"frozen layers, view {view_of(config.augment, epoch)}"
            for start in range(0, passes, 32):
                done = min(passes, start + 32)
                if start == 0:
                    add(Progress(task, 0, passes))
                add(Progress(task, done, passes), (done - start) * stretch.frozen * machine.rate)
            traced = machine.tracing if epoch == phase.first else 0.0
            for step in range(1, steps + 1):
                add(Batch(epoch, step, steps, 0.5, 0.5, 9.0), seconds / steps + (traced if step == 1 else 0.0))
            add(Epoch(epoch, 0.5, 0.5, 0.5, 0.5, 1e-4, seconds + traced))
    add(Doing("testing"))
    for done in range(1, counts.test + 1):
        each = (machine.closing + told.closing * machine.rate) / counts.test
        add(Progress("test", done, counts.test), each)
    add(Finished("r", ended, at - 100, Validated(accuracy=0.5, loss=0.5), None, 1, "all epochs"))
    return log


MACHINES = st.builds(
    Machine,
    rate=st.floats(RATE / 5, RATE * 5),
    slower=st.floats(SLOWER["ncnn"] / 1.3, SLOWER["ncnn"] * 1.3),
    tracing=st.floats(1.5, 5.0),
    closing=st.floats(2.0, 6.0),
)
RECIPES = st.one_of(
    st.builds(NetworkConfig, mode=st.just("transfer")),
    st.builds(NetworkConfig, mode=st.just("finetune")),
    st.builds(NetworkConfig, mode=st.just("partial"), unfreeze=st.sampled_from(("block5", "block4,block5", "12-18"))),
    st.builds(NetworkConfig, mode=st.just("probe-then-finetune"), unfreeze=st.sampled_from(("", "block5"))),
)
COUNTS = st.builds(Counts, st.integers(40, 400), st.integers(10, 60), st.integers(10, 60))


@st.composite
def recipes(draw: st.DrawFn) -> Resolved:
    """A recipe of several epochs, some of them in several phases."""
    network = draw(RECIPES)
    gradual = draw(st.integers(0, 2)) if network.mode == "partial" else 0
    epochs = draw(st.integers(6, 20))
    augment = AugmentConfig(
        augment=draw(st.sampled_from(("report", "mirror", "none"))), views=str(draw(st.integers(1, 4)))
    )
    fit = FitConfig(epochs=epochs, batch=draw(st.sampled_from((8, 32))), gradual=gradual, probe_epochs=3, patience=0)
    return resolve(TrainConfig(network=network, augment=augment, fit=fit))


@settings(deadline=None, max_examples=200)
@given(recipes(), COUNTS, MACHINES)
def test_on_any_machine_of_steady_pace_it_is_true(recipe: Resolved, counts: Counts, machine: Machine) -> None:
    log = made_up(recipe, counts, machine, recipe.config.fit.epochs)
    assume(log[-1][0] - log[0][0] > A_MINUTE)  # what is saved and loaded is most of a shorter one
    assert_true(log)


@settings(deadline=None)
@given(COUNTS, MACHINES, st.integers(4, 12))
def test_what_patience_spares_is_counted_as_left_until_it_ends_the_training(
    counts: Counts, machine: Machine, ended: int
) -> None:
    """Epochs that will never be are estimated as well: the estimate is of the recipe's epochs at most."""
    recipe = resolve(TrainConfig(network=NetworkConfig(mode="finetune"), fit=FitConfig(epochs=16)))
    log = made_up(recipe, counts, machine, ended)
    (work,) = (event.epochs[0].work for _, event in log if isinstance(event, Ahead))
    before = [timed for timed in log if isinstance(timed[1], Started | Ahead | Batch | Epoch)]
    closing = log[-1][0] - before[-1][0]
    assert_true([log[0], *before], saved=(16 - ended) * work * machine.rate * machine.slower + closing)


AMOUNTS = st.sampled_from((0.0, 1e-9, 15.3, 1e6))
STRETCHES = st.lists(
    st.builds(EpochsAhead, st.integers(1, 3), st.integers(3, 6), st.just((4, 0)), AMOUNTS, AMOUNTS), min_size=1
)
EVENTS = st.one_of(
    st.builds(Ahead, STRETCHES.map(tuple), AMOUNTS),
    st.builds(Batch, st.integers(1, 6), st.integers(0, 4), st.just(4), AMOUNTS, st.just(0.5), AMOUNTS),
    st.builds(Epoch, st.integers(1, 6), AMOUNTS, st.just(0.5), AMOUNTS, st.just(0.5), AMOUNTS, AMOUNTS),
    st.builds(Progress, st.sampled_from((f"{FILL}, view 1", TESTING, "decode")), st.integers(0, 4), st.just(4)),
    st.builds(Resumed, st.integers(1, 6), st.integers(0, 4)),
    st.builds(TimeLeft, AMOUNTS),
)


ALL_IS_KEPT = Ahead((EpochsAhead(1, 6),), 0.0)
EPOCHS = [(60.0, Epoch(number, 0.5, 0.5, 0.5, 0.5, 1e-4, 60.0)) for number in (1, 2)]


@given(st.lists(st.tuples(st.sampled_from((0.0, 1e-9, 0.3, 60.0)), EVENTS)))
@example([(0.0, ALL_IS_KEPT), *EPOCHS])
def test_no_events_in_any_order_end_the_training_that_is_estimated(told: list[tuple[float, Event]]) -> None:
    """A training without a test whose epochs compute nothing to speak of divided by no work, and ended."""
    forecast, at = Forecast(), 100.0
    forecast.fold(fake.started("r", 6), at)
    for seconds, event in told:
        at += seconds
        forecast.fold(event, at)
        for left in (forecast.seconds(), forecast.of_epoch()):
            assert left is None or 0 <= left < math.inf, event


def test_a_view_that_is_still_to_be_computed_counts_from_the_first_epoch_on() -> None:
    """No view's pass through the frozen layers counted once, and 24 s were shown at 188 s of 400."""
    recipe = resolve(TrainConfig(fit=FitConfig(epochs=20, batch=32, patience=0)))
    counts = Counts(320, 40, 40)
    log = made_up(recipe, counts, Machine(RATE, 2.0, 4.0, 4.0), 20)
    after = next(place for place, (_, event) in enumerate(log) if isinstance(event, Epoch))
    left = [*estimates(log)][after]
    whole = sum(layer.macs for layer in plan(NetworkConfig()).backbone.layers) / UNIT
    assert left is not None and left > 4 * 320 * whole * RATE, "four more views of 320 images"


def test_a_training_that_goes_on_counts_what_it_finds_kept() -> None:
    recipe, counts = resolve(TrainConfig(fit=FitConfig(epochs=20, batch=32))), Counts(320, 40, 40)
    anew = ahead(recipe, counts, [unseen(5, counts)])
    assert anew.epochs[0].passes == (360, 320, 320, 320, 320)
    kept = unseen(5, counts)
    assert kept.train is not None
    gone_on = ahead(recipe, counts, [type(kept)({**kept.train, -1: 0, 0: 100}, 0)], begin=2)
    assert gone_on.epochs[0].passes == (0, 100, 320, 320, 320)


def test_what_is_begun_is_named_until_something_tells_how_far_it_is() -> None:
    summary = RunSummary()
    summary.fold(Doing("loading TensorFlow"), 1.0)
    assert summary.doing == "loading TensorFlow"
    summary.fold(fake.started("r", 3), 2.0)
    assert summary.doing == ""
    summary.fold(Progress("frozen layers", 1, 3), 3.0)
    summary.fold(Doing("calibrating"), 4.0)
    assert summary.doing == "calibrating" and summary.progress is None
    summary.fold(Progress("test", 1, 3), 5.0)
    assert summary.doing == "" and summary.progress is not None


def test_an_event_of_what_is_ahead_survives_the_way_to_the_disk(tmp_path: Path) -> None:
    recipe, counts = resolve(TrainConfig()), Counts(20, 4, 4)
    told = ahead(recipe, counts, [unseen(5, counts)])
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps({**told.to_dict(), "time": 1.0}) + "\n")
    assert [*events(file)] == [(1.0, told)]


def test_a_forecast_says_nothing_before_a_training_has_begun() -> None:
    forecast = Forecast()
    forecast.fold(Progress("decode", 1, 9), 1.0)
    assert forecast.seconds() is None and forecast.of_epoch() is None
