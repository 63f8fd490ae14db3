"""How quick the workbench is in a real pseudo-terminal: its first frame, and keys and event loop while it trains.

python -m benchmarks.ui_latency
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.timing import ROOT, report, scratch, table
from engine.recipe import fields, toml
from engine.recipe.config import AugmentConfig, FitConfig, NetworkConfig, TrainConfig
from tests.makers.screen import Terminal, workbench

PROBE = """
import asyncio, json, sys, time
from pathlib import Path
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
UP, DOWN = "\x1b[A", "\x1b[B"
LINE = b"class weight"
"""Is painted anew when the cursor comes or goes, and otherwise not."""
HELP = {DOWN: "balanced makes each class", UP: "Epochs without a better"}
ROWS = [name for part in fields.parts() for name in (part.name, *(field.name for field in part.fields))]
TO_PATIENCE = ROWS.index("patience")


def first_frames(folder: Path, times: int) -> list[float]:
    """Seconds from the command to the first frame, after one start that does not count."""
    taken = []
    for _ in range(times + 1):
        with workbench(cache=folder) as terminal:
            taken.append(terminal.until("1 Dataset"))
            terminal.press("q")
            terminal.wait()
    return taken[1:]


def training(folder: Path, keys: int, mode: str) -> tuple[list[float], list[float], dict[str, list[float]]]:
    """Seconds until the cursor that a key moves is painted, and the help of where it came to; lags of the event loop
    by phase. All while it trains.
    """
    network = NetworkConfig(mode="partial" if mode == "partial" else "finetune", weights="none")
    config = TrainConfig(
        network=network, augment=AugmentConfig(augment="none"), fit=FitConfig(epochs=1000, batch=8, patience=0)
    )
    toml.save(config, folder / "recipe.toml")
    lags = folder / "lags.jsonl"
    prelude = PROBE.format(recipe=str(folder / "recipe.toml"), out=str(lags))
    data = ROOT / "sample_data"
    with workbench(data, "--out", folder / "runs", cache=folder, prelude=prelude, columns=120, lines=40) as terminal:
        terminal.until("train 96", seconds=60)
        terminal.press("3")
        terminal.until("r starts the training")
        terminal.press("r")
        terminal.until("images/s", seconds=300)
        terminal.press("e")
        _rest(terminal, 1.0)
        terminal.press(DOWN * TO_PATIENCE)
        terminal.until(HELP[UP])
        terminal.child.delaybeforesend = None
        moved, helped = [], []
        for number in range(keys):
            key = DOWN if number % 2 == 0 else UP
            _rest(terminal, 0.1)
            before, began = len(terminal.raw), time.perf_counter()
            terminal.press(key)
            while LINE not in terminal.raw[before:]:
                terminal.read()
            moved.append(time.perf_counter() - began)
            terminal.until(HELP[key])
            helped.append(time.perf_counter() - began)
        terminal.press("x")
        terminal.until("best epoch untested")
        terminal.press("n")
        terminal.until("Stopped after", seconds=120)
        terminal.press("q")
        terminal.wait()
    return moved, helped, _by_phase(lags)


def _rest(terminal: Terminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        terminal.read(0.01)


def _by_phase(file: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"idle": [], "starting": [], "training": []}
    for line in file.read_text(encoding="utf-8").splitlines():
        phase, lag = json.loads(line)
        found[phase].append(lag)
    return found


def percentile(values: list[float], share: int) -> float:
    """The value below which `share` percent lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--mode", choices=("partial", "finetune"), default="partial")
    args = parser.parse_args()
    load, folder = os.getloadavg()[0], scratch()
    frames = first_frames(folder, args.starts)
    moved, helped, lags = training(folder, args.keys, args.mode)

    def ms(seconds: float) -> str:
        return f"{seconds * 1000:.0f} ms"

    rows: list[tuple[Any, ...]] = [
        ("first frame, median", ms(statistics.median(frames)), "500 ms"),
        ("key to painted answer while training, median", ms(statistics.median(moved)), ""),
        ("key to painted answer while training, p95", ms(percentile(moved, 95)), "50 ms"),
        ("  with all that follows from it, p95", ms(percentile(helped, 95)), ""),
        ("event loop's lag while training, p99", ms(percentile(lags["training"], 99)), "30 ms"),
        ("longest pause while TensorFlow is loaded and the network built", ms(max(lags["starting"])), "500 ms"),
        ("pauses of more than 100 ms meanwhile", sum(lag > 0.1 for lag in lags["starting"]), "1"),
    ]
    title = f"The workbench while it trains ({args.mode}); load average before: {load:.1f}"
    report(title, table(("", "measured", "wanted"), rows))


if __name__ == "__main__":
    main()
