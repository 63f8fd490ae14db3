"""Do prediction sets keep their promise? Coverage and set sizes over resplits of a run's kept answers.

    python -m benchmarks.conformal [RUN ...] [--resplits 100] [--images 6000]

For each RUN, one by the recipe "auto", its answers out of fold are divided at random, again and again: two thirds are
calibration images, the rest are new ones. Beside them a made-up model with many images, too sure and leaning.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.timing import report, table
from engine.evaluation.calibration import read_calibration, softmax
from engine.evaluation.conformal import LEVELS, calibration_scores, covered
from engine.evaluation.predictions_csv import VALIDATION, Predictions, read_predictions
from engine.evaluation.refusal import RISKS, refusal_rule, refused, sure_and_right
from engine.runs.directory import Run

COVERAGE = ("promised", "covered", "none, one, two ... possible", "mean size")
REFUSALS = ("wrong at most", "can be promised", "refused", "wrong of the answered")


def made_up(n: int) -> Predictions:
    """Answers of a model of three classes whose probabilities are wrong."""
    random = np.random.default_rng(0)
    labels = np.arange(n) % 3
    logits = random.normal(0, 1, (n, 3)) + 2.0 * np.eye(3)[labels]
    logits[:, 2] += 0.7
    return Predictions(("A", "B", "C"), tuple(map(str, range(n))), labels, softmax(4 * logits))


def part(said: Predictions, places: np.ndarray) -> Predictions:
    """Some of the answers."""
    return Predictions(
        said.classes, tuple(said.files[k] for k in places), said.labels[places], said.probabilities[places]
    )


def divided(said: Predictions, random: np.random.Generator) -> tuple[Predictions, Predictions]:
    """Two thirds, and the rest."""
    order = random.permutation(len(said.labels))
    cut = 2 * len(order) // 3
    return part(said, order[:cut]), part(said, order[cut:])


def sets(said: Predictions, temperature: float, resplits: int) -> list[tuple[str, ...]]:
    """A row for each level: what was promised, and on average what became of it."""
    rows: list[tuple[str, ...]] = []
    for level in LEVELS:
        random = np.random.default_rng(1)
        found, sizes, short = [], [], ""
        for _ in range(resplits):
            known, new = divided(said, random)
            one = covered(calibration_scores(known, said.classes, temperature), new, level)
            found.append([one.every.covered / one.every.n, *(own.covered / own.n for own in one.classes.values())])
            sizes.append(np.array(one.sizes) / one.every.n)
            short = ", too few images" if one.short else short
        mean, share = np.mean(found, axis=0), np.mean(sizes, axis=0)
        rows.append((
            f"{level:.0%}{short}", f"{mean[0]:.1%}", " ".join(f"{one:.1%}" for one in mean[1:]),
            " ".join(f"{one:.1%}" for one in share), f"{share @ np.arange(len(share)):.2f}",
        ))  # fmt: skip
    return rows


def refusals(said: Predictions, temperature: float, resplits: int) -> list[tuple[str, ...]]:
    """A row for each risk: how much is refused, how many of the answered are wrong, how often more than promised."""
    rows: list[tuple[str, ...]] = []
    for risk in RISKS:
        random = np.random.default_rng(1)
        kept, wrong, promised = [], [], 0
        for _ in range(resplits):
            known, new = divided(said, random)
            rule = refusal_rule(*sure_and_right(known, temperature), risk)
            told = refused(rule, *sure_and_right(new, temperature))
            kept.append(told.answered / told.n)
            promised += rule.threshold is not None
            wrong += [1 - told.accuracy] if told.accuracy is not None else []
        mean = f"{np.mean(wrong):.1%}" if wrong else "-"
        rows.append((f"{risk:.0%}", f"{promised} of {resplits}", f"{1 - np.mean(kept):.1%}", mean))
    return rows


def main() -> None:
    """Print two tables for each run, and for the made-up model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--resplits", type=int, default=100)
    parser.add_argument("--images", type=int, default=6000)
    args = parser.parse_args()
    cases = {f"{args.images:,} made-up images": (made_up(args.images), 1.0)}
    for path in args.runs:
        said = read_predictions(Run(path), VALIDATION)
        taught = read_calibration(Run(path), said.classes)
        if taught is None:
            parser.error(f"{path} has no calibration")
        cases[f"{path.name}: {len(said.labels)} images"] = said, taught.temperature
    for name, (said, temperature) in cases.items():
        names = " ".join(said.classes)
        report(name, table((*COVERAGE[:2], names, *COVERAGE[2:]), sets(said, temperature, args.resplits)))
        report(f"{name}, refusals", table(REFUSALS, refusals(said, temperature, args.resplits)))


if __name__ == "__main__":
    main()
