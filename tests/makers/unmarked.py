"""Text for people that stands in the code as it is, where no translation can find it."""

import ast
import re
from collections.abc import Iterator

TRANSLATED = {"tr", "trn", "marked", "counted", "noun"}
INTERNAL = {"AssertionError", "RuntimeError", "TypeError", "NotImplementedError", "ValueError", "KeyError", "OSError"}
"""Errors that no user is shown."""
OF_CODE = {
    *("compile", "getattr", "setattr", "query", "query_one", "TypeVar", "split", "fullmatch", "match", "search", "sub"),
    *("findall", "finditer", "strftime", "startswith", "endswith", "removeprefix", "removesuffix"),
}
"""Calls whose texts are patterns, names and selectors."""
CODE_NAMES = {"CSS", "DEFAULT_CSS", "CSS_PATH", "__all__"}
SENTENCE = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z]{2,}|\x00 [a-z]{2,}|[a-z]{2,} \x00")
"""Two words, or one beside a value: what people read, mostly."""
MARKUP = re.compile(r"<[a-z!/]|[{};] *$|\$[a-z]+-?[a-z]* ")
"""Pages, pictures, styles."""


def unmarked(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and text of each string that reads like words for people and that nothing translates; values are ""."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        text = _text(node)
        if SENTENCE.search(text) and not MARKUP.search(text) and not _of_code(node, parents):
            yield node.lineno, text.replace("\x00", "{}")  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "\x00" for v in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _of_code(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Is it a docstring, a part of an f-string, an internal error, a name, or translated?"""
    parent = parents[node]
    if isinstance(parent, (ast.Expr, ast.JoinedStr, ast.FormattedValue, ast.Compare, ast.MatchValue, ast.Subscript)):
        return True
    while parent in parents:
        if isinstance(parent, ast.Call) and _name(parent.func) in TRANSLATED | INTERNAL | OF_CODE:
            return True
        if isinstance(parent, ast.Subscript) and _name(parent.value) in ("Literal", "Annotated"):
            return True
        if isinstance(parent, (ast.Assign, ast.AnnAssign)):
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            if any(isinstance(target, ast.Name) and target.id in CODE_NAMES for target in targets):
                return True
        if isinstance(parent, (ast.FunctionDef, ast.AnnAssign, ast.arg)) and node in _annotations(parent):
            return True
        if isinstance(parent, (ast.Assert, ast.FunctionDef, ast.ClassDef)):
            return isinstance(parent, ast.Assert)
        parent = parents[parent]
    return False


def _annotations(node: ast.FunctionDef | ast.AnnAssign | ast.arg) -> list[ast.AST]:
    """The parts of a type that is written as text."""
    written = node.returns if isinstance(node, ast.FunctionDef) else node.annotation
    return list(ast.walk(written)) if written else []


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
