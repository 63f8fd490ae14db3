"""What corrections did to a class and to an image, in words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.base.language import tr
from engine.base.wording import listing
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.data.corrections import Change, ClassChanges
    from engine.data.records import Record
    from tui.state.session import Session


def went_and_came(changes: "ClassChanges") -> str:
    """How many images a class lost and got, for a cell of a table; empty where it has those of its folder."""
    gone = changes.away + changes.left_out
    return " ".join([*([f"-{gone:,}"] if gone else []), *([f"+{changes.here:,}"] if changes.here else [])])


def corrected_words(changes: "ClassChanges") -> str:
    """The same in words: corrected: 1 now of other classes, 2 left out, 1 from other classes."""
    texts = (
        tr("{count:,} now of other classes", count=changes.away) if changes.away else "",
        tr("{count:,} left out", count=changes.left_out) if changes.left_out else "",
        tr("{count:,} from other classes", count=changes.here) if changes.here else "",
    )
    told = listing(filter(None, texts))
    return tr("corrected: {changes}", changes=told) if told else ""


def changes_of(session: "Session") -> "Mapping[str, Change]":
    """By file, what the recipe's corrections did to the images of the folder."""
    return session.corrected.changes if session.corrected else {}


def listed(session: "Session", name: str) -> "list[Record]":
    """The images of a class: those of its folder, and those that corrections bring."""
    records = session.whole.records if session.whole else ()
    if session.corrected:
        return session.corrected.listed(records, name)
    return [record for record in records if record.label == name]


def names(session: "Session", records: "Sequence[Record]", label: str) -> list[str]:
    """The files' names in the list of a class, with what a correction says of each."""
    changes = changes_of(session)
    return [_named(record.file.rsplit("/", 1)[-1], changes.get(record.file), label) for record in records]


def _named(name: str, change: "Change | None", label: str) -> str:
    if change is None:
        return name
    if change.now == label:
        said = tr("was {label}", label=change.was)
    else:
        said = tr("now {label}", label=change.now) if change.now else tr("left out")
    return f"{name} ({said})"


def change_line(session: "Session", record: "Record") -> str:
    """What a correction says of an image; empty where none changes it."""
    change = changes_of(session).get(record.file)
    if change is None:
        return ""
    if change.now:
        return tr("corrected: was {was}, is {now}", was=change.was, now=change.now)
    return tr("corrected: left out, was {was}", was=change.was)


def all_changes(session: "Session") -> str:
    """What the recipe's corrections did to the whole folder; empty where it names none."""
    return in_recipe_terms(session.corrected.sentence) if session.corrected and session.config.data.corrections else ""
