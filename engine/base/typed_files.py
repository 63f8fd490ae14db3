"""The one door through which what a run, a sweep or an audit left is read: plain files, bounded, their values typed.

Whoever uses what such a file holds may rely on what is checked here. A file that was cut, edited or put there by
something else ends in one sentence that names the file and what is wrong in it.
"""

import contextlib
import csv
import errno
import functools
import io
import itertools
import json
import math
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, BinaryIO, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from engine.base.errors import RunError
from engine.base.language import marked, tr
from engine.base.wording import listing, without_stop

T = TypeVar("T")

MOST_BYTES = 2**25
"""More than any JSON file of a run takes: that of a test with a thousand classes has 20 million."""
MOST_OF_TABLE = 2**28
"""Bytes, more than any CSV file of a run takes: a line has 100 or so, and there is one for each image."""
DEEPEST = 40
"""Lists and groups within each other, more than any such file has."""
_LARGEST = 2**63
_LONGEST_PATH = 80
"""Characters of a field's place that are told."""
_SLACK = 1e-9
"""What rounding may add to a share."""

Share = Annotated[float, Meta(ge=-_SLACK, le=1 + _SLACK)]
"""0 to 1. NaN is none, nor is it any other of these numbers."""
Signed = Annotated[float, Meta(ge=-1 - _SLACK, le=1 + _SLACK)]
"""-1 to 1."""
Amount = Annotated[float, Meta(ge=0, le=1e15)]
"""A loss in nats, seconds, or something else that is never below 0."""
Number = Annotated[float, Meta(ge=-1e15, le=1e15)]
Count = Annotated[int, Meta(ge=0, le=10**15)]
Positive = Annotated[int, Meta(ge=1, le=10**15)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}\Z")]
"""Of a run or a recipe: it leads nowhere else."""
Ends = tuple[Share, Share]
"""An interval of a share."""
SignedEnds = tuple[Signed, Signed]

_PLACED = re.compile(r"(.+?)(?: - at `\$\.?(.*)`)?")
_EXPECTED = re.compile(r"Expected (.+?)(?:, got `(\w+)`)?")
_MISSING = re.compile(r"Object missing required field `(.+?)`")
_KINDS = re.compile(r"`([^`]+)`( of length >= 1)?")
_QUOTED = re.compile(r"[\"「]")
_RANGE = re.compile(r"(<=|>=) (\S+)")
_LIMITS = {"<=": marked("of at most {limit:,g}"), ">=": marked("of at least {limit:,g}")}
_WORDS = {
    "float": tr("a number"), "int": tr("a whole number"), "str": tr("text"), "bool": tr("true or false"),
    "null": tr("nothing"), "object": tr("a group of keys"), "array": tr("a list"),
}  # fmt: skip


class UnfitError(ValueError):
    """Values are not what they should be; the text says which and why, as the end of a sentence."""


@contextlib.contextmanager
def opened(path: Path, most: int = MOST_BYTES) -> Iterator[BinaryIO]:
    """The file at `path`, open to be read. A pipe is not waited for.

    Raises OSError where it can't be opened, is no plain file, or has more than `most` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a name with a zero byte
        raise FileNotFoundError(errno.ENOENT, str(error)) from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            folder = stat.S_ISDIR(state.st_mode)
            what = tr("it is a folder, not a file") if folder else tr("it is a pipe or a device, not a file")
            raise OSError(errno.EINVAL, what)
        if state.st_size > most:
            raise OSError(errno.EFBIG, _too_long(state.st_size, most))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def _too_long(size: int, most: int) -> str:
    return tr("it has {size:,} bytes, and no such file has more than {most:,}", size=size, most=most)


def content(path: Path, most: int = MOST_BYTES) -> bytes:
    """All bytes of the file at `path`. Raises OSError as `opened` does."""
    with opened(path, most) as file:
        found = file.read(most + 1)
        if len(found) > most:  # it grew meanwhile
            raise OSError(errno.EFBIG, _too_long(len(found), most))
        return found


Stamp = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """What is another when the file at `path` was changed or replaced; None where there is none that can be looked at.

    Whoever remembers what a file held asks for this before reading it.
    """
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def why(error: Exception) -> str:
    """What to say of an error of reading, as part of a sentence, without the file's name."""
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return tr(said)


