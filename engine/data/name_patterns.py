"""Patients that the names of files and folders carry: the forms of public sets, and when names truly tell patients.

A number in a name may count patients, images, sources or days. A form that says so itself, as person12 or sub-01, is
believed where it gives pairs of images; a form of mere numbers only where its numbers behave as patients do.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from statistics import median
from typing import Any

from engine.data.file_names import image_stem
from engine.data.folders.folder_names import NOT_PATIENTS, numbered_anew
from engine.data.part_names import below_class
from engine.data.records import Record

FEW = 3, 5
"""Patients below which a form is not believed: one that says patient, and one of numbers, which needs several images of
so many."""
LARGEST = 0.5, 0.2
"""The largest share of a form's images that one patient may have, likewise."""
USUAL = 10
"""Images above which the median patient of a form of numbers has too many: such numbers count sources or batches."""
MOSTLY = 0.8
"""The share of a class's images that a form of numbers must fit, and of its patients that must count as images do."""
_WORDS = r"patients?|person|subject|subj|sub|participant|pat|pt|pid|mrn|case"
_CASE = rf"(?:^|[/_. -])((?:{_WORDS})[ _.#-]*(?:id|no|nr)?[ _.#-]*[a-z]{{0,2}}\d+)(?!\d)"
_SIGNS = re.compile(r"[ _.#-]+")
_DATE = re.compile(r"(?:.*\D)?(?:19|20)\d\d(?:[-_. ]?(?:0?[1-9]|1[0-2])(?:[-_. ]?(?:0?[1-9]|[12]\d|3[01]))?)?")


@dataclass(frozen=True)
class Form:
    """One way in which names carry a patient, who is the first group of `regex`, looked for in a path."""

    name: str
    """Such a name, as an example; it stays the same."""
    regex: re.Pattern[str]
    says: bool = False
    """Does the form itself say that it names a patient or a case?"""
    counts: bool = False
    """Must what follows, its second group, count a patient's images from 0, 1 or "a" on without a gap?"""


def _form(name: str, regex: str, says: bool = False, counts: bool = False) -> Form:
    return Form(name, re.compile(regex, re.IGNORECASE | re.ASCII), says, counts)


FORMS = (
    _form("sub-01_ses-1", r"(?:^|/)(sub-[a-z0-9]+)(?=[_/])", says=True),  # BIDS, as BIMCV has it
    _form("person12_bacteria_45", _CASE, says=True),
    _form("p10000032/s50414267", r"(?:^|/)(p\d{8})(?=[/_-]s?\d)", says=True),  # MIMIC
    _form("MIDRC-RICORD-1C-419639-000025-1", r"(?:^|/)(midrc-ricord-\w+-\d+-\d+)(?=[-_/])", says=True),
    _form("CXR12_1_IM-0001-0002", r"(?:^|/)((?:cxr)?\d+)(?:_\d+)?_im-\d+-\d+", says=True),  # Indiana University
    _form("IM-0123-0001", r"(?:^|/)((?:[a-z0-9]+-)?im-\d{3,})-\d{3,}[^/]*$"),  # Guangzhou, its normal images
    _form("VIRUS-1234567-0001", r"(?:^|/)([a-z]+-\d{5,10})-\d{4}(?!\d)[^/]*$"),  # Guangzhou, its later versions
    _form("00001234_005", r"(?:^|/)(\d{5,12})_\d{3}(?=\.[^/]*$|$)"),  # NIH
    _form("A12_1", r"(?:^|/)([^/]*?\d+)[ _.-]+(\d{1,3}|[a-z])$", counts=True),
    _form("A12b", r"(?:^|/)([^/]*?\d{2,})([a-z])$", counts=True),
)  # fmt: skip
"""The forms that are looked for, the plainest first."""


@dataclass(frozen=True)
class Example:
    """What a form finds in a name: `patient` in the path or name `shown`."""

    form: str
    patient: str
    shown: str


