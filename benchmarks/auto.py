"""The recipe "auto" against others on the same splits: test accuracy over seeds, and what each takes.

    python -m benchmarks.auto [--seeds 5] [--data FOLDER] [--classes A,B] [--learn 60] [--only auto,transfer]

Each seed draws its own split, the same for every recipe. `--learn` learns from so many images, a tenth of them for
validation, and tests on all others; without it a fifth is tested. The first training of all fills the cache for those
that follow, so times are compared with `--only` one recipe each.
"""

import argparse
import resource
import statistics
from pathlib import Path

from benchmarks.timing import XRAY, covid_tui, imagenet_weights, report, scratch, table
from engine.data.scan import scan

RECIPES: dict[str, tuple[str, ...]] = {
    "auto": ("--recipe", "auto"),
    "transfer": ("--mode", "transfer"),
    "fine-tune": ("--mode", "finetune", "--epochs", "5"),
    "block5": ("--mode", "partial", "--unfreeze", "block5", "--batch", "16"),
    "transfer --lr auto": ("--mode", "transfer", "--lr", "auto", "--batch", "16"),
}


def shares(data: Path, learn: int) -> tuple[object, ...]:
    """The flags that divide the images: a fifth for the test, or all but `learn` of them."""
    if not learn:
        return "--test-share", 0.2
    images = len(scan(data).records)
    return "--val-share", f"{0.1 * learn / images:.4f}", "--test-share", f"{min(1 - learn / images, 0.89):.4f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=XRAY)
    parser.add_argument("--classes", default="")
    parser.add_argument("--learn", type=int, default=0)
    parser.add_argument("--only", default=",".join(RECIPES))
    args = parser.parse_args()
    cache = scratch()
    imagenet_weights(cache)
    common = [*shares(args.data, args.learn), *(("--classes", args.classes) if args.classes else ())]
    rows: list[tuple[object, ...]] = []
    for name in (name for name in RECIPES if name in args.only.split(",")):
        accuracies, losses, walls, works = [], [], [], []
        for seed in range(args.seeds):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            flags = [*common, *RECIPES[name], "--seed", seed]
            done = covid_tui("--train", args.data, *flags, cache=cache, out=cache / "runs")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            test = done.lines[-1]["test"]
            accuracies.append(test["accuracy"])
            losses.append(test["calibrated"]["loss"])
            walls.append(done.seconds)
            works.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        each = " ".join(f"{one:.3f}" for one in accuracies)
        mean = f"{statistics.mean(accuracies):.4f}"
        times = f"{statistics.median(walls):.0f}", f"{statistics.median(works):.0f}"
        rows.append((name, mean, f"{spread:.4f}", each, f"{statistics.mean(losses):.3f}", *times))
    header = ("recipe", "test accuracy", "sd", "by seed", "loss, calibrated", "s, median", "processor s")
    learnt = f", {args.learn} images to learn from" if args.learn else ""
    report(f"{args.data.name}{learnt}", table(header, rows))


if __name__ == "__main__":
    main()
