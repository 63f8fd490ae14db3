"""The review of doubtful labels, an image after the other, in lines."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.wording import counted
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
    "Keep its label", "Give it another label", "Leave the image out", "Unsure", "Write a note",
    "Take the last decision back", "The next image", "The image before", "More images, with the least sound labels",
)  # fmt: skip


def _told(made: "Correction") -> str:
    return f"{made.decision} {made.to}".strip()


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
    put(f"{found.sentence} {found.looked_at}")
    file = recipe.data.corrections or out / CORRECTIONS
    queue = Queue(found, CorrectionsFile(file))
    put(f"Decisions are kept in {file}; no image is changed.")
    if queue.item is None:
        put(f"{counted(queue.more(), 'image')} with the least sound labels are asked about.")
    while (item := queue.item) is not None:
        about = [f"Image {queue.at + 1} of {len(queue.items)}: {data / item.file}", f"label {item.label}"]
        if isinstance(item, Suspect):
            about.append(f"a model that had not seen it says {item.answer}, {as_share(item.answer_probability)}")
            about += item.reasons
            alike = ", ".join(one.label for one in item.neighbours)
            about.append(f"the most alike images are of {alike}")
        made = queue.decision(item)
        about.append(f"decided: {_told(made)}" if made else "not decided")
        place = choose(". ".join(about), ANSWERS)
        if place < 0:
            return
        if place in (0, 2, 3):
            queue.decide(("keep", "", "leave-out", "unsure")[place])  # type: ignore[arg-type]
        elif place == 1:
            names = [name for name in found.classes if name != item.label]
            if (which := choose("Which label is right?", names)) >= 0:
                queue.decide("relabel", names[which])
        elif place == 4:
            queue.note(typed("Note"))
        elif place == 5:
            step = queue.undo()
            put(f"Taken back: {step.after.file}, {_told(step.after)}." if step else "There is nothing to take back.")
        elif place in (6, 7):
            queue.step(1 if place == 6 else -1)
        else:
            put(f"{counted(queue.more(), 'more image')}.")
