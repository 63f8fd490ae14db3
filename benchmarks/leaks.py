"""What leaks are worth: a published split as it is, and the same without the training images that are in its test too.

python -m benchmarks.leaks [--seeds 5]

Both trainings of a seed share recipe, validation images and test; the cleaned one leaves out every image to train on or
to validate on that shows the same picture as a test image.
"""

import argparse
import csv
import statistics
from pathlib import Path

from benchmarks.timing import XRAY, covid_tui, imagenet_weights, report, scratch, table
from engine.data.records import Scan
from engine.data.scan import scan
from engine.data.split import Split, leaks, reuse

RECIPE = ["--mode", "transfer", "--augment", "none", "--batch", "16", "--epochs", "40", "--patience", "8"]
HEADER = ("seed", "as published", "leaks removed", "leaked images", "same, leaks removed", "other images", "same")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    cache = scratch()
    imagenet_weights(cache)
    found = scan(XRAY, near=True)
    rows: list[tuple[object, ...]] = []
    accuracies: list[tuple[float, ...]] = []
    for seed in range(parser.parse_args().seeds):
        given, _ = reuse(XRAY / "provenance.csv", found, val_share=0.1, seed=seed)
        leaking = {file for group in leaks(given.rows, found.near) for file in group}
        cleaned = Split(tuple(row for row in given.rows if row.part == "test" or row.file not in leaking))
        measured: list[float] = []
        for name, split in (("published", given), ("cleaned", cleaned)):
            right = _right(found, split, cache, f"{name}-{seed}", seed)
            both = ([right[file] for file in right if (file in leaking) is leaked] for leaked in (True, False))
            measured += [statistics.mean(right.values()), *(statistics.mean(part) for part in both)]
        order = (0, 3, 1, 4, 2, 5)
        accuracies.append(tuple(measured[place] for place in order))
        rows.append((seed, *(f"{value:.4f}" for value in accuracies[-1])))
    rows.append(("mean", *(f"{statistics.mean(column):.4f}" for column in zip(*accuracies, strict=True))))
    falls = [row[0] - row[1] for row in accuracies]
    spread = statistics.stdev(falls) if len(falls) > 1 else 0.0
    title = f"Leaks: the accuracy falls by {100 * statistics.mean(falls):.2f} points (sd {100 * spread:.2f})"
    report(title, table(HEADER, rows))


def _right(found: Scan, split: Split, cache: Path, name: str, seed: int) -> dict[str, bool]:
    """Whether each test image of a split is classified rightly by a training on it."""
    path = cache / f"{name}.csv"
    split.write(path)
    out = cache / "runs"
    covid_tui("--train", found.root, "--split", path, *RECIPE, "--seed", seed, "--name", name, cache=cache, out=out)
    with (out / name / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["class"] == row["said"] for row in csv.DictReader(file)}


if __name__ == "__main__":
    main()
