"""The learning rate that the range test finds against the default one: validation loss of a transfer run, by seed.

python -m benchmarks.rates [--seeds 3] [--lr 1e-4 auto] [--cache FOLDER] [-- FLAGS OF train]

With two or more numbers after --lr it is the grid from which the rule of engine/training/lr_range_test.py was chosen.
"""

import argparse
import json
from pathlib import Path

from benchmarks.timing import CLASSES, XRAY, covid_tui, imagenet_weights, report, scratch, table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lr", nargs="+", default=["1e-4", "auto"])
    parser.add_argument("--cache", type=Path, help="a cache to use, in place of an empty one")
    parser.add_argument("flags", nargs="*")
    args = parser.parse_args()
    out = scratch()
    cache = args.cache or out
    imagenet_weights(cache)
    rows: list[tuple[object, ...]] = []
    for seed in range(args.seeds):
        for lr in args.lr:
            flags = ["--classes", CLASSES, "--lr", lr, "--seed", seed, "--name", f"{lr}-{seed}", *args.flags]
            last = covid_tui("--train", XRAY, *flags, cache=cache, out=out / "runs").lines[-1]
            used = json.loads((Path(last["run"]) / "config.json").read_text())["fit"]["lr"]
            epochs = f"{last['best_epoch']} of {last['epochs']}"
            rows.append((seed, lr, f"{used:g}", f"{last['val']['loss']:.4f}", f"{last['val']['accuracy']:.3f}", epochs))
    header = ("seed", "--lr", "rate", "validation loss, best epoch", "validation accuracy", "best epoch")
    report("Learning rates, transfer", table(header, rows))


if __name__ == "__main__":
    main()
