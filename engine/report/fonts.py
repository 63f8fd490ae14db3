"""A font for a picture that has all of its letters: Pillow's own, else one of those that this machine has."""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.errors import ConfigError
from engine.base.language import tr

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts",
    "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip
"""Where systems keep fonts."""
FILES = (
    "DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf",
    "NotoSansCJK-Regular.ttc", "NotoSansTC-Regular.otf", "NotoSansCJKtc-Regular.otf", "PingFang.ttc", "msjh.ttc",
    "STHeiti Light.ttc", "Arial Unicode.ttf", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "NotoSerifCJK-Regular.ttc",
)  # fmt: skip
"""Fonts that are looked for, in this order; those from the fourth on have Chinese."""
TAIWAN = " TC"
"""How the face of a collection ends whose letters are drawn as in Taiwan."""
FACES = 5


def font_for(text: str, size: float, folders: Iterable[str] = FOLDERS) -> "FreeTypeFont":
    """The first font that has all letters of `text`, `size` pixels high. Raises ConfigError where there is none."""
    from PIL import ImageFont

    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont)
    missing = _missing(own, text)
    if not missing:
        return own
    for path in _found(tuple(folders)):
        try:
            font = _face(path, size)
        except OSError:
            continue  # a file that is no font
        left = _missing(font, text)
        if not left:
            return font
        missing = min(missing, left, key=len)
    raise ConfigError(
        tr(
            "No font on this machine has the letter {letter} of the plot: give it a name that ends in .svg.",
            letter=missing[0],
        )
    )


def _missing(font: "FreeTypeFont", text: str) -> str:
    """The letters that the font draws as it draws what no font has."""
    none = _drawn(font, "\uffff")
    return "".join(letter for letter in sorted(set(text)) if not letter.isspace() and _drawn(font, letter) == none)


def _drawn(font: "FreeTypeFont", letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


def _face(path: Path, size: float) -> "FreeTypeFont":
    """A file's font; of a collection the one for Taiwan, where it has that."""
    from PIL import ImageFont

    if path.suffix.lower() == ".ttc":
        for number in range(FACES):
            try:
                font = ImageFont.truetype(path, size, index=number)
            except OSError:
                break
            if (font.getname()[0] or "").endswith(TAIWAN):
                return font
    return ImageFont.truetype(path, size)


@cache
def _found(folders: tuple[str, ...]) -> tuple[Path, ...]:
    """Those of FILES that are there, in their order."""
    wanted, found = {name.lower() for name in FILES}, dict[str, Path]()
    for folder in folders:
        for where, _, names in os.walk(Path(folder).expanduser()):
            for name in names:
                if name.lower() in wanted:
                    found.setdefault(name.lower(), Path(where) / name)
    return tuple(found[name.lower()] for name in FILES if name.lower() in found)