def cells(path: Path) -> list[list[str]]:
    """The rows of a CSV file; bytes that are no UTF-8 come back as they were when they are written.

    Raises OSError as `opened` does, csv.Error.
    """
    text = content(path, MOST_OF_TABLE).decode("utf-8", "surrogateescape")
    return list(csv.reader(io.StringIO(text, newline="")))


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object in the file at `path`. Raises RunError where it is missing or damaged, or holds what no file of
    ours does: numbers that are not finite, values nested without end.
    """
    try:
        values = parsed(content(path))
    except FileNotFoundError:
        raise RunError(
            tr("{path} is missing: the run did not get that far, or the directory is not a run.", path=path)
        ) from None
    except UnfitError as error:
        raise RunError(tr("{path} is damaged: {error}.", path=path, error=error)) from None
    except (ValueError, OSError) as error:
        raise RunError(tr("{path} can't be read ({why}).", path=path, why=why(error))) from None
    if not isinstance(values, dict):
        raise RunError(tr("{path} does not hold a JSON object.", path=path))
    return values


def parsed(text: bytes | str) -> Any:
    """The values of a JSON text. Raises UnfitError where they are unsound, and ValueError where it is no JSON."""
    try:
        values = json.loads(text)
    except RecursionError:
        raise UnfitError(tr("its values are nested without end")) from None
    _require_sound(values)
    return values


def _require_sound(values: Any) -> None:
    """Raises UnfitError for a number that is not finite or too large to be meant, and for nesting without end."""
    inside: list[Iterator[tuple[str, Any]]] = [iter([("", values)])]
    names: list[str] = []
    while inside:
        name, value = next(inside[-1], (None, None))
        if name is None:
            inside.pop()
            del names[-1:]
        elif isinstance(value, dict | list):
            if len(inside) > DEEPEST:
                raise UnfitError(tr('its "{place}" is nested too deeply', place=_place([*names[:3], name])))
            names.append(name)
            named = value.items() if isinstance(value, dict) else ((f"[{k}]", one) for k, one in enumerate(value))
            inside.append(iter(named))
        elif isinstance(value, float) and not math.isfinite(value):
            raise UnfitError(tr('its "{place}" is not a finite number', place=_place([*names, name])))
        elif isinstance(value, int) and abs(value) >= _LARGEST:
            raise UnfitError(tr('its "{place}" is too large a number', place=_place([*names, name])))


def _place(names: Sequence[str]) -> str:
    return ".".join(filter(None, names)).replace(".[", "[")[:_LONGEST_PATH]


def checked(values: Any, kind: type[T]) -> T:
    """`values`, as JSON gives them, as a `kind`; keys that it does not have are passed over.

    Raises UnfitError where one is missing, of another type, out of its range, or an interval is the wrong way round.
    """
    try:
        found = msgspec.convert(values, kind, dec_hook=_built)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise UnfitError(_in_words(error, kind)) from None
    except UnicodeEncodeError:  # a name that is not UTF-8, where something else than text is wanted
        raise UnfitError(tr("it has a text with half a character where another value belongs")) from None
    turned = _turned(found, "")
    if turned:
        raise UnfitError(tr('its "{turned}" ends before it begins', turned=turned))
    return found


def typed(path: Path, kind: type[T], mend: str = "") -> T:
    """The JSON object in the file at `path` as a `kind`. Raises RunError, which says how to `mend` that, where it is
    missing, damaged or none.
    """
    try:
        return checked(json_object(path), kind)
    except UnfitError as error:
        sentence = tr("{path} is damaged: {error}.", path=path, error=error)
    except RunError as error:
        sentence = str(error)
    raise RunError(tr("{sentence}; {mend}.", sentence=without_stop(sentence), mend=mend) if mend else sentence)


def plain(value: Any) -> Any:
    """What is typed as the JSON values that `checked` makes it of again; a number that is not finite becomes null, as
    JSON has no such numbers.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


