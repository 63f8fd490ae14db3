"""Long use wears nothing out: many trainings in one process, and an hour of epochs with somebody watching."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from engine.recipe.config import (
    AugmentConfig,
    DataConfig,
    FitConfig,
    MachineConfig,
    NetworkConfig,
    OutputConfig,
    TrainConfig,
)
from engine.runs.directory import Run
from tests.conftest import ROOT, SAMPLE

SOAK_MINUTES = float(os.environ.get("COVID_TUI_SOAK_MINUTES", "60"))

TWENTY = """
import gc, json, sys
from pathlib import Path
import psutil
from engine.jobs import train as jobs
from engine.base.context import Context
from tests.product.test_endurance import recipe
from tests.conftest import SAMPLE
resident = []
for number in range(20):
    jobs.train(SAMPLE, recipe(Path(sys.argv[1]), f"n{number}", epochs=2), Context())
    gc.collect()
    resident.append(psutil.Process().memory_info().rss)
print(json.dumps(resident))
"""


SCANNING = """
import re, resource, sys
from pathlib import Path
from engine.data.scan import scan
assert len(scan(Path(sys.argv[1]), near=True).records) == int(sys.argv[2])
if sys.platform == "darwin":
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
else:  # not ru_maxrss, which begins with what the parent had
    print(1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]))
"""


def recipe(out: Path, name: str, epochs: int) -> TrainConfig:
    """A training of the last convolution and the head, on kept activations."""
    return TrainConfig(
        data=DataConfig(classes="COVID,Normal"),
        network=NetworkConfig(mode="partial", unfreeze="17", weights="none"),
        augment=AugmentConfig(augment="none"),
        fit=FitConfig(epochs=epochs, batch=8, patience=0),
        machine=MachineConfig(precision="float32"),
        output=OutputConfig(out=out, name=name),
    )


@pytest.mark.slow
@pytest.mark.alone
def test_twenty_trainings_in_one_process_take_no_more_memory_than_three(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWENTY, tmp_path], cwd=ROOT, capture_output=True, text=True, timeout=1800, check=True
    )
    resident = json.loads(done.stdout.splitlines()[-1])
    assert resident[-1] < 1.05 * resident[2], [round(r / 1e6) for r in resident]


@pytest.mark.slow
def test_a_scan_takes_little_more_memory_for_many_images_than_for_few(tmp_path: Path) -> None:
    """An image leaves its thumbnail of 16 kB and its record, nothing of the 90 kB that were decoded."""
    noise, peaks = np.random.default_rng(0), []
    for number, count in enumerate((600, 1600)):  # of fewer the peak is now and then missed
        for place in range(count):
            file = tmp_path / str(number) / ("A", "B")[place % 2] / f"{place}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(noise.integers(0, 256, (299, 299), np.uint8)).save(file, compress_level=0)
        command = [sys.executable, "-c", SCANNING, str(tmp_path / str(number)), str(count)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
        peaks.append(float(done.stdout))
    assert (peaks[1] - peaks[0]) / 1000 < 42_000, peaks  # 12 kB more than with thumbnails of 4 kB


@pytest.mark.soak
def test_an_hour_of_tiny_epochs_with_a_watcher_leaves_all_flat(tmp_path: Path) -> None:
    """File descriptors, threads and memory of the training and of `attach` are the same at the end as early on."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = "from tui.cli import main; main()"
    flags = ("--classes", "COVID,Normal", "--augment", "none", "--weights", "none", "--patience", "0")
    long = ("--epochs", "100000", "--batch", "2", "--out", str(tmp_path), "--name", "soak")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    train = subprocess.Popen([sys.executable, "-c", code, "--train", str(SAMPLE), *flags, *long], **quiet)  # type: ignore[call-overload]
    run = Run(tmp_path / "soak")
    while len(run.epochs()) < 20:
        assert train.poll() is None
        time.sleep(1)
    watch = subprocess.Popen([sys.executable, "-c", code, "attach", str(run.path)], **quiet)  # type: ignore[call-overload]
    processes = [psutil.Process(train.pid), psutil.Process(watch.pid)]
    try:
        time.sleep(60)
        early = [_use(process) for process in processes]
        time.sleep(SOAK_MINUTES * 60)
        late = [_use(process) for process in processes]
    finally:
        run.request_stop("now")
        codes = train.wait(60), watch.wait(60)
    assert codes == (0, 0)
    for (files, threads, memory), (files_late, threads_late, memory_late) in zip(early, late, strict=True):
        assert (files_late, threads_late) == (files, threads)
        assert memory_late < 1.05 * memory, (memory, memory_late)
    assert len(run.epochs()) > 100


def _use(process: psutil.Process) -> tuple[int, int, int]:
    return process.num_fds(), process.num_threads(), process.memory_info().rss
