"""The workbench in a real pseudo-terminal: it comes, it goes, and it leaves the terminal as it was."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.recipe import toml
from engine.recipe.config import AugmentConfig, FitConfig, NetworkConfig, TrainConfig
from engine.runs.directory import all_runs
from tests.makers.screen import Terminal, workbench
from tui.host.detach import stop_with

DATA = Path(__file__).parents[3] / "sample_data"
FAKE = """
import functools
from pathlib import Path
from tests.makers import fake
from tui.state.session import Session
Session.work = staticmethod(functools.partial(fake.train, seconds={seconds}, until=Path({until!r})))
"""
"""A made-up training that waits in its first epoch's end until the test lets it go on."""
NOISE = """
import os
import tui.app
begin = tui.app.Workbench._begin
def noisy(self):
    os.write(1, b"LIBJPEG")
    os.write(2, b"LIBJPEG")
    begin(self)
tui.app.Workbench._begin = noisy
"""
BREAK = """
import tui.app
def broken(self):
    raise RuntimeError("broken")
tui.app.Workbench.run_async = broken
"""
SLOW = """
import time
import tui.state.session
tui.state.session.scan_folder = lambda *arguments: time.sleep(20)
"""
CRASH = """
from tui.screens.layers.screen import LayersScreen
LayersScreen.action_preset = lambda self, blocks: 1 / 0
"""


@contextlib.contextmanager
def training(tmp_path: Path, data: Path, before: str = "", seconds: float = 0.001) -> Iterator[Terminal]:
    """The workbench with a made-up training under way, which `finished` lets come to its end."""
    prelude = before + FAKE.format(seconds=seconds, until=str(tmp_path / "go"))
    with workbench(data, "--out", tmp_path / "runs", cache=tmp_path, prelude=prelude) as terminal:
        terminal.until("train 4")
        terminal.press("3")
        terminal.until("3 Train")
        terminal.until("Start")
        terminal.press("r")
        terminal.until("whole  ")
        yield terminal


def finished(folder: Path, seconds: float = 90.0) -> bool:
    """Does the newest run there, which is let go on, end well within this time?"""
    (folder.parent / "go").touch()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(run.state() == "finished" for run in all_runs(folder)):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("how", "code"),
    [("q", 0), pytest.param("\x11", 0, marks=pytest.mark.slow), (signal.SIGTERM, 143), (signal.SIGINT, 130)],
)
def test_the_alternate_screen_is_left(tmp_path: Path, how: str | int, code: int) -> None:
    with workbench("--out", tmp_path / "runs", cache=tmp_path) as terminal:
        terminal.until("1 Dataset")
        terminal.press(how) if isinstance(how, str) else terminal.kill(how)
        assert terminal.wait() == code
        assert terminal.left_alternate_screen


def test_the_end_of_the_workbench_is_no_error_for_the_process_that_waits_for_it() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    stop_with(child, signal.SIGCHLD, None)
    os.waitpid(child, 0)
    stop_with(child, signal.SIGCHLD, None)


def test_a_crash_restores_the_terminal_and_says_where_the_details_are(tmp_path: Path) -> None:
    with workbench("--out", tmp_path / "runs", cache=tmp_path, prelude=CRASH) as terminal:
        terminal.until("1 Dataset")
        terminal.press("2")
        terminal.until("block1_conv2")
        terminal.press("t")
        assert terminal.wait() == 1
        assert terminal.left_alternate_screen
        assert "Internal error, ZeroDivisionError" in terminal.rows
        assert "ZeroDivisionError" in (tmp_path / "workbench.log").read_text()


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from tui.cli import main; main()"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    assert "needs a terminal" in done.stderr


def test_where_the_screen_cannot_come_it_says_why(tmp_path: Path) -> None:
    (tmp_path / "workbench.log").mkdir()
    with workbench("--out", tmp_path / "runs", cache=tmp_path) as terminal:
        assert terminal.wait() == 1
        assert "workbench.log" in terminal.rows.replace("\n", "")


def test_a_screen_that_breaks_is_an_error(tmp_path: Path) -> None:
    with workbench("--out", tmp_path / "runs", cache=tmp_path, prelude=BREAK) as terminal:
        assert terminal.wait() == 1
        assert "Internal error, RuntimeError: broken" in terminal.rows.replace("\n", "")
    assert "Traceback" in (tmp_path / "workbench.log").read_text()


def test_no_thread_keeps_whoever_quits_from_the_shell(tmp_path: Path) -> None:
    with workbench(DATA, "--out", tmp_path / "runs", cache=tmp_path, prelude=SLOW) as terminal:
        terminal.until("reading the images")
        began = time.monotonic()
        terminal.press("q")
        assert terminal.wait() == 0
        assert time.monotonic() - began < 15


def test_what_a_library_prints_does_not_tear_the_screen(tmp_path: Path) -> None:
    with workbench("--out", tmp_path / "runs", cache=tmp_path, prelude=NOISE) as terminal:
        terminal.until("1 Dataset")
        terminal.press("2")
        terminal.until("block1_conv2")
        assert b"LIBJPEG" not in terminal.raw
        assert (tmp_path / "workbench.log").read_text().count("LIBJPEG") == 2


