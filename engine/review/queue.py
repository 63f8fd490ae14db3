"""The queue of a review: which image is next, what was decided about it, and how a decision is taken back.

Each decision is in the table before the queue moves on, so nothing is lost however the review ends; a review that is
opened again finds what was decided, and can take it back.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.data.corrections import MOST_NOTE, Correction, Decision, Key
from engine.data.corrections_file import CorrectionsFile, Step
from engine.review.suspects import Review, Suspect, Unshown

Item = Suspect | Unshown


class Queue:
    """Suspects, then the test part where it is reviewed blind; `at` is the place of the image that is shown."""

    def __init__(self, review: Review, file: CorrectionsFile) -> None:
        """Begins with the first image that nobody has decided on. Raises DataError where the table is damaged."""
        self.review, self.file = review, file
        self.items: tuple[Item, ...] = (*review.suspects, *review.blind)
        self.decided: dict[Key, Correction] = file.read()
        shown = {key_of(item) for item in (*self.items, *review.next)}
        self._undo = [step for step in file.steps() if step.key in shown]
        self.at = self._open(0)

    @property
    def item(self) -> Item | None:
        """The image that is shown; None where there is none."""
        return self.items[self.at] if self.items else None

    @property
    def done(self) -> int:
        """Images of the queue that were decided on."""
        return sum(key_of(item) in self.decided for item in self.items)

    @property
    def can_undo(self) -> bool:
        """Is there a decision on an image of this review to take back, of this visit or an earlier one?"""
        return bool(self._undo)

    def decision(self, item: Item) -> Correction | None:
        """What was decided about an image of the queue."""
        return self.decided.get(key_of(item))

    def decide(self, decision: Decision, to: str = "") -> None:
        """Write the decision about the image that is shown down, and go to the next that is open.

        A note that was made on it stays. Raises DataError where the table can't be written; the queue then stays.
        """
        item = self.item
        if item is None:
            return
        before = self.decision(item)
        self._put(item, decision, to, before.note if before else "")
        self.at = self._open(self.at)

    def note(self, text: str) -> None:
        """Write a note on the image that is shown; where nobody has decided on it, it is "unsure". Raises DataError."""
        item = self.item
        if item is None:
            return
        before = self.decision(item)
        self._put(item, before.decision if before else "unsure", before.to if before else "", text[:MOST_NOTE])

    def undo(self) -> Step | None:
        """Take the last decision or note back, and show its image again; None where none is left that nobody changed by
        hand since. Raises DataError.
        """
        while self._undo:
            step = self._undo[-1]
            undone = self.file.take_back(step)
            self._undo.pop()
            if undone:
                self.decided = self.file.read()
                self.at = self._place_of(step.key)
                return step
        return None

    def step(self, by: int) -> None:
        """To another image, without a decision."""
        self.at = min(max(self.at + by, 0), max(len(self.items) - 1, 0))

    def more(self) -> int:
        """Take the images with the least sound labels into the queue, behind the suspects, and show the first that is
        open; how many came.
        """
        there = {key_of(item) for item in self.items}
        new: Sequence[Item] = [item for item in self.review.next if key_of(item) not in there]
        self.items = (*self.items, *new)
        self.at = self._open(self.at)
        return len(new)

    def _put(self, item: Item, decision: Decision, to: str, note: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        blind = "yes" if isinstance(item, Unshown) else ""
        step = self.file.decide(Correction(item.file, item.sha, item.label, decision, to, note, now, blind))
        self._undo.append(step)
        self.decided = self.file.read()

    def _place_of(self, key: Key) -> int:
        """The place of an image; one that would follow with `more` comes into the queue."""
        self.items += tuple(item for item in self.review.next if key_of(item) == key and item not in self.items)
        return next((place for place, item in enumerate(self.items) if key_of(item) == key), self.at)

    def _open(self, start: int) -> int:
        """The first open image from `start` on, else the first before it, else `start`."""
        places = [*range(start, len(self.items)), *range(start)]
        return next((place for place in places if key_of(self.items[place]) not in self.decided), start)


def key_of(item: Item) -> Key:
    """What a correction of the image is about."""
    return item.sha, item.label
