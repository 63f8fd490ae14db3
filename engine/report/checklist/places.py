"""Places in a run, opened: what stands there, and the link that leads to it. What can't be opened is not linked."""

import csv
from collections.abc import Collection
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from engine.base.language import tr
from engine.base.typed_files import plain
from engine.evaluation.result_files import CARDS
from engine.report.checklist.item import Place
from engine.report.document import Link, anchor
from engine.runs.directory import Run
from engine.runs.event_log import FILE

MOST = 40
"""Characters of a value that a link shows."""


class Opener:
    """Opens the places of one run."""

    def __init__(self, run: Run, titles: Collection[str]) -> None:
        """`titles` are those of the card's sections."""
        self._run, self._titles = run, titles
        self._json = cache(self._read_json)
        self._events = cache(self._read_events)

    def link(self, place: Place, card: str) -> Link | None:
        """The link to a place, with the value that stands there; None where there is no such place.

        `card` is the file of the model card that sections are linked in. Raises RunError where a file of the run is
        damaged.
        """
        if place.file in CARDS:
            (title,) = place.at
            shown = tr("card: {title}", title=tr(title))
            return Link(shown, f"{card}#{anchor(title)}") if title in self._titles else None
        path = self._run.path / place.file
        if not path.is_file():
            return None
        if not place.at:
            return Link(place.file, place.file)
        name = ".".join(place.at)
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                there = place.at[0] in next(csv.reader(file), [])
            return Link(tr("{file}: column {name}", file=place.file, name=name), place.file) if there else None
        found = self._events() if place.file == FILE else self._json(place.file)
        for key in place.at:
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
        return None if found is None else Link(f"{place.file}: {name}{_value(found)}", place.file)

    def _read_json(self, file: str) -> dict[str, Any]:
        return self._run.read_json(file)

    def _read_events(self) -> dict[str, Any]:
        """The last event of each kind."""
        return {event.kind: plain(event) for event in self._run.events()}


def _value(found: object) -> str:
    """A value that is short enough to be shown, behind an equals sign; a path's last name alone."""
    if isinstance(found, bool):
        return f" = {tr('yes' if found else 'no')}"
    if isinstance(found, float):
        return f" = {found:.4g}"
    if isinstance(found, list) and len(found) == 2 and all(isinstance(one, float) for one in found):
        return tr(" = {low:.4g} to {high:.4g}", low=found[0], high=found[1])
    if isinstance(found, int | str) and len(text := PurePosixPath(str(found)).name) <= MOST:
        return f" = {text}" if text else tr(" = (empty)")
    return ""
