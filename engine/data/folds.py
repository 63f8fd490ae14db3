"""Cross-validation: a folder divided into K test parts, so that each image is tested once, and not learnt from then."""

from collections.abc import Callable

import numpy as np

from engine.base.errors import ConfigError, DataError
from engine.base.language import tr
from engine.data.groups import two_labelled
from engine.data.records import Record, Row, Scan
from engine.data.scan import require_trainable
from engine.data.split import Split

Group = Callable[[Record], str]


def draw_folds(
    scanned: Scan, folds: int, val_share: float, seed: int, group: Group = lambda record: record.sha
) -> list[Split]:
    """A split a fold: the fold to test, `val_share` of all images for validation, the rest to train, by class.

    Images of one `group`, by default those with the same pixels, lie in one part. A group with a picture that bears two
    labels is always trained on, where it can't falsify a result. Raises ConfigError for fewer than two folds, DataError
    where a class has too few groups for so many, or a part would have none of a class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if folds < 2:
        raise ConfigError(tr("--folds is {folds}: give a whole number from 2.", folds=folds))
    require_trainable(scanned)
    doubtful = two_labelled(scanned)
    never = {group(record) for record in scanned.records if record.file in doubtful}
    used = [record for record in scanned.records if group(record) not in never]
    labels, groups = np.array([record.label for record in used]), np.array([group(record) for record in used])
    for name in scanned.classes:
        distinct = len(set(groups[labels == name]))
        if distinct <= folds:
            raise DataError(
                tr(
                    'Class "{name}" in {root} has {distinct} distinct images: too few for {folds} folds.',
                    name=name,
                    root=scanned.root,
                    distinct=distinct,
                    folds=folds,
                )
            )
    # Of the images that are not tested, one in so many is for validation.
    share = max(2, round((1 - 1 / folds) / val_share))
    found = []
    for trained, tested in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, groups):
        own, own_groups = labels[trained], groups[trained]
        fewest = min(len(set(own_groups[own == name])) for name in scanned.classes)
        inner = StratifiedGroupKFold(max(2, min(share, fewest)), shuffle=True, random_state=seed)
        _, kept = next(inner.split(own, own, own_groups))
        parts = {used[k].file: "test" for k in tested} | {used[trained[k]].file: "validation" for k in kept}
        found.append(Split(tuple(Row(r.file, r.label, parts.get(r.file, "train"), r.sha) for r in scanned.records)))
    for number, split in enumerate(found, start=1):
        for part, counts in split.counts().items():
            for name in (name for name, count in counts.items() if not count):
                raise DataError(
                    tr(
                        'Kept together, the patients leave the part "{part}" of fold {number} without an image of '
                        'class "{name}"; give another --seed, or fewer folds.',
                        part=tr(part),
                        number=number,
                        name=name,
                    )
                )
    return found
