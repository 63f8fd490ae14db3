"""Files of a run, a sweep or an audit altered in every way that hypothesis finds, and put back as they were."""

import contextlib
import csv
import io
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

DEEP, HUGE = "a place nested without end", "a number beyond all bounds"
_RAW = {json.dumps(DEEP): "[" * 3000 + "]" * 3000, json.dumps(HUGE): "1e999"}
VALUES = st.one_of(
    st.sampled_from([
        None, True, False, "", "x", "0.5", "\0", "\udc80", "a\nb", "../../etc", "x" * 5000, 0, 1, -1, 7, 0.5, 2.5, -0.5,
        10**17, 10**30, 10**400, 1e308, 5e-324, 1e15, float("nan"), float("inf"), float("-inf"), [], {}, [0.9, 0.1],
        [None], ["x", "x"], [[]], {"a": {}}, {"": None}, DEEP, HUGE, 3e12, "99999-01-01", "live", "finished",
    ]),
    st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.floats(), max_size=2),
)  # fmt: skip
IN_PLACE = ("folder", "pipe", "loop", "gone", "empty", "vast", "binary", "link to nothing")
"""What may lie where a file was."""


@dataclass(frozen=True)
class Alteration:
    """What is done to one file; its text says it, so that a failing example can be understood."""

    file: str
    how: str
    data: bytes | None = None
    """The file's new content; None where something else lies in its place."""


def places(values: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to everything in a JSON value; of a list to the first item and the last."""
    keys: list[Any] = list(values) if isinstance(values, dict) else sorted({0, len(values) - 1}) if values else []
    for key in keys:
        yield (*way, key)
        if isinstance(values[key], dict | list):
            yield from places(values[key], (*way, key))


def with_field(draw: st.DrawFn, values: Any) -> tuple[str, str]:
    """A JSON text with one thing in it, however deep, replaced, left out or added; and what that was."""
    whole = json.loads(json.dumps(values))
    every = list(places(whole))
    *way, last = draw(st.sampled_from(every)) if every else [()]
    inner = whole
    for key in way:
        inner = inner[key]
    if draw(st.integers(0, 9)) == 0:
        del inner[last]
        how = f"without {[*way, last]}"
    else:
        inner[last] = draw(VALUES)
        how = f"{[*way, last]} = {str(inner[last])[:60]!a}"
    text = json.dumps(whole)
    for name, raw in _RAW.items():
        text = text.replace(name, raw)
    return text, how


def _json(draw: st.DrawFn, data: bytes) -> tuple[bytes, str]:
    text, how = with_field(draw, json.loads(data))
    return text.encode(), how


def _sealed(draw: st.DrawFn, data: bytes) -> tuple[bytes, str]:
    """A resume point's state.json, whose inner text is altered and sealed anew."""
    import hashlib

    text, how = with_field(draw, json.loads(json.loads(data)["state"]))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return json.dumps({"sha256": digest, "state": text}).encode(), f"sealed {how}"


def _lines(draw: st.DrawFn, data: bytes) -> tuple[bytes, str]:
    lines = data.splitlines()
    at = draw(st.integers(0, len(lines) - 1))
    text, how = with_field(draw, json.loads(lines[at]))
    lines[at] = text.encode()
    if draw(st.integers(0, 5)) == 0:
        lines.insert(0, lines.pop(at))
        how += ", first of all"
    return b"\n".join(lines) + b"\n", f"line {at + 1} {how}"


def _cells(draw: st.DrawFn, data: bytes) -> tuple[bytes, str]:
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    at = draw(st.integers(0, len(rows) - 1))
    place = draw(st.integers(0, len(rows[at]) - 1))
    rows[at][place] = str(draw(VALUES))
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass"), f"line {at + 1} cell {place} = {rows[at][place][:60]!a}"


def _bytes(draw: st.DrawFn, data: bytes) -> tuple[bytes, str]:
    at = draw(st.integers(0, max(0, len(data) - 1)))
    if draw(st.booleans()):
        return data[:at], f"cut after {at} bytes"
    junk = draw(st.binary(min_size=1, max_size=6))
    return data[:at] + junk + data[at + len(junk) :], f"{junk!r} at {at}"


_BY_SUFFIX = {".json": [_json], ".jsonl": [_lines], ".csv": [_cells]}


@st.composite
def alterations(draw: st.DrawFn, root: Path, files: tuple[str, ...]) -> Alteration:
    """An alteration of one of these files below `root`."""
    file = draw(st.sampled_from(files))
    data = (root / file).read_bytes()
    ways: list[Any] = [*_BY_SUFFIX.get(Path(file).suffix, []) * 4, _bytes]
    ways += [_sealed] * 3 if file.endswith("state.json") else []
    if not data or draw(st.integers(0, 6)) == 0:
        return Alteration(file, draw(st.sampled_from(IN_PLACE)))
    content, how = draw(st.sampled_from(ways))(draw, data)
    return Alteration(file, how, content)


@contextlib.contextmanager
def altered(root: Path, alteration: Alteration) -> Iterator[None]:
    """The file is so within the block, and as it was thereafter, its time included."""
    path = root / alteration.file
    data, state = path.read_bytes(), path.stat()
    try:
        put(path, alteration)
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def put(path: Path, alteration: Alteration) -> None:
    """Alter the file at `path`."""
    if alteration.data is not None:
        path.write_bytes(alteration.data)
        return
    path.unlink()
    match alteration.how:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path.name)
        case "link to nothing":
            path.symlink_to(path.parent / "nothing")
        case "empty":
            path.touch()
        case "binary":
            path.write_bytes(bytes(range(256)) * 4)
        case "vast":
            with path.open("wb") as file:
                file.truncate(10 * 2**30)  # of which the disk holds nothing
