"""The recipe as a form: its fields with their help, what is typed into one, and one value changed.

Everything is generated from the dataclasses of `config` and `plans`; a field that is added there appears here.
"""

import ast
import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.paths import typed
from engine.base.wording import listing, not_a_path
from engine.recipe import config, plans
from engine.recipe.config import BACKBONE_NAMES, NetworkConfig, Rate, TrainConfig
from engine.recipe.plans import AuditPlan, SweepPlan

Tree = TrainConfig | AuditPlan | SweepPlan
"""What a form shows: groups of fields."""
ASIDE = "\n\n"
"""What parts the help of a field from that for the command line alone."""
NAMING = ("partial", "probe-then-finetune")
"""The modes whose layers --unfreeze names."""
Check = Callable[[NetworkConfig], object]
"""Raises ConfigError for layers that a network does not have, as `engine.network.freezing.plan` does: which those are
is known above the recipe.
"""


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
            raise ConfigError(
                tr(
                    '{flag} is "{text}": give one of {choices}.',
                    flag=self.flag,
                    text=text,
                    choices=listing(self.choices),
                )
            )
        if self.hint is bool:
            return text == "yes"
        if self.hint in (int, float):
            try:
                return self.hint(text)
            except ValueError:
                raise ConfigError(
                    tr('{flag} is "{text}": give a whole number.', flag=self.flag, text=text)
                    if self.hint is int
                    else tr('{flag} is "{text}": give a number.', flag=self.flag, text=text)
                ) from None
        if self.hint == Rate:
            try:
                return text if text == "auto" else float(text)
            except ValueError:
                raise ConfigError(
                    tr('{flag} is "{text}": give a number, or "auto".', flag=self.flag, text=text)
                ) from None
        if self.hint is Path:
            return as_path(text)
        if Path in typing.get_args(self.hint):
            return as_path(text) if text else None
        return text


def as_path(text: str) -> Path:
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
    texts = helps()
    found = []
    for group in dataclasses.fields(tree):
        kind = typing.cast("type", group.type)
        hints = typing.get_type_hints(kind)
        told = {name: tr(text).partition(ASIDE)[0] for (of, name), text in texts.items() if of == kind.__name__}
        fields = tuple(
            Field(group.name, f.name, hints[f.name], f.default, told.get(f.name, "")) for f in dataclasses.fields(kind)
        )
        found.append(Part(group.name, tr((inspect.getdoc(kind) or "").partition(ASIDE)[0]), fields))
    return tuple(found)


@functools.cache
def helps() -> dict[tuple[str, str], str]:
    """The docstring under each field, by class and field, in English: Python itself does not keep these."""
    return helps_in(ast.parse(inspect.getsource(config))) | helps_in(ast.parse(inspect.getsource(plans)))


def helps_in(module: ast.Module) -> dict[tuple[str, str], str]:
    """The docstring under each field of a file's classes, by class and field, each paragraph as one line."""
    found = {}
    for node in module.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for line, text in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                paragraphs = str(text.value.value).split(ASIDE)
                found[node.name, line.target.id] = ASIDE.join(" ".join(part.split()) for part in paragraphs)
    return found


def advised(config: TrainConfig, advice: Mapping[str, str], check: Check) -> TrainConfig:
    """The recipe with these values, by name of its field, as they are typed. Raises ConfigError."""
    for field in (field for part in parts() for field in part.fields if field.name in advice):
        changed = change(config, field, field.parse(advice[field.name]), check)
        config = dataclasses.replace(config, **{field.part: changed})
    return config


def change(config: Tree, field: Field, value: Any, check: Check) -> Any:
    """The part of the recipe that `field` is in, with this value. Raises ConfigError with what is wrong with it.

    The mode and the layers to unfreeze go together: naming layers chooses "partial" where the mode names none, another
    mode unnames them, and so does another backbone that lacks them, as `check` says.
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
        check(part)
    except ConfigError:
        if field.name != "backbone":
            raise
        part = dataclasses.replace(part, unfreeze="")  # the last block of the new one
    return part
