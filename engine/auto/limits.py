"""What a ladder says of its classes before it is climbed: that they count alike, and of which too little is known."""

from collections.abc import Iterator

from engine.auto.folds import FOLDS, groups_of
from engine.auto.rungs import Judge
from engine.base.events import Notice
from engine.base.language import tr
from engine.base.wording import counted
from engine.evaluation.intervals import exact_interval
from engine.recipe.config import Weighting
from engine.training.data import Data

ALIKE = tr(
    "Each class counts alike, however many images it has: answers and probabilities are those of classes that are "
    "equally frequent (--class-weight none keeps the shares that they have here)."
)


def notices(judge: Judge, data: Data, asked: Weighting) -> Iterator[Notice]:
    """Sentences on the classes of the images that are judged; `asked` is the recipe's class weight."""
    if asked == "auto" and judge.weighting == "balanced":
        yield Notice("info", ALIKE)
    tested = data.split.counts()["test"]
    for label, groups in sorted(groups_of(judge.features.labels, judge.groups.tolist()).items()):
        if groups < FOLDS:
            yield Notice(
                "warning", _unknown(data.classes[label], groups, len(judge.folds), tested[data.classes[label]])
            )


def _unknown(name: str, groups: int, folds: int, tested: int) -> str:
    low, _ = exact_interval(tested, tested)
    if groups < folds:
        each = tr("not each of the {folds} folds has one", folds=folds)
    else:
        each = tr("each of the {folds} folds has one alone", folds=folds)
    return tr(
        'How well "{name}" is recognised can\'t be known: of its {pictures} to learn from {each}, and {tested} right '
        "of {images} would still mean a sensitivity of anywhere from {low:.1%} to 100%.",
        name=name,
        pictures=counted(groups, "picture"),
        each=each,
        tested=tested,
        images=counted(tested, "test image"),
        low=low,
    )
