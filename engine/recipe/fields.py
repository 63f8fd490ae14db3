"""The recipe as a form and as a file: its fields with their help, one value changed, and TOML read and written.

Everything is generated from the dataclasses of `engine.recipe.config`; a field that is added there appears here.
"""

import ast
import dataclasses
import functools
import inspect
import json
import math
import tomllib
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.base.errors import ConfigError
from engine.base.files import replacing
from engine.base.paths import typed
from engine.base.wording import not_a_path, unwritable
from engine.network.freezing import plan
from engine.recipe import config as recipe
from engine.recipe.config import BACKBONE_NAMES, AuditPlan, Rate, SweepPlan, TrainConfig, from_dict, to_dict

HEAD = "# A recipe of covid-tui: `covid-tui --train DATA --config FILE` trains it; a flag overrules what stands here.\n"
MOST_BYTES = 2**20
Tree = TrainConfig | AuditPlan | SweepPlan
"""What a form shows: groups of fields."""
NAMING = ("partial", "probe-then-finetune")
"""The modes whose layers --unfreeze names."""


@dataclass(frozen=True)
class Field:
    """A field of the recipe: the part that it belongs to, its name, type, default and help."""

    part: str
    name: str
    hint: Any
    default: Any
    help: str

    @property
    def flag(self) -> str:
        """The flag that sets it on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def choices(self) -> tuple[str, ...]:
        """What it can be, where that is a short list; empty otherwise."""
        if self.hint is bool:
            return ("no", "yes")
        return typing.get_args(self.hint) if typing.get_origin(self.hint) is typing.Literal else ()

    @property
    def known(self) -> tuple[str, ...]:
        """The names that its value may list, where those are few; empty otherwise."""
        return BACKBONE_NAMES if self.name == "backbones" else ()

    def value(self, config: Tree) -> Any:
        """Its value in a recipe."""
        return getattr(getattr(config, self.part), self.name)

    def text(self, value: Any) -> str:
        """A value as it is typed."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{value:.12g}" if isinstance(value, float) else str(value)

    def parse(self, text: str) -> Any:
        """The value that `text` means. Raises ConfigError."""
        text = text.strip()
        if self.choices and text not in self.choices:
            raise ConfigError(f'{self.flag} is "{text}": give one of {", ".join(self.choices)}.')
        if self.hint is bool:
            return text == "yes"
        if self.hint in (int, float):
            try:
                return self.hint(text)
            except ValueError:
                kind = "a whole number" if self.hint is int else "a number"
                raise ConfigError(f'{self.flag} is "{text}": give {kind}.') from None
        if self.hint == Rate:
            try:
                return text if text == "auto" else float(text)
            except ValueError:
                raise ConfigError(f'{self.flag} is "{text}": give a number, or "auto".') from None
        if self.hint is Path:
            return _path(text)
        if Path in typing.get_args(self.hint):
            return _path(text) if text else None
        return text


def _path(text: str) -> Path:
    """The path that `text` means. Raises ConfigError for an address."""
    if sentence := not_a_path(text):
        raise ConfigError(sentence)
    return typed(text)


@dataclass(frozen=True)
class Part:
    """A group of fields."""

    name: str
    help: str
    fields: tuple[Field, ...]


def parts(tree: type[Tree] = TrainConfig) -> tuple[Part, ...]:
    """The groups of the recipe, in order, with the text under each field as its help."""
    helps = _helps()
    found = []
    for group in dataclasses.fields(tree):
        kind = typing.cast("type", group.type)
        hints = typing.get_type_hints(kind)
        fields = tuple(
            Field(group.name, f.name, hints[f.name], f.default, helps.get((kind.__name__, f.name), ""))
            for f in dataclasses.fields(kind)
        )
        found.append(Part(group.name, inspect.getdoc(kind) or "", fields))
    return tuple(found)


@functools.cache
def _helps() -> dict[tuple[str, str], str]:
    """The docstring under each field, by class and field: Python itself does not keep these."""
    found = {}
    for node in ast.parse(inspect.getsource(recipe)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for line, text in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                found[node.name, line.target.id] = " ".join(str(text.value.value).split())
    return found


def change(config: Tree, field: Field, value: Any) -> Any:
    """The part of the recipe that `field` is in, with this value. Raises ConfigError with what is wrong with it.

    The mode and the layers to unfreeze go together: naming layers chooses "partial" where the mode names none, another
    mode unnames them, and so does another backbone that lacks them.
    """
    values = {field.name: value}
    if field.name == "mode" and value not in NAMING:
        values["unfreeze"] = ""
    if field.name == "unfreeze" and value and isinstance(config, TrainConfig) and config.network.mode not in NAMING:
        values["mode"] = "partial"
    part = dataclasses.replace(getattr(config, field.part), **values)
    if field.part != "network":
        return part
    try:
        plan(part)
    except ConfigError:
        if field.name != "backbone":
            raise
        part = dataclasses.replace(part, unfreeze="")  # the last block of the new one
    return part


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
        raise ConfigError(unwritable(path, error, "name another file")) from error
    except UnicodeEncodeError:
        raise ConfigError("The recipe names a file or class whose name is not UTF-8, which TOML can't hold.") from None


def load(path: Path) -> TrainConfig:
    """The recipe in a file; what it leaves out is as usual. Raises ConfigError where it can't be used."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"The recipe {path} can't be read ({error.strerror}).") from error
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{path} is too large to be a recipe.")
    try:
        values = tomllib.loads(data.decode())
    except ValueError as error:
        raise ConfigError(f"{path} is no TOML file: {error}.") from error
    try:
        return from_toml(values)
    except (ConfigError, TypeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def from_toml(values: dict[str, Any]) -> TrainConfig:
    """The recipe of these values, where no shell has read the "~" of a path. Raises ConfigError or TypeError."""
    config = from_dict(TrainConfig, values)
    plan(config.network)
    for group in dataclasses.fields(config):
        part = getattr(config, group.name)
        paths = {name: _path(str(value)) for name, value in vars(part).items() if isinstance(value, Path)}
        config = dataclasses.replace(config, **{group.name: dataclasses.replace(part, **paths)})
    return config
