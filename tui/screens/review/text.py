"""What the screen Review says of an image, of its neighbours, and of how far the review has come."""

from textual.content import Content

from engine.base.wording import counted
from engine.data.corrections import Correction
from engine.data.corrections_file import Step
from engine.review.queue import Item, Queue
from engine.review.suspects import Neighbour, Unshown
from tui.widgets.safe_cells import content, lines
from tui.words.glyphs import Glyphs
from tui.words.numbers import as_share

BAR = 20
DECIDED = {"keep": "keep the label", "leave-out": "leave the image out", "unsure": "unsure"}
BLIND = "Test image: reviewed without any model's answer, so that no model chooses what is mended here."
ALIKE = "Below: the images most alike, with their labels and how alike they are (1: the same)."
NOTHING = "Nothing to decide: no suspect was found. m takes the images with the least sound labels."


def progress_text(queue: Queue, glyphs: Glyphs) -> Content:
    """Where the queue stands."""
    whole = len(queue.items)
    if not whole:
        return content(NOTHING)
    bar = glyphs.bar(queue.done / whole, BAR)
    return content(f"{queue.at + 1} of {whole:,}   decided {queue.done:,} {bar}   kept in {queue.file.path.name}")


def item_text(item: Item, made: Correction | None) -> Content:
    """An image: its label, what a model says, why it is here, and what was decided."""
    rows = [content(item.file, "bold"), content(f"label      {item.label}")]
    if isinstance(item, Unshown):
        rows.append(content(BLIND))
    else:
        rows.append(content(f"model      {item.answer} {as_share(item.answer_probability)}"))
        rows.append(content(f"its label  {as_share(item.probability)}"))
        rows.append(content(f"part       {item.part}"))
        rows.append(Content(""))
        rows += [content(reason) for reason in item.reasons or ("Nothing speaks against it.",)]
        if item.neighbours:
            rows.append(content(ALIKE, "$foreground-muted"))
    rows.append(Content(""))
    rows.append(content(decision_text(made), "$success" if made else "$warning"))
    if made and made.note:
        rows.append(content(f"note: {made.note}"))
    return lines(rows)


def decision_text(made: Correction | None) -> str:
    """A decision in words."""
    if made is None:
        return "not decided"
    return f"decided: relabel to {made.to}" if made.decision == "relabel" else f"decided: {DECIDED[made.decision]}"


def undone_text(step: Step | None) -> str:
    """What was taken back."""
    if step is None:
        return "There is nothing to take back that was not changed by hand since."
    return f"Taken back: {step.after.file}, {decision_text(step.after)}."


def neighbour_text(neighbour: Neighbour, label: str) -> Content:
    """The label of a neighbour, marked where it is another one."""
    return content(f"{neighbour.label} {neighbour.likeness:.2f}", "" if neighbour.label == label else "$warning")


def over_text(queue: Queue) -> str:
    """What to say when the last open image was decided on."""
    return (
        f"All {counted(len(queue.items), 'image')} decided on. e says what the corrections do for a model, t puts "
        "them into the recipe of the next training."
    )
