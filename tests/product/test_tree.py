"""The shape of the project: each file says its purpose, tests mirror the packages, no old name of a module is left."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PRODUCT = ("engine", "tui")
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_LINES = 450
OLD = {
    "engine": "caches config doctor errors events files fitting foreign leftovers material repeat runtime stopping "
    "trial dataset results",
    "engine.export": "onnxfile onnxmodel",
    "engine.network": "graphs weightfile weights",
    "engine.training": "devices features guide lrfind sources",
    "tui": "answers asking auditing background deleting explaining exporting figures glyphs headless heating judging "
    "likeness messages paths preview ratefinding recipe scanning session settings subset sweeping sweeps terminal text "
    "training undertaking verbs watch work workbench",
    "tui.cli": "data results training",
    "tui.screens": "augmentation beware classes compare cost folder history listing log mistakes rates said scanned "
    "schedule split swept tables views worth",
    "tui.widgets": "ask banner cells confusion course files frontier grid halfblocks machine names pick picture title",
}
"""The modules that there were, by their package, before they moved to where they are now."""
ANY_OLD = re.compile(
    "|".join(
        rf"\b{re.escape(package).replace(chr(92) + '.', '[./]')}[./](?:{'|'.join(names.split())})\b"
        for package, names in OLD.items()
    )
)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def texts() -> Iterator[tuple[str, str]]:
    """The files of the project that are text, by name; those that git keeps, where there is git, else all."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    files = files or [path for part in (*PRODUCT, "tests", "docs", "benchmarks") for path in (ROOT / part).rglob("*.*")]
    for path in files:
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".tcss", ".yml", ".txt", ""}:
            yield named(path), path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("package", [*PRODUCT, "benchmarks"])
def test_each_file_says_its_purpose_first(package: str) -> None:
    lacking = [
        named(path) for path in (ROOT / package).rglob("*.py")
        if (tree := ast.parse(path.read_text(encoding="utf-8"))).body and not ast.get_docstring(tree)
    ]  # fmt: skip
    assert lacking == []


def test_no_old_name_of_a_module_is_left() -> None:
    left = [
        f"{name}: {found.group()}"
        for name, text in texts()
        for found in ANY_OLD.finditer(text)
        if name != named(Path(__file__))
    ]
    assert left == []


def test_tests_mirror_the_packages() -> None:
    for package in PRODUCT:
        folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests" / package).rglob("test_*.py")}
        assert folders and [folder.as_posix() for folder in folders if not (ROOT / folder).is_dir()] == []


def test_a_file_of_tests_can_be_read_in_one_go() -> None:
    long = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in TESTS}
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES} == {}


def test_no_test_uses_a_private_name_of_a_module_of_the_product() -> None:
    used = [f"{named(path)}: {name}" for path in TESTS for name in private_names(ast.parse(path.read_text("utf-8")))]
    assert used == []


def private_names(tree: ast.Module) -> Iterator[str]:
    """Names with a leading underscore, imported from the product, or taken from its modules or replaced there."""
    modules = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PRODUCT:
            yield from (alias.name for alias in node.names if alias.name.startswith("_"))
            modules |= {alias.asname or alias.name for alias in node.names if alias.name.islower()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            if is_private(node.attr):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr":
            first, *rest = node.args
            if isinstance(first, ast.Constant) and str(first.value).split(".")[0] in PRODUCT:
                yield from (part for part in str(first.value).split(".") if is_private(part))
            elif isinstance(first, ast.Name) and first.id in modules:
                yield from (
                    str(one.value) for one in rest[:1] if isinstance(one, ast.Constant) and is_private(one.value)
                )


def is_private(name: object) -> bool:
    return str(name).startswith("_") and not str(name).startswith("__")


def test_these_checks_see_what_they_are_for() -> None:
    for text in ("engine/dataset/scan.py", "engine.results.card", "from tui.verbs import train", "tui/asking"):
        assert ANY_OLD.search(text), text
    assert not ANY_OLD.search("engine.base.events, engine.training.feature_store, tui.state.session, tui.words.text")
    taken = "from engine.jobs import train\nfrom engine.base.runtime import _x\ntrain._y\n"
    taken += "m.setattr(train, '_z', 1)\nm.setattr('tui.state.session._w', 1)\nself._own, train.__doc__"
    assert sorted(private_names(ast.parse(taken))) == ["_w", "_x", "_z", "train._y"]
