"""A setting changed in the user's config.toml; every other line, comments too, stays as it is written."""

import contextlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from engine.base.errors import ConfigError
from engine.base.files import private_dir, replacing
from engine.base.language import tr

Value = str | bool | None
_TABLE = re.compile(r"\s*\[")
_LINE = r"(\s*(?:{names})\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^#\s\"'\[{{][^#]*?)(\s*(?:#.*)?)"
"""A key with its value, of one line, and the comment behind it."""


def save(path: Path, name: tuple[str, ...], value: Value) -> None:
    """Write a setting into the file at `path`, made where it is missing; None takes it out. `name` is ("theme",), or
    ("keys", "train.stop"). A link is followed. Raises ConfigError where that can't be, OSError where nobody may write.
    """
    path = path.resolve()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError as error:
        raise ConfigError(tr("{path} is no text in UTF-8: change it by hand.", path=path)) from error
    new = changed(text, name, value)
    private_dir(path.parent)
    with replacing(path) as file:
        file.write(new.encode("utf-8"))


def changed(text: str, name: tuple[str, ...], value: Value) -> str:
    """The text of a config.toml with one setting changed. Raises ConfigError where that takes more than one line."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(tr("config.toml can't be read ({error}): mend it first.", error=error)) from error
    wanted = _with(values, name, value)
    new = _edited(text, name, value)
    with contextlib.suppress(tomllib.TOMLDecodeError):
        if tomllib.loads(new) == wanted:
            return new
    raise ConfigError(
        tr("config.toml holds {name} in a form that is left alone: change it by hand.", name=".".join(name))
    )


def _with(values: dict[str, Any], name: tuple[str, ...], value: Value) -> dict[str, Any]:
    """What the file is to mean."""
    found = dict(values)
    if len(name) > 1:
        inner = found.get(name[0], {})
        if not isinstance(inner, dict):
            raise ConfigError(tr("config.toml has no group {name}: change it by hand.", name=name[0]))
        if (changed_inner := _with(inner, name[1:], value)) or name[0] in found:
            found[name[0]] = changed_inner
    elif value is None:
        found.pop(name[0], None)
    else:
        found[name[0]] = value
    return found


def _edited(text: str, name: tuple[str, ...], value: Value) -> str:
    rows = text.splitlines(keepends=True)
    begin, end = _span(rows, name[:-1])
    quoted = json.dumps(name[-1])
    names = "|".join(re.escape(form) for form in {name[-1], quoted, f"'{name[-1]}'"})
    line = re.compile(_LINE.format(names=names))
    for place in range(max(0, begin), end):
        if found := line.fullmatch(rows[place].rstrip("\r\n")):
            ending = rows[place][len(rows[place].rstrip("\r\n")) :]
            rows[place] = "" if value is None else f"{found[1]}{_toml(value)}{found[3]}{ending}"
            return "".join(rows)
    if value is None:
        return text
    if rows and not rows[-1].endswith("\n"):
        rows[-1] += "\n"
    key = name[-1] if len(name) == 1 else quoted
    if begin < 0:
        rows += [*(["\n"] if rows else []), f"[{name[0]}]\n", f"{key} = {_toml(value)}\n"]
    else:
        rows.insert(begin, f"{key} = {_toml(value)}\n")
    return "".join(rows)


def _span(rows: list[str], table: tuple[str, ...]) -> tuple[int, int]:
    """The lines of a table, or of what stands before all tables; from -1 where there is no such table."""
    heads = [place for place, row in enumerate(rows) if _TABLE.match(row)]
    if not table:
        return 0, heads[0] if heads else len(rows)
    own = re.compile(rf"\s*\[\s*{re.escape(table[0])}\s*\]\s*(#.*)?")
    begin = next((place for place in heads if own.fullmatch(rows[place].rstrip("\r\n"))), None)
    if begin is None:
        return -1, 0
    return begin + 1, next((place for place in heads if place > begin), len(rows))


def _toml(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
