"""Standard output for data, standard error for messages: lines, JSON and tables, with no foreign control code."""

import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.base.streams import Stream, as_written
from engine.base.wording import in_turn, unwritable
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name


class ReaderGone(Exception):
    """Whoever read standard output has left, so that the verb has nothing more to do."""


class Unwritten(CovidTuiError):
    """Standard output, which was to take the verb's result, can't be written."""


@dataclass
class _Switch:
    """Something that holds for the length of a block."""

    on: bool = False


_finishing = _Switch()
"""Is there more to do than to fill standard output, so that its loss ends nothing yet?"""
_in_lines = _Switch()
"""Does all of this stand between questions, where nothing is drawn and a recipe has fields and not flags?"""


def say(text: object) -> None:
    """A line of progress or of a message, on stderr; dropped where that can't be written."""
    with contextlib.suppress(OSError):
        print(display_name(_worded(text)), file=sys.stderr, flush=True)


def put(text: object = "") -> None:
    """A line of data for a reader, on stdout. Raises ReaderGone or Unwritten where it can't be written."""
    put_raw(display_name(_worded(text)))


def put_command(text: str) -> None:
    """A line that names a command with its flags, as `put`."""
    put_raw(display_name(text))


def _worded(text: object) -> object:
    return in_recipe_terms(str(text)) if _in_lines.on else text


def put_json(values: Any) -> None:
    """A JSON object as one line on stdout; all of it is ASCII, so no foreign character acts on a terminal. Raises as
    `put` does.
    """
    put_raw(json.dumps(values, allow_nan=False))


def put_raw(text: str) -> None:
    """A text of the product, control codes and all, and the end of its line, as `put`."""
    with contextlib.suppress(OSError):
        print(text, flush=True)
    if not _finishing.on:
        require_written()


def put_alarm(text: str) -> None:
    """A line on stdout that must not be missed: red where colour is allowed."""
    shown = display_name(text)
    colour = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    put_raw(f"\x1b[1;31m{shown}\x1b[0m" if colour else shown)


def put_table(rows: Sequence[Sequence[str]], headed: bool = True) -> None:
    """Rows of texts in aligned columns on stdout, the first row being the header, where there is one; numbers align
    right. Between questions each row is a line in which every cell stands behind the name of its column.
    """
    if _in_lines.on:
        _put_rows(rows, headed)
        return
    from rich.cells import cell_len

    shown = [[as_written(display_name(cell)) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    numeric = [all(c[:1].isdigit() or c in ("-", "") for c in col) for col in zip(*shown[1:], strict=True)]
    for row in shown:
        cells = []
        for cell, width, right in zip(row, widths, numeric or [False] * len(widths), strict=True):
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if right else cell + space)
        put("  ".join(cells).rstrip())


def _put_rows(rows: Sequence[Sequence[str]], headed: bool) -> None:
    heads = [display_name(cell) for cell in rows[0]] if headed else [""] * len(rows[0])
    for row in rows[1:] if headed else rows:
        cells = (f"{head} {display_name(cell)}".strip() for head, cell in zip(heads, row, strict=True) if cell)
        put_raw((tr(", ") if headed else ": ").join(cells))


def require_written() -> None:
    """Raise ReaderGone or Unwritten where something put on stdout was lost; to a terminal that is gone, it is not."""
    number = sys.stdout.lost if isinstance(sys.stdout, Stream) else 0
    if number == errno.EPIPE:
        raise ReaderGone
    if number not in (0, errno.EIO):
        raise Unwritten(
            unwritable(tr("Standard output"), OSError(number, os.strerror(number)), tr("send it elsewhere"))
        )


@contextlib.contextmanager
def finishing() -> Iterator[None]:
    """The block has other outputs than stdout, and comes to its end without it; only then is raised as by `put`."""
    _finishing.on = True
    try:
        yield
    finally:
        _finishing.on = False
    require_written()


def drawing() -> bool:
    """May plots and pictures of characters be printed?"""
    return not _in_lines.on


@contextlib.contextmanager
def in_lines() -> Iterator[None]:
    """Within the block words and numbers alone are printed, and sentences name a recipe's fields in place of flags."""
    _in_lines.on = True
    try:
        yield
    finally:
        _in_lines.on = False


@contextlib.contextmanager
def also_in(place: object) -> Iterator[None]:
    """What the block puts on stdout is kept in `place` too: its loss there is no failure, and is reported on stderr."""
    try:
        yield
    except ReaderGone:
        pass
    except Unwritten as error:
        say(f"covid-tui: {in_turn(str(error), tr('The result is kept in {place}.', place=place))}")
