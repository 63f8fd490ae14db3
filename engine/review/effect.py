"""What corrections do for a model: the same head learnt with and without them, out of fold.

Both are judged on the images whose labels no correction touched, as there the two agree on what is right: on a
corrected label the corrected model would always win.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.auto.rungs import Judge, Judged
from engine.base.wording import counted
from engine.data.corrections import Correction, corrected
from engine.data.records import Scan
from engine.evaluation.headline import percent
from engine.evaluation.intervals import paired_counts, paired_interval


@dataclass(frozen=True)
class Effect:
    """Right answers out of fold of `images` images that no correction touched, learnt with labels as given and as
    corrected; `gain` and its 95% interval are shares of the images.
    """

    images: int
    relabelled: int
    left_out: int
    as_given: int
    as_corrected: int
    gain: float
    gain_ci: tuple[float, float]

    @property
    def sentence(self) -> str:
        """For people."""
        low, high = (f"{100 * end:+.1f}" for end in self.gain_ci)
        how = f"{counted(self.relabelled, 'label')} corrected and {counted(self.left_out, 'image')} left out"
        return (
            f"Learnt with {how}, a model that had not seen the image is right on "
            f"{percent(self.as_corrected / self.images)} of the {counted(self.images, 'image')} that nobody touched; "
            f"with the labels as given on {percent(self.as_given / self.images)} ({100 * self.gain:+.1f} points, 95% "
            f"interval {low} to {high})."
        )


def effect_of(judge: Judge, chosen: Judged, scanned: Scan, corrections: Sequence[Correction]) -> Effect:
    """That of the corrections of a scan on the head that was `chosen` for the labels as given. The judge's images are
    some of the scan's.
    """
    mended, applied = corrected(scanned, corrections)
    labels_now = {record.file: record.label for record in mended.records}
    files, classes = [record.file for record in judge.features.records], list(scanned.classes)
    used = np.array([file in labels_now for file in files])
    touched = np.array([file in applied.changes for file in files])
    labels = judge.features.labels.copy()
    labels[used] = [classes.index(labels_now[file]) for file in files if file in labels_now]
    as_given = _right(judge, chosen, judge.features.labels, np.ones(len(labels), bool))
    as_corrected = _right(judge, chosen, labels, used)
    both = ~touched
    return Effect(
        images=int(both.sum()),
        relabelled=int((touched & used).sum()),
        left_out=int((~used).sum()),
        as_given=int(as_given[both].sum()),
        as_corrected=int(as_corrected[both].sum()),
        gain=float(as_corrected[both].mean() - as_given[both].mean()),
        gain_ci=paired_interval(*paired_counts(as_corrected[both], as_given[both])),
    )


def _right(judge: Judge, chosen: Judged, labels: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Which images are answered right, (n,), by heads that learnt from those `used` with these `labels`."""
    features = replace(judge.features, labels=labels, among=(judge.features, np.arange(len(labels))))
    again = Judge(features, judge.groups.tolist(), judge.classes, judge.seed, judge.weighting)
    again.folds = [(learnt[used[learnt]], answered) for learnt, answered in judge.folds]
    return np.asarray(again.answered(chosen).argmax(axis=1) == labels)
