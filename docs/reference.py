"""The parts of the site that are written from the code: verbs, recipe fields, events, keys, backbones.

mkdocs loads this file as a hook (see mkdocs.yml). A line `{{ verbs }}` on a page becomes the text that `TEXTS` makes of
it, so what is on the site is what the code has. Nothing is written into the repository.
"""

import ast
import dataclasses
import functools
import importlib
import inspect
import itertools
import pkgutil
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cyclopts import Argument
from textual.binding import Binding
from textual.dom import DOMNode

import tui.cli
import tui.screens
import tui.widgets
from engine.base import events
from engine.network.backbones import BACKBONES
from engine.network.freezing import plan
from engine.recipe.config import RESUMABLE, NetworkConfig, TrainConfig
from engine.recipe.fields import Field, Tree, parts
from engine.recipe.plans import AuditPlan, SweepPlan
from tui.app import Workbench
from tui.cli.app import app

__all__ = [
    "TREES", "arguments", "bindings", "events", "filled", "groups", "parts", "position",
    "require_self_contained", "verbs",
]  # fmt: skip
TREES: tuple[type[Tree], ...] = (TrainConfig, AuditPlan, SweepPlan)
"""What a recipe's page shows: a training, and what is asked of an audit and of a sweep beside it."""
MARK = re.compile(r"^\{\{ (?P<name>[a-z]+)(?: (?P<about>[a-z]+))? \}\}$", re.MULTILINE)
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|<link\b[^>]*\bhref=["']?https?://"""
)
"""What a browser would fetch from elsewhere when it shows a page."""
WORDS = {
    "str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Count": "whole number",
    "Positive": "whole number from 1", "Nth": "whole number from 1", "Share": "0 to 1", "Amount": "number",
    "Ends": "two numbers, low and high", "Any": "any", "dict": "object", "None": "null",
}  # fmt: skip
"""Names of types in words."""


def verbs() -> tuple[str, ...]:
    """The names of the verbs, in the order of the command line."""
    return tuple(name for name in app if not name.startswith("-"))


@functools.cache
def arguments(verb: str) -> tuple[Argument, ...]:
    """The arguments and flags of a verb, groups of the recipe among them."""
    found = app[verb].assemble_argument_collection(default_parameter=app.default_parameter, parse_docstring=True)
    return tuple(found)


def groups(verb: str) -> tuple[type, ...]:
    """The parts of the recipe whose fields a verb takes as flags."""
    hints = [argument.hint for argument in arguments(verb)]
    kinds = [hint for hint in hints if isinstance(hint, type) and dataclasses.is_dataclass(hint)]
    return tuple(kind for kind in kinds if kind is not TrainConfig)


def verbs_text() -> str:
    """A table of the verbs, then a section a verb."""
    rows = [(f"[`{verb}`](#{verb})", _first_sentence(_help(verb))) for verb in verbs()]
    return "\n\n".join([_table(("verb", "what it does"), rows), *map(verb_text, verbs())])


def verb_text(verb: str) -> str:
    """The section of a verb: what it does, its usage, its own flags, and which parts of the recipe it takes."""
    fields = {field.name for group in groups(verb) for field in dataclasses.fields(group)}
    shown = [one for one in arguments(verb) if one.show]
    own = [one for one in shown if one.name.lstrip("-").replace("-", "_") not in fields]
    rows = [(names(one), _values(one.hint), _default(one), _prose(one.parameter.help or "")) for one in own]
    lines = [f"## {verb}", _prose(_help(verb)), f"```\ncovid-tui {verb} {usage(shown)}\n```"]
    lines += [_table(("flag", "value", "default", "what it does"), rows)] if rows else []
    titles = {kind: part.name for tree in TREES for part, kind in _kinds(tree)}
    links = [f"[{titles[group]}](recipe.md#{titles[group]})" for group in groups(verb)]
    if links:
        lines.append(f"It takes the fields of the recipe as flags too: {', '.join(links)}.")
    return "\n\n".join(lines)


def names(argument: Argument) -> str:
    """An argument's flags, or how it stands on the command line where it has a place there."""
    place = position(argument)
    return f"`{place}`" if place else " ".join(f"`{name}`" for name in argument.names)


