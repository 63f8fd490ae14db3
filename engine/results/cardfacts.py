"""What a model card is made from: all that a run directory knows, without a path of the machine."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config import TrainConfig
from engine.dataset.listing import class_folders, pair_key
from engine.dataset.split import Row, Split, leaks
from engine.errors import CovidTuiError, RunError
from engine.events import Epoch, Finished, Notice, Started
from engine.files import digest_of
from engine.results import external
from engine.results.calibration import CALIBRATION
from engine.results.evaluate import TEST
from engine.results.reference import REFERENCE
from engine.runs import SPLIT, WEIGHTS, Run

AUDIT = "audit.json"
_PATH = re.compile(r"(?<![\w.])/(?:[^\s/]+/)*([^\s/]+)")


@dataclass(frozen=True)
class Facts:
    """All that a card is made from, as the run directory has it; `audit` is an audit.json or None."""

    name: str
    folder: str
    config: TrainConfig
    rows: tuple[Row, ...]
    sources: dict[str, dict[str, int]]
    """By class, images by source; empty where no metadata name any."""
    epochs: list[Epoch]
    started: Started | None
    end: Finished | None
    test: dict[str, Any]
    calibration: dict[str, Any] | None
    environment: dict[str, Any]
    hashes: dict[str, str]
    externals: list[dict[str, Any]]
    audit: dict[str, Any] | None
    warnings: tuple[str, ...]
    """What the training warned of, paths cut to their last name."""
    alarms: tuple[str, ...]
    """Those of the warnings that say how the class can be told without the lungs."""

    @property
    def leaks(self) -> tuple[tuple[str, ...], ...]:
        """Groups of files with the same pixels in two or more parts."""
        return leaks(self.rows)

    @property
    def apart(self) -> bool:
        """Are sources known, and has none images of two classes?"""
        every = [source for own in self.sources.values() for source in own]
        return len(self.sources) > 1 and len(every) == len(set(every))


def gather(run: Run, audit: Path | None = None) -> Facts:
    """The facts of a run, and of a shortcut audit where its folder or its audit.json is given.

    Raises RunError where the run was not tested yet, or where a file is damaged.
    """
    if not (run.path / TEST).is_file():
        raise RunError(f"{run.name} was not tested yet: `covid-tui evaluate {run.name}` does it, then report.")
    split = Split.read(run.path / SPLIT)
    folder = run.folder()
    taught = run.read_json(CALIBRATION) if (run.path / CALIBRATION).is_file() else None
    warned = [event for event in run.events() if isinstance(event, Notice) and event.level == "warning"]
    names = (WEIGHTS, SPLIT, "config.json", TEST, CALIBRATION, REFERENCE)
    return Facts(
        name=run.name,
        folder=folder.name,
        config=run.config(),
        rows=split.rows,
        sources=_sources(folder, split.rows),
        epochs=run.epochs(),
        started=next((event for event in run.events() if isinstance(event, Started)), None),
        end=run.finished(),
        test=run.read_json(TEST),
        calibration=taught,
        environment=run.read_json("environment.json") if (run.path / "environment.json").is_file() else {},
        hashes={name: digest_of(run.path / name) for name in names if (run.path / name).is_file()},
        externals=external.kept(run),
        audit=_audit(audit or run.path) if audit or (run.path / AUDIT).is_file() else None,
        warnings=_texts(warned, folder),
        alarms=_texts([event for event in warned if event.topic == "confounding"], folder),
    )


def _texts(notices: Sequence[Notice], folder: Path) -> tuple[str, ...]:
    texts = (_PATH.sub(r"\1", notice.text.replace(str(folder), folder.name)) for notice in notices)
    return tuple(dict.fromkeys(texts))


def _sources(folder: Path, rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """By class, images by source, where the folder is still there and its metadata name any."""
    labels = tuple(dict.fromkeys(row.label for row in rows))
    try:
        listed: dict[str, dict[str, str]] = {}
        for one in class_folders(folder, labels, []):
            listed.setdefault(one.label, {}).update(one.sources)
    except CovidTuiError:
        return {}
    found: dict[str, dict[str, int]] = {label: {} for label in labels}
    for row in rows:
        source = listed.get(row.label, {}).get(pair_key(row.file))
        if source:
            found[row.label][source] = found[row.label].get(source, 0) + 1
    return found if any(found.values()) else {}


def _audit(path: Path) -> dict[str, Any]:
    file = path / AUDIT if path.is_dir() else path
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(values, dict) and {"variants", "verdict", "baseline"} <= values.keys():
            return values
    except (OSError, ValueError) as error:
        raise RunError(f"{file} can't be read ({error}): name the folder of an audit.") from error
    raise RunError(f"{file} is no audit: name the folder that `covid-tui audit` wrote.")
