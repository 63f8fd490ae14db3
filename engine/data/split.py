"""Who learns from which image: train, validation and test, drawn once, written down, and never mixed.

Images that show one picture, or are of one patient where that is known, form a group, and a group lies in one part, so
that no test image was ever trained on. The draw depends on the seed and on the files' names and pixels alone, not on
the order in which a file system lists them.
"""

import csv
import hashlib
import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.base.errors import DataError
from engine.base.escape import from_cell, to_cell
from engine.base.events import Notice
from engine.base.files import replacing
from engine.base.language import marked, tr
from engine.base.wording import counted, reason, whole_percent
from engine.data import split_doubts
from engine.data.file_names import natural
from engine.data.given_split import few, listed, require_match
from engine.data.groups import joined, kept_together, two_labelled
from engine.data.part_names import PART_NAMES
from engine.data.patients import patients
from engine.data.records import NearGroup, Record, Row, Scan
from engine.data.scan import require_trainable
from engine.data.tables import FILE_COLUMNS, plain_column, read_rows
from engine.recipe.config import DataConfig

PARTS = (marked("train"), marked("validation"), marked("test"))
COLUMNS = ("file", "class", "part", "sha")
PATIENT = "patient number"
"""The column that a split has beside those where patients are known."""

_OTHER_COLUMNS = {"file": FILE_COLUMNS, "class": ("label",), "part": ("split", "publishedsplit")}
_ERRORS = "surrogateescape"  # a file name that is not UTF-8 comes back as it was


@dataclass(frozen=True)
class Split:
    """Which image lies in which part, in the order of the scan."""

    rows: tuple[Row, ...]

    def files(self, part: str) -> tuple[str, ...]:
        """The files of `part`, in order."""
        return tuple(row.file for row in self.rows if row.part == part)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of its images, each once."""
        return tuple(dict.fromkeys(row.label for row in self.rows))

    def counts(self) -> dict[str, dict[str, int]]:
        """Images by part and class; every class stands in every part."""
        labels = self.labels
        pairs = Counter((row.part, row.label) for row in self.rows)
        return {part: {label: pairs[part, label] for label in labels} for part in PARTS}

    def write(self, path: Path) -> None:
        """Write the split as CSV, whole or not at all."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        known = any(row.patient for row in self.rows)
        writer.writerow((*COLUMNS, PATIENT) if known else COLUMNS)
        for row in self.rows:
            values = (row.file, row.label, row.part, row.sha, row.patient)
            writer.writerow(map(to_cell, values if known else values[:-1]))
        with replacing(path) as file:
            file.write(text.getvalue().encode("utf-8", _ERRORS))

    @classmethod
    def read(cls, path: Path) -> "Split":
        """The split that `write` wrote, or any table with the columns file, class and part. Raises DataError.

        A column may also be called path (or one of FILE_COLUMNS), label, or split (published_split).
        """
        rows: list[Row] = []
        try:
            lines = read_rows(path, pipes=True)
            _, given = next(lines, (0, []))
            places = _places(given)
            missing = [name for name in COLUMNS[:3] if name not in places]
            if missing:
                raise DataError(tr("is no split: it lacks the column {missing}", missing=", ".join(missing)))
            rows.extend(_row(line, {name: _cell(row, place) for name, place in places.items()}) for line, row in lines)
        except FileNotFoundError as exc:
            raise DataError(tr("{path} does not exist; check the path given with --split.", path=path)) from exc
        except OSError as exc:
            raise DataError(
                tr(
                    "{path} can't be read ({reason}); check the path given with --split.",
                    path=path,
                    reason=reason(exc),
                )
            ) from exc
        except DataError as exc:
            raise DataError(tr("{path} {reason}.", path=path, reason=exc)) from None
        twice = [file for file, n in Counter(row.file for row in rows).items() if n > 1]
        if twice:
            raise DataError(
                tr("{path} lists {name} twice; each image belongs to one part.", path=path, name=few(twice[:1]))
            )
        return cls(tuple(rows))


