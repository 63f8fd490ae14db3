"""How long the command takes to start: --version, --help, and the prediction of one file, whose memory is measured too.

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
PEAK = """
import sys
from tui.cli import run
run(sys.argv[1:])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""


def median_seconds(command: list[str], repeats: int) -> float:
    """Median wall seconds of a whole process, after one run that does not count."""
    taken = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def peak_megabytes(arguments: list[str]) -> float:
    """The most memory that the command ever had, on Linux."""
    command = [sys.executable, "-c", PEAK, *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return int(done.stderr.split()[-2]) / 1024


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
        arguments = ["predict", file, "--run", str(args.run)]
        rows.append(("predict one file", f"{median_seconds([*COMMAND, *arguments], args.repeats):.2f} s", "1.0 s"))
        rows.append(("  its peak memory", f"{peak_megabytes(arguments):,.0f} MB", "400 MB"))
        rows.append(("importing TensorFlow alone", f"{median_seconds(IMPORT, args.repeats):.2f} s", ""))
    report("Start", table(("", "measured", "wanted"), rows))


if __name__ == "__main__":
    main()
