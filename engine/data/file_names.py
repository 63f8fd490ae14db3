"""File names: their order, what pairs them, and which file a name in a table means.

Tables write a path in many ways: ./COVID/1.png, with backslashes, absolute, with the dataset's own folder before it, or
the bare name, with or without its suffix. Whatever is written, the end of the path must fit, and a name that fits two
files means neither.
"""

import codecs
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.base.escape import escaped
from engine.data.image.formats import IMAGE_SUFFIXES

NOT_UTF8 = "cp1252-where-not-utf-8"
"""The name of an error handler for decoding: bytes that are not UTF-8 are read as the Western code page of Windows."""
_IMAGES = "images"


def _western(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "surrogateescape"), error.end


codecs.register_error(NOT_UTF8, _western)


def natural(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key by which COVID-2 comes before COVID-10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name


def pair_key(file: str) -> str:
    """What pairs an image with its mask and its row in a workbook: its name without folder and image suffix.

    Case does not matter, nor whether an accent is a character of its own.
    """
    return image_stem(_composed(file.rsplit("/", 1)[-1]).casefold())


@dataclass(frozen=True)
class Matches:
    """Which row of a table is about which file."""

    rows: dict[str, tuple[int, ...]]
    """By file, the places of the rows that name it: one, but where a table lists a file more than once."""
    missing: tuple[int, ...]
    """The rows that name no file."""
    unclear: tuple[int, ...]
    """The rows whose name fits several files."""


class Matcher:
    """Finds the file that a name in a table means; `files` are POSIX paths relative to `root`."""

    def __init__(self, files: Iterable[str], root: Path | None = None) -> None:
        self._files = set(files)
        self._home = _segments(str(root.absolute())) if root else ()
        self._by_name: list[defaultdict[str, list[tuple[str, tuple[str, ...]]]]] = [defaultdict(list) for _ in _FORMS]
        for file in self._files:
            segments = _segments(file)
            for form, named in zip(_FORMS, self._by_name, strict=True):
                shown = form(segments)
                named[shown[-1]].append((file, shown))

    def may_name(self, written: str) -> bool:
        """Does a file have this name, whatever its folders? Quick, for tables of many rows about other files."""
        if written.isascii():
            return pair_key(written.strip().replace("\\", "/")) in self._by_name[-1] or written in self._files
        return bool(self.find(written))

    def find(self, written: str) -> list[str]:
        """The files that `written` may mean: one where it is plain, none where no file fits."""
        if written in self._files:
            return [written]
        segments = _segments(written)
        found = self._fitting(segments) if segments else []
        # What looked like an escape was the end of a folder's name: COVID\x12.png, as Windows writes it.
        return found or ([] if escaped(written) == written else self._fitting(_segments(escaped(written))))

    def match(self, names: Sequence[str]) -> Matches:
        """The rows about each file, of a table whose rows name files as `names` has it.

        Where rows that were written in different ways mean one file (train/A/1.png and test/A/1.png, and `root` is
        test), the one whose path agrees with that of `root` is meant.
        """
        rows: defaultdict[str, list[int]] = defaultdict(list)
        missing: list[int] = []
        unclear: list[int] = []
        for place, name in enumerate(names):
            found = self.find(name)
            if len(found) == 1:
                rows[found[0]].append(place)
            else:
                (unclear if found else missing).append(place)
        chosen: dict[str, tuple[int, ...]] = {}
        for file, places in rows.items():
            within = [place for place in places if self._within(names[place], file)] if len(places) > 1 else places
            chosen[file] = tuple(within or places)
            missing += [place for place in places if place not in chosen[file]]
        return Matches(chosen, tuple(sorted(missing)), tuple(unclear))

    def _fitting(self, segments: tuple[str, ...]) -> list[str]:
        for form, named in zip(_FORMS, self._by_name, strict=True):
            shown = form(segments)
            found = [file for file, own in named.get(shown[-1], ()) if _fits(shown, own)]
            if found:
                return sorted(found)
        return []

    def _within(self, written: str, file: str) -> bool:
        """Is what was written the end of the file's whole path, or the other way round?"""
        whole, given = (_loose(one) for one in ((*self._home, *_segments(file)), _segments(written)))
        return _ends(whole, given) or _ends(given, whole)


def loose_segments(path: str) -> tuple[str, ...]:
    """The folders and the name in a path in the loosest form in which they are compared."""
    return _looser(_segments(path))


def _segments(path: str) -> tuple[str, ...]:
    """The folders and the name in a path, however it is written, as composed text without "." and ".."."""
    if not path.isascii():
        path = os.fsencode(path).decode("utf-8", NOT_UTF8) if _has_bytes(path) else path
    found: list[str] = []
    for segment in _composed(path.strip()).replace("\\", "/").split("/"):
        if segment == "..":
            found = found[:-1]
        elif segment not in ("", "."):
            found.append(segment)
    return tuple(found)


def _has_bytes(path: str) -> bool:
    """Has the name bytes that are not UTF-8, and can it be turned into bytes?"""
    return any("\udc80" <= c <= "\udcff" for c in path) and not any("\ud800" <= c <= "\udc7f" for c in path)


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def image_stem(name: str) -> str:
    """The name without the suffix of an image."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and f".{suffix}".casefold() in IMAGE_SUFFIXES else name


def _plain(segments: tuple[str, ...]) -> tuple[str, ...]:
    return segments


def _loose(segments: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(segment.casefold() for segment in segments)


def _looser(segments: tuple[str, ...]) -> tuple[str, ...]:
    """Without suffix, and without the folder images inside another, which is part of a layout and not of a name."""
    *folders, name = _loose(segments)
    return (*(folder for place, folder in enumerate(folders) if folder != _IMAGES or not place), image_stem(name))


_FORMS = (_plain, _loose, _looser)
"""The ways in which names are compared, the strictest first: the first that finds a file decides."""


def _fits(written: tuple[str, ...], file: tuple[str, ...]) -> bool:
    """Both have the same name; without folders that is enough, with them one path must be the end of the other."""
    return len(written) == 1 or _ends(written, file) or _ends(file, written)


def _ends(path: tuple[str, ...], end: tuple[str, ...]) -> bool:
    return len(end) <= len(path) and path[len(path) - len(end) :] == end
