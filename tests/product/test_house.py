"""The shape of the house, held on its source: no train of arguments, and one Context in place of an emit and a stop."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.conftest import ROOT

MOST = 7
"""Parameters of one function; `self` and `cls` are not counted."""
VERBS = "tui/cli/commands"
"""A verb's keyword-only parameters are its flags, which the user names one by one: they are not counted."""
ALLOWED = {"tui/app.py: __init__"}
"""The workbench is made in one place, with every part by its name."""
KEEPERS = {"engine/base/context.py"}
"""Where an emit and a stop stand side by side, to become one."""
PRIVATE = "engine/network/keras_private.py"

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every file of the product, by its path from the root."""
    for room in ("engine", "tui"):
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def positional(function: Function) -> list[str]:
    parts = function.args.posonlyargs + function.args.args
    return [part.arg for part in parts if part.arg not in ("self", "cls")]


def trains(file: str, tree: ast.AST) -> list[str]:
    """The functions of a file that take too many parameters."""
    found = []
    for function in functions(tree):
        count = len(positional(function)) + (0 if Path(file).is_relative_to(VERBS) else len(function.args.kwonlyargs))
        name = f"{file}: {getattr(function, 'name', 'lambda')}"
        if count > MOST and name not in ALLOWED:
            found.append(name)
    return found


def side_by_side(tree: ast.AST) -> list[int]:
    """The lines where an emit and a stop are parameters, fields or arguments side by side, but for a Context's."""
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, Function):
            names = [*positional(node), *(part.arg for part in node.args.kwonlyargs)]
        elif isinstance(node, ast.ClassDef):
            fields = [part.target for part in node.body if isinstance(part, ast.AnnAssign)]
            names = [target.id for target in fields if isinstance(target, ast.Name)]
        elif isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id == "Context"):
            names = [getattr(part, "id", getattr(part, "attr", "")) for part in node.args]
        if any({one.strip("_"), two.strip("_")} == {"emit", "stop"} for one, two in pairwise(names)):
            found.append(getattr(node, "lineno", 0))
    return found


def test_no_function_takes_a_train_of_parameters() -> None:
    assert [name for file, tree in sources() for name in trains(file, tree)] == []


def test_an_emit_and_a_stop_come_as_one_context() -> None:
    found = [f"{file}:{line}" for file, tree in sources() if file not in KEEPERS for line in side_by_side(tree)]
    assert found == []


def test_private_parts_of_keras_and_tensorflow_are_behind_one_file() -> None:
    found = []
    for file, tree in sources():
        for node in ast.walk(tree):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [part.name for part in node.names] if isinstance(node, ast.Import) else []
            private = any(module.startswith(("keras.src", "tensorflow.python")) for module in modules)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                reached = node.value.id in ("tf", "keras", "optimizer", "model", "layer", "variable")
                private |= reached and node.attr.startswith("_") and not node.attr.startswith("__")
            if private and file != PRIVATE:
                found.append(f"{file}:{getattr(node, 'lineno', 0)}")
    assert found == []


def test_these_checks_see_what_they_are_for() -> None:
    many = ast.parse("def f(self, a, b, c, d, e, f, *, g, h): ...")
    assert trains("engine/x.py", many) and not trains("engine/x.py", ast.parse("def f(self, a, b, c, d, e, f, g): ..."))
    assert trains(f"{VERBS}/x.py", many) == [] and trains(f"{VERBS}/x.py", ast.parse("def f(a,b,c,d,e,f,g,h): ..."))
    for train in ("def f(a, emit, stop): ...", "lambda emit, stop: 1", "f(a, emit, stop)", "f(self.emit, self.stop)",
                  "class A:\n    emit: int\n    stop: int", "def f(*, stop, emit): ..."):  # fmt: skip
        assert side_by_side(ast.parse(train)), train
    for one in ("def f(emit, a, stop): ...", "f(Context(emit, stop))", "def f(context): ..."):
        assert not side_by_side(ast.parse(one)), one