@pytest.mark.parametrize(
    "before",
    ["", pytest.param("import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n", marks=pytest.mark.slow)],
)
def test_hanging_up_lets_the_training_finish_and_the_screen_part_does_not_spin(
    tmp_path: Path, dozen: Path, before: str
) -> None:
    """Also where SIGHUP is ignored, as under nohup: the training goes on and the rest takes no processor."""
    with training(tmp_path, dozen, before) as terminal:
        family = [psutil.Process(terminal.child.pid), *psutil.Process(terminal.child.pid).children(recursive=True)]
        terminal.hang_up()
        end = time.monotonic() + 20
        while used(family, seconds=2) > 0.05:
            assert time.monotonic() < end, "it spins"
        assert finished(tmp_path / "runs")
        assert (next(iter(all_runs(tmp_path / "runs"))).path / "test.json").is_file()
        for process in alive(family):
            process.kill()


def alive(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run."""
    return [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def used(family: list[psutil.Process], seconds: float) -> float:
    """The share of a processor that those of them take in this time which outlive it; there must be one."""
    before = {one: sum(one.cpu_times()[:2]) for one in alive(family)}
    time.sleep(seconds)
    left = [one for one in alive(family) if one in before]
    assert left
    return float(sum(sum(one.cpu_times()[:2]) - before[one] for one in left) / seconds)


def test_sigterm_puts_the_terminal_back_and_the_training_goes_on(tmp_path: Path, dozen: Path) -> None:
    with training(tmp_path, dozen) as terminal:
        terminal.kill(signal.SIGTERM)
        assert terminal.wait() == 143
        assert terminal.left_alternate_screen
        assert "goes on in the background" in terminal.rows
        assert finished(tmp_path / "runs")


def test_quitting_while_training_asks(tmp_path: Path, dozen: Path) -> None:
    with training(tmp_path, dozen) as terminal:
        terminal.press("q")
        terminal.until("Stay")
        terminal.press("s")
        terminal.until(lambda t: "Stay" not in t.rows)
        terminal.press("q")
        terminal.until("Stay")
        terminal.press("b")
        assert terminal.wait() == 0
        assert "covid-tui attach" in terminal.rows
        assert finished(tmp_path / "runs")


def test_attach_shows_a_live_run_and_stops_it(tmp_path: Path, dozen: Path) -> None:
    with training(tmp_path, dozen) as first:
        name = next(iter(all_runs(tmp_path / "runs"))).name
        with workbench("attach", name, "--out", tmp_path / "runs", cache=tmp_path) as second:
            second.until(f"Epochs of {name}")
            second.until("whole")
            second.press("s")
            second.until("keep the best epoch and test it")
            second.press("k")
            second.until("test 65/66", seconds=20)
            second.press("q")
            assert second.wait() == 0
        first.until("test 65/66")
        first.press("q")
        assert first.wait() == 0


@pytest.mark.slow
def test_two_workbenches_see_each_others_runs_and_delete_none_that_lives(tmp_path: Path, dozen: Path) -> None:
    with training(tmp_path, dozen) as first, workbench("--out", tmp_path / "runs", cache=tmp_path) as second:
        name = next(iter(all_runs(tmp_path / "runs"))).name
        second.until("1 Dataset")
        second.press("4")
        second.until("* live")
        second.until(f"* {name}")  # the title speaks of it too
        second.press("d")
        second.press("f")
        second.until(f"Epochs of {name}")
        assert (tmp_path / "runs" / name / "config.json").is_file()
        first.press("x")
        first.until("best epoch untested")
        first.press("n")
        second.until("test 65/66", seconds=20)


@pytest.mark.slow
def test_a_real_training_outlives_its_terminal(tmp_path: Path, cache: Path) -> None:
    """The whole engine: the recipe is loaded from a file, trained on the sample data, and the terminal is closed."""
    quick = TrainConfig(
        network=NetworkConfig(weights="none"), augment=AugmentConfig(augment="none"), fit=FitConfig(epochs=2, batch=16)
    )
    toml.save(quick, tmp_path / "quick.toml")
    with workbench(DATA, "--out", tmp_path / "runs", cache=cache) as terminal:
        terminal.until("train 96", seconds=60)
        terminal.press("3")
        terminal.until("Start")
        terminal.press("o")
        terminal.until("which file")
        terminal.press("\x15")
        terminal.until("path of a .toml file")
        terminal.press(f"{tmp_path / 'quick.toml'}\r")
        terminal.until("Loaded")
        terminal.press("r")
        terminal.until("whole  ", seconds=120)
        terminal.hang_up()
        assert finished(tmp_path / "runs", seconds=180)
    run = next(iter(all_runs(tmp_path / "runs")))
    assert run.read_json("test.json")["n"] > 0
    ended = run.finished()
    assert ended is not None and ended.epochs == 2 and run.config().fit == quick.fit
