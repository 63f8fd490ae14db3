"""A sweep reads what its runs left once, however many of them there are and however often it is asked."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.events import Batch, Epoch, Event, Failed, Finished, Started
from engine.base.result import Validated
from engine.base.typed_files import json_object
from engine.data.records import Row
from engine.data.split import Split
from engine.evaluation.evaluate import keep_validation
from engine.evaluation.predictions_csv import Predictions
from engine.jobs import sweep as jobs
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs import event_log
from engine.runs.directory import Run
from engine.runs.writer import RunWriter, create
from engine.sweep import store
from engine.sweep.outcomes import outcome_of
from engine.sweep.result import Grid

FILES = tuple(f"{label}/{n}.png" for label in "AB" for n in range(4))
STEPS = 20
END = Finished("", 1, 1.0, Validated(accuracy=1.0, loss=0.2), None, 1, "all epochs")


class Drawn:
    """What a sweep asks of its data."""

    corrections = ()
    split = Split(tuple(Row(file, file[0], "validation") for file in FILES))


def train(folder: Path, config: TrainConfig, context: Context, data: Any = None) -> Finished:
    """Stands for `engine.jobs.train.train`: a run of an epoch, its events and its answers to the validation images."""
    with create(folder, config) as writer:
        parts = {"train": {"A": 4, "B": 4}}
        writer.append(Started(writer.run.name, ("A", "B"), parts, "transfer", 1, 1, 1, STEPS, "float32", "none"))
        for step in range(1, STEPS + 1):
            writer.append(Batch(1, step, STEPS, 0.5, 0.5, 9.0))
        writer.append(Epoch(1, 0.5, 0.5, 0.5, 1.0, 1e-4, 1.0))
        shares = np.array([[0.9, 0.1]] * 4 + [[0.2, 0.8]] * 4)
        keep_validation(writer.run, Predictions(("A", "B"), FILES, np.array([0] * 4 + [1] * 4), shares))
        writer.append(dataclasses.replace(END, run=writer.run.name))
    return END


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many event lines were decoded so far, in a list of one number; trainings are stood for."""
    lines = [0]
    decode = event_log.read_line

    def counting(line: bytes) -> tuple[float, Event] | None:
        lines[0] += 1
        return decode(line)

    monkeypatch.setattr(event_log, "read_line", counting)
    monkeypatch.setattr("engine.jobs.train.train", train)
    monkeypatch.setattr("engine.network.pretrained.require", lambda *_: None)
    monkeypatch.setattr(jobs, "scanned", lambda *_: Drawn)
    yield lines


def swept(out: Path, seeds: int) -> jobs.Sweep:
    config = TrainConfig(output=OutputConfig(out, f"s{seeds}"))
    return jobs.Sweep(out, config, Grid(("vgg16",), ("block5",), (1e-3,), tuple(range(seeds))))


def test_a_sweep_decodes_each_line_of_its_runs_once(tmp_path: Path, counted: list[int]) -> None:
    """Once in all, whatever the number of runs: not once for each training that follows."""
    by_seeds = {}
    for seeds in (4, 8, 16):
        before = counted[0]
        result = swept(tmp_path, seeds).train(Context())
        by_seeds[seeds] = counted[0] - before
        assert result.finished == seeds and len(result.candidates) == 1
    assert by_seeds[16] == 2 * by_seeds[8] == 4 * by_seeds[4]
    assert by_seeds[4] == 4 * (STEPS + 3)
    before = counted[0]
    again = jobs.Sweep.begun(tmp_path / "s16", tmp_path)
    assert again.seconds_per_work(8) is not None and all(one.state == "finished" for one in again.plan(8))
    assert counted[0] == before, "nor for a plan of what is there"


def test_a_training_that_was_stopped_and_tested_is_not_finished_and_goes_on(
    tmp_path: Path, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = swept(tmp_path, 2)
    own.train(Context())
    run = own.run_of(own.points[0])
    assert run
    log = run.path / "events.jsonl"
    log.write_text(log.read_text().replace('"ended": "all epochs"', '"ended": "stopped"'))
    result = own.write()
    assert [one.state for one in own.plan(8)] == ["half", "finished"]
    assert result.finished == 1 and [point.state for point in result.points] == ["stopped", "finished"]
    assert result.candidates[0].runs == (own.points[1].name,), "recipes are compared whole"
    resumed = list[str]()

    def resume(run: Run, config: TrainConfig, context: Context, folder: Path, data: Any) -> Finished:
        resumed.append(run.name)
        with RunWriter(run, again=True) as writer:
            writer.append(dataclasses.replace(END, run=run.name))
        return END

    monkeypatch.setattr("engine.jobs.train.resume", resume)
    assert own.train(Context()).finished == 2 and resumed == [run.name]


def test_a_run_that_goes_on_is_read_again(tmp_path: Path, counted: list[int]) -> None:
    own = swept(tmp_path, 1)
    own.train(Context())
    run = own.run_of(own.points[0])
    assert run and outcome_of(run).state == "finished"
    with (run.path / "events.jsonl").open("a") as file:
        file.write(Failed("no more room").to_json() + "\n")
    assert outcome_of(run).state == "failed" and outcome_of(run).end is not None
    assert outcome_of(Run(tmp_path / "none")).state == "died"


def test_a_list_of_sweeps_decodes_each_only_when_its_file_changed(
    tmp_path: Path, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seeds in (1, 2, 3):
        swept(tmp_path, seeds).train(Context())
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "sweep.json").write_text("{")
    read = list[Path]()
    decode = json_object

    def counting(path: Path) -> dict[str, Any]:
        read.append(path)
        return decode(path)

    monkeypatch.setattr(store, "json_object", counting)

    def listed() -> int:
        before, found = len(read), 0
        for path in store.all_sweeps(tmp_path):
            try:
                found += bool(store.read(path).points)
            except RunError:
                assert path.name == "bad"
        assert found == 3
        return len(read) - before

    listed()
    assert listed() == 0
    file = tmp_path / "s2" / "sweep.json"
    store.write(tmp_path / "s2", store.read(tmp_path / "s2"))
    assert listed() == 1 and read[-1] == file
