"""Test accuracy over seeds, each with its own split: mean, spread, and what a change of the recipe does to them.

    python -m benchmarks.accuracy [--seeds 5] [-- FLAGS OF train]
    python -m benchmarks.accuracy -- --mode transfer --views epoch

Without flags: three classes, block5 trained, batch 16, a fifth kept for the test; wanted: a mean of at least 0.88.
"""

import argparse
import statistics

from benchmarks.timing import XRAY, covid_tui, imagenet_weights, report, scratch, table

DATA = ["--classes", "COVID,Viral Pneumonia,Normal", "--test-share", "0.2", "--batch", "16"]
RECIPE = ["--mode", "partial", "--unfreeze", "block5"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("flags", nargs="*")
    args = parser.parse_args()
    flags = args.flags or RECIPE
    cache = scratch()
    imagenet_weights(cache)
    rows: list[tuple[object, ...]] = []
    accuracies: list[float] = []
    for seed in range(args.seeds):
        done = covid_tui("--train", XRAY, *DATA, *flags, "--seed", seed, cache=cache, out=cache / "runs")
        last = done.lines[-1]
        test = last["test"]
        accuracies.append(test["accuracy"])
        low, high = test["accuracy_ci"]
        score = f"{test['correct']}/{test['n']} = {test['accuracy']:.4f}"
        rows.append((seed, score, f"{low:.2f} to {high:.2f}", f"{last['best_epoch']} of {last['epochs']}"))
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    rows.append(("mean", f"{statistics.mean(accuracies):.4f}", f"sd {spread:.4f}", ""))
    report(" ".join(flags), table(("seed", "test accuracy", "95% interval", "best epoch"), rows))


if __name__ == "__main__":
    main()
