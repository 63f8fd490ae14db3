"""What is refused before a training begins: a finished run stays so, to the byte, and no new run is left behind."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, CovidTuiError, DataError, RunError, WeightsError
from engine.base.events import Event, Failed, Finished, Interrupted, Notice, Progress, Started
from engine.jobs import train
from engine.recipe.config import DataConfig, MachineConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs.directory import Run
from engine.runs.writer import create, reopen
from tests.conftest import SAMPLE, within
from tests.makers import made


def contents(run: Run) -> dict[str, bytes]:
    """What the run holds, but for the lock and the log, which say only that somebody looked."""
    files = (path for path in run.path.rglob("*") if path.is_file() and path.name not in ("lock", "train.log"))
    return {str(path): path.read_bytes() for path in files}


@pytest.fixture
def finished(tmp_path: Path) -> Run:
    """A finished and tested run whose images are away."""
    lines = [(f"{label}/{n}.png", label, [0.9, 0.1]) for label in made.CLASSES for n in range(6)]
    return made.finished_run(tmp_path / "runs", "done", tmp_path / "away", lines)


@pytest.fixture(params=["finished", "stopped", "failed", "died"])
def ended(request: pytest.FixtureRequest, finished: Run) -> tuple[Run, str]:
    """A run that ended in one of the ways that there are."""
    path, state = finished.path / "events.jsonl", request.param
    stopped, failed, died = Interrupted(str(finished.path), 2, "told to"), Failed("no room"), Notice("info", "")
    ends: dict[str, Event] = {"stopped": stopped, "failed": failed, "died": died}
    if state in ends:
        kept = path.read_text().splitlines()[:-1]
        path.write_text("\n".join([*kept, json.dumps(ends[state].to_dict())]) + "\n")
    assert finished.state() == state
    return finished, state


def test_a_run_whose_images_are_away_stays_as_it_is(ended: tuple[Run, str], tmp_path: Path) -> None:
    run, state = ended
    before, result = contents(run), run.finished()
    done = within(tmp_path, ("train", "--resume", run.path, "--epochs", "9"))
    assert done.returncode == 3, done.stderr
    assert f"covid-tui train DATA --resume {run.path}" in done.stderr.splitlines()[-1]
    assert contents(run) == before and run.state() == state and run.finished() == result


def an_empty_folder(run: Run) -> None:
    run.folder().mkdir()


def of_other_classes(run: Run) -> None:
    for label in ("A", "B"):
        (run.folder() / label).mkdir(parents=True)
        (run.folder() / label / "1.png").symlink_to(SAMPLE / "COVID" / "images" / "COVID-1.png")


@pytest.mark.parametrize("made_there", [an_empty_folder, of_other_classes])
def test_neither_does_another_folder_in_their_place_change_the_run(finished: Run, made_there: Any) -> None:
    made_there(finished)
    before, told = contents(finished), list[Event]()
    with pytest.raises(DataError, match=r"covid-tui train DATA --resume"):
        train.resume(finished, finished.config(), Context(told.append))
    assert contents(finished) == before and finished.state() == "finished"


def test_a_stop_while_the_images_are_read_is_no_end_of_the_run(finished: Run) -> None:
    before, stop = contents(finished), Stop()
    stop.request("now")
    end = train.resume(finished, finished.config(), Context(stop=stop), SAMPLE)
    assert isinstance(end, Interrupted) and contents(finished) == before and finished.state() == "finished"


def test_an_error_before_the_training_begins_is_no_end_of_the_run(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(train, "split_before", lack)
    before, told = contents(finished), list[Event]()
    with pytest.raises(RunError, match="too small"):
        train.resume(finished, finished.config(), Context(told.append), SAMPLE)
    assert [type(event) for event in told] == [Failed], "it is told, but not in the run"
    assert contents(finished) == before and finished.state() == "finished"


def test_what_was_told_before_the_beginning_is_in_the_run_once_it_begins(tmp_path: Path) -> None:
    lines = [(f"{label}/{n}.png", label, [0.9, 0.1]) for label in made.CLASSES for n in range(6)]
    run = made.finished_run(tmp_path, "done", tmp_path, lines)
    known, began = len(list(run.events())), list[int]()
    (first,) = (event for event in run.events() if isinstance(event, Started))
    with reopen(run, run.config()) as writer:
        writer.wait(lambda: began.append(1))
        writer.append(Notice("warning", "An image is lost."))
        writer.append(Progress("scan", 1, 2))
        assert len(list(run.events())) == known and not began
        writer.append(first)
        assert list(run.events())[known:] == [Notice("warning", "An image is lost."), Progress("scan", 1, 2), first]
        assert began == [1]
    assert run.state() == "died" and isinstance(run.finished(), Finished)


def test_a_notice_after_the_end_is_no_end(finished: Run) -> None:
    with reopen(finished, finished.config()) as writer:
        writer.append(Notice("info", "Looked at again."))
        writer.append(Progress("test", 1, 2))
    assert finished.state() == "finished"


def test_weights_that_are_away_are_told_before_a_run_is_gone_on_with(finished: Run, tmp_path: Path) -> None:
    path = finished.path / "config.json"
    values = json.loads(path.read_text())
    values["network"]["weights"] = str(tmp_path / "gone.weights.h5")
    path.write_text(json.dumps(values))
    before = contents(finished)
    with pytest.raises(WeightsError, match=r"gone\.weights\.h5"):
        train.resume(finished, finished.config(), Context(), SAMPLE)
    assert contents(finished) == before and finished.state() == "finished"


def recipe(out: Path, **parts: Any) -> TrainConfig:
    return TrainConfig(output=OutputConfig(out=out), **parts)


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({"network": NetworkConfig(weights="mistyped.weights.h5")}, WeightsError),
        ({"network": NetworkConfig(weights="junk.weights.h5")}, WeightsError),
        ({"network": NetworkConfig(weights="of-another.weights.h5")}, WeightsError),
        ({"network": NetworkConfig(weights=".")}, WeightsError),
        ({"network": NetworkConfig(mode="partial", unfreeze="block9")}, ConfigError),
        ({"machine": MachineConfig(devices="7")}, ConfigError),
        ({"data": DataConfig(split=Path("mistyped.csv"))}, DataError),
        ({"data": DataConfig(split=Path("junk.weights.h5"))}, DataError),
    ],
)
def test_what_can_be_known_beforehand_is_refused_before_a_scan_and_without_a_run(
    tmp_path: Path, parts: dict[str, Any], error: type[CovidTuiError], monkeypatch: pytest.MonkeyPatch
) -> None:
    import h5py

    monkeypatch.chdir(tmp_path)
    Path("junk.weights.h5").write_text("junk")
    with h5py.File("of-another.weights.h5", "w") as file:
        file["layers/conv2d/vars/0"] = [1.0, 2.0]
    told: list[Event] = []
    with pytest.raises(error) as raised:
        train.train(SAMPLE, recipe(tmp_path / "out", **parts), Context(told.append))
    assert str(raised.value).endswith(".")
    assert told == [] and not (tmp_path / "out").exists()


def test_a_place_that_can_hold_no_run_is_refused_before_a_scan(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told: list[Event] = []
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RunError, match="choose another folder with --out"):
            train.train(SAMPLE, recipe(out), Context(told.append))
    (tmp_path / "taken").mkdir()
    named = dataclasses.replace(recipe(tmp_path), output=OutputConfig(tmp_path, "taken"))
    with pytest.raises(ConfigError, match="exists already"):
        train.train(SAMPLE, named, Context(told.append))
    assert told == [] and not list((tmp_path / "taken").iterdir())


def test_a_training_refused_after_its_run_was_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise WeightsError("The weights changed meanwhile.")

    monkeypatch.setattr(train, "fit", refuse)
    config = recipe(tmp_path / "out", data=DataConfig(near_duplicates=False), network=NetworkConfig(weights="none"))
    with pytest.raises(WeightsError):
        train.train(SAMPLE, config, Context())
    assert list((tmp_path / "out").iterdir()) == []


def test_what_others_put_into_such_a_run_is_left(tmp_path: Path) -> None:
    with create(SAMPLE, recipe(tmp_path)) as writer:
        (writer.run.path / "mine.txt").write_text("mine")
        writer.leave_nothing()
    assert [path.name for path in writer.run.path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("verb", ["--seeds 2", "--folds 2", "audit", "lr-find", "sweep"])
def test_whatever_trains_refuses_mistyped_weights_before_a_scan(tmp_path: Path, verb: str) -> None:
    begin = ("train", SAMPLE, *verb.split()) if verb.startswith("--") else (verb, SAMPLE)
    place = () if verb == "lr-find" else ("--out", tmp_path / "out", "--name", "new")
    done = within(tmp_path, (*begin, "--weights", "mistyped.weights.h5", *place))
    (sentence,) = done.stderr.splitlines()
    assert done.returncode == 1 and "mistyped.weights.h5 is missing" in sentence
    assert not (tmp_path / "out").exists()
