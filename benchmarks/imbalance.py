"""Ten images of one class for each of another: balanced accuracy of the recipes "auto" and "report", by class weight.

    python -m benchmarks.imbalance [--draws 5] [--major 120] [--minor 12]

Each draw learns from other images, the same for every recipe, and is tested on all that it does not learn from.
Balanced accuracy is the mean of both classes' sensitivities, so that it does not depend on how many of each are tested.
"""

import argparse
import csv
import statistics
from pathlib import Path

import numpy as np

from benchmarks.timing import XRAY, covid_tui, imagenet_weights, report, scratch, table
from engine.base.context import Context
from engine.data.groups import group_of
from engine.data.records import Record, Scan
from engine.data.scan import scan

PAIRS = (("COVID", "Normal"), ("COVID", "Viral Pneumonia"))
"""The class that has many images, and the one that has few."""
RECIPES = {
    f"{recipe}, class weight {weight}": ("--recipe", recipe, "--class-weight", weight)
    for recipe in ("auto", "report")
    for weight in ("none", "balanced")
}


def learnt(found: Scan, label: str, count: int, dice: np.random.Generator) -> set[str]:
    """Files of a class, `count` or a few less, that share no picture with the rest."""
    group, groups = group_of(found), dict[str, list[Record]]()
    for record in found.records:
        groups.setdefault(group(record), []).append(record)
    own = sorted(name for name, members in groups.items() if all(one.label == label for one in members))
    chosen: set[str] = set()
    for name in dice.permutation(own):
        files = {record.file for record in groups[name]}
        if len(chosen) + len(files) <= count:
            chosen |= files
    return chosen


def write_split(found: Scan, counts: dict[str, int], seed: int, path: Path) -> None:
    """Who learns and who is tested, as a split that a training takes."""
    dice = np.random.default_rng(seed)
    chosen = set().union(*(learnt(found, label, count, dice) for label, count in counts.items()))
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "class", "part"))
        rows.writerows((one.file, one.label, "train" if one.file in chosen else "test") for one in found.records)


def main() -> None:
    """Print a table for each pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--major", type=int, default=120)
    parser.add_argument("--minor", type=int, default=12)
    args = parser.parse_args()
    cache = scratch()
    imagenet_weights(cache)
    for many, few in PAIRS:
        found = scan(XRAY, (many, few), Context())
        measured: dict[str, list[float]] = {name: [] for name in RECIPES}
        for draw in range(args.draws):
            path = cache / f"{few}-{draw}.csv"
            write_split(found, {many: args.major, few: args.minor}, draw, path)
            for name, flags in RECIPES.items():
                job = ("--train", XRAY, "--classes", f"{many},{few}", "--split", path, "--seed", draw, *flags)
                test = covid_tui(*job, cache=cache, out=cache / "runs").lines[-1]["test"]
                measured[name].append(test["macro"]["sensitivity"])
        rows = [
            (name, f"{statistics.mean(all_):.3f}", " ".join(f"{one:.3f}" for one in all_))
            for name, all_ in measured.items()
        ]
        title = f"{args.major} {many}, {args.minor} {few}"
        report(title, table(("recipe", "balanced accuracy", "by draw"), rows))


if __name__ == "__main__":
    main()
