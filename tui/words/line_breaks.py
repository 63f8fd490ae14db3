"""Where a line of Chinese may break: between any two characters, but not before a closing or behind an opening mark.

Rich, and Textual with it, break lines at spaces alone. This is the one use of what Rich keeps to itself.
"""

import re
from collections.abc import Iterator

_WIDE = "\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
_OPENING = "（「『《〈【〔(\u201c"
_CLOSING = "，。、；：？！）」』》〉】〕…,.;:?!)%\u201d"
_PIECE = re.compile(rf"\s*[{_OPENING}]*(?:[^\s{_WIDE}]*[^\s{_WIDE}{_OPENING}]|[{_WIDE}]|)[{_CLOSING}]*\s*")
_CHINESE = re.compile(f"[{_WIDE}]")
_WORD = re.compile(r"\s*\S+\s*")


def pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """What stays on a line together, with where it begins and ends: words, and characters with their marks."""
    pattern = _PIECE if _CHINESE.search(text) else _WORD
    found = pattern.match(text)
    while found and found[0].strip():
        yield (*found.span(), found[0])
        found = pattern.match(text, found.end())


def break_chinese() -> None:
    """Have Rich and Textual break lines so, from here on."""
    import rich._wrap

    rich._wrap.words = pieces
