"""Signals: the first asks, the second ends, a hangup does neither; the same for a verb and for what a screen leaves."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.base.errors import CovidTuiError, Stopped
from tests.conftest import ROOT
from tui.cli.signals import SECONDS_TO_STOP, heed, in_thread, stop_on_signals, until_stopped

VERB = """
import sys, time
from tui.cli.signals import stop_on_signals, until_stopped
from engine.base.errors import Stopped

def work():
    print("at work", flush=True)
    while not stop.is_set():
        time.sleep(0.01)
    print("stopping", flush=True)
    time.sleep({seconds})
    raise Stopped("The work was stopped.")

with stop_on_signals() as (stop, signals):
    sys.exit(until_stopped(work, signals)[1])
"""
DEAF = """
import sys, time
from tui.cli.signals import heed
asked = []
print("at work", flush=True)
came, before = heed(asked.append, deaf={deaf})
print("heeding", flush=True)
while not asked:
    time.sleep(0.01)
print(*asked, *came, flush=True)
time.sleep(60)
"""


@contextmanager
def running(code: str, first: str) -> Iterator[subprocess.Popen[str]]:
    """A process of `code` that has put out the line `first`."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        try:
            while process.stdout.readline().strip() != first:
                assert process.poll() is None, process.stderr.read()
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_exit_code_names_it(number: signal.Signals) -> None:
    with running(VERB.format(seconds=0), "at work") as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 128 + number and errors == "The work was stopped.\n"


def test_a_second_signal_ends_the_process_at_once() -> None:
    with running(VERB.format(seconds=60), "at work") as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout and process.stdout.readline() == "stopping\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 128 + signal.SIGTERM
        assert time.monotonic() - began < SECONDS_TO_STOP / 2


def test_what_reaches_a_group_twice_counts_once() -> None:
    """The screen is gone by the signal whose second copy comes now: it must not end the training that goes on."""
    with running(DEAF.format(deaf=0.5), "heeding") as process:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.stdout and process.stdout.readline().split() == ["now", str(int(signal.SIGTERM))]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 128 + signal.SIGINT


def test_the_handlers_of_before_come_back() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with stop_on_signals() as (stop, came):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signal.raise_signal(signal.SIGINT)
        assert stop.now and came == [signal.SIGINT]
    assert [signal.getsignal(number) for number in numbers] == before


def test_heed_gives_back_what_was_there() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    _, before = heed(lambda how: None)
    for number, old in before.items():
        signal.signal(number, old)
    assert before[signal.SIGTERM] == handler == signal.getsignal(signal.SIGTERM)


def test_an_error_of_the_work_comes_out_of_its_thread(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> int:
        raise CovidTuiError("It can't be done.")

    def stopped() -> int:
        raise Stopped("The work was stopped.")

    with pytest.raises(CovidTuiError, match="can't be done"):
        in_thread(refuse, [])
    with pytest.raises(CovidTuiError):
        until_stopped(refuse, [])
    assert until_stopped(lambda: 7, []) == (7, 0)
    assert until_stopped(stopped, [signal.SIGTERM]) == (None, 143)
    assert capsys.readouterr().err == "The work was stopped.\n"


def test_an_error_of_time_that_the_work_itself_raises_is_no_waiting() -> None:
    def late() -> int:
        raise TimeoutError("too late")

    with pytest.raises(TimeoutError, match="too late"):
        in_thread(late, [])
