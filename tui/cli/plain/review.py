"""The review of doubtful labels, an image after the other, in lines."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.language import tr, trn
from engine.base.wording import counted, in_turn, listing
from engine.runs.directory import CORRECTIONS
from tui.cli.console import put
from tui.cli.plain.ask import choose, typed
from tui.cli.plain.bench import Bench
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.numbers import as_share

if TYPE_CHECKING:
    from engine.data.corrections import Correction, Decision
    from engine.review.queue import Item, Queue

ANSWERS = (
    tr("Keep its label"), tr("Give it another label"), tr("Leave the image out"), tr("Unsure"), tr("Write a note"),
    tr("Take the last decision back"), tr("The next image"), tr("The image before"),
    tr("More images, with the least sound labels"), tr("Let the next training learn with what was decided"),
    tr("Say what the corrections do for a model"), tr("Also the test part, blind"),
)  # fmt: skip
DECISIONS: dict[int, "Decision"] = {0: "keep", 2: "leave-out", 3: "unsure"}
AGAIN = 11
"""The answer that begins the review anew."""
ABOUT = tr("Each decision is written down at once. Blind means that no answer of a model is said.")
GROUPS = ("data", "network", "machine")


def _told(made: "Correction") -> str:
    return f"{tr(made.decision)} {made.to}".strip()


def review_by_lines(bench: Bench, blind: bool = False) -> None:
    """Look for suspects, then ask about each; every decision is in corrections.csv at once. Raises as `review` does."""
    from engine.data.corrections_file import CorrectionsFile
    from engine.jobs.review import review
    from engine.review.queue import Queue

    data, recipe = bench.folder, bench.recipe
    with stoppable() as (context, signals):
        found, _ = until_stopped(lambda: review(data, recipe, context, blind), signals)
    if found is None:
        return
    put(in_turn(found.sentence, found.looked_at))
    file = recipe.data.corrections or bench.out / CORRECTIONS
    queue = Queue(found, CorrectionsFile(file))
    put(tr("Decisions are kept in {file}; no image is changed.", file=file))
    if queue.item is None:
        put(tr("{images} with the least sound labels are asked about.", images=counted(queue.more(), "image")))
    while (item := queue.item) is not None:
        place = choose(_asked_about(queue, item, data), ANSWERS, about=ABOUT)
        if place < 0:
            return
        if place == AGAIN:
            review_by_lines(bench, blind=True)
            return
        if place < 5:
            _decide(queue, item, place)
        elif place < 9:
            _move(queue, place)
        elif not queue.decided:
            put(tr("Nothing is decided yet."))
        elif place == 9:
            _learn(bench, file)
        else:
            bench.command("review", data, "--effect", "--out", bench.out, *bench.recipe_flags(*GROUPS))


def _asked_about(queue: "Queue", item: "Item", data: Path) -> str:
    """All that is known of the image, as one question."""
    from engine.review.suspects import Suspect

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
    return tr(". ").join(about)


def _decide(queue: "Queue", item: "Item", place: int) -> None:
    if place == 1:
        names = [name for name in queue.review.classes if name != item.label]
        if (which := choose(tr("Which label is right?"), names)) >= 0:
            queue.decide("relabel", names[which])
    elif place == 4:
        if note := typed(tr("Note")):
            queue.note(note)
    else:
        queue.decide(DECISIONS[place])


def _move(queue: "Queue", place: int) -> None:
    if place == 5:
        step = queue.undo()
        put(
            tr("Taken back: {file}, {decision}.", file=step.after.file, decision=_told(step.after))
            if step
            else tr("There is nothing to take back.")
        )
    elif place == 8:
        put(trn("{number} more image.", "{number} more images.", queue.more()))
    else:
        queue.step(1 if place == 6 else -1)


def _learn(bench: Bench, file: Path) -> None:
    """The next training learns with the decisions."""
    data = dataclasses.replace(bench.recipe.data, corrections=file)
    bench.recipe = dataclasses.replace(bench.recipe, data=data)
    put(tr("The next training learns with {file}.", file=file))
