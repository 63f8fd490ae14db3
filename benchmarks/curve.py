"""The learning curve's forecasts against what became of them: is the truth in the 80% band?

    python -m benchmarks.curve [--data FOLDER] [--first 0] [--draws 8]

A back-test draws a subset of so many images, by class and group, and forecasts the accuracy at twice and four times its
size with all that a user would have. The truth: the subset is extended to that size six times, by other images, and
fits of the head and strength that it chose are asked about all images whose groups they have not learnt from. What they
get right there, all together, is counted as true, with its own doubt (some 200 images). Subsets are of three classes
and of each two of them; those of one data set overlap, so back-tests are not independent.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.timing import XRAY, report, table
from engine.auto.folds import Ints
from engine.auto.ladder import best_of
from engine.auto.rungs import Judge, Judged
from engine.auto.subsets import drawn, learning_curve
from engine.base.context import Context
from engine.base.errors import DataError
from engine.jobs.probe import judge_of_data
from engine.recipe.config import DataConfig, TrainConfig

EXTENSIONS = 6
TASKS = (
    ("", 40),
    ("", 60),
    ("", 100),
    ("COVID,Normal", 32),
    ("COVID,Viral Pneumonia", 32),
    ("Normal,Viral Pneumonia", 32),
)
"""Classes, all where empty, and images of a subset; from 100 there are not four times as many."""
OUTSIDE = 20
"""Images at least that a truth is measured on."""
Forecast = tuple[int, float, float, float, float]
"""Times as many images, the low end, the middle and the high end of the forecast, and the truth."""


def some(judge: Judge, places: Ints) -> Judge:
    """A judge of the images at `places` alone."""
    return Judge(judge.features.some(places), judge.groups[places].tolist(), judge.classes, 0, judge.weighting)


def accuracy(judge: Judge, chosen: Judged, learnt: Ints) -> tuple[int, int]:
    """How many answers of a fit on `learnt` are right, of how many, on images of other groups."""
    (linear,) = judge.fitted(chosen.seeing, learnt, (chosen.strength,))
    kernel, bias = judge.network(chosen.seeing, linear)
    (outside,) = np.nonzero(~np.isin(judge.groups, judge.groups[learnt]))
    said = (judge.given(chosen.seeing, outside) @ kernel + bias).argmax(axis=1)
    return int((said == judge.features.labels[outside]).sum()), len(outside)


def back_test(judge: Judge, images: int, draw: int) -> list[Forecast]:
    """The forecasts of one subset; none where it says that it has too few images."""
    labels, groups = judge.features.labels, judge.groups
    order = drawn(labels, groups, np.random.default_rng([images, draw]))
    subset, rest = order[:images], order[images:]
    own = some(judge, subset)
    chosen, _, _ = best_of(own, Context())
    try:
        curve = learning_curve(own, chosen, 0, Context())
    except DataError:
        return []
    found = []
    for times in (2, 4):
        if times * images + OUTSIDE > len(labels):
            continue
        pairs = []
        for number in range(EXTENSIONS):
            random = np.random.default_rng([images, draw, number + 1])
            more = rest[drawn(labels[rest], groups[rest], random)][: (times - 1) * images]
            pairs.append(accuracy(judge, chosen, np.concatenate([subset, more])))
        right, asked = np.sum(pairs, axis=0)
        expected = curve.expected(times)
        found.append((times, expected.band[0], expected.accuracy, expected.band[1], float(right / asked)))
    return found


def row(name: str, times: int, forecasts: list[Forecast]) -> tuple[object, ...]:
    """A line of the table."""
    of = np.array([one[1:] for one in forecasts if one[0] == times])
    low, middle, high, truth = of.T
    held = int(((low <= truth) & (truth <= high)).sum())
    away = middle - truth
    return (
        name, times, len(of), f"{held} = {held / len(of):.0%}", int((truth < low).sum()), int((truth > high).sum()),
        f"{away.mean():+.3f}", f"{np.sqrt((away**2).mean()):.3f}", f"{(high - low).mean():.3f}",
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=XRAY)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--draws", type=int, default=8)
    args = parser.parse_args()
    # As few as may be are left out of training and validation.
    judges = {
        classes: judge_of_data(args.data, TrainConfig(data=DataConfig(classes=classes, test_share=0.01)), Context())[1]
        for classes, _ in TASKS
    }
    found: dict[str, list[Forecast]] = {f"{images} of {classes or 'all classes'}": [] for classes, images in TASKS}
    for draw in range(args.first, args.first + args.draws):
        for (classes, images), forecasts in zip(TASKS, found.values(), strict=True):
            forecasts += back_test(judges[classes], images, draw)
            print(classes or "all", images, draw, forecasts[-2:], flush=True)
    found["all"] = [one for forecasts in found.values() for one in forecasts]
    rows = [row(name, times, own) for name, own in found.items() for times in sorted({one[0] for one in own})]
    header = ("from", "times", "back-tests", "in the band", "worse", "better", "mean error", "rms error", "width")
    report(args.data.name, table(header, rows))


if __name__ == "__main__":
    main()