@dataclass(frozen=True)
class Named:
    """The patients that names tell."""

    of: dict[str, str]
    """By file, its patient."""
    examples: tuple[Example, ...]
    """One for each form that was found."""
    anew: bool = False
    """Are patients numbered in each class anew, so that one name in two classes is two patients?"""

    @property
    def patients(self) -> int:
        """How many they are."""
        return len(set(self.of.values()))

    @property
    def pairs(self) -> int:
        """Pairs of images of one patient."""
        return sum(count * (count - 1) // 2 for count in Counter(self.of.values()).values())

    def to_dict(self) -> dict[str, Any]:
        """The counts and the examples, as JSON values; the patients themselves are left out."""
        counts = {"patients": self.patients, "images": len(self.of), "pairs": self.pairs, "numbered_anew": self.anew}
        return {**counts, "examples": [asdict(example) for example in self.examples]}


def named_patients(records: Sequence[Record]) -> Named | None:
    """The patients that the names of the records tell by FORMS; None where they tell none, or only count images."""
    paths = _paths(records)
    labels = {record.file: record.label for record in records}
    left, of, examples, anew = dict(paths), dict[str, str](), list[Example](), False
    for form in FORMS:
        found = {file: match for file, path in left.items() if (match := form.regex.search(_looked_at(form, path)))}
        keys = {file: _SIGNS.sub("-", match[1].casefold()) for file, match in found.items()}
        again = _anew(keys, labels)
        keys = {file: f"{labels[file]}/{key}" for file, key in keys.items()} if again else keys
        if not _believed(form, found, keys, _shares(keys, left, labels)):
            continue
        anew |= again
        of |= keys
        first = next(iter(keys))
        examples.append(Example(form.name, found[first][1], _shown(paths[first], found[first])))
        left = {file: path for file, path in left.items() if file not in keys}
    return Named(of, tuple(examples), anew) if of else None


def _paths(records: Sequence[Record]) -> dict[str, str]:
    """By file, the part of its path that lies below the folders of class and part, and below those that all share."""
    below = {record.file: below_class(record.file, record.label) for record in records}
    several = [names[:-1] for names in below.values()]
    shared = len(list(takewhile(lambda level: len(set(level)) == 1, zip(*several, strict=False))))
    return {file: "/".join(names[shared:]) for file, names in below.items()}


def _looked_at(form: Form, path: str) -> str:
    return image_stem(path) if form.counts else path


def _anew(keys: dict[str, str], labels: dict[str, str]) -> bool:
    """Do two classes share names of patients that are numbered in each of them anew?"""
    by_class: defaultdict[str, set[str]] = defaultdict(set)
    for file, key in keys.items():
        by_class[labels[file]].add(key)
    shared = sum(map(len, by_class.values())) > len(set(keys.values()))
    return shared and numbered_anew(by_class.values())


def _shares(keys: dict[str, str], left: Iterable[str], labels: dict[str, str]) -> list[float]:
    """Of each class, the share of the images left that have a key."""
    every, fitting = Counter(labels[file] for file in left), Counter(labels[file] for file in keys)
    return [fitting[name] / count for name, count in every.items()]


def _believed(form: Form, found: dict[str, re.Match[str]], keys: dict[str, str], shares: Sequence[float]) -> bool:
    """Do the `keys` that the form found name patients? `shares` are those of the classes that it fits."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for file, key in keys.items():
        groups[key].append(file)
    sizes = [len(files) for files in groups.values()]
    several = sum(size > 1 for size in sizes)
    if len(groups) < FEW[0] or not several or max(sizes) > max(2, LARGEST[not form.says] * len(keys)):
        return False
    if form.says:
        return True
    if several < FEW[1] or median(sizes) > USUAL or max(shares) < MOSTLY or _named_otherwise(groups):
        return False
    if sum(bool(_DATE.fullmatch(key)) for key in groups) > len(groups) / 2:
        return False
    names = {(key, found[file].string.rsplit("/", 1)[-1]) for file, key in keys.items()}
    if len(names) < MOSTLY * len(keys):  # one name in many folders: its number is none of a patient
        return False
    return not form.counts or _count_images(groups, found)


def _named_otherwise(keys: Iterable[str]) -> bool:
    """Does a word before the number say that it counts something else, as in fold3 or batch 12?"""
    stems = [re.sub(r"\d+$", "#", key) for key in keys]
    words = [re.split(r"[/_. -]+(?=[a-z])", stem)[-1] for stem in stems]
    return sum(bool(NOT_PATIENTS.fullmatch(word)) for word in words) > len(words) / 2


def _count_images(groups: dict[str, list[str]], found: dict[str, re.Match[str]]) -> bool:
    """Do the last numbers count each patient's images, of whom not all have as many, unless they are very few?"""
    good = 0
    for files in groups.values():
        last = sorted(_number(found[file][2]) for file in files)
        good += last[0] in (0, 1) and last == list(range(last[0], last[0] + len(last)))
    sizes = {len(files) for files in groups.values()}
    return good >= MOSTLY * len(groups) and (len(sizes) > 1 or max(sizes) < 4)


def _number(counter: str) -> int:
    return int(counter) if counter.isdigit() else ord(counter.lower()) - ord("a")


def _shown(path: str, match: re.Match[str]) -> str:
    """The file's name, with the folders before it from that of the patient on."""
    return path[path.rfind("/", 0, match.start(1)) + 1 :]
