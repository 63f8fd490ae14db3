"""Where the heat lies on phantoms whose only class sign is a known square: the share on it, by layer and method.

python -m benchmarks.heat [--seeds 3] [--only auto]

The phantoms that are measured are none that the network learnt from. Wanted of the default, where the network itself
learnt the sign: a mean of at least 0.75, and no image below 0.70.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.timing import covid_tui, imagenet_weights, report, scratch, table
from engine.evaluation.predictor import Predictor
from engine.evaluation.saliency import TITLES, Explainer, Method, explain, mass_inside
from engine.runs.directory import Run
from tests.makers.signed import SQUARES, mask_of, write_signed

RECIPE = ("--augment", "none", "--batch", "8", "--epochs", "15", "--patience", "0")
TRAINS = {
    "block5": ("--mode", "partial", "--unfreeze", "block5", *RECIPE),
    "the head alone": ("--mode", "transfer", *RECIPE),
    "auto": ("--recipe", "auto"),
}
LOOKS: tuple[tuple[str, Method], ...] = (
    ("", "hirescam"), ("block5_conv3", "hirescam"), ("", "gradcam"), ("block5_conv1", "gradcam"),
    ("block4_conv3", "gradcam"),
)  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join(TRAINS))
    args = parser.parse_args()
    cache = scratch()
    imagenet_weights(cache)
    for trains in (name for name in TRAINS if name in args.only.split(",")):
        rows: list[tuple[object, ...]] = []
        for square in SQUARES:
            for seed in range(args.seeds):
                folder = cache / f"{trains}-{square[0]}-{seed}".replace(" ", "-")
                data, unseen = write_signed(folder, square, seed)
                job = ("--train", data, *TRAINS[trains], "--test-share", 0.1, "--seed", seed, "--name", "run")
                covid_tui(*job, cache=cache, out=folder)
                shares = _shares(Run(folder / "run"), unseen, mask_of(square))
                rows.append((f"{square[0]} pixels", seed, *shares))
        names = [f"{TITLES[method]}, {layer or 'default'}" for layer, method in LOOKS]
        report(
            f"{trains}: the heat's share on the only sign, mean (least) of six images",
            table(("square", "seed", "looks at", *names), rows),
        )


def _shares(run: Run, files: list[Path], mask: np.ndarray) -> list[str]:
    """The layers that the default shows, and the shares of each way to look."""
    predictor = Predictor(run, asked="keras")
    found = [Explainer(predictor).layer]
    for layer, method in LOOKS:
        explainer = Explainer(predictor, layer, method)
        shares = [mass_inside(explain(explainer, file, "marked").heat, mask) or 0.0 for file in files]
        found.append(f"{np.mean(shares):.2f} ({min(shares):.2f})")
    return found


if __name__ == "__main__":
    main()
