"""What `covid-tui scan` says of a folder: its classes, what could tell them without the lungs, duplicates, leaks."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.config import DataConfig
from engine.dataset.listing import AS_PUBLISHED
from tui.headless import put, put_json, reporting, stop_on_signals, until_stopped
from tui.text import display_name
from tui.verbs import put_table

if TYPE_CHECKING:
    from engine.dataset.confounding import Confounding
    from engine.dataset.patients import Patients
    from engine.dataset.scan import Scan
    from engine.dataset.split import Row

MOST_SOURCES = 12
"""Sources by class that are listed; the rest is counted."""
Located = list[dict[str, str]]
"""Files, each with the part that it lies in."""


def scan(data: Path, wanted: DataConfig, as_json: bool) -> int:
    """`covid-tui scan`."""
    from engine.dataset.confounding import confounding
    from engine.dataset.patients import patients
    from engine.dataset.scan import scan as scan_folder

    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        flags = wanted.follow_links, wanted.near_duplicates
        found, code = until_stopped(lambda: scan_folder(data, wanted.class_names, emit, stop, *flags), signals)
    if found is None:
        return code
    known = patients(found, wanted.group_by)
    rows = _given(wanted.split, found) if wanted.split or found.published else None
    leaks = None if rows is None else _leaks(rows, found)
    parted = None if rows is None or not known.known else _parted(rows, known)
    confounded = confounding(found)
    if as_json:
        apart = None if parted is None else [{"patient": who, "images": own} for who, own in parted.items()]
        told = {"told": known.told, "patients": len(set(known.of.values())) or None, "in_two_parts": apart}
        put_json({**found.to_dict(), "confounding": confounded.to_dict(), "patients": told, "leaks": leaks})
        return 0
    _put_classes(found)
    _put_reading(found)
    _put_confounding(found, confounded)
    _put_groups(found, wanted, known)
    if leaks is not None:
        _put_split(found, wanted.split, leaks, parted)
    if found.problems:
        put()
        put(f"{len(found.problems)} problems:")
        for problem in found.problems:
            put(f"  {problem.file}: {problem.reason}")
    return 0


def put_alarm(text: str) -> None:
    """A line on stdout that must not be missed: red where colour is allowed."""
    shown = display_name(text)
    colour = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    print(f"\x1b[1;31m{shown}\x1b[0m" if colour else shown, flush=True)


def _given(path: Path | None, found: "Scan") -> "list[Row]":
    """The images that were scanned, as the split at `path` has them, else that of the folders."""
    from dataclasses import replace

    from engine.dataset.split import Row, Split

    given = Split.read(path).rows if path else [Row(r.file, r.label, r.part) for r in found.records]
    shas = {record.file: record.sha for record in found.records}
    return [replace(row, sha=shas[row.file]) for row in given if row.file in shas]


def _leaks(rows: "list[Row]", found: "Scan") -> list[Located]:
    """The files of each picture that lies in two parts."""
    from engine.dataset.split import leaks

    parts = {row.file: row.part for row in rows}
    return [[{"file": file, "part": parts[file]} for file in group] for group in leaks(rows, found.near)]


def _parted(rows: "list[Row]", known: "Patients") -> dict[str, Located]:
    """The files of each patient whose images lie in two parts."""
    from engine.dataset.split import parted

    parts = {row.file: row.part for row in rows}
    apart = parted(rows, known.of)
    return {who: [{"file": file, "part": parts[file]} for file in files] for who, files in apart.items()}


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
    if found.reading.told or found.reading.doubts:
        put()
    for text in found.reading.told:
        put(text)
    for text in found.reading.doubts:
        put_alarm(f"! {text}")


def _put_confounding(found: "Scan", confounded: "Confounding") -> None:
    source = next((a for a in confounded.associations if a.trait == "source"), None)
    if source:
        put()
        names = list(found.classes)
        most = sorted(source.table.items(), key=lambda item: -sum(item[1].values()))[:MOST_SOURCES]
        put_table([("source", *names), *((s, *(f"{row.get(name, 0):,}" for name in names)) for s, row in most)])
        if len(source.table) > len(most):
            put(f"and {len(source.table) - len(most):,} more sources")
    put()
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
        put(f"{_counted(len(found.duplicates), 'group')} of files with the same pixels:")
        for group in found.duplicates:
            put("  " + ", ".join(group))
    if found.near:
        put()
        put(f"{_counted(len(found.near), 'group')} of near duplicates, which show one picture with other pixels:")
        for alike in found.near:
            put(f"  {', '.join(alike.files)}  ({'; '.join([*alike.changes, f'correlation {alike.similarity:.3f}'])})")
    elif not wanted.near_duplicates:
        put("Near duplicates were not looked for, as asked.")


def _put_split(found: "Scan", path: Path | None, leaks: list[Located], parted: dict[str, Located] | None) -> None:
    """What the split at `path`, else that of the folders, has in two parts; `parted` is None where nobody can tell."""
    put()
    split = path or found.root
    if path is None:
        put(f"{_parts(found)}; {AS_PUBLISHED}.")
    if leaks:
        several = _counted(len(leaks), "picture")
        put_alarm(f"! LEAKS: {split} puts {several} into two parts; a test on it looks too good:")
    else:
        put(f"{split} puts no picture into two parts.")
    for leak in leaks:
        put(f"  {_where(leak)}")
    if parted:
        several = _counted(len(parted), "patient")
        put_alarm(f"! LEAKS: {split} has images of {several} in two parts or more; a test on it looks too good:")
    elif parted is not None:
        put(f"{split} has no patient in two parts.")
    for who, own in (parted or {}).items():
        put(f"  {who}: {_where(own)}")


def _parts(found: "Scan") -> str:
    counts = Counter(record.part for record in found.records)
    return ", ".join(f"{part} {counts[part]:,}" for part in ("train", "validation", "test") if counts[part])


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'s' * (count > 1)}"


def _where(files: Located) -> str:
    return ", ".join(f"{item['file']} ({item['part']})" for item in files)


def _counts(counts: dict[str, Any]) -> str:
    items = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name}" if len(items) == 1 else f"{name} ({n:,})" for name, n in items[:3]) + (
        f" and {len(items) - 3} more" if len(items) > 3 else ""
    )
