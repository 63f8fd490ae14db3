"""One image predicted from a cold start: from a run by ncnn and by Keras, through ONNX, and in Keras's bare way.

python -m benchmarks.cold_predict --run RUN [--repeats 5]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import ROOT, report, table

COMMAND = [sys.executable, "-c", "from tui.cli import main; main()"]
FILE = str(ROOT / "sample_data" / "COVID" / "images" / "COVID-1.png")
KERAS = f"""
import sys, keras
model = keras.models.load_model(sys.argv[1], compile=False)
image = keras.utils.load_img({FILE!r}, target_size=model.input_shape[1:3], interpolation="bilinear")
print(model.predict(keras.utils.img_to_array(image)[None], verbose=0))
"""


def cost(command: list[str]) -> tuple[float, float]:
    """Wall seconds of a whole process, and its peak memory in MB. Raises RuntimeError where it fails."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command} ended with {child.returncode}.")
    return time.perf_counter() - start, used.ru_maxrss / (1024 if sys.platform == "linux" else 2**20)


def by_keras(run: Path, folder: Path) -> Path:
    """A copy of the run whose recipe says that Keras computes."""
    copy = Path(shutil.copytree(run, folder / "by-keras"))
    path = copy / "config.json"
    recipe = json.loads(path.read_text())
    recipe["machine"]["frozen_engine"] = "keras"
    path.write_text(json.dumps(recipe))
    return copy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        onnx, whole = Path(folder) / "model.onnx", Path(folder) / "model.keras"
        for path in (onnx, whole):
            subprocess.run([*COMMAND, "export", str(args.run), "--format", path.suffix[1:], "--to", str(path)],
                           cwd=ROOT, check=True, capture_output=True)  # fmt: skip
        predict = [*COMMAND, "predict", FILE, "--run"]
        contestants = {
            "covid-tui predict, run": [*predict, str(args.run)],
            "covid-tui predict, run of --frozen-engine keras": [*predict, str(by_keras(args.run, Path(folder)))],
            "covid-tui predict, ONNX file": [*predict, str(onnx)],
            "Keras: load_model, load_img, predict": [sys.executable, "-c", KERAS, str(whole)],
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
        for turn in range(args.repeats + 1):  # the first turn fills the disk's cache and does not count
            for name, command in contestants.items():
                spent = cost(command)
                if turn:
                    taken[name].append(spent)
    rows = []
    for name, costs in taken.items():
        seconds, megabytes = zip(*costs, strict=True)
        rows.append((name, f"{statistics.median(seconds):.2f} s", f"{min(seconds):.2f} s", f"{max(megabytes):.0f} MB"))
    report("One image from a cold start", table(("", "median", "best", "peak memory"), rows))


if __name__ == "__main__":
    main()
