"""Who waits for other workers hears a signal, keeps to its time, and says who was missing; then it is gone."""

import signal
import time
from pathlib import Path

import pytest

from tests.conftest import SAMPLE
from tests.makers.workers import MINUTE, pair

pytestmark = pytest.mark.usefixtures("small_pictures")

DATA = ("--train", SAMPLE, "--classes", "COVID,Viral Pneumonia", "--augment", "none", "--batch", "9")
RECIPE = (*DATA, "--weights", "none", "--precision", "float32", "--epochs", "1", "--name", "run")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seconds", [0, 0.1, 1, 6])
def test_a_chief_that_nobody_joins_can_be_stopped_at_any_moment(
    seconds: float, number: signal.Signals, cache: Path, tmp_path: Path
) -> None:
    """After some seconds TensorFlow waits for the others; by itself it would hold the lock, and take the signal."""
    with pair(cache, tmp_path, *RECIPE, come=1) as both:
        until, told = time.monotonic() + MINUTE, both.run.path / "events.jsonl"
        while not told.is_file() or "Waiting for the 2 workers" not in told.read_text():
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(seconds)
        both.processes[0].send_signal(number)
        began = time.monotonic()
        ((code, _, err),) = both.ends()
    assert time.monotonic() - began < MINUTE / 4
    assert code == 128 + number and both.run.state() == "stopped", err
    assert err.splitlines()[-1] == "Stopped while the other workers were waited for."


def test_who_does_not_come_in_time_is_named(cache: Path, tmp_path: Path) -> None:
    with pair(cache, tmp_path, *RECIPE, come=1, minutes=0.1) as both:
        ((code, _, err),) = both.ends()
    assert code == 1 and both.run.state() == "failed", err
    assert "Not all of the workers came within 0.1 minutes: 127.0.0.1:" in err.splitlines()[-1]


@pytest.mark.slow
def test_workers_that_come_late_are_waited_for(cache: Path, tmp_path: Path) -> None:
    """As long as a chief has been waiting in TensorFlow for seconds."""
    with pair(cache, tmp_path, *RECIPE, late=8) as both:
        ends = both.ends()
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert both.run.state() == "finished"
