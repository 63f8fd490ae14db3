"""A made-up language: every message with strange letters. What still shows plain ones can't be translated."""

import re
from pathlib import Path

from babel.messages.catalog import Catalog, Message

from translations.__main__ import as_mo, template

PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
STRANGE = "åƀçđëƒğĥïĵķļɱñöþɋŕšŧüṽŵẋýžÅƁÇĐËƑĞĤÏĴĶĻⱮÑÖÞɊŔŠŦÜṼŴẊÝŽ"
KEPT = re.compile(r"\{[^{}]*\}|`[^`]*`|(?<![\w-])--[a-z][a-z-]*|\$[a-z-]+")
"""What a translation keeps: values, commands, flags, colours."""
_LETTERS = str.maketrans(PLAIN, STRANGE)


def strange(text: str) -> str:
    """The message in the made-up language."""
    out, end = "", 0
    for kept in KEPT.finditer(text):
        out += text[end : kept.start()].translate(_LETTERS) + kept[0]
        end = kept.end()
    return out + text[end:].translate(_LETTERS)


def plain(text: str) -> str:
    """The text with usual letters again."""
    return text.translate(str.maketrans(STRANGE, PLAIN))


def catalogue() -> Catalog:
    """Every message of the code, in the made-up language."""
    found = template()
    for message in found:
        if message.id:
            message.string = _both(message)
    return found


def _both(message: Message) -> str | tuple[str, ...]:
    return tuple(map(strange, message.id)) if isinstance(message.id, tuple) else strange(str(message.id))


def write(path: Path) -> Path:
    """Write the catalogue as a .mo file, as COVID_TUI_LANGUAGE can name one."""
    path.write_bytes(as_mo(catalogue()))
    return path
