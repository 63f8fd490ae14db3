"""What the names of folders say: a part of a split, a patient, or a class that looks like another one."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from engine.base.language import tr

_WORDED = re.compile(
    r"(?:patient|pat|pt|subject|subj|sub|person|participant|case|study|exam|pid|mrn|id)s?[\s_.#-]*"
    r"(?:id|no|nr)?[\s_.#-]*[a-z]{0,3}[_-]?\d[\w.-]*"
)
_NUMBERED = re.compile(r"[a-z]{1,3}[_-]?\d{3,}[\w.-]*|\d[\d._-]{3,}|\d{3,}")
_HASH = re.compile(r"(?=.*\d)[0-9a-f]{8,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOT_PATIENTS = re.compile(
    r"(?:fold|batch|split|set|part|group|class|stage|grade|level|type|kind|cat|category|site|hospital|cent\w+|"
    r"dataset|data|view|label|cluster|version|v)s?[\s_.-]*#"
)
_SERIES = 5
"""From so many on, folders whose names differ in a number alone are taken as those of patients."""
_LATIN = str.maketrans(
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456",
    "ABEZHIKMNOPTYXoABEKMHOPCTXIaeopcxyi",
)
"""Greek and Cyrillic letters that look like Latin ones."""


def named_as_patients(names: Sequence[str], in_class: bool) -> bool:
    """Are the folders named as patients are, as patient007, p10000032 or 1.2.840.3?

    Folders `in_class`, below that of a class, may also be any longer series of numbers; elsewhere they may be classes.
    """
    plain = [name.strip().casefold() for name in names]
    if not plain:
        return False
    worded, coded = (
        sum(any(kind.fullmatch(name) for kind in kinds) for name in plain) >= 0.9 * len(plain)
        for kinds in ((_WORDED,), (_WORDED, _NUMBERED, _HASH))
    )
    if not in_class:
        return worded or (coded and len(plain) >= _SERIES)
    stems = {re.sub(r"\d+", "#", name) for name in plain}
    series = len(plain) >= _SERIES and len(stems) <= 2 and all("#" in stem for stem in stems)
    return worded or coded or (series and not any(NOT_PATIENTS.fullmatch(stem) for stem in stems))


def numbered_anew(by_class: Iterable[Iterable[str]]) -> bool:
    """Do the patients' names count from 0 or 1 without a gap in each of two classes or more, which thus share none?"""
    classes = 0
    for names in by_class:
        numbers = sorted(int(found[-1]) for name in set(names) if (found := re.findall(r"\d+", name)))
        if not numbers or numbers[0] > 1 or numbers != list(range(numbers[0], numbers[0] + len(set(names)))):
            return False
        classes += 1
    return classes > 1


def alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of names that look the same, or nearly: but for case, accents' storage, blanks, or letters of a script."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_look(name)].append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def look_alike(name: str, other: str) -> bool:
    """Do two names look the same, or nearly?"""
    return _look(name) == _look(other)


def difference(name: str, other: str) -> str:
    """What two names that look alike differ in, as the end of a sentence."""
    ways = (
        (tr("upper and lower case"), str.casefold),
        (tr("how their accents are stored (NFC and NFD)"), lambda text: unicodedata.normalize("NFC", text)),
        (tr("blanks"), lambda text: re.sub(r"[\s\u200b-\u200f\u2060\ufeff]+", "", unicodedata.normalize("NFKC", text))),
        (tr("blanks, hyphens and underscores"), lambda text: re.sub(r"[\s_-]+", "", text)),
        (tr("letters of another script that look like Latin ones"), lambda text: text.translate(_LATIN)),
    )
    for words, fold in ways:
        if fold(name) == fold(other):
            return words
    return tr("case, blanks or accents")


def _look(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).translate(_LATIN)
    return re.sub(r"[\s_\u200b-\u200f\u2060\ufeff-]+", "", unicodedata.normalize("NFKC", text.casefold()))
