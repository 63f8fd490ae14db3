"""What a training writes and leaves, compared with one that was left alone."""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from engine.runs.directory import Run
from tests.makers.forked import Command


def weights_sha(run: Path) -> str:
    """SHA-256 over the best weights, layer by layer."""
    digest = hashlib.sha256()

    def take(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            digest.update(name.encode() + item[()].tobytes())

    with h5py.File(run / "best.weights.h5") as file:
        file.visititems(take)
    return digest.hexdigest()


def history(run: Path) -> list[dict[str, str]]:
    """The lines of history.csv without the seconds, which no two trainings share."""
    with (run / "history.csv").open() as file:
        return [{k: v for k, v in line.items() if k != "seconds"} for line in csv.DictReader(file)]


def assert_as_in_one_go(run: Path, whole: Path, epochs: int) -> None:
    """The same weights to the bit, the same history, each epoch once."""
    assert weights_sha(run) == weights_sha(whole)
    assert history(run) == history(whole)
    assert [epoch.epoch for epoch in Run(run).epochs()] == list(range(1, epochs + 1))
    assert Run(run).state() == "finished"
    assert json.loads((run / "test.json").read_text()) == json.loads((whole / "test.json").read_text())


def events(process: Command) -> Iterator[dict[str, Any]]:
    """What the process tells, as it tells it."""
    for line in process.stdout:
        yield json.loads(line)
