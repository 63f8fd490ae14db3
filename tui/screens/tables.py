"""The lists of a dataset as tables for a `Listing`: problems, equal images, sources by class."""

from typing import TYPE_CHECKING

from tui.screens.beware import by_class, disjoint, guessed
from tui.screens.listing import Table

if TYPE_CHECKING:
    from engine.dataset.scan import Scan
    from engine.dataset.split import Split


def problems(found: "Scan", split: "Split | None") -> Table:
    """Everything in the folder that can't be used or is in doubt."""
    return Table(
        title=f"Problems ({len(found.problems):,})",
        about="These files are left out or in doubt; all others are used.",
        columns=("file", "kind", "reason"),
        rows=[(problem.file, problem.kind, problem.reason) for problem in found.problems],
        none="No problems: every file in the class folders can be used.",
    )


def duplicates(found: "Scan", split: "Split | None") -> Table:
    """The groups of images with the same pixels, and the part that each lies in."""
    parts = {row.file: row.part for row in split.rows} if split else {}
    labels = {record.file: record.label for record in found.records}
    return Table(
        title=f"Equal images ({len(found.duplicates):,} groups)",
        about="Images of a group have the same pixels, whatever their names and formats. Each group lies in one part, "
        "so that no test image was ever trained on.",
        columns=("group", "file", "class", "part"),
        rows=[
            (number, file, labels.get(file, ""), parts.get(file, ""))
            for number, group in enumerate(found.duplicates, start=1)
            for file in group
        ],
        none="No two images have the same pixels.",
    )


def sources(found: "Scan", split: "Split | None") -> Table:
    """Images by source and class, and whether the one tells the other."""
    counts = by_class(found.records, lambda record: record.source)
    classes = list(found.classes)
    names = sorted({source for own in counts.values() for source in own})
    rows: list[tuple[str | int, ...]] = [
        (source, *(counts[name][source] if name in counts else 0 for name in classes)) for source in names
    ]
    unknown = [found.classes[name].images - sum(counts[name].values() if name in counts else ()) for name in classes]
    if names and any(unknown):
        rows.append(("not known", *unknown))
    verdict = ""
    if counts:
        right, always = guessed(counts)
        verdict = (
            "CONFOUNDED: each source belongs to one class, so a model may learn the hospital in place of the disease."
            if disjoint(counts)
            else f"Guessing the class by the source alone is right for {right:.0%} of the images, always saying the "
            f"commonest class for {always:.0%}."
        )
    return Table(
        title="Images by source and class",
        about=verdict,
        columns=("source", *classes),
        rows=rows,
        none="The sources are not known: a CLASS.metadata.xlsx beside the class folders, with the columns FILE NAME "
        "and URL, tells them.",
    )
