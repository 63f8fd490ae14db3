"""The verb `scan`: a folder's classes, what could tell them without the lungs, duplicates, leaks, problems."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from engine.base.language import marked, tr, trn
from engine.base.outputs import write_table
from engine.base.wording import counted, listing, whole_percent
from engine.recipe.config import DataConfig
from tui.cli.console import put, put_alarm, put_json, put_table
from tui.cli.outputs import Writes
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped

if TYPE_CHECKING:
    from engine.data.confounding import Confounding
    from engine.data.findings import SplitCheck
    from engine.data.patients import Patients
    from engine.data.records import Scan
    from engine.data.warnings import FolderWarning, Kind


MOST_SOURCES = 12
"""Sources by class that are listed; the rest is counted."""
MOST_LINES, MOST_NAMES = 10, 8
"""Lines of a listing, and names in a line, that are shown; the rest is counted, and whole in --csv and --json."""
LISTED: "frozenset[Kind]" = frozenset(
    ("layout", "layout-doubt", "leaks", "equal-images", "near-duplicates", "problems", "patients", "note")
)
"""Kinds of warnings that are listed file by file, or sentence by sentence, in another place of the output."""
Located = list[dict[str, str]]
"""Files, each with the part that it lies in."""


def scan(
    data: Path,
    *,
    classes: str = "",
    split: Path | None = None,
    corrections: Path | None = None,
    group_by: str = "",
    labels: Path | None = None,
    label_column: str = "",
    near_duplicates: Annotated[bool, Parameter(negative_bool="no-")] = True,
    follow_links: bool = False,
    csv: Annotated[Path | None, Writes(".csv")] = None,
    force: bool = False,
    json: bool = False,
) -> int:
    """Say what a folder holds: classes, sources, masks, duplicates, problems, and what tells the classes without lungs.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    classes
        Class folders to look at, separated by commas (all of them when empty). A name that has a comma itself stands in
        double quotes, which a shell wants in single ones: '"a, b",c'. Or give --classes once for each name.
    corrections
        A corrections.csv, as a review writes it: the folder is shown as it corrects it.
    split
        A table with the columns file (or path), class, part (or split): are pictures or patients in two of its parts?
    group_by
        What tells a patient: a metadata column, "names" for the usual patterns of names that a scan proposes, or
        "name:REGEX" for a pattern of file names.
    labels
        A table that says the class of each image, for a folder without class folders.
    label_column
        The column of --labels that holds the class (when empty: a column such as "label", "class" or "finding").
    near_duplicates
        Also look for images that show one picture with other pixels: rescaled, brightened, cropped, mirrored.
    follow_links
        Also read what symbolic links lead to outside the folder.
    csv
        Also write every problem, duplicate and leak to this new file, as CSV; the text shows the first ones of each.
    force
        Let --csv replace a file that is there.
    json
        Print one JSON object.
    """
    from engine.data.confounding import confounding
    from engine.data.findings import HEADER, check_split, findings
    from engine.data.patients import patients
    from engine.data.scan import scan as scan_folder
    from engine.data.warnings import folder_warnings

    wanted = DataConfig(
        classes=classes, split=split, labels=labels, label_column=label_column, follow_links=follow_links,
        group_by=group_by, near_duplicates=near_duplicates,
    )  # fmt: skip
    with stoppable() as (context, signals):
        flags = wanted.follow_links, wanted.near_duplicates
        table = wanted.label_table
        scanned, code = until_stopped(
            lambda: scan_folder(data, wanted.class_names, context, *flags, labels=table), signals
        )
    if scanned is None:
        return code
    scanned, mended = _mended(scanned, corrections)
    known = patients(scanned, wanted.group_by)
    checked = check_split(scanned, wanted.split, known)
    confounded = confounding(scanned)
    warnings = folder_warnings(scanned, confounded, known, checked.rows if checked else ())
    if csv:
        write_table(csv, HEADER, findings(scanned, checked), force)
    if json:
        parts = _split_json(checked, known)
        beware = {"warnings": [one.sentence for one in warnings], "beware": [one.to_dict() for one in warnings]}
        put_json({**scanned.to_dict(), **beware, "confounding": confounded.to_dict(), **parts, **mended})
        return 0
    for text in mended.values():
        put(text)
    _put_classes(scanned)
    _put_reading(scanned)
    _put_sources(scanned, confounded)
    _put_warnings(warnings, confounded)
    _put_groups(scanned, wanted, known)
    if checked:
        _put_split(scanned, wanted.split, checked)
    if scanned.notes:
        put()
        put(tr("To know of the images:"))
        for item in scanned.notes:
            put(f"  {item.sentence}")
    if scanned.problems:
        put()
        put(tr("{problems}:", problems=counted(len(scanned.problems), "problem")))
        _put_head([f"{problem.file}: {problem.reason}" for problem in scanned.problems])
    return 0


def _mended(scanned: "Scan", corrections: Path | None) -> "tuple[Scan, dict[str, str]]":
    """The scan as corrected, and what that did, under the key of the JSON."""
    from engine.data.corrections import corrected, read_corrections

    if corrections is None:
        return scanned, {}
    found, applied = corrected(scanned, read_corrections(corrections))
    return found, {"corrections": applied.sentence}


def _split_json(checked: "SplitCheck | None", known: "Patients") -> dict[str, Any]:
    from engine.data.patients import BY_PATTERNS

    parts = checked.parts if checked else {}

    def located(files: Sequence[str]) -> Located:
        return [{"file": file, "part": parts[file]} for file in files]

    apart = checked.apart if checked else None
    in_two = None if apart is None else [{"patient": who, "images": located(files)} for who, files in apart.items()]
    proposed = known.proposed and {"group_by": BY_PATTERNS, **known.proposed.to_dict()}
    count = len(set(known.of.values())) or None
    return {
        "patients": {"told": known.told, "patients": count, "in_two_parts": in_two, "proposed": proposed},
        "split": checked.listed.to_dict() if checked and checked.listed else None,
        "leaks": None if checked is None else [located(files) for files in checked.leaks],
    }


def _put_classes(scanned: "Scan") -> None:
    rows: list[Sequence[str]] = [(
        tr("class"), tr("images"), tr("share"), tr("masks"), tr("formats"), tr("sizes"), tr("modes"), tr("mean"),
        tr("sources"),
    )]  # fmt: skip
    for name, c in scanned.classes.items():
        share = whole_percent(c.images / max(len(scanned.records), 1))
        texts = [_counts(c.formats), _counts(c.sizes), _counts(c.modes)]
        level = "-" if c.mean_intensity is None else f"{c.mean_intensity:.0f}"
        sources = f"{len(c.sources)}" if c.sources else "-"
        rows.append((name, f"{c.images:,}", share, f"{c.masks:,}", *texts, level, sources))
    put_table(rows)


def _put_reading(scanned: "Scan") -> None:
    """How the folders were read, and what is doubtful in it."""
    if scanned.layout.remarks or scanned.layout.doubts:
        put()
    for text in scanned.layout.remarks:
        put(text)
    for text in scanned.layout.doubts:
        put_alarm(f"! {text}")


def _put_sources(scanned: "Scan", confounded: "Confounding") -> None:
    source = next((a for a in confounded.associations if a.trait == "source"), None)
    if source:
        put()
        names = list(scanned.classes)
        most = sorted(source.table.items(), key=lambda item: -sum(item[1].values()))[:MOST_SOURCES]
        put_table([(tr("source"), *names), *((s, *(f"{row.get(name, 0):,}" for name in names)) for s, row in most)])
        if len(source.table) > len(most):
            put(trn("and {number} more source", "and {number} more sources", len(source.table) - len(most)))


def _put_warnings(warnings: "Sequence[FolderWarning]", confounded: "Confounding") -> None:
    """What to beware of, but for the kinds that are listed in another place."""
    put()
    for one in warnings:
        if one.grave and one.kind not in LISTED:
            put_alarm(f"! {one.capitalised}")
    for one in warnings:
        if not one.grave and one.kind not in LISTED:
            put(tr("Beware: {sentence}.", sentence=one.sentence))
    if confounded.guess and not confounded.guess.telling:
        put(confounded.guess.sentence)


def _put_groups(scanned: "Scan", wanted: DataConfig, known: "Patients") -> None:
    put(known.told)
    if scanned.duplicates:
        put()
        put(tr("{groups} of files with the same pixels:", groups=counted(len(scanned.duplicates), "group")))
        _put_head([_few(group) for group in scanned.duplicates])
    if scanned.near:
        put()
        groups = counted(len(scanned.near), "group")
        put(tr("{groups} of near duplicates, which show one picture with other pixels:", groups=groups))
        _put_head([
            f"{_few(alike.files)}  ({'; '.join([*map(tr, alike.changes), _correlation(alike.similarity)])})"
            for alike in scanned.near
        ])  # fmt: skip
    elif not wanted.near_duplicates:
        put(tr("Near duplicates were not looked for, as asked."))


def _put_split(scanned: "Scan", path: Path | None, checked: "SplitCheck") -> None:
    """What the split at `path`, else that of the folders, has in two parts, and what was looked at for that."""
    from engine.data.folders.class_listing import AS_PUBLISHED

    put()
    split, parts = path or scanned.root, checked.parts

    def where(files: Sequence[str]) -> str:
        return _few([f"{file} ({tr(parts[file])})" for file in files])

    if checked.listed:
        put(checked.listed.told)
        for doubt in checked.listed.doubts():
            put_alarm(f"! {doubt}")
    else:
        put(tr("{parts}; {published}.", parts=_parts(scanned), published=AS_PUBLISHED))
    if checked.leaks:
        several = counted(len(checked.leaks), "picture")
        leaks = tr(
            "LEAKS: {split} puts {pictures} into two parts; a test on it looks too good:", split=split, pictures=several
        )
        put_alarm(f"! {leaks}")
        _put_head([where(files) for files in checked.leaks])
    else:
        put(tr("{split} puts no picture into two parts, {of}.", split=split, of=checked.of))
    if checked.apart:
        several = counted(len(checked.apart), "patient")
        leaks = tr(
            "LEAKS: {split} has images of {patients} in two parts or more; a test on it looks too good:",
            split=split,
            patients=several,
        )
        put_alarm(f"! {leaks}")
        _put_head([f"{who}: {where(files)}" for who, files in checked.apart.items()])
    elif checked.apart is not None:
        put(
            tr(
                "{split} has no patient in two parts; {named:,} of {images} have a known patient, {patients:,} in all.",
                split=split,
                named=checked.named,
                images=counted(len(checked.rows), "image"),
                patients=checked.patients,
            )
        )


def _put_head(lines: Sequence[str]) -> None:
    """The first lines of a listing, and how many more there are."""
    for line in lines[:MOST_LINES]:
        put(f"  {line}")
    if len(lines) > MOST_LINES:
        more = len(lines) - MOST_LINES
        put("  " + tr("and {count:,} more: --csv FILE writes all of them to a file, --json prints them", count=more))


def _few(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    first = listing(names[:MOST_NAMES])
    return tr("{names} and {count:,} more", names=first, count=more) if more > 0 else first


def _correlation(similarity: float) -> str:
    return tr("correlation {value:.3f}", value=similarity)


def _parts(scanned: "Scan") -> str:
    counts = Counter(record.part for record in scanned.records)
    names = marked("train"), marked("validation"), marked("test")
    return listing(f"{tr(part)} {counts[part]:,}" for part in names if counts[part])


def _counts(counts: dict[str, Any]) -> str:
    items = sorted(counts.items(), key=lambda item: -item[1])
    first = listing(f"{name}" if len(items) == 1 else f"{name} ({n:,})" for name, n in items[:3])
    return tr("{names} and {count:,} more", names=first, count=len(items) - 3) if len(items) > 3 else first
