"""A test that writes a scenario down also runs it."""

import ast
from collections.abc import Iterator

from tests.conftest import ROOT


def idle(tree: ast.AST) -> Iterator[str]:
    """The coroutines within functions that nothing beside themselves names."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for inner in function.body:
            if not isinstance(inner, ast.AsyncFunctionDef):
                continue
            own = {id(node) for node in ast.walk(inner)}
            others = (node for node in ast.walk(function) if isinstance(node, ast.Name) and id(node) not in own)
            if inner.name not in {node.id for node in others}:
                yield f"{function.name}: {inner.name}"


def test_every_scenario_is_run() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for name in idle(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_one_that_is_not_run_is_found() -> None:
    written = "def test_a():\n    async def scenario(): ...\n"
    assert [*idle(ast.parse(written))] == ["test_a: scenario"]
    assert [*idle(ast.parse(f"{written}    run(scenario())\n"))] == []
    assert [*idle(ast.parse("def test_a():\n    async def scenario(): run(scenario())\n"))] == ["test_a: scenario"]
