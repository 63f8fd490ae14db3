"""Whole trainings against the notebook way: the same images, weights, batch and epochs, process start to trained model.
Fine-tuning is compared by the seconds of an epoch after the first, which compiles.

    python -m benchmarks.against_notebook [--epochs 20] [--repeats 3] [--only transfer|views|finetune]

The notebook's time counts the same each epoch, so it is run for fewer epochs than ours where --notebook-epochs says so
and its epochs after the first are extended to the whole; both figures are printed.
"""

import argparse
import statistics
from pathlib import Path

from benchmarks.timing import CLASSES, XRAY, Timed, covid_tui, imagenet_weights, notebook, report, scratch, table

SHARES = (
    "--val-share",
    "0.1",
    "--test-share",
    "0.01",
)  # the notebook keeps no test part: leave ours as small as can be


def notebook_seconds(done: Timed, epochs: int) -> float:
    """What `epochs` epochs take, from a run of fewer: its whole time, and its median later epoch for each missing."""
    each: list[float] = [line["seconds"] for line in done.lines if "epoch" in line]
    later = statistics.median(each[1:] or each)
    return done.seconds + later * (epochs - len(each))


def compare(name: str, ours: list[str], theirs: list[str], args: argparse.Namespace, weights: Path) -> list[object]:
    """Time both `args.repeats` times, turn about, each of ours with an empty cache; a row of the table."""
    mine, peer = [], []
    for _ in range(args.repeats):
        done = notebook(weights, *theirs, "--epochs", args.notebook_epochs, "--patience", 1000)
        peer.append(notebook_seconds(done, args.epochs))
        cache = scratch()
        (cache / "weights").mkdir()
        (cache / "weights" / weights.name).symlink_to(weights)
        flags = ["--train", XRAY, "--classes", CLASSES, *SHARES, "--patience", 0, "--epochs", args.epochs, *ours]
        mine.append(covid_tui(*flags, cache=cache, out=cache / "runs").seconds)
    ratios = [b / a for a, b in zip(mine, peer, strict=True)]
    fast, slow = statistics.median(mine), statistics.median(peer)
    spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
    return [name, f"{fast:.1f} s", f"{slow:.1f} s", f"{statistics.median(ratios):.1f}", spread]


def compare_finetune(args: argparse.Namespace, weights: Path) -> list[object]:
    """Seconds of fine-tuning's second epoch, both ways, turn about; a row of the table."""
    mine, peer = [], []
    for _ in range(args.repeats):
        theirs = notebook(weights, "--mode", "finetune", "--epochs", 2, "--patience", 1000)
        peer.append(theirs.lines[1]["seconds"])
        cache = scratch()
        (cache / "weights").mkdir()
        (cache / "weights" / weights.name).symlink_to(weights)
        flags = ["--train", XRAY, "--classes", CLASSES, *SHARES, "--patience", 0, "--epochs", 2, "--mode", "finetune"]
        done = covid_tui(*flags, cache=cache, out=cache / "runs")
        mine.append([line["seconds"] for line in done.lines if line["event"] == "epoch"][1])
    ratios = [b / a for a, b in zip(mine, peer, strict=True)]
    fast, slow = statistics.median(mine), statistics.median(peer)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return ["finetune, one epoch", f"{fast:.1f} s", f"{slow:.1f} s", f"{statistics.median(ratios):.2f}", spread]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--notebook-epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("transfer", "views", "finetune"))
    args = parser.parse_args()
    weights = imagenet_weights(scratch())
    cases: dict[str, tuple[str, list[str], list[str]]] = {
        "transfer": ("transfer, no augmentation", ["--augment", "none"], ["--mode", "transfer"]),
        "views": ("transfer, four views", ["--views", "4"], ["--mode", "transfer"]),
    }
    rows = [
        compare(name, ours, theirs, args, weights)
        for key, (name, ours, theirs) in cases.items()
        if args.only in (None, key)
    ]
    if args.only in (None, "finetune"):
        rows.append(compare_finetune(args, weights))
    header = ("training", "covid-tui", "notebook", "times as fast (median)", "spread")
    report(f"{args.epochs} epochs against the notebook", table(header, rows))


if __name__ == "__main__":
    main()
