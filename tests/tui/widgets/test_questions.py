"""Every question of the workbench opens on the answer that changes nothing; enter, pressed too soon, does no harm."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.makers.drive import run, text, until
from tui.app import QUIT_ANSWERS, QUIT_QUESTION, STAY, Workbench
from tui.screens.audit import screen as audit
from tui.screens.runs import text as runs
from tui.screens.sweep import screen as sweep
from tui.screens.sweep import text as sweep_text
from tui.screens.train import text as train
from tui.widgets import pick_dialog
from tui.widgets.question_dialog import Answer, Ask

ASKED = {
    "tui/app.py": (QUIT_QUESTION, QUIT_ANSWERS, STAY),
    "tui/screens/audit/screen.py": ("Stop the audit?", (audit.STOP,), audit.GO_ON),
    "tui/screens/runs/screen.py": ("Delete the run?", (runs.DELETE,), runs.KEEP),
    "tui/screens/review/screen.py": (
        "Which label is right?",
        (Answer("1", "Normal", "Normal"),),
        Answer("b", "Back", ""),
    ),
    "tui/screens/sweep/screen.py": (sweep_text.OPEN, (Answer("r", "The recommended", "x"),), sweep_text.SHUT),
    "tui/screens/train/screen.py": ("Stop the training?", (train.KEEP, train.NOW), train.GO_ON),
    "tui/widgets/pick_dialog.py": ("It exists already.", (pick_dialog.OVER,), pick_dialog.ANOTHER),
    "a sweep's stop": ("Stop the sweep?", (sweep.STOP,), sweep.GO_ON),
}
"""By the file that asks: a question, the answers that do something, and the harmless one."""
HARMLESS = ("", "stay", "keep", "another")


def test_every_file_that_asks_is_looked_at_here() -> None:
    asking = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tui").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Ask"
    }
    others = {kind.__module__ for kind in Ask.__subclasses__() if kind.OPENS_ON != Ask.OPENS_ON}
    assert others <= {"tui.screens.start"}, "it asks how to begin, and no answer does any harm"
    assert asking == {name for name in ASKED if name.endswith(".py")}


@pytest.mark.parametrize("file", ASKED)
def test_enter_and_escape_give_the_harmless_answer(tmp_path: Path, file: str) -> None:
    question, answers, harmless = ASKED[file]
    given = list[str | None]()

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            for key in ("enter", "escape"):
                app.push_screen(Ask(question, answers, harmless), given.append)
                await until(pilot, lambda: harmless.text in text(app))
                await pilot.press(key)
                await until(pilot, lambda: not isinstance(app.screen, Ask))

    run(scenario())
    assert given == [harmless.value] * 2 and harmless.value in HARMLESS
    assert not {answer.value for answer in answers} & {harmless.value}
