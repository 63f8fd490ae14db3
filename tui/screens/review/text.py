"""What the screen Review says of an image, of its neighbours, and of how far the review has come."""

from typing import TYPE_CHECKING

from textual.content import Content

from engine.base.language import tr
from engine.base.wording import counted, listing
from tui.widgets.safe_cells import content, lines
from tui.words.cells import padded
from tui.words.glyphs import Glyphs
from tui.words.numbers import as_share

if TYPE_CHECKING:
    from engine.data.corrections import Correction
    from engine.data.corrections_file import Step
    from engine.review.queue import Item, Queue
    from engine.review.suspects import Neighbour

BAR = 20
NAME = 11
"""Columns of what stands before a value."""
DECIDED = {
    "keep": tr("decided: keep the label"), "leave-out": tr("decided: leave the image out"),
    "unsure": tr("decided: unsure"),
}  # fmt: skip
BLIND = tr("Test image: reviewed without any model's answer, so that no model chooses what is mended here.")
ALIKE = tr("Below: the images most alike, with their labels and how alike they are (1: the same).")
NOTHING = tr("Nothing to decide: no suspect was found. m takes the images with the least sound labels.")


def progress_text(queue: "Queue", glyphs: Glyphs) -> Content:
    """Where the queue stands."""
    whole = len(queue.items)
    if not whole:
        return content(NOTHING)
    bar = glyphs.bar(queue.done / whole, BAR)
    text = tr(
        "{at} of {whole:,}   decided {done:,} {bar}   kept in {file}",
        at=queue.at + 1,
        whole=whole,
        done=queue.done,
        bar=bar,
        file=queue.file.path.name,
    )
    return content(text)


def item_text(item: "Item", made: "Correction | None") -> Content:
    """An image: its label, what a model says, why it is here, and what was decided."""
    from engine.review.suspects import Unshown  # NumPy comes with it, and the screen is made without

    rows = [content(item.file, "bold"), _named(tr("label"), item.label)]
    if isinstance(item, Unshown):
        rows.append(content(BLIND))
    else:
        said = f"{item.answer} {as_share(item.answer_probability)}"
        if item.answer != item.label:
            said = listing((said, f"{item.label} {as_share(item.probability)}"))
        rows.append(_named(tr("model says"), said))
        rows.append(_named(tr("part"), tr(item.part)))
        rows.append(Content(""))
        rows += [content(reason) for reason in item.reasons or (tr("Nothing speaks against it."),)]
        if item.neighbours:
            rows.append(content(ALIKE, "$foreground-muted"))
    rows.append(Content(""))
    rows.append(content(decision_text(made), "$success" if made else "$warning"))
    if made and made.note:
        rows.append(content(tr("note: {note}", note=made.note)))
    return lines(rows)


def _named(name: str, value: str) -> Content:
    return content(f"{padded(name, NAME)}{value}")


def decision_text(made: "Correction | None") -> str:
    """A decision in words."""
    if made is None:
        return tr("not decided")
    return tr("decided: relabel to {label}", label=made.to) if made.decision == "relabel" else DECIDED[made.decision]


def undone_text(step: "Step | None") -> str:
    """What was taken back."""
    if step is None:
        return tr("There is nothing to take back that was not changed by hand since.")
    return tr("Taken back: {file}, {decision}.", file=step.after.file, decision=decision_text(step.after))


def neighbour_text(neighbour: "Neighbour", label: str) -> Content:
    """The label of a neighbour, marked where it is another one."""
    return content(f"{neighbour.label} {neighbour.likeness:.2f}", "" if neighbour.label == label else "$warning")


def over_text(queue: "Queue") -> str:
    """What to say when the last open image was decided on."""
    return tr(
        "All {images} decided on. e says what the corrections do for a model, t puts them into the recipe of the next "
        "training.",
        images=counted(len(queue.items), "image"),
    )
