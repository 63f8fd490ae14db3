"""What a matrix of sets leaves on disk beside its runs: matrix.json with every number, matrix.md, matrix.svg."""

from collections.abc import Iterable
from pathlib import Path

from engine.base.errors import RunError
from engine.base.files import replacing, write_json
from engine.base.language import marked, tr, trn
from engine.base.typed_files import plain, typed
from engine.base.wording import counted, unwritable
from engine.evaluation.headline import percent, percents, points
from engine.evaluation.transport import Cell, Gap, ImageSet, Matrix
from engine.report.document import Block, Paragraph, Points, Section, Table, markdown
from engine.report.svg import heat

REPORT, TABLE, PLOT = "matrix.json", "matrix.md", "matrix.svg"
HOW = (
    tr(
        "A row is a model, a column a set of images. On its own set each image is answered once by a head that had not "
        "seen it: out of fold, by which the head was chosen too, or in the test part. Accuracy with its exact 95% "
        "interval."
    ),
    tr("Lost: accuracy on the own set less the mean of those on the others, which are other images."),
    tr(
        "Balanced accuracy is the mean of the classes' sensitivities, so it does not depend on how frequent each class "
        "is."
    ),
    tr(
        "The intervals speak of other images of these sets. They hold only where images are independent, and say "
        "nothing of a set that is not here."
    ),
)


def write(folder: Path, result: Matrix) -> None:
    """Write the three files, each whole or not at all. Raises RunError where the folder can't be written."""
    try:
        write_json(folder / REPORT, plain(result))
        with replacing(folder / TABLE) as file:
            file.write(page(result).encode())
        with replacing(folder / PLOT) as file:
            file.write(svg(result).encode())
    except OSError as error:
        raise RunError(unwritable(folder, error)) from error


def read(folder: Path) -> Matrix:
    """What matrix.json holds. Raises RunError where it is missing or damaged."""
    return typed(folder / REPORT, Matrix, tr("`covid-tui matrix` with the same folders writes it anew"))


def header(result: Matrix) -> tuple[str, ...]:
    """The header of the table of accuracies."""
    return (*_columns(one.name for one in result.sets), tr("lost, points"))


def rows(result: Matrix) -> list[tuple[str, ...]]:
    """The table of accuracies, a line a model."""
    names = [one.name for one in result.sets]
    return [
        (train, *(_share(result.cell(train, test)) for test in names), _points(result.lost.get(train)))
        for train in names
    ]


def taken_out(result: Matrix) -> str:
    """How many pictures the sets had in common, in two sentences."""
    pictures = result.same_pixels + result.near
    if not pictures and not any(one.patients_out for one in result.sets):
        return tr("No two sets have a picture in common, by pixels or as near duplicates.")
    told = trn(
        "{number} picture lies in two sets or more ({same:,} with the same pixels, {near:,} as near duplicates); all "
        "of their images were taken out of all sets",
        "{number} pictures lie in two sets or more ({same:,} with the same pixels, {near:,} as near duplicates); all "
        "of their images were taken out of all sets",
        pictures,
        same=result.same_pixels,
        near=result.near,
    )
    people = sum(one.patients_out for one in result.sets)
    out = ", ".join(
        tr("{count:,} of {name}", count=one.pictures_out + one.patients_out, name=one.name) for one in result.sets
    )
    if not people:
        return tr("{told}: {out}. None is learnt from or counted.", told=told, out=out)
    return tr(
        "{told}, and {others} of patients whom two sets have: {out}. None is learnt from or counted.",
        told=told,
        others=counted(people, "other image"),
        out=out,
    )


def sets_told(result: Matrix) -> list[str]:
    """Each set in a line: its name, its images by class, what corrections did to it."""
    return [_set_told(one) for one in result.sets]


def own_told(result: Matrix) -> list[str]:
    """How each model was judged on its own set."""
    return [
        tr(
            "{name} on its own set: {out_of_fold:,} out of fold, {tested:,} in its test part",
            name=one.train,
            out_of_fold=one.out_of_fold,
            tested=one.n - one.out_of_fold,
        )
        for one in result.cells
        if one.own
    ]


def page(result: Matrix) -> str:
    """The tables, what they mean and the plot, as Markdown."""
    names = [one.name for one in result.sets]
    balanced = [(train, *(_balanced(result.cell(train, test)) for test in names)) for train in names]
    blocks: list[Block] = [Paragraph(result.sentence), Table(header(result), rows(result))]
    told: list[Block] = [Points(sets_told(result)), Paragraph(taken_out(result)), Points(own_told(result))]
    text = markdown(tr("What an accuracy becomes elsewhere"), [
        Section(marked("Accuracy"), blocks),
        Section(marked("Balanced accuracy"), [Table(_columns(names), balanced)]),
        Section(marked("The sets"), told),
        Section(marked("How to read it"), [Points(HOW)]),
    ])  # fmt: skip
    return f"{text}\n![{tr('Accuracy by the set of the training and of the test')}]({PLOT})\n"


def svg(result: Matrix) -> str:
    """The accuracies as a table of heat; the own sets stand out."""
    names = [one.name for one in result.sets]
    found = [[result.cell(train, test) for test in names] for train in names]
    cells = [[(one.accuracy, points(one.accuracy_ci)) if one else None for one in row] for row in found]
    return heat(names, names, cells)


def _columns(names: Iterable[str]) -> tuple[str, ...]:
    return (tr("trained on"), *(tr("on {name}", name=name) for name in names))


def _set_told(one: ImageSet) -> str:
    told = tr(
        "{name}: {images} ({classes})",
        name=one.name,
        images=counted(one.images, "image"),
        classes=", ".join(f"{n:,} {label}" for label, n in one.classes.items()),
    )
    if not one.relabelled and not one.left_out:
        return told
    return tr(
        "{told}; by corrections {images} relabelled, {left_out:,} left out",
        told=told,
        images=counted(one.relabelled, "image"),
        left_out=one.left_out,
    )


def _share(cell: Cell | None) -> str:
    return f"{percent(cell.accuracy)} ({points(cell.accuracy_ci)})" if cell else "-"


def _balanced(cell: Cell | None) -> str:
    if cell is None or cell.balanced is None or cell.balanced_ci is None:
        return "-"
    return f"{percent(cell.balanced)} ({percents(cell.balanced_ci)})"


def _points(gap: Gap | None) -> str:
    if gap is None:
        return "-"
    low, high = gap.ci
    return tr("{value:+.1f} ({low:+.1f} to {high:+.1f})", value=100 * gap.value, low=100 * low, high=100 * high)
