"""Sentences of the engine in the terms of the workbench, where a recipe has fields and not flags."""

import re

from engine.base.language import tr

_COMMAND = re.compile(r"(`[^`]*`)")
_FLAG = re.compile(r"(?<![^\s(\"'（「『，、。：；！？])--([a-z][a-z-]*)")


def in_recipe_terms(sentence: str) -> str:
    """The sentence with each flag as the recipe's form names its field, in quotes where that is several words.

    Commands to be typed in a shell, which stand in backticks, stay as they are.
    """
    parts = _COMMAND.split(sentence)
    return "".join(part if part.startswith("`") else _FLAG.sub(lambda flag: _named(flag[1]), part) for part in parts)


def _named(flag: str) -> str:
    name = flag.replace("-", " ")
    return tr('"{name}"', name=name) if " " in name else name