def draw(
    scanned: Scan, val_share: float, test_share: float, seed: int, patients: Mapping[str, str] | None = None
) -> Split:
    """A new split of `scanned`, by class: `test_share` and `val_share` of its images, the rest to train on.

    Equal images, near duplicates that the scan looked for, and images of one patient, where `patients` names that of a
    file, stay together, so a share is met to within one group, and each part gets at least one group of each class. A
    picture that bears two labels goes to train, where it can't falsify a result; a patient with images of two classes
    is dealt with those of the class that has most of them. The same records and seed give the same split. Raises
    DataError when a class has fewer than three distinct images, or a part would have none of a class.
    """
    require_trainable(scanned)
    by_class = _by_class(scanned, patients)
    parts: dict[str, str] = {}
    for name, own in by_class.items():
        if len(own) < len(PARTS):
            raise DataError(split_doubts.too_few(name, scanned, len(own), len(PARTS)))
        total = sum(record.label == name for record in scanned.records)
        targets = {"test": test_share * total, "validation": val_share * total}
        for part, members in _deal(_shuffled(own, name, seed), targets).items():
            parts.update((record.file, part) for group in members for record in group)
    split = Split(tuple(Row(r.file, r.label, parts.get(r.file, "train"), r.sha) for r in scanned.records))
    lacking = [(part, name) for part, counts in split.counts().items() for name, count in counts.items() if not count]
    if lacking:
        part, name = lacking[0]
        raise DataError(
            tr(
                'Kept together, the patients leave the part "{part}" without an image of class "{name}"; give another '
                "--seed, or larger shares.",
                part=tr(part),
                name=name,
            )
        )
    return split


def reuse(
    path: Path,
    scanned: Scan,
    gone_ok: bool = False,
    val_share: float = 0.1,
    seed: int = 0,
    patients: Mapping[str, str] | None = None,
    corrected: Mapping[str, str] | None = None,
) -> tuple[Split, tuple[str, ...]]:
    """The split written at `path`, applied to `scanned`, and sentences on what does not agree with it.

    Classes that were not scanned are left out, as are images that `path` does not list. Images that changed since, and
    equal images or images of one patient in two parts, are told but kept. Where no image is for validation, as in many
    a published split, `val_share` of those to train on are drawn for it, those of one patient together. Raises
    DataError when an image is of another class than its folder or `corrected` says, when a part has no image of a
    class, or when an image is gone, which `gone_ok` turns into a sentence.
    """
    known = {record.file: record for record in scanned.records}
    found = listed(path, Split.read(path).rows, scanned)
    if not gone_ok:
        require_match(found)
        if found.missing:
            raise DataError(
                tr(
                    "{path} lists {images} that {root} lacks or can't read: {few}.",
                    path=path,
                    images=counted(len(found.missing), "image"),
                    root=scanned.root,
                    few=few(found.missing),
                )
            )
        if found.unclear:
            raise DataError(
                tr(
                    "{path} lists names that fit several images of {root}: {few}.",
                    path=path,
                    root=scanned.root,
                    few=few(found.unclear),
                )
            )
    for row in found.rows:
        if row.label not in (known[row.file].label, (corrected or {}).get(row.file)):
            raise DataError(
                tr(
                    '{path} says that {file} is of class "{label}", but it lies in "{folder}".',
                    path=path,
                    file=row.file,
                    label=row.label,
                    folder=known[row.file].label,
                )
            )
    parts = {row.file: row for row in found.rows}
    own = [(r, parts[r.file]) for r in scanned.records if r.file in parts]
    split = Split(tuple(Row(r.file, r.label, given.part, r.sha, given.patient) for r, given in own))
    split, drawn = _completed(path, split, scanned, val_share, seed, patients)
    told = split_doubts.disagreements(scanned.root, found, split.rows)
    torn, doubled = parted(split.rows, patients or {}), leaks(split.rows, scanned.near)
    return split, (*drawn, *split_doubts.torn(path, torn), *told, *split_doubts.leaking(path, doubled, split.rows))


