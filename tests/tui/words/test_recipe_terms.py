"""In the workbench a sentence names a field of the recipe where the command line names a flag."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.events import Notice
from engine.recipe.config import TrainConfig
from engine.recipe.fields import advised, parts
from tests.conftest import ROOT
from tui.words.event_text import describe
from tui.words.recipe_terms import in_recipe_terms

WORKBENCH = [
    *(ROOT / "tui" / "screens").rglob("*.py"), *(ROOT / "tui" / "widgets").rglob("*.py"),
    *(ROOT / "tui" / "state").rglob("*.py"), ROOT / "tui" / "app.py",
]  # fmt: skip


def test_flags_become_fields_and_commands_stay() -> None:
    assert in_recipe_terms("--val-share is 2: give a share.") == '"val share" is 2: give a share.'
    assert in_recipe_terms("longer (--mode partial), or --lr") == "longer (mode partial), or lr"
    command = "`covid-tui train DATA --resume runs/a` goes on"
    assert in_recipe_terms(command) == command
    assert in_recipe_terms("請改用「--lr」，--mode partial") == "請改用「lr」，mode partial"
    assert in_recipe_terms("runs/--odd/x.png: it is a folder") == "runs/--odd/x.png: it is a folder"


@given(st.text())
def test_a_sentence_without_flags_stays_as_it_is(text: str) -> None:
    if "--" not in text:
        assert in_recipe_terms(text) == text


@pytest.mark.parametrize("field", [field for part in parts() for field in part.fields], ids=lambda field: field.name)
def test_each_flag_of_the_recipe_is_named_as_its_form_does(field: object) -> None:
    flag, name = field.flag, field.name  # type: ignore[attr-defined]
    shown = f'"{name.replace("_", " ")}"' if "_" in name else name
    assert in_recipe_terms(f"{flag} is odd") == f"{shown} is odd"


@pytest.mark.parametrize("path", WORKBENCH, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_of_the_workbench_names_a_flag(path: Path) -> None:
    assert [text for text in texts(ast.parse(path.read_text())) if in_recipe_terms(text) != text] == []


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
