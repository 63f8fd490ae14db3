"""What a checklist consists of: its items by number, what answers each, and the places in a run that an answer is from.

The numbers are those of the published lists; the wording is our own. Item texts say what a reader wants to know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from engine.base.language import marked
from engine.evaluation.result_files import CARDS
from engine.report.facts import Facts

State = Literal["answered", "in part", "lacking"]
"""in part: the run says some of what is asked. lacking: this program could say it, but this run does not have it."""
STATES = (marked("answered"), marked("in part"), marked("lacking"))


@dataclass(frozen=True)
class Place:
    """A place in a run: a file, and what in it is meant."""

    file: str
    """Its path in the run directory."""
    at: tuple[str, ...] = ()
    """Of JSON the keys from the outside inward; of events.jsonl the event and its keys; of CSV the column; of the card
    the title of the section; empty for the file as a whole.
    """


@dataclass(frozen=True)
class Answer:
    """What a run says to an item, and where it is from."""

    text: str
    places: tuple[Place, ...] = ()
    state: State = "answered"


Answerer = Callable[[Facts], Answer]


@dataclass(frozen=True)
class Item:
    """One item of a checklist. What has no `answer` only the author can say, who is asked for it."""

    number: str
    wants: str
    """What a reader wants to know, in our words."""
    answer: Answerer | None = None
    ask: str = ""
    """What only the author can say, as a question or a request; may stand beside an answer."""

    def __post_init__(self) -> None:
        """Raises ValueError for an item that nobody answers."""
        if not self.answer and not self.ask:
            raise ValueError(f"item {self.number} has neither an answer nor a question")


@dataclass(frozen=True)
class Group:
    """The items of one part of a list."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Checklist:
    """A published list: its name and source, and its items in order."""

    name: str
    """As --checklist takes it."""
    title: str
    source: str
    groups: tuple[Group, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items in order."""
        return tuple(item for group in self.groups for item in group.items)


def section(title: str) -> Place:
    """A section of the run's model card."""
    return Place(CARDS[1], (title,))


def lacking(text: str, *places: Place) -> Answer:
    """The answer of a run that could have one and has none; `text` says what would give it."""
    return Answer(text, places, "lacking")


def in_part(text: str, *places: Place) -> Answer:
    """An answer that leaves open some of what is asked."""
    return Answer(text, places, "in part")


def answered(text: str, *places: Place) -> Answer:
    """A whole answer."""
    return Answer(text, places)
