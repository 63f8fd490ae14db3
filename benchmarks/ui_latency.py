"""How quick the workbench is in a real pseudo-terminal: its first frame, each screen's first and later visits and keys,
at rest and while it trains, and the event loop's pauses.

python -m benchmarks.ui_latency
python -m benchmarks.ui_latency --code ELSEWHERE   # the workbench of another checkout, to compare
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.timing import ROOT, report, scratch, table
from benchmarks.ui_screens import (
    DOWN,
    UP,
    Visit,
    answers_by_screen,
    group,
    middle,
    opened,
    processor_time,
    rest,
    rounds,
    stage,
)
from engine.recipe import fields, toml
from engine.recipe.config import AugmentConfig, FitConfig, NetworkConfig, TrainConfig
from tests.makers.screen import Terminal, workbench

FROM = "import sys; sys.path.insert(0, {code!r})"
"""Runs before the workbench is imported."""
PROBE = """
import asyncio, json, os, sys, time
from pathlib import Path
import tui.cli.workbench
os.environ["TEXTUAL_FPS"] = getattr(tui.cli.workbench, "FRAMES", "60")  # read as soon as Textual is imported
from engine.network.freezing import plan
from engine.recipe import toml
from tui.app import Workbench

begin = Workbench._begin
def phase(session):
    view = session.training.view if session.training else None
    if view and view.started and (view.batch or view.epochs):
        return "training"
    return "starting" if "tensorflow" in sys.modules else "idle"
async def probe(session, file):
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.01)
        file.write(json.dumps([phase(session), time.perf_counter() - before - 0.01]) + "\\n")
def begin_too(self):
    begin(self)
    self.session.configure(**vars(toml.load(Path({recipe!r}), plan)))
    self.probe = asyncio.ensure_future(probe(self.session, open({out!r}, "w", buffering=1)))
Workbench._begin = begin_too
"""
AT_ONCE = """
try:
    import tui.ahead
    tui.ahead.SECONDS_STILL = float("inf")
except ImportError:
    pass  # an older checkout
"""
"""Has no screen made before it is opened, as for who presses its key at once."""
LINE = b"class weight"
"""Is painted anew when the cursor comes or goes, and otherwise not."""
HELP = {DOWN: "balanced makes each class", UP: "Epochs without a better"}
ROWS = [name for part in fields.parts() for name in (part.name, *(field.name for field in part.fields))]
TO_PATIENCE = ROWS.index("patience")


@dataclass(frozen=True)
class Start:
    """Seconds from the command to the first frame, and processor seconds of both processes until then."""

    seconds: float
    processor: float


def first_frames(folder: Path, times: int, code: str) -> list[Start]:
    """The workbench started so many times, after one start that does not count."""
    taken = []
    for _ in range(times + 1):
        with workbench(cache=folder, prelude=code) as terminal:
            seconds = terminal.until("1 Dataset")
            taken.append(Start(seconds, processor_time(group(terminal))))
            terminal.press("q")
            terminal.wait()
    return taken[1:]


def made_ahead(folder: Path, code: str, times: int) -> float:
    """Processor seconds that a workbench at rest has had more of for making screens ahead, the median of so many."""
    more = []
    for _ in range(times):
        taken = []
        for prelude in (code + AT_ONCE, code):
            with opened(folder, prelude) as terminal:
                taken.append(processor_time(group(terminal)))
        more.append(taken[1] - taken[0])
    return statistics.median(more)


@contextmanager
def at_work(folder: Path, mode: str, code: str) -> Iterator[tuple[Terminal, Path]]:
    """The workbench while it trains, on the screen Train; and the file that its event loop's lags are written to."""
    network = NetworkConfig(mode="partial" if mode == "partial" else "finetune", weights="none")
    config = TrainConfig(
        network=network, augment=AugmentConfig(augment="none"), fit=FitConfig(epochs=1000, batch=8, patience=0)
    )
    toml.save(config, folder / "recipe.toml")
    lags = folder / "lags.jsonl"
    prelude = code + PROBE.format(recipe=str(folder / "recipe.toml"), out=str(lags))
    with opened(folder, prelude) as terminal:
        terminal.press("3")
        terminal.until("r starts the training")
        terminal.press("r")
        terminal.until("images/s", seconds=300)
        yield terminal, lags
        terminal.press("3x")
        terminal.until("best epoch untested")
        terminal.press("n")
        terminal.until("= Stopped", seconds=120)


