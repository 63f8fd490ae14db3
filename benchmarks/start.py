"""How long the command takes to start: --version, --help, and the prediction of one file beyond importing TensorFlow.

python -m benchmarks.start [--run RUN]
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.timing import ROOT, report, table

COMMAND = [sys.executable, "-c", "from tui.cli import main; main()"]
IMPORT = [sys.executable, "-c", "from engine.base.runtime import tensorflow; tensorflow()"]


def median_seconds(command: list[str], repeats: int) -> float:
    """Median wall seconds of a whole process, after one run that does not count."""
    taken = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    rows = [
        (flag, f"{median_seconds([*COMMAND, flag], args.repeats):.2f} s", "0.3 s") for flag in ("--version", "--help")
    ]
    if args.run:
        file = str(ROOT / "sample_data" / "COVID" / "images" / "COVID-1.png")
        whole = median_seconds([*COMMAND, "predict", file, "--run", str(args.run)], args.repeats)
        imported = median_seconds(IMPORT, args.repeats)
        rows.append(("predict one file", f"{whole:.2f} s", ""))
        rows.append(("  importing TensorFlow alone", f"{imported:.2f} s", ""))
        rows.append(("  beyond importing TensorFlow", f"{whole - imported:.2f} s", "1.5 s"))
    report("Start", table(("", "measured", "wanted"), rows))


if __name__ == "__main__":
    main()
