"""The ladder's last rung, which is costly: begun where it fits into the budget, and taken as the others are."""

from engine.auto.budget import Budget, Decision
from engine.auto.outlook import Outlook
from engine.auto.rungs import Judged, fall
from engine.auto.tuning import TASK, Tuned, Tuning
from engine.base.events import Rung, Skipped
from engine.evaluation.intervals import exact_interval, paired_counts, paired_interval
from engine.recipe.span import span


def tuned(tuning: Tuning, number: int, budget: Budget, outlook: Outlook) -> Tuned | Skipped:
    """The rung, out of fold; or that it is left out, which is told. Raises Stopped."""
    decided = budget.before(TASK) or _decided(tuning, budget, outlook)
    if decided.begun:
        return tuning.judged()
    skipped = Skipped(number, TASK, decided.seconds, decided.left, span(budget.needed(decided)))
    outlook.context.emit(skipped)
    return skipped


def _decided(tuning: Tuning, budget: Budget, outlook: Outlook) -> Decision:
    """By its multiply-adds where they already are too many, else by a few timed steps."""
    after = outlook.seconds
    seconds = tuning.least_seconds()
    if seconds <= budget.left - after:
        seconds = tuning.seconds()
    return budget.decide(TASK, seconds, after)


def told(tuning: Tuning, found: Tuned, before: Judged, number: int, seconds: float) -> Rung:
    """The rung as an event, beside the best one before, on the images that both have answered."""
    right, was = found.right, before.right[found.answered]
    losses = found.losses[found.best]
    gain, error = fall(before.losses[before.best][found.answered], losses, tuning.judge.groups[found.answered])
    return Rung(
        number=number,
        name=TASK,
        reads=tuning.plan.head.reads,
        places=found.seeing.places,
        mirror=found.seeing.mirror,
        strength=before.strength,
        n=len(right),
        correct=int(right.sum()),
        accuracy=float(right.mean()),
        accuracy_ci=exact_interval(int(right.sum()), len(right)),
        loss=float(losses.mean()),
        gain=float(right.mean() - was.mean()),
        gain_ci=paired_interval(*paired_counts(right, was)),
        taken=gain > error,
        seconds=round(seconds, 2),
        trains=tuple(name for name in tuning.plan.backbone.by_name if name in tuning.plan.trainable),
        epochs=found.best + 1,
    )
