"""The table that a review writes, one decision at a time, and beside it what each decision replaced.

So any later review can take decisions back. What somebody wrote into the table by hand stays: columns of their own go
with their row, other rows are left as they are, and a decision whose row was changed since is not taken back.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.base.errors import DataError, LinkError, RunError
from engine.base.escape import from_cell
from engine.base.files import open_lock, write_json
from engine.base.locks import wait_for_lock
from engine.base.typed_files import plain, typed
from engine.base.wording import unwritable
from engine.data.corrections import COLUMNS, Correction, Key, cells_of, read_corrections, write_rows
from engine.data.tables import read_rows

KEY = ("sha", "label")
"""The columns of what a correction is about."""
MOST_STEPS = 1000
"""Decisions that can be taken back."""


@dataclass(frozen=True)
class Step:
    """A decision that was written down, and the one that it replaced; None where there was none."""

    before: Correction | None
    after: Correction

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.after.key


@dataclass(frozen=True)
class Steps:
    """What the file beside the table holds: its decisions, the oldest first."""

    steps: tuple[Step, ...] = ()


class CorrectionsFile:
    """The table of a review; several reviewers may write to one table."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.undo_path = path.with_suffix(".undo.json")
        """What its decisions replaced."""

    def read(self) -> dict[Key, Correction]:
        """By what they are about, in the order of deciding; none where there is no table yet. Raises DataError."""
        return {one.key: one for one in read_corrections(self.path)} if self.path.exists() else {}

    def steps(self) -> tuple[Step, ...]:
        """The decisions that are as they were made, by whichever review, the oldest first. Raises DataError."""
        now: dict[Key, Correction | None] = {**self.read()}
        found = []
        for step in reversed(self._kept()):
            if now.get(step.key) == step.after:
                found.append(step)
                now[step.key] = step.before
        return tuple(reversed(found))

    def decide(self, correction: Correction) -> Step:
        """Write a decision down. Raises DataError, and then the table is as it was."""
        with self._alone():
            step = Step(self.read().get(correction.key), correction)
            self._keep([*self._kept(), step])  # first: a step that never came into the table is none
            self._put(step.key, correction)
        return step

    def take_back(self, step: Step) -> bool:
        """Undo a decision, unless its row was changed since; was it undone? Raises DataError."""
        with self._alone():
            undone = self.read().get(step.key) == step.after and self._put(step.key, step.before)
            self._keep([one for one in self._kept() if one != step])
        return undone

    def _put(self, key: Key, correction: Correction | None) -> bool:
        """Have the table say so of a key; None takes its row out, which is refused where others wrote into it."""
        header, rows = self._table()
        columns = {name: header.index(name) for name in COLUMNS}
        places = [n for n, row in enumerate(rows) if key == tuple(from_cell(row[columns[name]]) for name in KEY)]
        old = rows.pop(places[-1]) if places else [""] * len(header)  # of several rows the last one holds
        if correction is None:
            if any(cell for place, cell in enumerate(old) if place not in columns.values()):
                return False
        else:
            for name, cell in zip(COLUMNS, cells_of(correction), strict=True):
                old[columns[name]] = cell
            rows.append(old)
        write_rows(self.path, [header, *rows])
        return True

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """The header, with all of COLUMNS, and the rows, as long as the longest of them; as they stand in the file."""
        if not self.path.exists():
            return [*COLUMNS], []
        header, *rows = [row for _, row in read_rows(self.path)]
        header += [""] * (max(map(len, [header, *rows])) - len(header))  # cells beyond it are somebody's too
        header += [name for name in COLUMNS if name not in header]
        return header, [[*row, *[""] * (len(header) - len(row))] for row in rows]

    def _kept(self) -> tuple[Step, ...]:
        """The steps beside the table; none where they are missing or can't be read: nothing else hangs on them."""
        try:
            return typed(self.undo_path, Steps).steps
        except RunError:
            return ()

    def _keep(self, steps: Sequence[Step]) -> None:
        write_json(self.undo_path, plain(Steps(tuple(steps[-MOST_STEPS:]))))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the table against other reviewers."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)  # a first decision comes before the first run
            with open_lock(self.path.with_suffix(".lock")) as lock:
                wait_for_lock(lock)
                yield
        except LinkError as error:
            raise DataError(str(error)) from error
        except OSError as error:
            raise DataError(unwritable(self.path, error)) from error
