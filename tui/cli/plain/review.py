"""The review of doubtful labels, an image after the other, in lines."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.language import tr, trn
from engine.base.wording import counted, in_turn, listing
from engine.recipe.config import TrainConfig
from engine.runs.directory import CORRECTIONS
from tui.cli.console import put
from tui.cli.plain.ask import choose, typed
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.numbers import as_share

if TYPE_CHECKING:
    from engine.data.corrections import Correction

ANSWERS = (
    tr("Keep its label"), tr("Give it another label"), tr("Leave the image out"), tr("Unsure"), tr("Write a note"),
    tr("Take the last decision back"), tr("The next image"), tr("The image before"),
    tr("More images, with the least sound labels"),
)  # fmt: skip


def _told(made: "Correction") -> str:
    return f"{tr(made.decision)} {made.to}".strip()


def review_by_lines(data: Path, out: Path, recipe: TrainConfig) -> None:
    """Look for suspects, then ask about each; every decision is in corrections.csv at once. Raises as `review` does."""
    from engine.data.corrections_file import CorrectionsFile
    from engine.jobs.review import review
    from engine.review.queue import Queue
    from engine.review.suspects import Suspect

    with stoppable() as (context, signals):
        found, _ = until_stopped(lambda: review(data, recipe, context), signals)
    if found is None:
        return
    put(in_turn(found.sentence, found.looked_at))
    file = recipe.data.corrections or out / CORRECTIONS
    queue = Queue(found, CorrectionsFile(file))
    put(tr("Decisions are kept in {file}; no image is changed.", file=file))
    if queue.item is None:
        put(tr("{images} with the least sound labels are asked about.", images=counted(queue.more(), "image")))
    while (item := queue.item) is not None:
        about = [
            tr("Image {number} of {count}: {path}", number=queue.at + 1, count=len(queue.items), path=data / item.file),
            tr("label {label}", label=item.label),
        ]
        if isinstance(item, Suspect):
            share = as_share(item.answer_probability)
            about.append(tr("a model that had not seen it says {label}, {share}", label=item.answer, share=share))
            about += item.reasons
            alike = listing(one.label for one in item.neighbours)
            about.append(tr("the most alike images are of {labels}", labels=alike))
        made = queue.decision(item)
        about.append(tr("decided: {decision}", decision=_told(made)) if made else tr("not decided"))
        place = choose(tr(". ").join(about), ANSWERS)
        if place < 0:
            return
        if place in (0, 2, 3):
            queue.decide(("keep", "", "leave-out", "unsure")[place])  # type: ignore[arg-type]
        elif place == 1:
            names = [name for name in found.classes if name != item.label]
            if (which := choose(tr("Which label is right?"), names)) >= 0:
                queue.decide("relabel", names[which])
        elif place == 4:
            queue.note(typed(tr("Note")))
        elif place == 5:
            step = queue.undo()
            put(
                tr("Taken back: {file}, {decision}.", file=step.after.file, decision=_told(step.after))
                if step
                else tr("There is nothing to take back.")
            )
        elif place in (6, 7):
            queue.step(1 if place == 6 else -1)
        else:
            put(trn("{number} more image.", "{number} more images.", queue.more()))
