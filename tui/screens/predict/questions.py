"""What the Predict screen asks a model, in a thread: about one file, or about all of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.context import Context
from engine.base.errors import NoModelError
from engine.base.language import tr
from engine.runs import directory
from engine.runs.directory import Run
from tui.services.models import Models
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.evaluation.prediction import Prediction
    from engine.evaluation.promised import Terms


NO_RUN = tr("No run has a trained model yet: 3 opens the screen Train, and r there makes one.")


@dataclass(frozen=True, eq=False)
class Answered:
    """Which run answered, what it said about the file, and what it promises of that; None where it promises nothing."""

    run: Run
    prediction: "Prediction"
    terms: "Terms | None"


@dataclass(frozen=True)
class Wanted:
    """Which promise is wanted: its level, None for the usual one, and the share of the given answers that may be wrong,
    None where no answer is to be refused.
    """

    level: float | None = None
    risk: float | None = None


@dataclass(frozen=True)
class Whom:
    """Who is asked: a run, or where none was picked the newest one under `out`."""

    models: Models
    picked: Path | None
    out: Path

    @property
    def run(self) -> Run:
        """The run. Raises RunError where there is none."""
        return Run(self.picked) if self.picked else directory.newest(self.out)


def sentence(error: Exception) -> str:
    """Why there is no answer."""
    return NO_RUN if isinstance(error, NoModelError) else in_recipe_terms(error)


def ask_file(whom: Whom, path: Path, context: Context) -> Answered:
    """What is said about the file."""
    run = whom.run
    return Answered(run, whom.models.predict(run, path, context), whom.models.terms(run, context))


def ask_folder(
    whom: Whom, wanted: Wanted, folder: Path, lines: list[dict[str, Any]], follow_links: bool, context: Context
) -> Sequence[str]:
    """Add what the run says about each file below `folder` to `lines`; the names of its classes."""
    from engine.evaluation.conformal import LEVEL
    from engine.evaluation.promised import Asked

    asked = Asked(wanted.level or LEVEL, wanted.risk)
    return whom.models.predict_folder(whom.run, folder, lines, context, follow_links, asked)
