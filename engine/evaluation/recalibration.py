"""A model where it is used: its probabilities, threshold and promises learnt anew from a few local images.

The network stays as it is. What the local images teach is judged on the rest of the folder, beside the model as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.result import Recalibrated
from engine.evaluation.calibration import LEAST, Calibration, calibrate, softmax
from engine.evaluation.conformal import calibration_scores
from engine.evaluation.intervals import paired_counts, paired_interval
from engine.evaluation.metrics import log_loss
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.promised import Promised
from engine.evaluation.resampling import numbered
from engine.evaluation.whole_result import whole_result
from engine.recipe.config import JudgeConfig

FEWEST = 10
"""Local images, of which each class needs EACH, and leaves as many to judge on."""
EACH = 2
SPREAD = 2.0
"""The prior's standard deviation of a class's bias; that of the log of the slope is 1. Few images move them little."""
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int_]


@dataclass(frozen=True, eq=False)
class Local:
    """What local images teach: logits become `slope` times themselves plus `bias` (classes,)."""

    slope: float
    bias: Floats

    def adapted(self, said: Predictions) -> Predictions:
        """The answers with probabilities as they are here."""
        return Predictions(said.classes, said.files, said.labels, softmax(self.logits(said.probabilities)))

    def logits(self, probabilities: np.ndarray) -> Floats:
        """Of the network's probabilities (n, classes)."""
        return self.slope * np.log(np.maximum(probabilities.astype(np.float64), LEAST)) + self.bias


def fit_local(said: Predictions) -> Local:
    """Slope and bias with the least cross-entropy and a weak prior (Platt 1999; for several classes Guo et al. 2017,
    "vector scaling", with one slope).
    """
    from scipy.optimize import minimize

    labels, n, k = said.labels, len(said.labels), len(said.classes)

    def loss(values: Floats) -> float:
        prior = float(values[0] ** 2 + ((values[1:] / SPREAD) ** 2).sum()) / (2 * n)
        return log_loss(labels, softmax(Local(float(np.exp(values[0])), values[1:]).logits(said.probabilities))) + prior

    found = minimize(loss, np.zeros(1 + k), method="L-BFGS-B", bounds=[(-4, 4)] + [(-20, 20)] * k).x
    bias = found[1:] - found[1:].mean()
    return Local(float(np.exp(found[0])), bias)


def drawn(said: Predictions, groups: Sequence[str], count: int, seed: int = 0) -> Ints:
    """The places of about `count` images to learn from, (k,): of each class its share, whole groups (those of one
    patient, or of one picture) at random.

    Raises ConfigError where a class has too few to learn from, or to judge on.
    """
    labels, n, group = said.labels, len(said.labels), numbered(groups)
    if count < FEWEST:
        raise ConfigError(tr("--recalibrate is {count}: give at least {fewest} images.", count=count, fewest=FEWEST))
    chosen = np.zeros(n, bool)
    order = np.random.default_rng(seed).permutation(group.max() + 1)
    for k, name in enumerate(said.classes):
        own = labels == k
        if not own.any():
            continue
        wanted = max(EACH, round(count * own.sum() / n))
        for one in order:
            if (chosen & own).sum() >= wanted:
                break
            if (own & (group == one)).any():
                chosen |= group == one
        learnt, left = int((chosen & own).sum()), int((own & ~chosen).sum())
        if learnt < EACH or left < EACH:
            raise ConfigError(
                tr(
                    '--recalibrate {count} takes {learnt} of the {images} images of "{name}" and leaves {left}: '
                    "each class needs {each} to learn from and {each} to judge on; give another number, or "
                    "more images.",
                    count=count,
                    learnt=learnt,
                    images=own.sum(),
                    name=name,
                    left=left,
                    each=EACH,
                )
            )
    return np.nonzero(chosen)[0]


def recalibrated(
    said: Predictions,
    groups: Sequence[str],
    count: int,
    judged: JudgeConfig,
    taught: Calibration | None,
    promised: Promised | None,
) -> Recalibrated:
    """The model as it was and as about `count` local images make it, both on the rest of the answers `said`.

    `groups`, (n,), tell which images go together; `taught` and `promised` are the model's own. Raises ConfigError where
    there are too few images.
    """
    places = drawn(said, groups, count)
    rest = np.setdiff1d(np.arange(len(said.labels)), places)
    known, new = part(said, places), part(said, rest)
    local = fit_local(known)
    here, there = local.adapted(known), local.adapted(new)
    learnt = calibrate(known.labels, local.logits(known.probabilities), said.classes, judged)
    own = Promised(calibration_scores(here, said.classes, learnt.temperature), here)
    right, was = there.right, new.right
    return Recalibrated(
        images=len(places),
        slope=local.slope,
        bias=dict(zip(said.classes, local.bias.tolist(), strict=True)),
        as_it_was=whole_result(new, taught, promised).without_curves(),
        recalibrated=whole_result(there, learnt, own).without_curves(),
        gain=float(right.mean() - was.mean()),
        gain_ci=paired_interval(*paired_counts(right, was)),
    )


def part(said: Predictions, places: Ints) -> Predictions:
    """Some of the answers."""
    files = tuple(said.files[place] for place in places)
    return Predictions(said.classes, files, said.labels[places], said.probabilities[places])