def published(
    scanned: Scan,
    val_share: float = 0.1,
    seed: int = 0,
    patients: Mapping[str, str] | None = None,
    test_share: float = 0.1,
) -> tuple[Split, tuple[str, ...]]:
    """The split that the folders of `scanned` publish, and sentences on what is doubtful in it.

    Where there is no folder for the test, or for validation, `test_share` and `val_share` of the images to train on are
    drawn for it, those of one patient together. Raises DataError when a part has no image of a class.
    """
    split = Split(tuple(Row(r.file, r.label, r.part, r.sha) for r in scanned.records))
    tested: tuple[str, ...] = ()
    if split.files("train") and not split.files("test"):
        split = _with_drawn("test", split, scanned, test_share, seed, patients)
        tested = (
            tr(
                "{root} has no test part: {share} of the images to train on are drawn for it.",
                root=scanned.root,
                share=whole_percent(test_share),
            ),
        )
    split, drawn = _completed(scanned.root, split, scanned, val_share, seed, patients)
    torn, doubled = parted(split.rows, patients or {}), leaks(split.rows, scanned.near)
    doubts = (*split_doubts.torn(scanned.root, torn), *split_doubts.leaking(scanned.root, doubled, split.rows))
    return split, (*tested, *drawn, *doubts)


def for_recipe(
    scanned: Scan, data: DataConfig, seed: int, gone_ok: bool = False, corrected: Mapping[str, str] | None = None
) -> tuple[Split, tuple[Notice, ...]]:
    """The split that a recipe asks for, reused, published or drawn, and what to say of it. Raises as those do.

    Its labels are those of `scanned`; a split that is reused may also have those that `corrected` gives by file.
    """
    if data.split is None and scanned.published:
        known = patients(scanned, data.group_by)
        taken, doubts = published(scanned, data.val_share, seed, known.of, data.test_share)
        tested = any(record.part == "test" for record in scanned.records)
        text = tr("Split as published by the folders.")
        if tested:
            text = tr("Split as published by the folders; --test-share is not used.")
        first = Notice("info", text, "published" if tested else "no test part")
        return _numbered(taken, known.of), (first, *(Notice("warning", text) for text in doubts))
    if data.split is None:
        known = patients(scanned, data.group_by)
        drawn = draw(scanned, data.val_share, data.test_share, seed, known.of)
        return _numbered(drawn, known.of), (Notice("info", known.told, "patients" if known.known else ""),)
    # Of a run that goes on, what patients its split parts was told before.
    of = None if gone_ok else patients(scanned, data.group_by).of
    reused, told = reuse(data.split, scanned, gone_ok, data.val_share, seed, of, corrected)
    return reused if of is None else _numbered(reused, of), tuple(Notice("warning", text) for text in told)


def _numbered(split: Split, patients: Mapping[str, str]) -> Split:
    """The split with a number for each patient: whoever resamples needs no name."""
    number = {who: str(place) for place, who in enumerate(dict.fromkeys(patients.values()), start=1)}
    return Split(tuple(replace(row, patient=number.get(patients.get(row.file, ""), "")) for row in split.rows))


def leaks(rows: Sequence[Row], near: Iterable[NearGroup] = ()) -> tuple[tuple[str, ...], ...]:
    """Groups of files that show one picture, with the same pixels or as `near` has it, and lie in two or more parts."""
    by_pixels: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_pixels[row.sha or f"unknown {row.file}"].append(row.file)
    parts = {row.file: row.part for row in rows}
    alike = [[file for file in group.files if file in parts] for group in near]
    groups = joined([*by_pixels.values(), *(files for files in alike if files)])
    return tuple(group for group in groups if len({parts[file] for file in group}) > 1)


