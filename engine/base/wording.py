"""Words that sentences share: how things are counted, and what is said of what can't be written or is no path."""

import errno
import math
import os
import re
from collections.abc import Iterable

from engine.base.language import COUNTED, NOUN, marked, noun_of, tr

FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""Numbers of errors that only room helps: a full disk, a quota, a file that may not grow."""
UNWRITABLE = FULL | {errno.EROFS, errno.EACCES, errno.EPERM}
"""Numbers of errors that say that a place can't be written, whatever is written there."""
SYSTEM = (
    marked("No space left on device"), marked("Disk quota exceeded"), marked("File too large"),
    marked("Permission denied"), marked("Operation not permitted"), marked("Read-only file system"),
    marked("No such file or directory"), marked("Is a directory"), marked("Not a directory"), marked("File exists"),
    marked("Input/output error"), marked("Too many open files"), marked("Too many levels of symbolic links"),
    marked("File name too long"), marked("Resource temporarily unavailable"), marked("Cannot allocate memory"),
    marked("Device or resource busy"), marked("Directory not empty"), marked("Invalid argument"),
    marked("Address already in use"), marked("Broken pipe"), marked("Stale file handle"),
    marked("Transport endpoint is not connected"), marked("No such device or address"),
)  # fmt: skip
"""Why the system refuses, in its own words."""
HAIR = 1e-9
"""What a share that is half a percent in numbers may lack of it in floating point."""
WIDE_ENDS = ("。", "？", "！", "；", "：", "」", "）")
"""What ends a sentence with room behind it already."""
_ADDRESS = re.compile(
    r"([a-z][a-z0-9+.-]+)://(.*)|(https?|ftp|sftp|ssh|file|s3|gs|az|abfss?|hdfs|hf):/([^/].*)",
    re.DOTALL | re.IGNORECASE,
)
"""An address, for known kinds also with the one slash that a path makes of its two."""


def counted(count: int, one: str, several: str = "") -> str:
    """`count` with its noun, as in "1 image" and "2,000 images"; `several` is the plural that no "s" makes."""
    return f"{count:,} {noun_of(one, several or f'{one}s', count, COUNTED)}"


def noun(count: int, one: str, several: str = "") -> str:
    """The noun that goes with `count`: "image", "images"; `several` is the plural that no "s" makes."""
    return noun_of(one, several or f"{one}s", count, NOUN)


def listing(items: Iterable[object]) -> str:
    """The items of a list in a sentence, one after another."""
    return tr(", ").join(map(str, items))


def in_turn(*sentences: str) -> str:
    """Whole sentences one after another, empty ones left out; behind a full-width stop stands no space."""
    text = ""
    for sentence in filter(None, sentences):
        text += sentence if not text or text.endswith(WIDE_ENDS) else f" {sentence}"
    return text


def whole_percent(share: float) -> str:
    """A share, 0 to 1, without decimals, a half rounded up: 42.5% is 43% wherever it stands."""
    return f"{math.floor(100 * share + 0.5 + HAIR)}%"


def small_percent(share: float) -> str:
    """A share, 0 to 1, without decimals; a small one is not called none: under 1%."""
    return tr("under 1%") if 0 < share < 0.01 else whole_percent(share)


def without_stop(sentence: str) -> str:
    """The sentence without its full stop, to go on in."""
    return sentence[:-1] if sentence.endswith((".", "。")) else sentence


def unwritable(what: object, error: OSError, elsewhere: str = tr("choose another place")) -> str:
    """A sentence on a place that can't be written, with its reason and what helps; `elsewhere` says how to avoid it."""
    return tr(
        "{what} can't be written ({reason}): {remedy}.",
        what=what,
        reason=reason(error),
        remedy=remedy(error, elsewhere),
    )


def reason(error: OSError) -> str:
    """Why the system refused, in its words; a library may have put its own in their place."""
    if error.errno in FULL:
        return tr(os.strerror(error.errno))
    return tr(error.strerror or str(error) or type(error).__name__)


def remedy(error: OSError, elsewhere: str = tr("choose another place")) -> str:
    """What helps where something can't be written: only a full disk is helped by room."""
    if error.errno in FULL:
        return tr("make room there")
    if error.errno in (errno.EACCES, errno.EPERM):
        return tr("change its permissions, or {elsewhere}", elsewhere=elsewhere)
    return elsewhere


def not_a_path(text: str) -> str:
    """What to say of a text that is an address and no path; empty for any other."""
    match = _ADDRESS.fullmatch(text)
    if not match or os.path.lexists(text):
        return ""
    scheme, rest = (match[1] or match[3]).lower(), match[2] or match[4] or ""
    if scheme == "file":
        path = "/" + rest.removeprefix("localhost").lstrip("/")
        return tr("file://{path} is an address, and addresses are not read: give the path alone, {path}.", path=path)
    return tr(
        "{scheme}://{rest} is an address, and addresses are not read: download it first, and name "
        "the file or folder that this gives.",
        scheme=scheme,
        rest=rest,
    )
