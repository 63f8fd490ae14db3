"""A folder of X-rays in words: how far it is read, how it is split, what to beware of, and what a picture is."""

from typing import TYPE_CHECKING

from textual.content import Content

from engine.base.language import tr
from engine.data.folders.class_listing import AS_PUBLISHED
from engine.data.warnings import FolderWarning, Kind, folder_warnings
from tui.screens.dataset.corrected import all_changes, change_line
from tui.widgets.safe_cells import content, lines
from tui.words.image_words import mode_word
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.data.confounding import Confounding
    from engine.data.image.reader import XrayImage
    from engine.data.records import Record, Scan
    from tui.state.session import Session

WELCOME = tr(
    "Press o to open a folder of X-rays.\n\nIt holds one folder a class, laid out as "
    "CLASS/images/*.png beside CLASS/masks/*.png, or as CLASS/*.png. PNG, JPEG, TIFF, BMP, "
    "WebP and DICOM are read, and every file that can't be used is reported with its reason."
)
KEYS: dict[Kind, str] = {
    "leaks": "d", "equal-images": "d", "near-duplicates": "d", "label-conflict": "p", "problems": "p",
}  # fmt: skip
"""The key that lists what a warning counts."""


def reading(session: "Session") -> Content:
    """How far the folder is read; where there is none, how to open one."""
    if not session.data:
        return Content("\n").join(content(line) for line in WELCOME.split("\n"))
    job = session.jobs.get("scan")
    progress = job.progress if job else None
    if not progress or not progress.total:
        return lines([content(tr("Reading the images ...")), Content("")])
    bar = session.glyphs.bar(progress.done / progress.total, 30)
    return lines(
        [
            content(tr("Reading the images {done:,} of {total:,} ...", done=progress.done, total=progress.total)),
            Content(bar.strip()),
        ]
    )


def divided(session: "Session") -> Content:
    """The parts of the split, how they were drawn, and what corrections did; or why there are none."""
    if not session.split:
        trouble = session.split_problem
        return (
            content(f"{session.glyphs.beware} {trouble}", "$error")
            if trouble
            else content(tr("The split is being drawn ..."))
        )
    counts = {part: sum(own.values()) for part, own in session.split.counts().items()}
    dot = f"  {session.glyphs.dot}  "
    published = session.scan and session.scan.published and session.config.data.split is None
    how = AS_PUBLISHED if published else tr("seed {seed}", seed=session.config.machine.seed)
    rows = [content(dot.join([*(f"{tr(part)} {count:,}" for part, count in counts.items()), how]))]
    return lines([*rows, *([content(text, "$warning")] if (text := all_changes(session)) else [])])


def warned(
    session: "Session", found: "Scan", confounded: "Confounding | None", patients: str, unfinished: bool
) -> Content:
    """What to beware of, a line each, but for what the banner says; a word where there is nothing, or nothing yet."""
    glyphs = session.glyphs
    given = session.split.rows if session.split and (found.published or session.config.data.split) else ()
    rows = [
        content(f"{glyphs.beware if one.grave else glyphs.dot} {_with_key(one)}", "bold $error" if one.grave else "")
        for one in folder_warnings(found, confounded, patients, given, unfinished)
        if not confounded or one.sentence not in confounded.alarms[:1]
    ]
    none = tr("The classes are being compared ...")
    if confounded:
        none = tr("Nothing else found to beware of.") if confounded.alarms else tr("Nothing found to beware of.")
    return lines(rows or [content(none)])


def _with_key(warning: FolderWarning) -> str:
    key = KEYS.get(warning.kind)
    sentence = in_recipe_terms(warning.sentence)
    return tr("{sentence} (see {key})", sentence=sentence, key=key) if key else sentence


def pictured(session: "Session", record: "Record", image: "XrayImage", masked: bool) -> Content:
    """What is known of a picture; `masked` while its lung mask lies over it."""
    facts, dot = image.facts, session.glyphs.dot
    row = next((row for row in session.split.rows if row.file == record.file), None) if session.split else None
    mask = tr("no mask") if record.mask is None else tr("mask on") if masked else tr("mask off (m)")
    look = (
        f"{facts.width}x{facts.height} {facts.format}",
        tr("{mode}, {depth} bit", mode=mode_word(facts.mode), depth=facts.bit_depth),
        tr("mean brightness {level}", level=f"{facts.mean:.0f}"),
        tr("spread {spread}", spread=f"{facts.std:.0f}"),
    )
    texts = [
        f" {dot} ".join(look),
        f"{tr(row.part) if row else tr('in no part')} {dot} {mask}",
        tr("source {source}", source=record.source) if record.source else tr("source not known"),
        *(facts.dicom.told if facts.dicom else ()),
    ]
    change = change_line(session, record)
    warnings = [content(f"{session.glyphs.beware} {note}", "$warning") for note in facts.notes[:2]]
    return lines([*([content(change, "bold $warning")] if change else []), *map(content, texts), *warnings])
