"""Folds within the images that may be learnt from: each is answered once, by a fit that has not seen its group."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.base.errors import DataError

Ints = npt.NDArray[np.intp]
FOLDS = 5


def grouped_folds(
    labels: npt.NDArray[np.integer], groups: Sequence[str], seed: int, folds: int = FOLDS
) -> list[tuple[Ints, Ints]]:
    """(learnt from, answered) of each fold, as places among the images; images of one group lie in one fold.

    There are fewer than `folds` where the smallest class has fewer groups, but two at least; a class of one group is
    then unknown to the fit that answers it. Raises DataError where all images are one group.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    names = np.asarray(groups)
    if len(set(groups)) < 2:
        raise DataError("All images to learn from show one picture or one patient: nothing can be judged with them.")
    fewest = min(len(set(names[labels == label])) for label in np.unique(labels))
    splitter = StratifiedGroupKFold(max(2, min(folds, fewest)), shuffle=True, random_state=seed)
    return [(learnt, answered) for learnt, answered in splitter.split(labels, labels, names)]
