"""What a run's files say is true and harmless: its log, its manifest, and its last event when the disk is full."""

import errno
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.events import Event, Failed, Notice
from engine.data import split
from engine.data.scan import scan
from engine.jobs import train
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs import directory
from engine.runs.writer import RunWriter, create
from engine.training.data import Data, as_decoded


def writer(out: Path) -> RunWriter:
    return create(out, TrainConfig(output=OutputConfig(out=out, name="run")))


def test_the_log_holds_foreign_text_escaped(tmp_path: Path) -> None:
    with writer(tmp_path) as run:
        run.append(Notice("warning", "Left out: a\x1b[31m\x9b\u202e\udc9b.png"))
        run.log("Traceback\n  line \x1b[2J")
    text = (tmp_path / "run" / "train.log").read_text()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\udc80-\udcff]", text)
    assert "a\\x1b[31m\\x9b\\u202e\\udc9b.png" in text and text.count("\n") == 3


def test_a_full_disk_ends_a_training_in_a_sentence_that_the_run_keeps(tmp_path: Path) -> None:
    told: list[Event] = []

    def work(_: object) -> None:
        raise OSError(errno.ENOSPC, "write failed: time = now")

    with writer(tmp_path) as run, pytest.raises(RunError, match="No space left"):
        train.with_its_end(run, Context(told.append), work)
    (event,) = told
    assert isinstance(event, Failed) and "--resume" in event.reason and "time = now" not in event.reason
    assert directory.Run(tmp_path / "run").state() == "failed"


def test_the_manifest_lacks_what_vanished_before_the_training(tmp_path: Path) -> None:
    for label in "AB":
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(6):
            noise = np.random.default_rng([number, ord(label)]).integers(0, 256, (30, 30), np.uint8)
            Image.fromarray(noise).save(tmp_path / "data" / label / f"{number}.png")
    found = scan(tmp_path / "data")
    data = Data(found, split.draw(found, 0.2, 0.2, 0))
    with writer(tmp_path) as run:
        data.split.write(run.run.path / "split.csv")
        gone = data.split.files("train")[0]
        decoded = tuple(row.file for row in data.split.rows if row.part != "test" and row.file != gone)
        left = as_decoded(data, decoded, run.run)
        kept = split.Split.read(run.run.path / "split.csv")
        assert left.split == kept and {row.file for row in kept.rows} == {r.file for r in data.split.rows} - {gone}
        assert as_decoded(left, decoded, run.run) is left
