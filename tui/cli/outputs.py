"""The flags that name a file for a verb's result, and the check of all of them before any work begins."""

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.base.outputs import require_new

PLACES = ("out", "name")
"""Flags that say where runs lie: what is there is not read for being there."""


@dataclass(frozen=True)
class Writes:
    """Marks a flag, in its annotation, as the name of a file that its verb writes."""

    suffix: str
    """How names of such files end, with the dot."""
    beside: bool = False
    """Are files that end so never read in the folders that the verb is given?"""


def writes(command: Callable[..., Any]) -> dict[str, Writes]:
    """The parameters of a verb that name its outputs."""
    hints = inspect.get_annotations(command)
    marks = {name: [mark for mark in typing.get_args(hint) if isinstance(mark, Writes)] for name, hint in hints.items()}
    return {name: mark[0] for name, mark in marks.items() if mark}


def require_new_outputs(command: Callable[..., Any], bound: inspect.BoundArguments) -> None:
    """Raise ConfigError where a file that the command was given for a result must not, or can't, be written."""
    marked, given = writes(command), bound.arguments
    read = [path for name, value in given.items() if name not in (*marked, *PLACES) for path in _paths(value)]
    if out := given.get("out"):
        read += [Path(out) / path for path in read]  # a run may be given by its name
    for name, mark in marked.items():
        if given.get(name) is not None:
            require_new(given[name], mark.suffix, given.get("force", False), read, mark.beside)


def _paths(value: object) -> Iterator[Path]:
    """What may be a path in the value of a flag, or in a group of flags."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, str) and value:
        yield Path(value)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.name not in PLACES:
                yield from _paths(getattr(value, field.name))
