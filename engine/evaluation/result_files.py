"""The files of a run that hold a result, test.json and external/*.json: the one place that reads them, and only whole.

Whoever shows or compares a result may rely on what is checked here: a file that was cut, edited or made by something
else ends in a sentence that names it. Keys that older runs lack may be missing.
"""

import os

from engine.base.language import tr
from engine.base.result import Drawn, Elsewhere
from engine.base.typed_files import typed
from engine.runs.directory import Run

TEST, FOLDER, SUBGROUPS = "test.json", "external", "subgroups.json"
CARDS = "card.md", "card.html"


def was_tested(run: Run) -> bool:
    """Was the run's test part opened?"""
    return os.path.lexists(run.path / TEST)


def read_test(run: Run) -> Drawn:
    """What test.json holds. Raises RunError where it is missing or damaged."""
    mend = tr("remove it, and `covid-tui evaluate {name}` measures the test part anew", name=run.name)
    return typed(run.path / TEST, Drawn, mend)


def read_external(run: Run) -> list[Elsewhere]:
    """The results of the run's external tests, by file name. Raises RunError where one of them is damaged."""
    mend = tr("remove it, or do that test again with `covid-tui evaluate {name} --on FOLDER`", name=run.name)
    return [typed(path, Elsewhere, mend) for path in sorted((run.path / FOLDER).glob("*.json"))]
