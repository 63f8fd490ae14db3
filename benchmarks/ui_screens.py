"""What each screen of the workbench costs in a real pseudo-terminal: first seen, seen again, and at a key.

Processor time is that of both processes, the one at the shell and the workbench, from the key until half a second after
the last output, at most three seconds; that of painting is of their main threads alone, which do nothing else.
"""

import contextlib
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import ROOT
from tests.makers import made
from tests.makers.screen import Terminal, workbench
from tests.makers.shown import EXAMPLE, RUNS

SCREENS = ("Dataset", "Layers", "Train", "Runs", "Results", "Predict", "Audit", "Sweep", "Review")
ROUND = (*range(2, 10), 1)
"""The keys of the screens, back to the first, which is open."""
STILL = 0.5
"""Seconds without output after which a screen is painted."""
RESTING = 0.05
"""Processor seconds in half a second below which a workbench is at rest: its clocks and the watch of runs go on."""
AWAKE = 3.0
"""Seconds after which it is taken as painted where something on it moves."""
UP, DOWN = "\x1b[A", "\x1b[B"


@dataclass(frozen=True)
class Visit:
    """A screen opened by its key: processor seconds, those of painting, bytes written, seconds until the first."""

    screen: str
    processor: float
    painting: float
    written: float
    first: float


def stage(folder: Path) -> Path:
    """A folder with the sample data, two runs, an audit and a sweep."""
    shutil.copytree(RUNS, folder / "runs")
    (folder / "runs" / "covid-audit").mkdir()
    for name in ("audit.json", "audit.svg"):
        shutil.copy(EXAMPLE / name, folder / "runs" / "covid-audit")
    shutil.copytree(ROOT / "sample_data", folder / "sample_data", ignore=shutil.ignore_patterns("__pycache__"))
    made.kept_sweep(folder / "runs" / "which", folder / "sample_data")
    return folder


@contextmanager
def opened(folder: Path, prelude: str = "") -> Iterator[Terminal]:
    """The workbench on such a folder, scanned and at rest."""
    data, runs = folder / "sample_data", folder / "runs"
    with workbench(data, "--out", runs, cache=folder / "cache", columns=120, lines=40, prelude=prelude) as terminal:
        terminal.until("train 96", seconds=60)
        rest_of_work(terminal)
        yield terminal
        terminal.press("q")
        terminal.wait()


def rest(terminal: Terminal, seconds: float) -> None:
    """Read for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        terminal.read(0.005)


def rest_of_work(terminal: Terminal, most: float = 60.0) -> None:
    """Read until both processes have done next to nothing for two seconds."""
    processes, still, end = group(terminal), 0, time.monotonic() + most
    while still < 4 and time.monotonic() < end:
        before = processor_time(processes)
        rest(terminal, 0.5)
        still = still + 1 if processor_time(processes) - before < RESTING else 0


def settle(terminal: Terminal, still: float = STILL, most: float = AWAKE) -> None:
    """Read until nothing was written for `still` seconds, or for `most` seconds."""
    length, since = len(terminal.raw), time.monotonic()
    end = since + most
    while (now := time.monotonic()) < end and now - since < still:
        terminal.read(0.005)
        if len(terminal.raw) != length:
            length, since = len(terminal.raw), time.monotonic()


def group(terminal: Terminal) -> list[int]:
    """The workbench's processes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError):  # it may be gone by now
            if os.getpgid(int(folder.name)) == terminal.child.pid:
                found.append(int(folder.name))
    return found


def processor_time(processes: list[int]) -> float:
    """Seconds that these processes have had of a processor, to the nanosecond (Linux)."""
    return sum(time.clock_gettime((~process << 3) | 2) for process in processes)


def painting_time(processes: list[int]) -> float:
    """The same of their main threads alone."""
    each = (Path(f"/proc/{process}/task/{process}/schedstat").read_text().split()[0] for process in processes)
    return sum(map(int, each)) / 1e9


def rounds(terminal: Terminal, times: int) -> list[list[Visit]]:
    """Every screen opened in turn, so many times."""
    processes = group(terminal)
    return [[_visit(terminal, key, processes) for key in ROUND] for _ in range(times)]


def _visit(terminal: Terminal, key: int, processes: list[int]) -> Visit:
    rest(terminal, 0.3)
    written, began = len(terminal.raw), time.monotonic()
    all_before, painting_before = processor_time(processes), painting_time(processes)
    terminal.press(str(key))
    while len(terminal.raw) == written and time.monotonic() - began < AWAKE:
        terminal.read(0.005)
    first = time.monotonic() - began
    settle(terminal)
    return Visit(
        SCREENS[key - 1], processor_time(processes) - all_before, painting_time(processes) - painting_before,
        len(terminal.raw) - written, first,
    )  # fmt: skip


def answers(terminal: Terminal, times: int) -> list[float]:
    """Seconds from an arrow key to what it paints on the open screen; those that paint nothing are left out."""
    taken = []
    terminal.child.delaybeforesend = None
    for number in range(times):
        rest(terminal, 0.15)
        written, began = len(terminal.raw), time.perf_counter()
        terminal.press(UP if number % 2 else DOWN)
        while len(terminal.raw) == written and time.perf_counter() - began < 0.5:
            terminal.read(0.001)
        if len(terminal.raw) > written:
            taken.append(time.perf_counter() - began)
    return taken


def answers_by_screen(terminal: Terminal, times: int) -> dict[str, list[float]]:
    """The same on every screen in turn."""
    found = dict[str, list[float]]()
    for key in ROUND:
        terminal.press(str(key))
        settle(terminal)
        found[SCREENS[key - 1]] = answers(terminal, times)
    return found


def middle(visits: list[Visit]) -> Visit:
    """The median of several visits of one screen."""
    values = (
        statistics.median(getattr(visit, name) for visit in visits)
        for name in ("processor", "painting", "written", "first")
    )
    return Visit(visits[0].screen, *values)
