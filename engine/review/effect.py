"""What corrections do for a model: the same head learnt with and without them, out of fold.

Both are judged on the images whose labels no correction touched, as there the two agree on what is right: on a
corrected label the corrected model would always win.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.auto.rungs import Judge, Judged
from engine.base.language import tr
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
        low, high = self.gain_ci
        return tr(
            "Learnt with {labels} corrected and {left_out} left out, a model that had not seen the image is right on "
            "{as_corrected} of the {images} that nobody touched; with the labels as given on {as_given} ({gain:+.1f} "
            "points, 95% interval {low:+.1f} to {high:+.1f}).",
            labels=counted(self.relabelled, "label"),
            left_out=counted(self.left_out, "image"),
            as_corrected=percent(self.as_corrected / self.images),
            images=counted(self.images, "image"),
            as_given=percent(self.as_given / self.images),
            gain=100 * self.gain,
            low=100 * low,
            high=100 * high,
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
