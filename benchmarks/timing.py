"""What the benchmarks share: the machine's record, whole processes timed, medians, and results kept as text."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.base.runtime import cpu, processors, versions

ROOT = Path(__file__).resolve().parent.parent
XRAY = ROOT.parent / "shared" / "xray"
PEER = ROOT.parent / "shared" / "peer" / "notebook.py"
CLASSES = "COVID,Viral Pneumonia"


@dataclass(frozen=True)
class Timed:
    """A finished process: wall seconds from its start to its end, and the JSON lines that it printed."""

    seconds: float
    lines: list[dict[str, Any]]


def machine() -> str:
    """The machine in a line."""
    found = versions()
    return (
        f"{time.strftime('%Y-%m-%d')}, {cpu()[0]}, {processors()} cores, "
        f"Python {found['python']}, TensorFlow {found['tensorflow']}, Keras {found['keras']}"
    )


def run(*command: object, **environment: str) -> Timed:
    """Run a process to its end. Raises RuntimeError, with its last words, where it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return Timed(seconds, lines)


def covid_tui(*arguments: object, cache: Path, out: Path) -> Timed:
    """Train by the real command, with a cache folder of its own."""
    code = "from tui.cli import main; main()"
    return run(sys.executable, "-c", code, *arguments, "--out", out, "--json", COVID_TUI_CACHE=str(cache))


def notebook(weights: Path, *arguments: object) -> Timed:
    """Train the notebook way: `ImageDataGenerator` and `model.fit`."""
    return run(sys.executable, PEER, XRAY, "--weights", weights, "--classes", CLASSES, *arguments)


def imagenet_weights(folder: Path) -> Path:
    """ImageNet's weights as a Keras .weights.h5, made by the offline extra where they are not there yet."""
    path = folder / "weights" / "vgg16-imagenet.weights.h5"
    if not path.is_file():
        code = (
            "from engine.network.backbones import BACKBONES as b; from engine.network.freezing import plan;"
            "from engine.recipe.config import NetworkConfig;"
            "from engine.network import classifier as c, pretrained as w;"
            "from engine.base.context import Context; n = c.build(plan(NetworkConfig()), 2, 'float32', 0);"
            "w.pretrained('imagenet', b['vgg16'], c.backbone_shapes(n), Context(print))"
        )
        run(sys.executable, "-c", code, COVID_TUI_CACHE=str(folder))
    return path


def seconds_of(call: Callable[[], object], times: int) -> float:
    """Median wall seconds of `times` calls, after one that does not count."""
    call()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def report(title: str, text: str) -> None:
    """Print a result with the machine that it was measured on."""
    print(f"\n## {title}\n\n{machine()}\n\n{text}\n", flush=True)


def scratch() -> Path:
    """An empty folder for caches and runs."""
    return Path(tempfile.mkdtemp(prefix="covid-tui-benchmark-"))
