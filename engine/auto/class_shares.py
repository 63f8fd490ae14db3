"""Classes of unequal size: what the share of a class adds to its log-odds, and when it is taken off.

A fit learns how frequent each class is beside how it looks, and names a rare one only where that is all but certain.
Less the logarithms of the shares, its logits are those of classes that are equally frequent (King and Zeng 2001,
"Logistic Regression in Rare Events Data", prior correction; Menon et al. 2021, "Long-tail learning via logit
adjustment"). Weights in the fit itself serve the rare class less, as its few images then bend the whole fit.
"""

import numpy as np
import numpy.typing as npt

from engine.auto.linear import Floats
from engine.data.warnings import UNEQUAL
from engine.recipe.config import Weighting


def alike(weighting: Weighting, labels: npt.NDArray[np.integer]) -> bool:
    """Does each class count alike? Of itself where the largest has at least UNEQUAL images for each of the smallest."""
    _, counts = np.unique(labels, return_counts=True)
    return weighting == "balanced" or (weighting == "auto" and bool(counts.max() >= UNEQUAL * counts.min()))


def log_shares(labels: npt.NDArray[np.integer], classes: int) -> Floats:
    """The logarithm of each class's share of the images, (classes,); 0 for a class without an image."""
    counts = np.bincount(labels, minlength=classes)
    return np.asarray(np.where(counts > 0, np.log(np.maximum(counts, 1) / len(labels)), 0.0))
