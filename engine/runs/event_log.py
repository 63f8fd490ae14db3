"""The events of a run as they lie in its events.jsonl: a JSON object a line, each with the time when it was written.

A line that a crash cut short, or that is no event of ours, is passed over: it hides no other. A whole event of ours
with a value that it can't have is damage, and is told with its line.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from engine.base.errors import RunError
from engine.base.events import KINDS, Ahead, Doing, Event, Notice, Progress, from_dict
from engine.base.language import tr
from engine.base.typed_files import UnfitError, checked, opened, parsed, why

FILE = "events.jsonl"
LONGEST_LINE = 2**24
"""Bytes, more than any event takes."""
MOST_BYTES = 2**32
"""More than the events of ten million steps take."""
LAST_BYTES = 2**16
"""So many bytes of a file's end nearly always hold its last event."""
_STEPS = (b'{"event": "batch"', b'{"event": "progress"')
Time = Annotated[float, Meta(ge=0, le=1e11)]
"""Seconds since 1970, up to the year 5138."""
Timed = tuple[float, Event]
"""An event and when it was written, in seconds since 1970."""


@dataclass(frozen=True)
class _Stamped:
    time: Time = 0.0


def events(path: Path) -> Iterator[Timed]:
    """The events in the file at `path`, oldest first; none where it is not.

    Raises RunError where the file can't be read, or a line of it is damaged.
    """
    return Growing(path).more()


class Growing:
    """The events in a file that others append to, each read once."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._lines = path, 0, 0

    def more(self) -> Iterator[Timed]:
        """The events that were not read yet, oldest first; none where the file is not there.

        Raises RunError where it can't be read, or a line of it is damaged, again at each call.
        """
        try:
            with opened(self._path, MOST_BYTES) as file:
                file.seek(self._offset)
                while line := file.readline(LONGEST_LINE):
                    try:
                        timed = read_line(line)
                    except UnfitError as error:
                        raise RunError(
                            tr(
                                "{path}, line {number} is damaged: {error}.",
                                path=self._path,
                                number=self._lines + 1,
                                error=error,
                            )
                        ) from None
                    if timed is None and not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                        return  # it is being written, or a crash cut it off
                    self._offset, self._lines = self._offset + len(line), self._lines + 1
                    if timed is not None:
                        yield timed
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunError(tr("{path} can't be read ({why}).", path=self._path, why=why(error))) from None


def read_line(line: bytes) -> Timed | None:
    """The event in a line and its time; None where the line is cut off or no event of ours.

    Raises UnfitError where a value of the event is missing, of another type or out of its range.
    """
    values = _values(line)
    if values is None:
        return None
    try:
        at = checked(values.get("time", 0.0), Time)
    except UnfitError:
        at = checked(values, _Stamped).time  # which fails as well, and names the value
    return at, from_dict(values)


def _values(line: bytes) -> dict[str, Any] | None:
    """The values of a line that names an event of ours. Raises UnfitError for unsound ones."""
    try:
        text = line.decode("utf-8", "replace")
        values = json.loads(text) if line.startswith(_STEPS) else parsed(text)
    except UnfitError:
        raise
    except (ValueError, RecursionError):
        return None
    kind = values.get("event") if isinstance(values, dict) else None
    return values if isinstance(kind, str) and kind in KINDS else None


class Last(NamedTuple):
    """The line of an event, and of which kind that is; its values may be damaged."""

    kind: type[Event]
    line: bytes


def last_event(path: Path) -> Last | None:
    """The last event that says how the training stands, read from the end of a file that may be long.

    What is only told, notices, what is ahead and how far a task is, says nothing of that. None where there is no such
    event. Raises RunError where the file can't be read.
    """
    try:
        with opened(path, MOST_BYTES) as file:
            size = start = file.seek(0, os.SEEK_END)
            reach, least = LAST_BYTES, max(0, size - 4 * LONGEST_LINE)
            while start > least:
                start = max(least, size - reach)
                file.seek(start)
                lines = file.read(size - start).split(b"\n")
                for line in reversed(lines if not start else lines[1:]):  # the first is cut where the reading begins
                    kind = kind_of(line)
                    if kind is not None and not issubclass(kind, Ahead | Doing | Notice | Progress):
                        return Last(kind, line)
                reach *= 16
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(tr("{path} can't be read ({why}).", path=path, why=why(error))) from None
    return None


def kind_of(line: bytes) -> type[Event] | None:
    try:
        values = _values(line)
    except UnfitError:
        return None
    return None if values is None else KINDS[values["event"]]


def whole_lines(path: Path) -> int:
    """Bytes of an appended file up to the end of its last whole line. Raises OSError."""
    with opened(path, MOST_BYTES) as file:
        start = max(0, file.seek(0, os.SEEK_END) - LONGEST_LINE)
        file.seek(start)
        return start + file.read().rfind(b"\n") + 1
