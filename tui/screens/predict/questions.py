"""What the Predict screen asks a model, in a thread: about one file, or about all of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.context import Context
from engine.runs import directory
from engine.runs.directory import Run
from tui.services.models import Models

if TYPE_CHECKING:
    from engine.evaluation.prediction import Prediction
    from engine.evaluation.promised import Terms


@dataclass(frozen=True, eq=False)
class Answered:
    """Which run answered, what it said about the file, and what it promises of that; None where it promises nothing."""

    run: Run
    prediction: "Prediction"
    terms: "Terms | None"


def _run(asked: Path | None, out: Path) -> Run:
    return Run(asked) if asked else directory.newest(out)


def ask_file(models: Models, asked: Path | None, out: Path, path: Path, context: Context) -> Answered:
    """The run that answers, the newest under `out` where none is `asked`, and what it says about the file."""
    run = _run(asked, out)
    return Answered(run, models.predict(run, path, context), models.terms(run, context))


def ask_folder(
    models: Models,
    asked: Path | None,
    out: Path,
    folder: Path,
    lines: list[dict[str, Any]],
    follow_links: bool,
    context: Context,
) -> Sequence[str]:
    """Add what the run says about each file below `folder` to `lines`; the names of its classes."""
    return models.predict_folder(_run(asked, out), folder, lines, context, follow_links)