def plain_object(value: Any) -> dict[str, Any]:
    """A dataclass as JSON values, as `plain` makes them."""
    return dict(plain(value))


def _built(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str) and "\0" not in value:
        return Path(value)
    raise ValueError("Expected `str`")


def unknown_keys(values: Any, kind: Any) -> list[str]:
    """The keys of `values`, however deep, that the dataclass `kind` does not have."""
    if not (is_dataclass(kind) and isinstance(values, dict)):
        return []
    hints = get_type_hints(kind)
    deeper = (unknown_keys(values[name], hint) for name, hint in hints.items() if name in values)
    return [*(str(name) for name in values if name not in hints), *itertools.chain.from_iterable(deeper)]


def _in_words(error: Exception, kind: Any) -> str:
    """What msgspec says of values that should be a `kind`, in plain words."""
    text = str(error)
    placed = _PLACED.fullmatch(text)
    reason, at = (placed[1], placed[2] or "") if placed else (text, "")
    if found := _MISSING.fullmatch(reason):
        return tr('its "{place}" is missing', place=f"{at}{'.' if at else ''}{found[1]}")
    if isinstance(error.__cause__, UnfitError):  # a form's own words
        return _QUOTED.sub(lambda quote: f"{quote[0]}{at}.", reason, count=1) if at else reason
    its = tr('its "{place}"', place=at[:_LONGEST_PATH]) if at else tr("it")
    if found := _EXPECTED.fullmatch(reason):
        wanted = _KINDS.sub(_kinds, found[1]).replace("of length ", "")
        wanted = _RANGE.sub(lambda limit: tr(_LIMITS[limit[1]], limit=round(float(limit[2]), 6) + 0.0), wanted)
        wanted = wanted.split(" matching regex ")[0]
        if found[2]:
            return tr("{its} should be {wanted}, not {found}", its=its, wanted=wanted, found=_word(found[2]))
        return tr("{its} should be {wanted}", its=its, wanted=wanted)
    if reason.startswith("Invalid enum value") and (options := _options(kind, at)):
        if len(options) < 3:
            return tr("{its} should be {wanted}", its=its, wanted=_either(options))
        return tr("{its} should be one of {options}", its=its, options=listing(options))
    return tr("{its} does not fit ({reason})", its=its, reason=reason[:200])


def _kinds(found: re.Match[str]) -> str:
    """Kinds of values, as msgspec writes them, in words."""
    kinds = found[1].split(" | ")
    words = [_word(kind) for kind in kinds]
    if found[2] and kinds[-1] == "str":
        return _either([*words[:-1], tr("text that is not empty")])
    return _either(words) + (found[2] or "")


def _either(words: Sequence[str]) -> str:
    return functools.reduce(lambda one, other: tr("{one} or {other}", one=one, other=other), words)


def _options(kind: Any, at: str) -> list[str]:
    """The texts that the field `at`, as in part.field, of a dataclass may have, and "a number" where it may be one."""
    for name in filter(None, at.split(".")):
        kind = get_type_hints(kind).get(name) if is_dataclass(kind) else None
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    options = [_word("float") for part in parts if part in (int, float)]
    return options + [f'"{one}"' for part in parts if get_origin(part) is Literal for one in get_args(part)]


def _word(kind: str) -> str:
    return _WORDS.get(kind, kind)


def _turned(value: Any, name: str) -> str:
    """The name of an interval within `value` whose ends are the wrong way round; empty where there is none."""
    if is_dataclass(value):
        inside = [(field.name, getattr(value, field.name)) for field in fields(value)]
    elif isinstance(value, dict):
        inside = [(str(key), one) for key, one in value.items() if is_dataclass(one)]
    elif isinstance(value, tuple | list):
        if name.endswith("ci") and len(value) == 2 and all(isinstance(end, float) for end in value):
            return name if value[0] > value[1] + _SLACK else ""
        inside = [(name, one) for one in value if is_dataclass(one)]
    else:
        return ""
    return next((turned for key, one in inside if (turned := _turned(one, key))), "")
