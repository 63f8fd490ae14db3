"""Foreign text in the files that people open: written so that nothing in it acts, and read back exactly as it was.

A name with an escape sequence would act on the terminal of whoever prints the file, and a CSV cell that begins like a
formula on the spreadsheet that opens it (OWASP, "CSV Injection"). Both come from file names that anybody may choose.
"""

import re
import unicodedata

_ACTING = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_CODE = r"x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}"
_ESCAPE = re.compile(rf"\\({_CODE})")
_LOOKS_ESCAPED = re.compile(rf"\\(?={_CODE})")
_FORMULA = re.compile(r"[\s']*[=+\-@＝＋－＠]")


def escaped(text: str) -> str:
    """`text` with every character that acts or does not show as \\xNN, \\uNNNN or \\UNNNNNNNN; `unescaped` undoes it.

    Control, format (bidirectional marks too), surrogate, private and unassigned characters and line separators are
    escaped, and a backslash where it would read as the beginning of such an escape.
    """
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    text = _LOOKS_ESCAPED.sub(r"\\x5c", text)
    return "".join(_code(ord(c)) if unicodedata.category(c) in _ACTING else c for c in text)


def unescaped(text: str) -> str:
    """What `escaped` was given."""
    return _ESCAPE.sub(lambda found: _character(found[1], found[0]), text)


def to_cell(text: str) -> str:
    """`text` as a CSV cell: escaped, and with an apostrophe before what a spreadsheet would take for a formula."""
    text = escaped(text)
    return f"'{text}" if _FORMULA.match(text) else text


def from_cell(cell: str) -> str:
    """The text that `to_cell` was given."""
    return unescaped(cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell)


def _code(number: int) -> str:
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _character(code: str, whole: str) -> str:
    number = int(code[1:], 16)
    return chr(number) if number <= 0x10FFFF else whole
