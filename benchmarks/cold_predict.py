"""One image predicted from a cold start: by ncnn, ONNX, TensorFlow, and in Keras's bare way, process and all.

python -m benchmarks.cold_predict --run RUN [--repeats 5]
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import ROOT, report, table
from engine.base.files import write_json
from engine.runs.directory import CONFIG

COMMAND = [sys.executable, "-c", "from tui.cli import main; main()"]
FILE = str(ROOT / "sample_data" / "COVID" / "images" / "COVID-1.png")
KERAS = f"""
import sys, keras
model = keras.models.load_model(sys.argv[1], compile=False)
image = keras.utils.load_img({FILE!r}, target_size=model.input_shape[1:3], interpolation="bilinear")
print(model.predict(keras.utils.img_to_array(image)[None], verbose=0))
"""


def seconds(command: list[str]) -> float:
    """Wall seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


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
        by_keras = Path(folder) / "run"
        shutil.copytree(args.run, by_keras)
        config = json.loads((by_keras / CONFIG).read_text(encoding="utf-8"))
        config["machine"]["frozen_engine"] = "keras"
        write_json(by_keras / CONFIG, config)
        contestants = {
            "covid-tui predict, run (ncnn for VGG)": [*COMMAND, "predict", FILE, "--run", str(args.run)],
            "covid-tui predict, ONNX file": [*COMMAND, "predict", FILE, "--run", str(onnx)],
            "covid-tui predict, run (TensorFlow)": [*COMMAND, "predict", FILE, "--run", str(by_keras)],
            "Keras: load_model, load_img, predict": [sys.executable, "-c", KERAS, str(whole)],
        }
        taken: dict[str, list[float]] = {name: [] for name in contestants}
        for turn in range(args.repeats + 1):  # the first turn fills the disk's cache and does not count
            for name, command in contestants.items():
                spent = seconds(command)
                if turn:
                    taken[name].append(spent)
    rows = [(name, f"{statistics.median(own):.2f} s", f"{min(own):.2f} s") for name, own in taken.items()]
    report("One image from a cold start", table(("", "median", "best"), rows))


if __name__ == "__main__":
    main()
