"""The lists of a dataset as tables for a `Listing`: problems, equal images, sources by class."""

from collections import Counter
from typing import TYPE_CHECKING

from engine.base.language import marked, tr
from engine.base.wording import counted, listing
from tui.widgets.table_dialog import Table
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.data.records import Scan
    from engine.data.split import Split

KINDS = (
    marked("unreadable"), marked("symlink"), marked("misplaced"), marked("folder"), marked("empty"),
    marked("unlabelled"), marked("mask-missing"), marked("mask-orphan"), marked("mask-shape"), marked("same-name"),
    marked("workbook"), marked("label-conflict"), marked("pose"), marked("vanished"), marked("changed"),
)  # fmt: skip
"""The kinds of problems."""


def problems(found: "Scan", split: "Split | None") -> Table:
    """Everything in the folder that can't be used or is in doubt."""
    return Table(
        title=tr("Problems ({count:,})", count=len(found.problems)),
        about=tr("These files are left out or in doubt; all others are used."),
        columns=(tr("file"), tr("kind"), tr("reason")),
        rows=[(problem.file, tr(problem.kind), in_recipe_terms(problem.reason)) for problem in found.problems],
        none=tr("No problems: every file in the class folders can be used."),
    )


def duplicates(found: "Scan", split: "Split | None") -> Table:
    """The groups of images that show one picture, with the same pixels or with others, and the part of each."""
    parts = {row.file: row.part for row in split.rows} if split else {}
    labels = {record.file: record.label for record in found.records}
    groups = [(tr("same pixels"), files) for files in found.duplicates]
    for near in found.near:
        alike = tr("alike {similarity:.3f}", similarity=near.similarity)
        groups.append((listing((*map(tr, near.changes), alike)), near.files))
    return Table(
        title=tr(
            "Equal images ({equal}), near duplicates ({near})",
            equal=counted(len(found.duplicates), "group"),
            near=counted(len(found.near), "group"),
        ),
        about=tr(
            "Images of a group show one picture, whatever their names and formats. Each group lies in "
            "one part, so that no test image was ever trained on."
        ),
        columns=(tr("group"), tr("file"), tr("class"), tr("part"), tr("how")),
        rows=[
            (number, file, labels.get(file, ""), tr(parts.get(file, "")), how)
            for number, (how, files) in enumerate(groups, start=1)
            for file in files
        ],
        none=tr("No two images show the same picture."),
    )


def sources(found: "Scan", split: "Split | None") -> Table:
    """Images by source and class, and whether the one tells the other."""
    from engine.data.confounding import TRAITS, association

    classes = list(found.classes)
    known = Counter((record.source, record.label) for record in found.records if record.source)
    names = sorted({source for source, _ in known})
    rows: list[tuple[str | int, ...]] = [(source, *(known[source, name] for name in classes)) for source in names]
    unknown = [found.classes[name].images - sum(known[source, name] for source in names) for name in classes]
    if names and any(unknown):
        rows.append((tr("not known"), *unknown))
    tie = association("source", found.records, TRAITS["source"])
    return Table(
        title=tr("Images by source and class"),
        about=in_recipe_terms(tie.verdict) if tie else "",
        columns=(tr("source"), *classes),
        rows=rows,
        none=tr(
            "The sources are not known: a CLASS.metadata.xlsx beside the class folders, with the "
            "columns FILE NAME and URL, tells them."
        ),
    )