def usage(shown: Iterable[Argument]) -> str:
    """How a verb's arguments stand on the command line."""
    return " ".join([*filter(None, map(position, shown)), "[FLAGS]"])


def position(argument: Argument) -> str:
    """How an argument without a flag stands on the command line; empty for flags."""
    name, kind = argument.names[0].lstrip("-").upper(), argument.field_info.kind
    if len(argument.keys) > 0 or kind is inspect.Parameter.KEYWORD_ONLY:
        return ""
    if kind is inspect.Parameter.VAR_POSITIONAL:
        return f"{name}..."
    return name if argument.required else f"[{name}]"


def recipe_text() -> str:
    """A table for each part of the recipe, and for what an audit and a sweep are asked beside it."""
    sections = []
    for tree in TREES:
        for part in parts(tree):
            rows = [_recipe_row(field) for field in part.fields]
            sections += [
                f"## {part.name}",
                _prose(part.help),
                _table(("field", "flag", "value", "default", "help"), rows),
            ]
    return "\n\n".join(sections)


def _recipe_row(field: Field) -> tuple[str, ...]:
    flag = f"`{field.flag}`"
    if field.hint is bool:
        flag += f" `--no-{field.flag[2:]}`"
    more = " *May change when a run goes on.*" if field.name in RESUMABLE else ""
    text = field.text(field.default)
    return f"`{field.name}`", flag, _values(field.hint), f"`{text}`" if text else "empty", _prose(field.help) + more


def _kinds(tree: type[Tree]) -> Iterator[tuple[Any, type]]:
    """Each part of a tree, and its class."""
    for part, group in zip(parts(tree), dataclasses.fields(tree), strict=True):
        yield part, typing.cast("type", group.type)


def event_text() -> str:
    """A section an event: when it comes, and its fields."""
    docs = _docstrings(events)
    sections = []
    for kind in events.KINDS.values():
        rows = [
            (f"`{field.name}`", _type(field.type), _prose(docs.get((kind.__name__, field.name), "")))
            for field in dataclasses.fields(kind)
        ]
        sections += [f"### {kind.kind}", _prose(inspect.getdoc(kind) or ""), _table(("field", "value", ""), rows)]
    return "\n\n".join(sections)


def key_text(screen: str = "") -> str:
    """The keys of a screen that can be set, each with its id and what it does; those of no one screen when empty."""
    rows = [
        (" or ".join(f"`{key}`" for key in keys), f"`{name}`", _prose(says))
        for name, (keys, says) in bindings().items()
        if (name.split(".")[0] == screen if screen else name.split(".")[0] not in Workbench.MODES)
    ]
    return _table(("key", "id", "what it does"), rows)


@functools.cache
def bindings() -> dict[str, tuple[tuple[str, ...], str]]:
    """All keys of the workbench that can be set: by id, what is pressed and what it does."""
    for package in (tui.screens, tui.widgets):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    left: list[type] = [DOMNode]
    while left:
        kind = left.pop(0)
        left += kind.__subclasses__()
        for one in Binding.make_bindings(kind.__dict__.get("BINDINGS", ())):
            if one.id and kind.__module__.startswith("tui."):
                keys, says = found.get(one.id, ((), one.tooltip))
                found[one.id] = (tuple(dict.fromkeys((*keys, one.key_display or one.key))), says)
    return found


def backbone_text() -> str:
    """The table of backbones: what each costs, and what its last block trains."""
    rows = []
    for name, backbone in BACKBONES.items():
        freeze = plan(NetworkConfig(backbone=typing.cast(Any, name), mode="partial"))
        trained = sum(layer.learnable for layer in backbone.layers if freeze.trains(layer))
        rows.append((
            f"`{name}`", str(backbone.size), f"{sum(layer.parameters for layer in backbone.layers):,}",
            f"{sum(layer.macs for layer in backbone.layers) / 1e9:.2f} G", f"`{backbone.blocks[-1]}`", f"{trained:,}",
            f"{freeze.repeated_share:.0%}", ", ".join(f"`{depth}`" for depth in backbone.depths),
        ))  # fmt: skip
    return _table(
        ("`--backbone`", "input", "parameters", "multiply-adds", "last block", "trains of it", "repeated share",
         "depths of a sweep, besides head and all"), rows,
    )  # fmt: skip


