"""Flipped labels found by a review, and what mending them wins back, on real and drawn X-rays.

python -m benchmarks.review [DATA] [--seeds 5] [--share 0.05]

By seed, a share of the labels is flipped (links to the images lie in a wrong class's folder). Precision is that of as
many suspects as were flipped; found are the flips among those called suspects. A reviewer who always tells the truth
then goes through the queue, suspects and what follows them. Accuracy is out of fold, against the true labels, of the
head of `--recipe auto` learnt with the true labels, the flipped ones, and those as mended.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from benchmarks.timing import ROOT, report, scratch, table
from engine.auto.ladder import best_of
from engine.auto.rungs import Judge
from engine.base.context import Context
from engine.jobs.probe import judge_of_data
from engine.jobs.review import review
from engine.recipe.config import DataConfig, TrainConfig

RECIPE = TrainConfig(data=DataConfig(test_share=0.01))


def flipped(data: Path, target: Path, share: float, seed: int) -> dict[str, str]:
    """A folder of links to the images of `data`, some in a wrong class; the true label of each file of it."""
    labels = sorted(one.name for one in data.iterdir() if (one / "images").is_dir())
    images = [(label, file) for label in labels for file in sorted((data / label / "images").iterdir())]
    random = np.random.default_rng(seed)
    chosen = set(random.choice(len(images), round(share * len(images)), replace=False).tolist())
    truth = {}
    for place, (label, file) in enumerate(images):
        others = [one for one in labels if one != label]
        put = others[random.integers(len(others))] if place in chosen else label
        (target / put).mkdir(parents=True, exist_ok=True)
        (target / put / file.name).symlink_to(file.resolve())
        truth[f"{put}/{file.name}"] = label
    return truth


def accuracies(folder: Path, truth: dict[str, str], reviewed: set[str]) -> tuple[int, list[int]]:
    """Images, and how many are answered right out of fold: learnt with true, flipped and mended labels."""
    data, judge = judge_of_data(folder, _recipe(), Context())
    files = [record.file for record in judge.features.records]
    true = np.array([data.classes.index(truth[file]) for file in files], np.int32)
    given = judge.features.labels
    mended = np.where([file in reviewed for file in files], true, given).astype(np.int32)
    found = []
    for labels in (true, given, mended):
        features = dataclasses.replace(judge.features, labels=labels, among=(judge.features, np.arange(len(labels))))
        own = Judge(features, judge.groups.tolist(), judge.classes, judge.seed, "auto")
        own.folds = judge.folds
        best = best_of(own, Context())[0]
        found.append(int((best.logits[best.best].argmax(axis=1) == true).sum()))
    return len(files), found


def _recipe() -> TrainConfig:
    return dataclasses.replace(RECIPE, data=dataclasses.replace(RECIPE.data, follow_links=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=ROOT / "sample_data")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.05)
    args = parser.parse_args()
    clean = review(args.data, RECIPE, Context())
    rows: list[tuple[object, ...]] = [("none flipped", f"{len(clean.suspects)} of {clean.images}", *[""] * 6)]
    sums, images = np.zeros(3, int), 0
    for seed in range(args.seeds):
        folder = scratch() / f"flipped-{seed}"
        truth = flipped(args.data, folder, args.share, seed)
        found = review(folder, _recipe(), Context())
        wrong = {file for file, label in truth.items() if not file.startswith(f"{label}/")}
        ranked = [one.file for one in (*found.suspects, *found.next)]
        first, named = ranked[: len(wrong)], [one.file for one in found.suspects]
        count, right = accuracies(folder, truth, set(ranked))
        sums, images = sums + right, images + count
        hits = [f"{len(wrong & set(some))} of {len(wrong)}" for some in (first, named)]
        queued = f"{len(wrong & set(ranked))} of {len(ranked)}"
        shares = [f"{one / count:.1%}" for one in right]
        rows.append((seed, f"{len(named)} of {found.images}", *hits, queued, *shares))
    rows.append(("all", "", "", "", "", *(f"{one / images:.1%}" for one in sums)))
    columns = (
        "seed",
        "suspects",
        "right of as many as flipped",
        "flips among suspects",
        "flips in the queue",
        "true",
        "flipped",
        "mended",
    )
    back = (sums[2] - sums[1]) / max(sums[0] - sums[1], 1)
    report(f"Review of {args.data.name}: {back:.0%} of the accuracy lost is back", table(columns, rows))


if __name__ == "__main__":
    main()
