"""Borders between the rooms, held on what is really imported: no screens in the engine, no weight at the start."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import cyclopts
import cyclopts.help
import pytest

from tests.conftest import ROOT
from tests.makers.pace import library_seconds, seconds
from tui.cli.commands import VERBS

WEIGHTY = ("tensorflow", "keras", "sklearn", "scipy", "numpy", "PIL")
WORDS, COMMANDS = (
    [
        f"tui.{folder}.{path.stem}"
        for path in (ROOT / "tui" / folder.replace(".", "/")).glob("*.py")
        if path.stem[0] != "_"
    ]
    for folder in ("words", "cli.commands")
)
"""Every module of words and every verb."""
SCREENS = ("textual", "plotext", "rich", "cyclopts", "tui")


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded once it ran `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_the_whole_engine_loads_no_front_end() -> None:
    everything = "import pkgutil, importlib, engine\n" + (
        "for m in pkgutil.walk_packages(engine.__path__, 'engine.'): importlib.import_module(m.name)"
    )
    loaded = loaded_by(everything)
    assert "engine" in loaded and not loaded & set(SCREENS)
    assert "tensorflow" not in loaded, "importing the engine must not load TensorFlow before it is needed"


def test_the_command_line_loads_neither_textual_nor_tensorflow() -> None:
    assert not loaded_by("import tui.cli") & {"textual", "plotext", "tensorflow", "keras", "sklearn", "scipy", "PIL"}


def test_no_words_and_no_verb_load_a_screen_or_a_library_of_weight() -> None:
    """All words in one process and all verbs in another: what none of them loads is not there at the end."""
    assert len(WORDS) > 5 and len(COMMANDS) > 10
    for modules, more in ((WORDS, {"cyclopts"}), (COMMANDS, set[str]())):
        loaded = loaded_by(f"import {', '.join(modules)}")
        assert "tui" in loaded and not loaded & {"textual", "textual_image", "plotext", *WEIGHTY, *more}


def test_a_verb_s_file_is_loaded_only_when_it_is_asked_for() -> None:
    every = (
        "import sys; from tui.cli import run; run(['--version'])\nprint(*(m for m in sys.modules if 'commands.' in m))"
    )
    done = subprocess.run([sys.executable, "-c", every], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[1].split() == ["tui.cli.commands.workbench"]


def test_every_file_of_a_verb_is_one_that_is_offered() -> None:
    files = {path.stem for path in (ROOT / "tui" / "cli" / "commands").glob("*.py")} - {"__init__"}
    assert files == {*VERBS, "workbench", "repeat"}, "repeat is what `train --seeds` and `train --folds` run"


def test_the_flags_library_is_used_by_its_public_names_alone() -> None:
    """So that an upgrade breaks nothing in silence: a name that it takes away fails here."""
    public = {module.__name__: set(vars(module)["__all__"]) for module in (cyclopts, cyclopts.help)}
    used = set[tuple[str, str]]()
    for path in (ROOT / "tui").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cyclopts"):
                assert node.module in public, path
                used |= {(node.module, alias.name) for alias in node.names}
            if isinstance(node, ast.Attribute) and path.is_relative_to(ROOT / "tui" / "cli"):
                private = node.attr.startswith("_") and not node.attr.startswith("__")
                private &= not (isinstance(node.value, ast.Name) and node.value.id in ("self", "os"))
                assert not private, f"{path}: {ast.unparse(node)}"
    assert used and all(name in public[module] for module, name in used)


def test_scan_and_layers_run_without_tensorflow(few: Path) -> None:
    for arguments in (["scan", str(few)], ["layers"]):
        loaded = loaded_by(f"from tui.cli import run; assert run({arguments!r}) == 0")
        assert not loaded & {"tensorflow", "keras", "textual"}


@pytest.mark.slow  # daily by what the engine imports
def test_training_runs_without_textual(few: Path, tmp_path: Path, small_pictures: None) -> None:
    arguments = ["--train", str(few), "--weights", "none", "--epochs", "1", "--augment", "none", "--out", str(tmp_path)]
    small = "from tests.makers import small; small.follow()"
    loaded = loaded_by(f"{small}; from tui.cli import run; assert run({arguments!r}) == 0")
    assert "tensorflow" in loaded and not loaded & {"textual", "plotext"}


@pytest.mark.alone
@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_version_and_help_come_at_once(flag: str) -> None:
    command = [sys.executable, "-c", "from tui.cli import main; main()", flag]
    environment = {"PYTHONPATH": str(ROOT)}
    times, libraries = zip(*((seconds(command, **environment), library_seconds()) for _ in range(5)), strict=True)
    # 1.1 and 1.8 times; 0.3 s on a quiet machine (benchmarks/start.py) is 2.3 times.
    assert min(times) < 3 * min(libraries), (times, libraries)


def test_the_help_of_all_says_what_each_verb_does_though_none_was_loaded() -> None:
    environment = {**os.environ, "COLUMNS": "400"}
    code = "from tui.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    offered = {line.split()[1]: line.split()[2:] for line in done.stdout.splitlines() if line.startswith("│ ")}
    assert all(len(offered[verb.replace("_", "-")]) > 4 for verb in VERBS)
    shown = [name for name in offered if name.replace("-", "_") in VERBS]
    assert shown == sorted(shown)