def parted(rows: Sequence[Row], patients: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The files of each patient who has images in two or more parts; `patients` names that of a file."""
    of: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.file in patients:
            of[patients[row.file]].append(row)
    return {who: tuple(row.file for row in own) for who, own in of.items() if len({row.part for row in own}) > 1}


def _places(given: Sequence[str]) -> dict[str, int]:
    """Where each column is, under its own name or else under the likeliest of the others that it may have."""
    plain = [plain_column(name) for name in given]
    names = {name: (name, *_OTHER_COLUMNS.get(name, ())) for name in (*COLUMNS, plain_column(PATIENT))}
    found = {name: next((plain.index(one) for one in others if one in plain), -1) for name, others in names.items()}
    return {name: place for name, place in found.items() if place >= 0}


def _cell(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _row(line: int, values: dict[str, str]) -> Row:
    file, label, part = (from_cell(values[name]) for name in COLUMNS[:3])
    part = PART_NAMES.get(part.strip().lower(), part.strip().lower())
    if not file or not label or part not in PARTS:
        raise DataError(
            tr(
                "can't be used: line {line} needs a file, a class and a part ({parts})",
                line=line,
                parts=", ".join(PARTS),
            )
        )
    return Row(file, label, part, values.get("sha", ""), values.get(plain_column(PATIENT), ""))


def _by_class(scanned: Scan, patients: Mapping[str, str] | None) -> dict[str, list[list[Record]]]:
    """The groups to deal, each with the class that has most of its images; without pictures that bear two labels."""
    by_class: dict[str, list[list[Record]]] = {name: [] for name in scanned.classes}
    doubtful = two_labelled(scanned)
    mixed = []
    for group in kept_together(scanned, patients):
        if len(_labels(group)) > 1:
            mixed.append(group)
        else:
            by_class[group[0].label].append(group)
    for group in sorted(mixed, key=_first):
        if not any(record.file in doubtful for record in group):
            counts = _labels(group)
            label = max(counts, key=lambda name: (counts[name], -len(by_class[name]), name))
            by_class[label].append(group)
    return by_class


def _labels(group: Sequence[Record]) -> Counter[str]:
    return Counter(record.label for record in group)


def _first(group: Sequence[Record]) -> tuple[tuple[str | int, ...], str]:
    return min(natural(record.file) for record in group)


def _shuffled(groups: list[list[Record]], name: str, seed: int) -> list[list[Record]]:
    """The groups in a random order that depends on seed, class and files, not on their order or on other classes."""
    ordered = sorted(groups, key=_first)
    entropy = int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8], "big")
    order = np.random.default_rng([seed, entropy]).permutation(len(ordered))
    return [ordered[place] for place in order]


def _deal(groups: list[list[Record]], targets: dict[str, float]) -> dict[str, list[list[Record]]]:
    """Groups for each target number of images, as near to it as whole groups allow, at least one each and one left."""
    left = groups
    dealt: dict[str, list[list[Record]]] = {}
    for still_empty, (part, target) in zip(range(len(targets), 0, -1), targets.items(), strict=True):
        wanted = round(target)
        taken: list[list[Record]] = []
        rest: list[list[Record]] = []
        for group in left:
            fits = len(group) <= wanted and len(left) - len(taken) > still_empty
            (taken if fits else rest).append(group)
            wanted -= len(group) if fits else 0
        if len(rest) > still_empty:
            smallest = min(rest, key=len)
            if not taken or len(smallest) - wanted < wanted:
                taken.append(smallest)
                rest = [group for group in rest if group is not smallest]
        dealt[part], left = taken, rest
    return dealt


def _completed(
    where: Path, split: Split, scanned: Scan, val_share: float, seed: int, patients: Mapping[str, str] | None = None
) -> tuple[Split, tuple[str, ...]]:
    """The split with a validation part, and a sentence where that had to be drawn. Raises DataError."""
    drawn: tuple[str, ...] = ()
    if split.files("train") and not split.files("validation"):
        split = _with_drawn("validation", split, scanned, val_share, seed, patients)
        drawn = (
            tr(
                "{root} has no validation part: {share} of the images to train on are drawn for it.",
                root=where,
                share=whole_percent(val_share),
            ),
        )
    for part, counts in split.counts().items():
        lacking = [name for name in scanned.classes if not counts.get(name)]
        if lacking:
            others = [name for name, count in counts.items() if count]
            raise DataError(split_doubts.lacks(where, part, lacking[0], others))
    return split, drawn


def _with_drawn(
    part: str, split: Split, scanned: Scan, share: float, seed: int, patients: Mapping[str, str] | None = None
) -> Split:
    """The split with `share` of each class's training images for `part`, whole groups of them."""
    train = set(split.files("train"))
    by_class: dict[str, list[list[Record]]] = {name: [] for name in scanned.classes}
    for group in kept_together(scanned, patients):
        own = [record for record in group if record.file in train]
        if own and len({record.label for record in own}) == 1:
            by_class[own[0].label].append(own)
    chosen: set[str] = set()
    for name, groups in by_class.items():
        if len(groups) > 1:
            dealt = _deal(_shuffled(groups, name, seed), {part: share * sum(map(len, groups))})[part]
            chosen.update(record.file for group in dealt for record in group)
    return Split(tuple(replace(row, part=part) if row.file in chosen else row for row in split.rows))