TEXTS: dict[str, Callable[..., str]] = {
    "verbs": verbs_text, "recipe": recipe_text, "events": event_text, "keys": key_text,
    "backbones": backbone_text,
}  # fmt: skip


def filled(markdown: str) -> str:
    """A page with its marks replaced. Raises KeyError for a mark that nothing makes."""
    return MARK.sub(lambda mark: TEXTS[mark["name"]](*filter(None, [mark["about"]])), markdown)


def on_page_markdown(markdown: str, **_: object) -> str:
    """mkdocs calls this with each page's Markdown."""
    return filled(markdown)


def on_post_page(output: str, page: Any, **_: object) -> str:
    """mkdocs calls this with each page's HTML. Raises ValueError where it would load something from elsewhere."""
    return require_self_contained(output, page.file.src_path)


def on_post_template(output: str, template_name: str, **_: object) -> str:
    """mkdocs calls this with the HTML of what is no page, such as the one for a wrong address."""
    return require_self_contained(output, template_name)


def require_self_contained(html: str, name: str) -> str:
    """The HTML as it is. Raises ValueError where a browser would fetch something from elsewhere to show it."""
    if strange := LOADED.search(html):
        raise ValueError(f"{name} loads something from the network: {strange.group()}")
    return html


def _help(verb: str) -> str:
    """What a verb's docstring says before its parameters."""
    return inspect.cleandoc(app[verb].help or "").split("\n\nParameters\n")[0]


def _first_sentence(text: str) -> str:
    return _prose(text.split("\n\n")[0])


def _default(argument: Argument) -> str:
    value = argument.field_info.default
    if argument.required or value in (None, "", inspect.Parameter.empty):
        return ""
    return f"`{('yes' if value else 'no') if isinstance(value, bool) else value}`"


def _values(hint: Any) -> str:
    """What a value may be, in words."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return ", ".join(f"`{option}`" for option in options if option)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_values(option) for option in options if option is not type(None))
    if origin is tuple:
        return _values(options[0])
    names = {bool: "yes or no", int: "whole number", float: "number", str: "text", Path: "path"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def _type(hint: Any) -> str:
    """The type of an event's field in words, from its annotation as it is written."""
    text = hint if isinstance(hint, str) else _name(hint)
    return re.sub(r"[A-Za-z_]+", lambda word: WORDS.get(word.group(), word.group()), text).replace("|", "or")


def _name(hint: Any) -> str:
    """A type as it would be written."""
    for name in ("Count", "Positive", "Nth", "Share", "Amount", "Ends"):
        if hint == getattr(events, name, None):
            return name
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " | ".join(f'"{option}"' for option in options)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(_name, options))
    if origin is tuple:
        return f"list of {_name(options[0])}"
    if origin is dict:
        return f"object of {_name(options[1])}"
    return "None" if hint is type(None) else getattr(hint, "__name__", str(hint))


def _docstrings(module: types.ModuleType) -> dict[tuple[str, str], str]:
    """The text under each field, by class and field."""
    found = {}
    for node in ast.parse(inspect.getsource(module)).body:
        body = node.body if isinstance(node, ast.ClassDef) else []
        for line, text in itertools.pairwise(body):
            if (
                isinstance(node, ast.ClassDef) and isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
                and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            ):  # fmt: skip
                found[node.name, line.target.id] = str(text.value.value)
    return found


def _prose(text: str) -> str:
    """Text of the code as Markdown, a line a paragraph: flags stand in code, and nothing in it acts as a mark."""
    return "\n\n".join(_paragraph(" ".join(part.split())) for part in text.split("\n\n"))


def _paragraph(text: str) -> str:
    pieces = re.split(r"(`[^`]*`)", text.replace("|", "\\|"))
    return "".join(piece if piece.startswith("`") else _outside_code(piece) for piece in pieces)


def _outside_code(text: str) -> str:
    plain = text.replace("<", "&lt;").replace("*", "\\*")
    return re.sub(r"(?<![\w-])--[a-z][a-z-]*[a-z]", lambda flag: f"`{flag.group()}`", plain)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace(chr(10), ' ') for cell in line)} |" for line in lines)
