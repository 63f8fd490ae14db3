"""The learning curve's forecasts against what became of them: is the truth in the 80% band?

    python -m benchmarks.curve [--data FOLDER] [--classes A,B] [--images 40,60,100] [--draws 8]

A back-test draws a subset of so many images, by class and group, and forecasts the accuracy at twice and four times its
size with all that a user would have. The truth: the subset is extended to that size, the recipe chooses anew on the
first of six such extensions, and each of the six is fitted and asked about all images whose groups it has not learnt
from. What it gets right there, over all six, is counted as true, with its own doubt (some 200 images).
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.timing import XRAY, report, table
from engine.auto.folds import Ints
from engine.auto.ladder import best_of
from engine.auto.linear import STRENGTHS
from engine.auto.rungs import Judge, Judged
from engine.auto.subsets import drawn, learning_curve
from engine.base.context import Context
from engine.base.errors import DataError
from engine.jobs.probe import judge_of
from engine.recipe.config import DataConfig, TrainConfig

EXTENSIONS = 6
OUTSIDE = 20
"""Images at least that a truth is measured on."""
Forecast = tuple[int, float, float, float, float]
"""Times as many images, the low end, the middle and the high end of the forecast, and the truth."""


def some(judge: Judge, places: Ints) -> Judge:
    """A judge of the images at `places` alone."""
    return Judge(judge.features.some(places), judge.groups[places].tolist(), judge.classes, 0)


def accuracy(judge: Judge, chosen: Judged, learnt: Ints) -> tuple[int, int]:
    """How many answers of a fit on `learnt` are right, of how many, on images of other groups."""
    (linear,) = judge.fitted(chosen.seeing, learnt, (STRENGTHS[chosen.best],))
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
    try:
        curve = learning_curve(own, best_of(own, Context())[0], 0, Context())
    except DataError:
        return []
    found = []
    for times in (2, 4):
        if times * images + OUTSIDE > len(labels):
            continue
        extended = []
        for number in range(EXTENSIONS):
            random = np.random.default_rng([images, draw, number + 1])
            more = rest[drawn(labels[rest], groups[rest], random)][: (times - 1) * images]
            extended.append(np.concatenate([subset, more]))
        chosen = best_of(some(judge, extended[0]), Context())[0]
        right, asked = np.sum([accuracy(judge, chosen, learnt) for learnt in extended], axis=0)
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
    parser.add_argument("--classes", default="")
    parser.add_argument("--images", default="40,60,100")
    parser.add_argument("--draws", type=int, default=8)
    args = parser.parse_args()
    # As few as may be are left out of training and validation.
    config = TrainConfig(data=DataConfig(classes=args.classes, test_share=0.01, val_share=0.1))
    judge = judge_of(args.data, config, Context())
    rows, every = [], list[Forecast]()
    for images in map(int, args.images.split(",")):
        forecasts = [one for draw in range(args.draws) for one in back_test(judge, images, draw)]
        every += forecasts
        rows += [row(f"{images} images", times, forecasts) for times in sorted({one[0] for one in forecasts})]
        print(*rows[-2:], flush=True)
    rows += [row("all", times, every) for times in sorted({one[0] for one in every})]
    header = ("from", "times", "back-tests", "in the band", "worse", "better", "mean error", "rms error", "width")
    report(f"{args.data.name} {args.classes}, {len(judge.groups)} images", table(header, rows))


if __name__ == "__main__":
    main()
