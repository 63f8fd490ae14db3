"""What a model said about files: the lines of a run's predictions.csv, the worst first, and a CSV of new answers."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.base.errors import RunError
from engine.base.escape import to_cell
from engine.base.language import tr
from engine.base.outputs import writing
from engine.base.typed_files import why
from engine.data.file_names import natural
from engine.runs.directory import Run


@dataclass(frozen=True)
class Answer:
    """A test image: its file below the run's folder, its true class, what the model said, and the probabilities."""

    file: str
    truth: str
    said: str
    shares: dict[str, float]
    """Those that are stood by: calibrated where the run's validation taught a temperature."""
    own: dict[str, float]
    """The network's own."""

    @property
    def wrong(self) -> bool:
        """Is it a mistake?"""
        return self.said != self.truth

    @property
    def sure(self) -> float:
        """The probability of what was said."""
        return self.shares.get(self.said, 0.0)


def worst_first(run: Run) -> list[Answer]:
    """The run's answers on its test part: the mistakes it was surest of first, then what it was least sure of.

    How sure it was is the calibrated probability, where there is one. Raises RunError where predictions.csv is missing,
    or it or calibration.json damaged.
    """
    import numpy as np

    from engine.evaluation.calibration import at_temperature, read_calibration
    from engine.evaluation.predictions_csv import PREDICTIONS, read_lines  # which loads NumPy

    path = run.path / PREDICTIONS
    try:
        classes, lines = read_lines(path)
        own = [line.shares for line in lines]
        taught = read_calibration(run, classes)
        stood_by = at_temperature(np.array(own), taught.temperature).tolist() if taught and own else own
        answers = [
            Answer(line.file, line.truth, line.said, dict(zip(classes, shares, strict=True)),
                   dict(zip(classes, line.shares, strict=True)))
            for line, shares in zip(lines, stood_by, strict=True)
        ]  # fmt: skip
    except FileNotFoundError:
        raise RunError(tr("{path} is missing, so single images can't be shown.", path=path)) from None
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(
            tr("{path} can't be read ({why}), so single images can't be shown.", path=path, why=why(error))
        ) from None
    return sorted(answers, key=lambda a: (not a.wrong, -a.sure if a.wrong else a.sure, natural(a.file)))


def stood_by(line: dict[str, Any]) -> dict[str, float]:
    """The probabilities by class of a line that `Prediction.to_dict` gave, as `Prediction.shares`; none of an error."""
    shares: dict[str, float] = line.get("calibrated") or line.get("probabilities", {})
    return shares


_TOLD = ("decision", "possible", "refused", "distance", "distance_limit", "likeness", "cautions", "error")
"""The columns of a CSV of answers after the probabilities that are stood by."""
_REFUSED = {None: "", False: "no", True: "yes"}
_LIKENESS = {None: "not checked", False: "alike", True: "unlike"}
"""What the column says of an image beside the training images; the cautions have the numbers."""


def write_predictions(path: Path, lines: Iterable[dict[str, Any]], classes: Sequence[str], force: bool = False) -> None:
    """Write answers, each what `Prediction.to_dict` gives or "file" and "error", as CSV, whole or not at all.

    The columns with the names of the classes hold `stood_by`, "calibrated" says whether these are calibrated, and the
    network's own come last.
    A cell of what the model can't tell is empty. Text is written by `engine.base.escape.to_cell`, so that no
    spreadsheet computes and no terminal obeys any. A file that is there is replaced only with `force`. Raises as
    `engine.base.outputs.writing` does.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    own = (f"uncalibrated {name}" for name in classes)
    writer.writerow(map(to_cell, ("file", "label", *classes, "calibrated", *_TOLD, *own)))
    writer.writerows(_cells(line, classes) for line in lines)
    with writing(path, force) as file:
        file.write(text.getvalue().encode())


def _cells(line: dict[str, Any], classes: Sequence[str]) -> list[Any]:
    shares, own = stood_by(line), line.get("probabilities", {})
    decision = (line.get("decision") or {}).get("says", "")
    distances = (line.get(name) for name in ("distance", "distance_limit"))
    return [
        *map(to_cell, (line["file"], line.get("label", ""))),
        *(shares.get(name, "") for name in classes),
        "" if not own else "yes" if line.get("calibrated") else "no",
        *map(to_cell, (decision, (line.get("possible") or {}).get("says", ""), _REFUSED[line.get("refused")])),
        *("" if distance is None else distance for distance in distances),
        _LIKENESS[line["likeness"] and line["likeness"]["unlike"]] if "likeness" in line else "",
        *map(to_cell, ("; ".join(line.get("cautions", ())), line.get("error", ""))),
        *(own.get(name, "") for name in classes),
    ]
