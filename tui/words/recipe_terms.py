"""The one door by which a sentence of the engine comes to the workbench: a recipe has fields there, and not flags."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from engine.base.language import marked, tr
from engine.base.wording import listing
from tui.words.error_text import error_sentence

_COMMAND = re.compile(r"(`[^`]*`)")
_FLAG = re.compile(r"(?<![^\s(\"'（「『，、。：；！？])--([a-z][a-z-]*)")
_ROW = re.compile(r"(--[a-z][a-z-]* \d\S*) (?=--[a-z])")
"""A flag with its number, before another flag."""
_INSTEAD = {"out": marked("`covid-tui --out FOLDER`")}
"""What does it where a flag has no field: the folder of the runs is chosen when the workbench is opened."""
_AS_IN_THE_RECIPE: Mapping[str, str] = MappingProxyType({})


def in_recipe_terms(sentence: str | BaseException, names: Mapping[str, str] = _AS_IN_THE_RECIPE) -> str:
    """The sentence, or that of an error, with each flag as the recipe's form names its field, in quotes where that is
    several words. `names` are those of a form that has others, by field.

    Commands to be typed in a shell, which stand in backticks, stay as they are.
    """
    text = sentence if isinstance(sentence, str) else error_sentence(sentence)
    parts = _COMMAND.split(text)
    return "".join(one if one.startswith("`") else _named_in(one, names) for one in parts)


def _named_in(text: str, names: Mapping[str, str]) -> str:
    apart = _ROW.sub(lambda row: listing((row[1], "")), text)
    return _FLAG.sub(lambda flag: _named(flag[1], names), apart)


def _named(flag: str, names: Mapping[str, str]) -> str:
    if flag in _INSTEAD:
        return tr(_INSTEAD[flag])
    name = names.get(flag.replace("-", "_")) or flag.replace("-", " ")
    return tr('"{name}"', name=name) if " " in name else name
