"""Folds within the images that may be learnt from: each is answered once, by a fit that has not seen its group."""

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.base.errors import DataError
from engine.base.language import tr

Ints = npt.NDArray[np.intp]
FOLDS = 5


def grouped_folds(
    labels: npt.NDArray[np.integer], groups: Sequence[str], seed: int, folds: int = FOLDS
) -> list[tuple[Ints, Ints]]:
    """(learnt from, answered) of each fold, as places among the images; images of one group lie in one fold.

    There are fewer than `folds` where even the largest class has fewer groups, but two at least. A class with fewer
    groups than folds is not in each of them; one of one group is unknown to the fit that answers it. Raises DataError
    where all images are one group.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    names = np.asarray(groups)
    if len(set(groups)) < 2:
        raise DataError(
            tr("All images to learn from show one picture or one patient: nothing can be judged with them.")
        )
    most = max(groups_of(labels, groups).values())
    splitter = StratifiedGroupKFold(max(2, min(folds, most)), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        return [(learnt, answered) for learnt, answered in splitter.split(labels, labels, names)]


def groups_of(labels: npt.NDArray[np.integer], groups: Sequence[str]) -> dict[int, int]:
    """How many groups each class has among the images."""
    pairs = set(zip(labels.tolist(), groups, strict=True))
    return dict(Counter(label for label, _ in pairs))
