"""All messages of the product, read from its source: what stands in tr(), trn(), counted(), noun() and marked().

And the docstrings that are help: those under the fields of a recipe, and those of the verbs.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.base.language import COUNTED, NOUN
from engine.recipe.fields import helps_in
from tui.words.docstrings import of_verbs

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("engine", "tui")
OF_FIELDS = ("engine/recipe/config.py", "engine/recipe/plans.py")
OF_VERBS = "tui/cli/commands/"


@dataclass(frozen=True)
class Message:
    """A text to be translated, its plural where it has one, its context if it has one, its file."""

    text: str
    file: str
    several: str = ""
    context: str | None = None


class NotLiteral(ValueError):
    """A call whose message is not written out where it stands, so that nobody could collect it."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every file of the product, by its path from the root, in order."""
    for room in PRODUCT:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def collected() -> list[Message]:
    """Every message, file after file. Raises NotLiteral where one can't be read from the source."""
    return [message for file, tree in sources() for message in (*messages(file, tree), *helps(file, tree))]


def helps(file: str, tree: ast.Module) -> Iterator[Message]:
    """The help in a file's docstrings, where it has some, as it is looked up."""
    if file in OF_FIELDS:
        fields = helps_in(tree)
        classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
        groups = [ast.get_docstring(node) or "" for node in classes if node.name in {group for group, _ in fields}]
        yield from (Message(text, file) for text in (*groups, *fields.values()))
    if file.startswith(OF_VERBS):
        yield from (Message(text, file) for docstring in of_verbs(tree) for text in docstring.messages)


def messages(file: str, tree: ast.AST) -> Iterator[Message]:
    """The messages of one file, in their order."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        assert isinstance(call.func, ast.Name)
        match call.func.id:
            case "tr" | "marked":
                yield from (Message(text, file) for text in _texts(file, call, 0))
            case "trn":
                yield Message(_one(file, call, 0), file, _one(file, call, 1))
            case "counted" | "noun" as name:
                yield from _nouns(file, call, COUNTED if name == "counted" else NOUN)


def _nouns(file: str, call: ast.Call, context: str | None) -> Iterator[Message]:
    """The noun of a count with its plural; both may be chosen among several."""
    if len(call.args) == 3:
        yield Message(_one(file, call, 1), file, _one(file, call, 2), context)
        return
    for one in _texts(file, call, 1):
        yield Message(one, file, f"{one}s", context)


def _one(file: str, call: ast.Call, place: int) -> str:
    found = _texts(file, call, place)
    if len(found) != 1:
        raise NotLiteral(f"{file}:{call.lineno}: one message is wanted, written out")
    return found[0]


def _texts(file: str, call: ast.Call, place: int) -> list[str]:
    """The literals at that place of the call: one, or those that a condition chooses among; none for a name, whose
    literals stand in marked() elsewhere.
    """
    argument = call.args[place]
    if isinstance(argument, ast.IfExp):
        branches: list[ast.expr] = [argument.body, argument.orelse]
    else:
        branches = [argument]
    found = []
    for branch in branches:
        if isinstance(branch, ast.JoinedStr):
            raise NotLiteral(f"{file}:{call.lineno}: an f-string can't be translated: name its values")
        if isinstance(branch, ast.Constant) and isinstance(branch.value, str):
            found.append(branch.value)
    return found