def cursor(terminal: Terminal, keys: int) -> tuple[list[float], list[float]]:
    """Seconds until the cursor that a key moves in the recipe is painted, and the help of where it came to."""
    terminal.press("3e")
    rest(terminal, 1.0)
    terminal.press(DOWN * TO_PATIENCE)
    terminal.until(HELP[UP])
    terminal.child.delaybeforesend = None
    moved, helped = [], []
    for number in range(keys):
        key = DOWN if number % 2 == 0 else UP
        rest(terminal, 0.1)
        before, began = len(terminal.raw), time.perf_counter()
        terminal.press(key)
        while LINE not in terminal.raw[before:]:
            terminal.read()
        moved.append(time.perf_counter() - began)
        terminal.until(HELP[key])
        helped.append(time.perf_counter() - began)
    return moved, helped


def _by_phase(file: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"idle": [], "starting": [], "training": []}
    for line in file.read_text(encoding="utf-8").splitlines():
        phase, lag = json.loads(line)
        found[phase].append(lag)
    return found


def percentile(values: list[float], share: int) -> float:
    """The value below which `share` percent lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def ms(seconds: float) -> str:
    """Milliseconds in words."""
    return f"{seconds * 1000:.0f} ms"


def p95(seconds: list[float]) -> str:
    """What 95 in a hundred stay below; empty for none."""
    return ms(percentile(seconds, 95)) if len(seconds) > 1 else ""


def by_screen(
    at_once: list[Visit], idle: list[list[Visit]], busy: list[list[Visit]], keys: tuple[dict[str, list[float]], ...]
) -> str:
    """A line a screen, at rest and while it trains."""
    rows = []
    for place, (soon, first) in enumerate(zip(at_once, idle[0], strict=True)):
        again, while_training = (middle([one[place] for one in visits]) for visits in (idle[1:], busy))
        rows.append((
            first.screen, ms(soon.processor), ms(first.processor), ms(first.painting), ms(first.first),
            ms(again.processor), f"{again.written / 1000:.0f} kB", ms(while_training.painting),
            *(p95(one[first.screen]) for one in keys),
        ))  # fmt: skip
    return table(
        ("", "first visit at once", "after a rest", "of it painting", "to its first paint", "later visits", "written",
         "later visits while training, painting", "key to paint, p95", "the same while training"), rows
    )  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--code", type=Path, default=ROOT)
    parser.add_argument("--mode", choices=("partial", "finetune"), default="partial")
    args = parser.parse_args()
    load, folder, code = os.getloadavg()[0], stage(scratch()), FROM.format(code=str(args.code.resolve()))
    frames = first_frames(folder, args.starts, code)
    prepared = made_ahead(folder, code, args.starts)
    with opened(folder, code + AT_ONCE) as terminal:
        (at_once,) = rounds(terminal, 1)
    with opened(folder, code) as terminal:
        idle = rounds(terminal, args.rounds)
        idle_keys = answers_by_screen(terminal, args.keys // 5)
    with at_work(folder, args.mode, code) as (terminal, file):
        moved, helped = cursor(terminal, args.keys)
        busy = rounds(terminal, args.rounds)[1:]
        busy_keys = answers_by_screen(terminal, args.keys // 5)
    for screen, taken in idle_keys.items():
        if not taken:
            busy_keys[screen] = []  # where a key paints nothing, what came was the training's
    lags = _by_phase(file)
    rows: list[tuple[Any, ...]] = [
        ("first frame, median", ms(statistics.median(one.seconds for one in frames)), "500 ms"),
        ("  processor time of both processes", ms(statistics.median(one.processor for one in frames)), ""),
        ("processor time for the screens that are made ahead", ms(prepared), ""),
        ("key to painted answer while training, median", ms(statistics.median(moved)), ""),
        ("key to painted answer while training, p95", p95(moved), "30 ms"),
        ("  with all that follows from it, p95", p95(helped), ""),
        ("event loop's lag while training, p99", ms(percentile(lags["training"], 99)), "30 ms"),
        ("longest pause while TensorFlow is loaded and the network built", ms(max(lags["starting"])), "500 ms"),
        ("pauses of more than 100 ms meanwhile", sum(lag > 0.1 for lag in lags["starting"]), "1"),
    ]
    report(f"The workbench ({args.mode}); load average before: {load:.1f}", table(("", "measured", "wanted"), rows))
    print(by_screen(at_once, idle, busy, (idle_keys, busy_keys)))


if __name__ == "__main__":
    main()
