"""In the workbench a sentence names a field of the recipe where the command line names a flag."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import ConfigError
from engine.base.events import Notice
from engine.recipe.config import TrainConfig
from engine.recipe.fields import Field, Tree, advised, parts
from engine.recipe.plans import AuditPlan, SweepPlan
from tests.conftest import ROOT
from translations.__main__ import load
from tui.words.event_text import describe
from tui.words.recipe_terms import in_recipe_terms

WORKBENCH = [
    *(ROOT / "tui" / "screens").rglob("*.py"), *(ROOT / "tui" / "widgets").rglob("*.py"),
    *(ROOT / "tui" / "state").rglob("*.py"), ROOT / "tui" / "app.py",
    ROOT / "tui" / "at_home.py",
]  # fmt: skip
FLAG = re.compile(r"--[a-z]")


def test_flags_become_fields_and_commands_stay() -> None:
    assert in_recipe_terms("--val-share is 2: give a share.") == '"val share" is 2: give a share.'
    assert in_recipe_terms("longer (--mode partial), or --lr") == "longer (mode partial), or lr"
    assert in_recipe_terms("Try --batch 8 --epochs 84 --patience 16.") == "Try batch 8, epochs 84, patience 16."
    command = "`covid-tui train DATA --resume runs/a` goes on"
    assert in_recipe_terms(command) == command
    assert in_recipe_terms("請改用「--lr」，--mode partial") == "請改用「lr」，mode partial"
    assert in_recipe_terms("runs/--odd/x.png: it is a folder") == "runs/--odd/x.png: it is a folder"


@given(st.text())
def test_a_sentence_without_flags_stays_as_it_is(text: str) -> None:
    if "--" not in text:
        assert in_recipe_terms(text) == text


@pytest.mark.parametrize("field", [field for part in parts() for field in part.fields], ids=lambda field: field.name)
def test_each_flag_of_the_recipe_is_named_as_its_form_does(field: Field) -> None:
    shown = f'"{field.name.replace("_", " ")}"' if "_" in field.name else field.name
    if field.name == "out":  # the form has it, but to show it alone
        shown = "`covid-tui --out FOLDER`"
    assert in_recipe_terms(f"{field.flag} is odd") == f"{shown} is odd"


def test_a_form_with_names_of_its_own_is_spoken_of_in_these() -> None:
    names = {"val_share": "validation share", "zoom": "nearer"}
    assert in_recipe_terms("--val-share, --zoom, --seed", names) == '"validation share", nearer, seed'


def test_an_error_is_its_sentence() -> None:
    assert in_recipe_terms(ConfigError("--lr is 0.")) == "lr is 0."
    assert in_recipe_terms(KeyError("--lr")) == "Internal error, KeyError: 'lr'"


@pytest.mark.parametrize("tree", [TrainConfig, AuditPlan, SweepPlan])
def test_no_help_of_a_form_names_a_flag(tree: type[Tree]) -> None:
    for part in parts(tree):
        for name, told in ((part.name, part.help), *((field.name, field.help) for field in part.fields)):
            assert told and "\n" not in told and not FLAG.search(in_recipe_terms(told)), name


def test_no_translated_sentence_keeps_a_flag() -> None:
    found = load("zh_TW")
    texts = [text for one in found for text in ([one.string] if isinstance(one.string, str) else one.string or [])]
    kept = [text for text in texts if FLAG.search(re.sub("`[^`]*`", "", in_recipe_terms(text)))]
    assert len(texts) > 3000 and kept == []


@pytest.mark.parametrize("path", WORKBENCH, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_of_the_workbench_names_a_flag(path: Path) -> None:
    assert [text for text in texts(ast.parse(path.read_text())) if in_recipe_terms(text) != text] == []


@pytest.mark.parametrize("path", WORKBENCH, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_the_engine_says_comes_by_the_one_door(path: Path) -> None:
    assert past_the_door(ast.parse(path.read_text())) == []


@pytest.mark.parametrize(
    "line",
    [
        "show(str(error))",
        'show(f"! {error}")',
        'tr("no {why}", why=error)',
        "content(row.help)",
        "show(error_sentence(error))",
        "rows.append(view.end.reason)",
    ],
)
def test_what_goes_round_the_door_is_seen(line: str) -> None:
    assert past_the_door(ast.parse(line))
    assert not past_the_door(ast.parse("self.say(found.sentence); content(in_recipe_terms(row.help)); fail(error)"))


SENTENCES = {"help", "sentence", "verdict", "looked_at", "doubts", "reason"}
"""Attributes in which the engine keeps its sentences."""
DOORS = {"in_recipe_terms", "say"}
"""`say` is the workbench's own, which has the other within."""


def past_the_door(tree: ast.Module) -> list[str]:
    """Where a file makes text of an error, or takes a sentence of the engine, and not by the door."""
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for node in ast.walk(tree):
        raw = isinstance(node, ast.Name) and (
            node.id == "error_sentence" or (node.id == "error" and _becomes_text(above.get(node)))
        )
        raw = raw or (isinstance(node, ast.Attribute) and node.attr in SENTENCES and not _is_ours(node, above[node]))
        if raw and not any(_called(one) in DOORS for one in _around(node, above)):
            found.append(f"{getattr(node, 'lineno', 0)}: {ast.unparse(above[node])}")
    return found


def _becomes_text(above: ast.AST | None) -> bool:
    return isinstance(above, ast.FormattedValue | ast.keyword) or _called(above) in ("str", "content", "cell")


def _is_ours(node: ast.Attribute, above: ast.AST) -> bool:
    """A command of the palette; or what is compared alone, and not shown."""
    return ast.unparse(node.value) == "command" or isinstance(above, ast.Compare | ast.Match)


def _called(node: ast.AST | None) -> str:
    return ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""


def _around(node: ast.AST, above: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """What the node stands in, within its statement."""
    while (node := above.get(node, ast.Pass())) and not isinstance(node, ast.stmt):
        yield node


def texts(tree: ast.Module) -> list[str]:
    """The texts of several words in a file, but for docstrings; what is put into one is written as X."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    found, inside = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            found.append(node.value)
    return [text for text in found if " " in text and text not in docs]


def test_advice_is_a_set_of_flags_on_the_command_line_and_changes_the_recipe_here() -> None:
    notice = Notice("warning", "Too few steps.", advice={"batch": "8", "epochs": "84", "patience": "16"})
    assert describe(notice) == "warning: Too few steps. Try --batch 8 --epochs 84 --patience 16."
    fit = advised(TrainConfig(), notice.advice, lambda network: None).fit
    assert (fit.batch, fit.epochs, fit.patience) == (8, 84, 16)
