"""The suspects of a folder, most suspicious first: whose labels are likely wrong, and which pictures are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.base.language import tr
from engine.base.wording import counted, in_turn
from engine.data.records import Record, Scan
from engine.evaluation.headline import percent
from engine.review.neighbours import Floats, Ints, nearest, unlike
from engine.review.oddities import oddities
from engine.review.wrong_labels import Answers

Kind = Literal["label", "twins", "picture", "unlike"]
SHOWN_NEIGHBOURS, VOTING = 5, 10
"""Neighbours that are shown of a suspect, and those whose labels are counted."""
FOLLOWING = 20
"""Images behind the suspects that may follow in the queue, at least."""


@dataclass(frozen=True)
class Neighbour:
    """An image that looks alike: its file, its label, and how alike it is, up to 1."""

    file: str
    label: str
    likeness: float


@dataclass(frozen=True)
class Suspect:
    """An image that somebody should look at, and why."""

    file: str
    sha: str
    label: str
    part: str
    kinds: tuple[Kind, ...]
    """Empty for an image with nothing against it."""
    reasons: tuple[str, ...]
    """A sentence on each."""
    soundness: float
    """How sound its label is: the least of all images is looked at first."""
    probability: float
    """Of its label, out of fold, 0 to 1."""
    answer: str
    """The class that the model would say."""
    answer_probability: float
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Unshown:
    """An image of the test part, to be reviewed without any model's word."""

    file: str
    sha: str
    label: str


@dataclass(frozen=True)
class Review:
    """What a review of a folder found."""

    folder: str
    classes: tuple[str, ...]
    images: int
    """Images that were looked at: those of training and validation."""
    shut: int
    """Images of the test part, which no model has looked at."""
    correct: int
    """Answers out of fold that agree with the labels."""
    suspects: tuple[Suspect, ...]
    next: tuple[Suspect, ...]
    """Images with nothing against them whose labels are the least sound, in order."""
    blind: tuple[Unshown, ...]
    """The test part in an order drawn by lot, where that was asked for."""

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        kinds = [kind for suspect in self.suspects for kind in suspect.kinds]
        return tr(
            "{suspects} among {images}: {labels}, {copies} with another label, {pictures}, {unlike:,} unlike all "
            "others.",
            suspects=counted(len(self.suspects), "suspect"),
            images=counted(self.images, "image"),
            labels=counted(kinds.count("label"), "likely wrong label"),
            copies=counted(kinds.count("twins"), "copy", "copies"),
            pictures=counted(kinds.count("picture"), "odd picture"),
            unlike=kinds.count("unlike"),
        )

    @property
    def looked_at(self) -> str:
        """What the review looked at, and what it did not."""
        looked_at = tr(
            "Looked at: labels, by a linear head that had not learnt from the image (it agrees with {right} of them; "
            "confident learning) and by the {voting} most alike images; copies with another label; blank, coloured, "
            "turned and inverted pictures; pictures unlike all others, as photographs and CT slices are. Not looked "
            "for: side views, and text burned into pixels. A label that is wrong in the same way throughout is not "
            "found.",
            right=percent(self.correct / self.images),
            voting=VOTING,
        )
        return in_turn(looked_at, self._test)

    @property
    def _test(self) -> str:
        if self.blind:
            images = counted(len(self.blind), "test image")
            return tr("The {images} follow in an order drawn by lot, without an answer.", images=images)
        images = counted(self.shut, "test image")
        return tr("The {images} were not looked at: --blind-test lists them without an answer.", images=images)


def suspects(
    scanned: Scan, records: Sequence[Record], parts: Sequence[str], rows: np.ndarray, logits: Floats, groups: list[str]
) -> tuple[tuple[Suspect, ...], tuple[Suspect, ...]]:
    """Suspects, and others whose labels are the least sound (FOLLOWING, or as many), the most suspicious first.

    `records`, with their `parts` and `groups`, are the images looked at; `rows` (n, columns) is what the frozen layers
    give of them, `logits` (n, classes) their out-of-fold answers.
    """
    classes = tuple(scanned.classes)
    labels = np.array([classes.index(record.label) for record in records], np.intp)
    places, likeness = nearest(rows, groups, VOTING)
    answers = Answers(labels, logits, places)
    wrong, apart, soundness = answers.wrong, unlike(rows, groups, VOTING), answers.soundness
    by_file = {record.file: float(sound) for record, sound in zip(records, soundness, strict=True)}
    odd = oddities(scanned, records, by_file)
    told = _Told(classes, records, parts, answers, places, likeness)
    found: list[Suspect] = []
    rest: list[Suspect] = []
    for place in np.argsort(soundness, kind="stable"):
        why = [("label", told.doubt(place))] if wrong[place] else []
        why += odd.get(records[place].file, [])
        why += [("unlike", tr("No other picture here looks like it."))] if apart[place] else []
        (found if why else rest).append(told.suspect(int(place), why, float(soundness[place])))
    return tuple(found), tuple(rest[: max(len(found), FOLLOWING)])


@dataclass(frozen=True, eq=False)
class _Told:
    """Puts what is known of an image into a suspect."""

    classes: tuple[str, ...]
    records: Sequence[Record]
    parts: Sequence[str]
    answers: Answers
    places: Ints
    likeness: Floats

    def doubt(self, place: int) -> str:
        """Why a label is likely wrong."""
        other = self.classes[self.answers.others[place]]
        voters = [self.records[k].label for k in self.places[place]]
        return tr(
            'A model that had not seen it says "{other}" ({probability}); {theirs} of the {images} most alike are of '
            "that class, {own} of its own.",
            other=other,
            probability=percent(self._probability(place, other)),
            theirs=voters.count(other),
            images=counted(len(voters), "image"),
            own=voters.count(self.records[place].label),
        )

    def suspect(self, place: int, why: Sequence[tuple[str, str]], soundness: float) -> Suspect:
        record = self.records[place]
        answer = self.classes[int(self.answers.logits[place].argmax())]
        near = zip(self.places[place][:SHOWN_NEIGHBOURS], self.likeness[place], strict=False)
        return Suspect(
            file=record.file,
            sha=record.sha,
            label=record.label,
            part=self.parts[place],
            kinds=tuple(dict.fromkeys(kind for kind, _ in why)),  # type: ignore[misc]
            reasons=tuple(sentence for _, sentence in why),
            soundness=round(soundness, 4),
            probability=round(self._probability(place, record.label), 4),
            answer=answer,
            answer_probability=round(self._probability(place, answer), 4),
            neighbours=tuple(
                Neighbour(self.records[k].file, self.records[k].label, round(float(alike), 3)) for k, alike in near
            ),
        )

    def _probability(self, place: int, name: str) -> float:
        return float(self.answers.probabilities[place, self.classes.index(name)])
