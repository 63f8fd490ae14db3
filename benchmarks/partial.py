"""Partial training: an epoch on kept activations against one through the whole network, in the same process.

python -m benchmarks.partial [--epochs 3]
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

from benchmarks.timing import CLASSES, XRAY, covid_tui, imagenet_weights, report, scratch, table
from engine.network.freezing import plan
from engine.recipe.config import NetworkConfig


def epoch_seconds(unfreeze: str, kept: str, cache: Path, epochs: int) -> float:
    """Median seconds of an epoch after the first, which compiles and, where activations are kept, computes them."""
    flags: list[Any] = ["--mode", "partial", "--unfreeze", unfreeze, "--augment", "none", "--feature-cache", kept]
    flags += ["--epochs", epochs + 1, "--patience", 0, "--name", f"{unfreeze.replace(',', '-')}-{kept}"]
    done = covid_tui("--train", XRAY, "--classes", CLASSES, *flags, cache=cache, out=cache / "runs")
    later: list[float] = [line["seconds"] for line in done.lines if line["event"] == "epoch" and line["epoch"] > 1]
    return statistics.median(later)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    cache = scratch()
    imagenet_weights(cache)
    rows = []
    for unfreeze in ("block5", "block4,block5"):
        kept, whole = (epoch_seconds(unfreeze, how, cache, args.epochs) for how in ("on", "off"))
        limit = 1 / plan(NetworkConfig(mode="partial", unfreeze=unfreeze)).epoch_share
        rows.append((unfreeze, f"{kept:.2f} s", f"{whole:.2f} s", f"{whole / kept:.2f}", f"{limit:.2f}"))
    header = ("trains", "epoch, kept", "epoch, whole network", "times as fast", "limit by arithmetic")
    report("Partial training, batch 64", table(header, rows))


if __name__ == "__main__":
    main()
