"""The one door through which foreign text reaches a terminal: file, class and run names, metadata, error messages."""

import unicodedata

_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def display_name(text: object) -> str:
    """`text` with every character that a terminal would act upon, or not show, written as an escape such as \\x1b.

    Control, format (bidirectional marks too), surrogate, private and unassigned characters and line separators are
    escaped; a byte of a file name that is not UTF-8 shows as \\xNN. Letters of any script stay as they are.
    """
    shown = str(text)
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(_escaped(c) if unicodedata.category(c) in _HIDDEN else c for c in shown)


def undisplayed(shown: str, first: str) -> str:
    """What `shown` means, edited since it was `display_name(first)`: the escapes of what `first` holds undone."""
    if shown == display_name(first):
        return first
    for character in {c for c in first if unicodedata.category(c) in _HIDDEN}:
        shown = shown.replace(_escaped(character), character)
    return shown


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
