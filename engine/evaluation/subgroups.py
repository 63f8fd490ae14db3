"""How good a run's test is for each age band, sex, view, source or machine, and how far the worst group lies behind.

What an image's group is comes from a column of a table beside the images; age, sex, view and machine also from DICOM
headers, the source from the workbooks. The result keeps groups and counts, no image and nobody: fields that may
identify are refused.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.base.errors import ConfigError, CovidTuiError, DataError, RunError
from engine.base.files import write_json
from engine.base.language import marked, tr
from engine.base.result import Measured, OfClass
from engine.base.typed_files import Count, Ends, Number, Positive, Share, SignedEnds, plain, typed
from engine.base.wording import counted, listing, unwritable
from engine.data.file_names import pair_key
from engine.data.folders.class_folders import class_folders
from engine.data.image.dicom_tags import FIELDS
from engine.data.image.reader import ImageError, header_field
from engine.data.records import Scan
from engine.data.split import Split
from engine.data.tables import FILE_COLUMNS, PATIENT_COLUMNS, plain_column, tables
from engine.evaluation.intervals import CONFIDENCE, auc_interval, difference_interval, exact_interval
from engine.evaluation.metrics import auc, judge
from engine.evaluation.predictions_csv import Predictions, read_predictions
from engine.evaluation.resampling import Ints, clustered_share, numbered
from engine.evaluation.result_files import SUBGROUPS
from engine.runs.directory import SPLIT, Run

Mask = npt.NDArray[np.bool_]
"""Which of the test images, (n,)."""
SMALL = 30
"""Images of a group below which its measures say little."""
FEWEST = 5
"""Images below which a group is only counted: few people share it."""
MOST = 12
"""Groups of a field: with more of them a value may be of one person."""
LONGEST = 40
"""Characters of a value that is no free text."""
USUAL = {
    "age": ("age", "patientage", "ageyears", "agenumeric"),
    "sex": ("sex", "gender", "patientsex", "patientgender", "patientsexdicom"),
    "view": ("view", "viewposition", "projection", "viewpositiondicom", "frontallateral"),
    "source": ("source", "dataset", "site", "hospital", "institution"),
    "machine": ("machine", "scanner", "manufacturermodelname", "manufacturer", "manufacturerdicom", "model"),
}
"""By field, the columns that usually hold it, as `plain_column` gives them; any other field is a column's name."""
BANDS = (
    (18, marked("under 18")), (40, marked("18 to 39")), (60, marked("40 to 59")), (80, marked("60 to 79")),
    (121, marked("80 and over")),
)  # fmt: skip
"""Ends of the age bands, in years, which are not in them, and what files call them in every language."""
_REFUSED = {*FILE_COLUMNS, *PATIENT_COLUMNS, "name", "patientname", "id", "uid", "mrn", "accessionnumber"}
_DATE = re.compile(r".*(?:date|birth|dob|time|day).*")
_DATED = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}.*|(?:19|20)\d{6}")
_AGE = re.compile(r"0*(\d{1,3})(?:\.\d+)?\s*([YMWD]?)(?:ears?|rs?)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Group:
    """The test images of one value, and how good the answers to them are, with 95% intervals."""

    value: str
    n: Positive
    small: bool
    """Are its images too few to say much?"""
    accuracy: Share
    accuracy_ci: Ends
    auc: Share | None
    auc_ci: Ends | None
    classes: dict[str, OfClass]


@dataclass(frozen=True, kw_only=True)
class Gap:
    """How far the worst group lies behind all others in a measure; small groups are not among them."""

    measure: str
    worst: str
    value: Share
    others: Share
    gap: Number
    """The others' less the group's."""
    gap_ci: SignedEnds
    """At 95% for all groups together (Bonferroni), as the worst of them was picked; by MOVER (Zou and Donner 2008)."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field's groups."""

    field: str
    told_by: str
    """What says the values, as the end of a sentence."""
    unknown: Count
    """Test images without a value."""
    hidden: Count
    """Test images in groups of fewer than FEWEST, which are not shown."""
    groups: list[Group]
    gaps: list[Gap]
    warnings: list[str]


@dataclass(frozen=True, kw_only=True)
class Subgroups:
    """The fields that were asked for; the form of subgroups.json."""

    n: Positive
    patients: Positive | None = None
    """Patients of the test, where some have several images and intervals of shares thus go by patient."""
    fields: list[Field] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Answers:
    """The answers to the test images, and the number of the patient of each, (n,), where any is known."""

    said: Predictions
    patients: Ints | None

    @property
    def people(self) -> int | None:
        """Patients, where some have several images."""
        count = len(self.said.files) if self.patients is None else int(self.patients.max()) + 1
        return count if count < len(self.said.files) else None

    def share(self, right: Mask, chosen: Mask, confidence: float = CONFIDENCE) -> Measured:
        """How many of the chosen images are right, both (n,): exact, or by patient where some have several."""
        count = int(chosen.sum())
        if not count:
            return None, None
        own = right[chosen]
        if self.patients is None or self.people is None:
            return float(own.mean()), exact_interval(int(own.sum()), count, confidence)
        groups = np.unique(self.patients[chosen], return_inverse=True)[1]
        return float(own.mean()), clustered_share(own, groups, confidence)

    def measures(self, chosen: Mask, confidence: float = CONFIDENCE) -> dict[str, Measured]:
        """Of the chosen images accuracy, and each class's sensitivity, specificity and AUC, with their intervals."""
        labels, answer = self.said.labels, self.said.probabilities.argmax(axis=1)
        found = {"accuracy": self.share(answer == labels, chosen, confidence)}
        for k, name in enumerate(self.said.classes):
            of_class = labels == k
            found[f"{name} sensitivity"] = self.share(answer == k, chosen & of_class, confidence)
            found[f"{name} specificity"] = self.share(answer != k, chosen & ~of_class, confidence)
            area = auc(of_class[chosen], self.said.probabilities[chosen, k])
            counts = int((chosen & of_class).sum()), int((chosen & ~of_class).sum())
            found[f"{name} AUC"] = area, None if area is None else auc_interval(area, *counts, confidence)
        return found


def measure_subgroups(run: Run, names: Sequence[str]) -> Subgroups:
    """The run's test by each of the fields `names`, kept in the run as subgroups.json.

    Raises ConfigError for a field that nothing tells or that may identify, RunError where the run has no test answers
    or can't be written.
    """
    said, rows = read_predictions(run), Split.read(run.path / SPLIT).rows
    labels, who = {row.file: row.label for row in rows}, {row.file: row.patient for row in rows}
    named = [who.get(file, "") for file in said.files]
    answers = _Answers(said, numbered(named) if any(named) else None)
    found = [_field(name, answers, *_values(run, name, labels, said.files)) for name in dict.fromkeys(names)]
    result = Subgroups(n=len(said.files), patients=answers.people, fields=found)
    try:
        write_json(run.path / SUBGROUPS, plain(result), run.path)
    except OSError as error:
        raise RunError(unwritable(run.path / SUBGROUPS, error)) from error
    return result


def value_shown(value: str) -> str:
    """A group's value for people: age bands are translated, what a table says never is."""
    return tr(value) if value in dict(BANDS).values() else value


def read_subgroups(run: Run) -> Subgroups | None:
    """What the run's subgroups.json holds; None where there is none. Raises RunError where it is damaged."""
    mend = tr("remove it, and `covid-tui evaluate {name} --by FIELDS` measures the groups anew", name=run.name)
    return typed(run.path / SUBGROUPS, Subgroups, mend) if (run.path / SUBGROUPS).exists() else None


def _values(run: Run, name: str, labels: Mapping[str, str], tested: Sequence[str]) -> tuple[Mapping[str, str], str]:
    """By file, its value of the field, and what says so; `labels` has all files of the run. Raises ConfigError."""
    plain_name = plain_column(name)
    if plain_name in _REFUSED or _DATE.fullmatch(plain_name):
        raise ConfigError(
            tr('--by "{name}" may identify people, as names, numbers of persons and dates do: name another.', name=name)
        )
    folder, data = run.folder(), run.config().data
    for table in tables(Scan(folder, (), (), {}, ())):
        if not data.follow_links and table.path.is_symlink():
            continue
        for column in (*USUAL.get(plain_name, ()), name):
            try:
                if of := table.cells(column, labels.items()).of if table.place(column) is not None else {}:
                    return of, tr('the column "{column}" of {table}', column=column, table=table.name)
            except DataError:
                continue
    if plain_name in FIELDS and (of := _in_headers(folder, tested, plain_name)):
        return of, tr("the DICOM headers")
    if plain_name == "source" and (of := _sources(folder, labels, data.follow_links)):
        return of, tr("the metadata workbooks")
    if plain_name in FIELDS:
        text = tr(
            '--by "{name}": no table beside the images of {folder} has such a column about them, nor does a DICOM '
            "header of them name it.",
            name=name,
            folder=folder,
        )
    else:
        text = tr(
            '--by "{name}": no table beside the images of {folder} has such a column about them.',
            name=name,
            folder=folder,
        )
    raise ConfigError(text)


def _in_headers(folder: Path, files: Sequence[str], field: str) -> dict[str, str]:
    """What each DICOM file among the files says of the field in its header."""
    found = {}
    for file in files:
        with suppress(ImageError):
            if value := header_field(folder / file, field):
                found[file] = value
    return found


def _sources(folder: Path, labels: Mapping[str, str], follow_links: bool) -> dict[str, str]:
    try:
        listed = class_folders(folder, tuple(dict.fromkeys(labels.values())), follow_links).folders
    except CovidTuiError:
        return {}
    every = {file: one.sources.get(pair_key(file), "") for one in listed for file in one.images}
    return {file: source for file, source in every.items() if source and file in labels}


def _field(name: str, answers: _Answers, of: Mapping[str, str], told_by: str) -> Field:
    """The groups of the test images. Raises ConfigError where the values may identify."""
    values = [of.get(file, "") for file in answers.said.files]
    if plain_column(name) in (*USUAL["age"], "age"):
        values = [_band(value) for value in values]
    counts = Counter(filter(None, values))
    _check_harmless(name, counts)
    shown = [value for value in _ordered(counts) if counts[value] >= FEWEST]
    groups = [_group(answers, value, np.array([one == value for one in values])) for value in shown]
    large = [group for group in groups if not group.small]
    unknown, hidden = values.count(""), sum(counts[value] for value in counts if value not in shown)
    return Field(
        field=name,
        told_by=told_by,
        unknown=unknown,
        hidden=hidden,
        groups=groups,
        gaps=_gaps(answers, np.array(values), large),
        warnings=_warnings(name, groups, unknown, hidden, answers),
    )


def _band(age: str) -> str:
    """The band of an age as 58, 058Y or 6M; empty where it is none, as 412 is."""
    match = _AGE.fullmatch(age.strip())
    if not match:
        return ""
    years = int(match[1]) if match[2].upper() in ("", "Y") else 0
    return next((name for end, name in BANDS if years < end), "")


def _ordered(counts: Mapping[str, int]) -> list[str]:
    bands = [name for _, name in BANDS]
    return sorted(
        counts, key=lambda value: (bands.index(value) if value in bands else len(bands), -counts[value], value)
    )


def _check_harmless(name: str, counts: Mapping[str, int]) -> None:
    if not counts:
        raise ConfigError(tr('--by "{name}": no test image has a value that can be read.', name=name))
    if len(counts) > MOST:
        raise ConfigError(
            tr(
                '--by "{name}" has {values} in the test, and more than {most} may identify people or be free text: '
                "name a field of a few groups.",
                name=name,
                values=counted(len(counts), "different value"),
                most=MOST,
            )
        )
    if any(_DATED.fullmatch(value) for value in counts):
        raise ConfigError(
            tr('--by "{name}" holds dates, which may identify people: groups of them are not made.', name=name)
        )
    if any(len(value) > LONGEST for value in counts if "://" not in value):
        raise ConfigError(
            tr('--by "{name}" holds long texts, which may identify people: groups of them are not made.', name=name)
        )


def _group(answers: _Answers, value: str, chosen: Mask) -> Group:
    said, own = answers.said, answers.measures(chosen)
    result = judge(said.labels[chosen], said.probabilities[chosen], said.classes)
    classes = {
        name: replace(one, sensitivity_ci=own[f"{name} sensitivity"][1], specificity_ci=own[f"{name} specificity"][1])
        for name, one in result.classes.items()
    }
    return Group(
        value=value,
        n=result.n,
        small=result.n < SMALL,
        accuracy=result.accuracy,
        accuracy_ci=own["accuracy"][1] or result.accuracy_ci,
        auc=result.auc,
        auc_ci=result.auc_ci,
        classes=classes,
    )


def _gaps(answers: _Answers, values: npt.NDArray[np.str_], groups: Sequence[Group]) -> list[Gap]:
    """For each measure the worst of the groups against the test images of all the others."""
    if len(groups) < 2:
        return []
    confidence = 1 - (1 - CONFIDENCE) / len(groups)
    by_group = {group.value: answers.measures(values == group.value, confidence) for group in groups}
    found = []
    for name in by_group[groups[0].value]:
        known = {value: own[name] for value, own in by_group.items() if own[name][0] is not None}
        if len(known) < 2:
            continue
        worst = min(known, key=lambda value: known[value][0] or 0.0)
        rest = np.isin(values, [value for value in known if value != worst])
        (value, ends), (other, other_ends) = known[worst], answers.measures(rest, confidence)[name]
        if value is None or ends is None or other is None or other_ends is None:
            continue
        gap_ci = difference_interval(other, other_ends, value, ends)
        found.append(Gap(measure=name, worst=worst, value=value, others=other, gap=other - value, gap_ci=gap_ci))
    return found


def _warnings(name: str, groups: Sequence[Group], unknown: int, hidden: int, answers: _Answers) -> list[str]:
    found, images = list[str](), len(answers.said.files)
    small = [tr("{value} ({n})", value=value_shown(group.value), n=group.n) for group in groups if group.small]
    if small:
        found.append(
            tr(
                "Too few images to say how good it is for {name} {groups}: fewer than {least}.",
                name=name,
                groups=listing(small),
                least=SMALL,
            )
        )
    if hidden:
        found.append(
            tr(
                "Not shown are {images} in groups of fewer than {fewest}, which few people share.",
                images=counted(hidden, "image"),
                fewest=FEWEST,
            )
        )
    if unknown:
        of = counted(images, "test image")
        found.append(tr("Of {unknown:,} of {images} nothing tells {name}.", unknown=unknown, images=of, name=name))
    if len([group for group in groups if not group.small]) < 2:
        found.append(tr("There are no two groups of {name} that are large enough to compare.", name=name))
    if people := answers.people:
        found.append(
            tr(
                "The {images} are of {patients}: intervals of shares go by patient, those of AUC take images as "
                "independent.",
                images=counted(images, "image"),
                patients=counted(people, "patient"),
            )
        )
    return found
