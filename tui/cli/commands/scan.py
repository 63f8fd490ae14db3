"""What `covid-tui scan` says of a folder: its classes, what could tell them without the lungs, duplicates, leaks."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.context import Context
from engine.base.wording import counted
from engine.data.folders.class_listing import AS_PUBLISHED
from engine.recipe.config import DataConfig
from tui.cli.progress import put, put_json, put_raw, reporting, stop_on_signals, until_stopped
from tui.cli.verbs import put_table
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from engine.data.confounding import Confounding
    from engine.data.findings import SplitCheck
    from engine.data.patients import Patients
    from engine.data.records import Scan

MOST_SOURCES = 12
"""Sources by class that are listed; the rest is counted."""
MOST_LINES, MOST_NAMES = 10, 8
"""Lines of a listing, and names in a line, that are shown; the rest is counted, and whole in --csv and --json."""
Located = list[dict[str, str]]
"""Files, each with the part that it lies in."""


def scan(data: Path, wanted: DataConfig, as_json: bool, csv: Path | None = None, force: bool = False) -> int:
    """`covid-tui scan`; `csv` is a file to write every finding to."""
    from engine.data.confounding import confounding
    from engine.data.findings import check_split, findings, write_findings
    from engine.data.patients import patients
    from engine.data.scan import scan as scan_folder
    from engine.data.warnings import folder_warnings

    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        flags = wanted.follow_links, wanted.near_duplicates
        found, code = until_stopped(lambda: scan_folder(data, wanted.class_names, Context(emit, stop), *flags), signals)
    if found is None:
        return code
    known = patients(found, wanted.group_by)
    checked = check_split(found, wanted.split, known)
    confounded = confounding(found)
    if csv:
        write_findings(csv, findings(found, checked), force)
    if as_json:
        split = _split_as_json(checked, known)
        warnings = list(folder_warnings(found))
        put_json({**found.to_dict(), "warnings": warnings, "confounding": confounded.to_dict(), **split})
        return 0
    _put_classes(found)
    _put_reading(found)
    _put_confounding(found, confounded)
    _put_groups(found, wanted, known)
    if checked:
        _put_split(found, wanted.split, checked)
    if found.notes:
        put()
        put("To know of the images:")
        for item in found.notes:
            put(f"  {item.sentence}")
    if found.problems:
        put()
        put(f"{counted(len(found.problems), 'problem')}:")
        _put_head([f"{problem.file}: {problem.reason}" for problem in found.problems])
    return 0


def _split_as_json(checked: "SplitCheck | None", known: "Patients") -> dict[str, Any]:
    parts = checked.parts if checked else {}

    def located(files: Sequence[str]) -> Located:
        return [{"file": file, "part": parts[file]} for file in files]

    apart = checked.apart if checked else None
    in_two = None if apart is None else [{"patient": who, "images": located(own)} for who, own in apart.items()]
    return {
        "patients": {"told": known.told, "patients": len(set(known.of.values())) or None, "in_two_parts": in_two},
        "split": checked.listed.to_dict() if checked and checked.listed else None,
        "leaks": None if checked is None else [located(files) for files in checked.leaks],
    }


def put_alarm(text: str) -> None:
    """A line on stdout that must not be missed: red where colour is allowed."""
    shown = display_name(text)
    colour = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    put_raw(f"\x1b[1;31m{shown}\x1b[0m" if colour else shown)


def _put_classes(found: "Scan") -> None:
    rows: list[Sequence[str]] = [("class", "images", "share", "masks", "formats", "sizes", "modes", "mean", "sources")]
    for name, c in found.classes.items():
        share = f"{c.images / max(len(found.records), 1):.0%}"
        texts = [_counts(c.formats), _counts(c.sizes), _counts(c.modes)]
        level = "-" if c.mean_intensity is None else f"{c.mean_intensity:.0f}"
        sources = f"{len(c.sources)}" if c.sources else "-"
        rows.append((name, f"{c.images:,}", share, f"{c.masks:,}", *texts, level, sources))
    put_table(rows)


def _put_reading(found: "Scan") -> None:
    """How the folders were read, and what is doubtful in it."""
    if found.layout.remarks or found.layout.doubts:
        put()
    for text in found.layout.remarks:
        put(text)
    for text in found.layout.doubts:
        put_alarm(f"! {text}")


def _put_confounding(found: "Scan", confounded: "Confounding") -> None:
    from engine.data.warnings import folder_warnings

    source = next((a for a in confounded.associations if a.trait == "source"), None)
    if source:
        put()
        names = list(found.classes)
        most = sorted(source.table.items(), key=lambda item: -sum(item[1].values()))[:MOST_SOURCES]
        put_table([("source", *names), *((s, *(f"{row.get(name, 0):,}" for name in names)) for s, row in most)])
        if len(source.table) > len(most):
            put(f"and {counted(len(source.table) - len(most), 'more source')}")
    put()
    for text in folder_warnings(found):
        put(f"Beware: {text}.")
    for alarm in confounded.alarms:
        put_alarm(f"! {alarm}")
    if confounded.guess and not confounded.guess.telling:
        put(confounded.guess.sentence)
    if not confounded.sources_known and len(found.classes) > 1:
        put("The sources of the images are not known: a model may learn hospitals in place of lungs.")


def _put_groups(found: "Scan", wanted: DataConfig, known: "Patients") -> None:
    put(known.told)
    if found.duplicates:
        put()
        put(f"{counted(len(found.duplicates), 'group')} of files with the same pixels:")
        _put_head([_few(group) for group in found.duplicates])
    if found.near:
        put()
        put(f"{counted(len(found.near), 'group')} of near duplicates, which show one picture with other pixels:")
        _put_head([
            f"{_few(alike.files)}  ({'; '.join([*alike.changes, f'correlation {alike.similarity:.3f}'])})"
            for alike in found.near
        ])  # fmt: skip
    elif not wanted.near_duplicates:
        put("Near duplicates were not looked for, as asked.")


def _put_split(found: "Scan", path: Path | None, checked: "SplitCheck") -> None:
    """What the split at `path`, else that of the folders, has in two parts, and what was looked at for that."""
    put()
    split, parts = path or found.root, checked.parts

    def where(files: Sequence[str]) -> str:
        return _few([f"{file} ({parts[file]})" for file in files])

    if checked.listed:
        put(checked.listed.told)
        for doubt in checked.listed.doubts():
            put_alarm(f"! {doubt}")
    else:
        put(f"{_parts(found)}; {AS_PUBLISHED}.")
    if checked.leaks:
        several = counted(len(checked.leaks), "picture")
        put_alarm(f"! LEAKS: {split} puts {several} into two parts; a test on it looks too good:")
        _put_head([where(files) for files in checked.leaks])
    else:
        put(f"{split} puts no picture into two parts, {checked.of}.")
    if checked.apart:
        several = counted(len(checked.apart), "patient")
        put_alarm(f"! LEAKS: {split} has images of {several} in two parts or more; a test on it looks too good:")
        _put_head([f"{who}: {where(files)}" for who, files in checked.apart.items()])
    elif checked.apart is not None:
        of = f"{checked.named:,} of {counted(len(checked.rows), 'image')} have a known patient"
        put(f"{split} has no patient in two parts; {of}, {checked.patients:,} in all.")


def _put_head(lines: Sequence[str]) -> None:
    """The first lines of a listing, and how many more there are."""
    for line in lines[:MOST_LINES]:
        put(f"  {line}")
    if len(lines) > MOST_LINES:
        put(f"  and {len(lines) - MOST_LINES:,} more: --csv FILE writes all of them to a file, --json prints them")


def _few(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _parts(found: "Scan") -> str:
    counts = Counter(record.part for record in found.records)
    return ", ".join(f"{part} {counts[part]:,}" for part in ("train", "validation", "test") if counts[part])


def _counts(counts: dict[str, Any]) -> str:
    items = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name}" if len(items) == 1 else f"{name} ({n:,})" for name, n in items[:3]) + (
        f" and {len(items) - 3} more" if len(items) > 3 else ""
    )
