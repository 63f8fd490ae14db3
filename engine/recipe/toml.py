"""The recipe as a TOML file, read and written: each part a table, each field under its help."""

import dataclasses
import json
import math
import tomllib
from pathlib import Path
from typing import Any

from engine.base.errors import ConfigError
from engine.base.files import replacing
from engine.base.language import tr
from engine.base.wording import reason, unwritable
from engine.recipe.config import BY_HAND, TrainConfig, from_dict, to_dict
from engine.recipe.fields import Check, as_path, parts

HEAD = tr(
    "# A recipe of covid-tui: `covid-tui --train DATA --config FILE` trains it; a flag overrules what stands here.\n"
)
MOST_BYTES = 2**20


def to_toml(config: TrainConfig) -> str:
    """The recipe as TOML, each part a table, each field under its help."""
    values, lines = to_dict(config), [HEAD]
    for part in parts():
        lines.append(f"[{part.name}]")
        for field in part.fields:
            value = values[part.name][field.name]
            lines.append(f"# {field.help}")
            lines.append(f"# {field.name} =" if value is None else f"{field.name} = {_toml(value)}")
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value) if math.isfinite(value) else str(value)
    # A JSON string of ASCII is a TOML string, but for the halves that a lone surrogate or a far character becomes.
    text = "".join(c if ord(c) > 0x7F else json.dumps(c)[1:-1] for c in str(value)).replace("\x7f", "\\u007f")
    return f'"{text}"'


def save(config: TrainConfig, path: Path) -> None:
    """Write the recipe to a file. Raises ConfigError where that can't be done."""
    try:
        data = to_toml(config).encode()
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise ConfigError(unwritable(path, error, tr("name another file"))) from error
    except UnicodeEncodeError:
        raise ConfigError(
            tr("The recipe names a file or class whose name is not UTF-8, which TOML can't hold.")
        ) from None


def load(path: Path, check: Check) -> TrainConfig:
    """The recipe in a file; what it leaves out is as usual. Raises ConfigError, as `check` does too."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(tr("The recipe {path} can't be read ({reason}).", path=path, reason=reason(error))) from error
    if len(data) > MOST_BYTES:
        raise ConfigError(tr("{path} is too large to be a recipe.", path=path))
    try:
        values = tomllib.loads(data.decode())
    except ValueError as error:
        raise ConfigError(tr("{path} is no TOML file: {error}.", path=path, error=error)) from error
    try:
        return from_toml(values, check)
    except (ConfigError, TypeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def from_toml(values: dict[str, Any], check: Check) -> TrainConfig:
    """The recipe of these values, where no shell has read the "~" of a path. Raises ConfigError or TypeError.

    Values that say how to train, without a choice of the recipe, choose the report's.
    """
    config = from_dict(TrainConfig, values)
    if "recipe" not in values.get("choice", {}):
        by_hand = any(name in values.get(part, {}) for part, names in BY_HAND.items() for name in names)
        choice = dataclasses.replace(config.choice, recipe="report" if by_hand else "auto")
        config = dataclasses.replace(config, choice=choice)
    check(config.network)
    for group in dataclasses.fields(config):
        part = getattr(config, group.name)
        paths = {name: as_path(str(value)) for name, value in vars(part).items() if isinstance(value, Path)}
        config = dataclasses.replace(config, **{group.name: dataclasses.replace(part, **paths)})
    return config
