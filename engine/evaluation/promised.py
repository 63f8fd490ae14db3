"""What a run can promise of its answers, from those to its calibration images: sets, and when to refuse."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.base.errors import RunError
from engine.base.language import tr
from engine.base.result import Covered, Refused
from engine.evaluation.calibration import Calibration
from engine.evaluation.conformal import LEVEL, LEVELS, CalibrationScores, calibration_scores, covered, promise
from engine.evaluation.predictions_csv import VALIDATION, Predictions, read_predictions
from engine.evaluation.refusal import RISKS, RefusalRule, refusal_rule, refused, sure_and_right
from engine.runs.directory import Run


@dataclass(frozen=True)
class Asked:
    """What is asked of answers: the share of images whose class is among the possible ones, the most of the answers
    that may be wrong, where any are to be refused, and how many of the training images most alike are to be named.
    """

    level: float = LEVEL
    risk: float | None = None
    neighbours: int = 0


AS_USUAL = Asked()
UNPROMISED = tr("Nothing is promised of these answers: there are no calibration images of the model here.")


@dataclass(frozen=True, eq=False)
class Promised:
    """What the calibration images allow to promise."""

    scores: CalibrationScores
    answers: Predictions
    """To the calibration images."""
    out_of_fold: bool = False
    """Did models of folds answer, that learnt from fewer images, and not the model itself?"""

    def rule(self, risk: float) -> RefusalRule:
        """When to refuse so that at most `risk` of the answers are wrong. Raises ConfigError where it is none."""
        return refusal_rule(*sure_and_right(self.answers, self.scores.temperature), risk)

    def covered(self, said: Predictions) -> list[Covered]:
        """What the sets do to answers to other images, at each of LEVELS."""
        return [covered(self.scores, said, level) for level in LEVELS]

    def refused(self, said: Predictions) -> list[Refused]:
        """What refusals do to answers to other images, at each of RISKS."""
        new = sure_and_right(said, self.scores.temperature)
        return [refused(self.rule(risk), *new) for risk in RISKS]

    def sentences(self, asked: Asked) -> list[str]:
        """What is promised of what is asked, and for whom."""
        rule = None if asked.risk is None else self.rule(asked.risk)
        return [promise(self.scores, asked.level), *([rule.promise] if rule else []), self.caveat]

    @cached_property
    def terms(self) -> "Terms":
        """The same for each of LEVELS and RISKS."""
        levels = {level: promise(self.scores, level) for level in LEVELS}
        return Terms(levels, {risk: self.rule(risk) for risk in RISKS}, self.caveat)

    @property
    def caveat(self) -> str:
        """Why the promise is approximate, in a sentence."""
        if self.out_of_fold:
            return tr(
                "The calibration answers are out of fold, by models that learnt from fewer images than the "
                "one that is asked, so what is promised is approximate, and usually cautious."
            )
        return tr(
            "The calibration images also chose the epoch and the temperature, so what is promised is approximate."
        )


@dataclass(frozen=True)
class Terms:
    """What is promised of single answers, and when one is refused; without the calibration images themselves."""

    levels: Mapping[float, str]
    """By level, what is promised of the classes that an image may have, and for whom."""
    rules: Mapping[float, RefusalRule]
    """By the share of the given answers that may be wrong, when to refuse one."""
    caveat: str

    def next_risk(self, risk: float | None) -> float | None:
        """The risk after this one, and after the last None, where no answer is refused."""
        return next((one for one in sorted(self.rules) if risk is None or one > risk), None)

    def sentences(self, level: float, risk: float | None) -> list[str]:
        """As those of `Promised`, for a level and a risk among these."""
        rules = [] if risk is None else [self.rules[risk].promise]
        return [self.levels[level], *rules, self.caveat]


def read_promised(run: Run, classes: tuple[str, ...], taught: Calibration | None) -> Promised | None:
    """From the run's validation.csv: its answers to validation images, or out of fold for the recipe "auto"; None where
    it has none, or no calibration. Raises RunError where the file is damaged.
    """
    if taught is None or not os.path.lexists(run.path / VALIDATION):
        return None
    answers = read_predictions(run, VALIDATION)
    if sorted(answers.classes) != sorted(classes):
        raise RunError(
            tr(
                "{path} is of other classes than the model: remove it, and nothing is promised.",
                path=run.path / VALIDATION,
            )
        )
    scores = calibration_scores(answers, classes, taught.temperature)
    return Promised(scores, answers, out_of_fold=run.config().way == "auto")
