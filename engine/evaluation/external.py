"""A run on images from elsewhere: how much each measure drops, and how far those images lie from the training's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.base.errors import ConfigError, RunError
from engine.base.files import digest_of, private_dir, write_json
from engine.base.language import tr, trn
from engine.base.result import (
    MEASURES,
    Drop,
    Elsewhere,
    FactShift,
    FeatureShift,
    Judged,
    Measured,
    Measures,
    Shift,
)
from engine.base.typed_files import plain
from engine.base.wording import counted, listing, unwritable
from engine.data.records import Record, Scan
from engine.evaluation.calibration import CALIBRATION
from engine.evaluation.intervals import difference_interval, exact_interval
from engine.evaluation.predictions_csv import VALIDATION
from engine.evaluation.predictor import MODEL
from engine.evaluation.result_files import FOLDER
from engine.evaluation.training_reference import Reference, facts_of
from engine.recipe.config import LabelTable
from engine.recipe.lists import split_list
from engine.runs.directory import WEIGHTS, Run

FOLDS = 5
"""Of the cross-validation that asks whether two sets can be told apart."""


@dataclass(frozen=True)
class OnFolder:
    """How another folder is to be tested on."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    """The run's class for those of the folder's that have other names."""
    follow_links: bool = False
    local: int | None = None
    """So many of its images recalibrate the model, which is then judged on the rest."""
    given: Scan | None = None
    """The scan of the folder, or of some of its images, where it was scanned before."""
    name: str = ""
    """Stands for that of the folder."""
    labels: LabelTable | None = None
    """What says the classes of a folder without class folders."""


AS_IT_IS = OnFolder()


def parse_mapping(text: str) -> dict[str, str]:
    """The mapping in "theirs=ours,theirs=ours", as split_list splits it. Raises ConfigError where an "=" is missing."""
    found = {}
    for item in split_list(text):
        theirs, equals, ours = (part.strip() for part in item.rpartition("="))
        if not (theirs and equals and ours):
            raise ConfigError(tr('--map has "{item}": write the folder\'s class, "=" and the run\'s class.', item=item))
        found[theirs] = ours
    return found


def check_mapping(mapping: Mapping[str, str], theirs: Sequence[str], ours: Sequence[str]) -> None:
    """Raises ConfigError where `mapping` goes from a class that the folder lacks, or to one that the run lacks."""
    for one, other in mapping.items():
        if one not in theirs:
            raise ConfigError(
                tr('--map names "{one}", but the folder\'s classes are {theirs}.', one=one, theirs=listing(theirs))
            )
        if other not in ours:
            raise ConfigError(
                tr('--map leads to "{other}", but the run\'s classes are {ours}.', other=other, ours=listing(ours))
            )


def not_apart(learnt_from: int, n: int) -> str:
    """What to say of a folder of `n` images where the run knows some of them: it is no test of what is new to it."""
    return trn(
        "{number} of the {images} is ones that the run learnt from or was chosen by, so the result looks better than "
        "it is.",
        "{number} of the {images} are ones that the run learnt from or was chosen by, so the result looks better than "
        "it is.",
        learnt_from,
        images=counted(n, "image"),
    )


def drop(test: Judged, here: Judged) -> dict[str, Drop]:
    """By measure, how far the result `here` lies from that of the test.

    Measures are accuracy, auc, mcc, the macro means, and the sensitivity and specificity of each class; those that
    either of them lacks are left out. Where one of them has images of fewer classes, so are auc, mcc and the means:
    those of other classes can't be compared.
    """
    found = {}
    for name, (first, second) in {**_over_all(test, here), **_by_class(test, here)}.items():
        value, ends, other, other_ends = *first, *second
        if value is None or other is None or ends is None or other_ends is None:
            continue
        found[name] = Drop(value, other, other - value, difference_interval(other, other_ends, value, ends))
    return found


def shift(reference: Reference | None, records: Sequence[Record], features: np.ndarray) -> Shift | None:
    """How far images (their records, and features (n, channels)) lie from the training images; None without those."""
    if reference is None or not len(features):
        return None
    distances, limit = reference.distances(features), reference.limit
    beyond = int((distances > limit).sum())
    far = FeatureShift(
        median_distance=float(np.median(distances)),
        usual_distance=float(np.median(reference.own)),
        limit=limit,
        beyond=beyond / len(distances),
        beyond_ci=exact_interval(beyond, len(distances)),
    )
    return Shift(_facts(reference, records), far, _told_apart(reference.features, features))


def frozen(run: Run) -> dict[str, str]:
    """The SHA-256 of each file of the run that its answers follow from."""
    files = (WEIGHTS, MODEL, CALIBRATION, VALIDATION)
    return {name: digest_of(run.path / name) for name in files if (run.path / name).is_file()}


def keep(run: Run, result: Elsewhere) -> None:
    """Keep the result of an external test in the run, under the name of its folder; the last one of a name stays."""
    try:
        write_json(private_dir(run.path / FOLDER, run.path) / f"{_plain(result.folder)}.json", plain(result), run.path)
    except OSError as error:
        raise RunError(unwritable(run.path / FOLDER, error)) from error


def answers_file(folder: str) -> str:
    """The file of a run that has its answers to the images of a folder of this name, in the form of predictions.csv."""
    return f"{FOLDER}/{_plain(folder)}.csv"


def _plain(folder: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder).strip(".-") or "folder"


def _over_all(test: Judged, here: Judged) -> dict[str, tuple[Measured, Measured]]:
    names = ["accuracy"]
    found = {}
    if _present(test) == _present(here):
        names += ["auc", "mcc"]
        found = {f"macro {name}": (test.macro.measured(name), here.macro.measured(name)) for name in MEASURES}
    return {name: (test.measured(name), here.measured(name)) for name in names} | found


def _present(result: Judged) -> set[str]:
    """The classes that the result has images of."""
    return {label for label, own in result.classes.items() if own.n}


def _by_class(test: Judged, here: Judged) -> dict[str, tuple[Measured, Measured]]:
    none = Measures()
    return {
        f"{label} {name}": (own.measured(name), here.classes.get(label, none).measured(name))
        for label, own in test.classes.items()
        for name in ("sensitivity", "specificity")
    }


def _facts(reference: Reference, records: Sequence[Record]) -> dict[str, FactShift]:
    from scipy.stats import ks_2samp

    found = {}
    for name, values in facts_of(records).items():
        test = ks_2samp(reference.facts[name], values)
        training, here = float(np.mean(reference.facts[name])), float(np.mean(values))
        found[name] = FactShift(training, here, ks=float(test.statistic), p=float(test.pvalue))
    return found


def _told_apart(training: np.ndarray, here: np.ndarray) -> float | None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if min(len(training), len(here)) < 2 * FOLDS:
        return None
    both = np.concatenate([training, here]).astype(np.float64)
    theirs = np.arange(len(both)) >= len(training)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=500))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    scores = cross_val_predict(model, both, theirs, cv=folds, method="decision_function")
    return float(roc_auc_score(theirs, scores))
