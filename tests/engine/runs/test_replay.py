"""A replay gives each event at its time, at any speed, and leaves out when nobody trained the run."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from engine.base.errors import ConfigError, RunError
from engine.base.events import Event, Interrupted, Notice, Resumed
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs.event_log import Timed
from engine.runs.replay import FASTEST, LONGEST_IDLE, Replay, offsets, recorded, require_speed
from engine.runs.writer import create
from tests.makers.fake import batch, started

BEGAN = 1_700_000_000.0


def at(*pairs: tuple[float, Event]) -> list[Timed]:
    return [(BEGAN + seconds, event) for seconds, event in pairs]


STEPS = at((0, started("r", 2)), *((10.0 * n, batch(1, n)) for n in range(1, 11)))


def steps(replay: Replay, now: float) -> list[int]:
    return [event.step for _, event in replay.due(now) if event.kind == "batch"]  # type: ignore[attr-defined]


def is_over(replay: Replay) -> bool:
    return replay.over


def test_events_come_at_their_times_and_each_once() -> None:
    replay = Replay(STEPS, 10.0, 500.0)
    assert replay.seconds == 100.0
    assert [event.kind for _, event in replay.due(500.0)] == ["started"]
    assert steps(replay, 502.5) == [1, 2] and replay.position(502.5) == 25.0
    assert steps(replay, 502.9) == []
    assert steps(replay, 600.0) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert is_over(replay) and replay.position(9e9) == 100.0


def test_a_pause_costs_no_event_and_a_speed_counts_from_when_it_is_changed() -> None:
    replay = Replay(STEPS, 10.0, 0.0)
    assert steps(replay, 2.0) == [1, 2]
    replay.pause(2.0)
    assert steps(replay, 1000.0) == [] and replay.position(1000.0) == 20.0
    replay.pause(1000.0)
    assert steps(replay, 1001.0) == [3]
    assert replay.change_speed(2, 1001.0) and replay.speed == 20.0
    assert steps(replay, 1002.0) == [4, 5]
    assert replay.change_speed(0.25, 1002.0)
    assert steps(replay, 1004.0) == [6]


def test_it_goes_to_its_end_and_from_there_to_its_beginning() -> None:
    replay = Replay(STEPS, 1.0, 0.0)
    replay.pause(0.5)
    replay.jump(1.0, to_end=True)
    assert not replay.paused
    assert len(replay.due(1.0)) == 11 and is_over(replay)
    replay.jump(5.0, to_end=False)
    assert not is_over(replay) and len(replay.due(5.0)) == 1
    assert steps(replay, 25.0) == [1, 2]


def test_the_time_in_which_nobody_trained_is_left_out() -> None:
    night = at(
        (0, started("r", 2)), (10, batch(1, 1)), (20, batch(1, 2)),  # killed, or stopped
        (21, Interrupted("r", 0, "Stopped.")),
        (50_000, Notice("info", "TensorFlow is being loaded.")), (50_012, started("r", 2)),
        (50_013, Resumed(1, 2)),        (50_030, batch(1, 3)),
    )  # fmt: skip
    found = offsets(night)
    assert found[:4] == [0, 10, 20, 21]
    assert found[4] == 21 + LONGEST_IDLE and found[5] == found[4] + LONGEST_IDLE
    assert [b - a for a, b in pairwise(found[5:])] == [1, 17]
    died = offsets([*night[:3], *night[5:]])
    assert died == [0, 10, 20, 20 + LONGEST_IDLE, 21 + LONGEST_IDLE, 38 + LONGEST_IDLE]


def test_a_clock_that_went_back_and_an_empty_log_are_no_trouble() -> None:
    assert offsets(at((5, batch(1, 1)), (3, batch(1, 2)), (4, batch(1, 3)))) == [0, 0, 1]
    assert offsets([]) == [] and Replay([], 1.0, 0.0).over


def test_a_speed_that_none_can_have_is_refused() -> None:
    for speed in (0.0, -1.0, float("nan"), float("inf"), 1e9):
        with pytest.raises(ConfigError, match="--speed is "):
            require_speed(speed)
    replay = Replay(STEPS, FASTEST, 0.0)
    assert not replay.change_speed(2, 0.0) and replay.speed == FASTEST


def test_a_live_run_and_one_without_events_are_refused_and_a_long_one_is_thinned(tmp_path: Path) -> None:
    writer = create(tmp_path, TrainConfig(output=OutputConfig(out=tmp_path, name="run")))
    with writer, pytest.raises(RunError, match="run is being trained now: `covid-tui attach run`"):
        recorded(writer.run)
    with pytest.raises(RunError, match="no events"):
        recorded(writer.run)
    step = json.dumps({**batch(1, 1).to_dict(), "time": BEGAN}).encode()
    (writer.run.path / "events.jsonl").write_bytes(b"\n".join([step] * 50_000) + b"\n")
    assert 100 < len(recorded(writer.run)) < 5000
