"""A run's events folded: the epoch that the loop keeps is the best one, whatever the order, phases and resumes."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.events import (
    Batch,
    Epoch,
    Event,
    Failed,
    Finished,
    Progress,
    Resumed,
    Skipped,
    Started,
    Stretch,
    TimeLeft,
    Tried,
    from_dict,
)
from engine.base.result import Validated
from engine.recipe.config import FitConfig, OutputConfig, TrainConfig
from engine.runs import event_log
from engine.runs.directory import Run, all_runs
from engine.runs.summary import RunSummary, better, waited
from engine.runs.watch import Library, RunView
from engine.runs.writer import create
from tests.makers import fake
from tests.makers.made import rung

LOSSES = st.sampled_from((0.1, 0.2, 0.3, math.nan, math.inf))
RESULTS = st.lists(st.tuples(st.sampled_from((0.5, 0.75, 1.0)), LOSSES), max_size=12)
"""Validation's accuracy and loss of one epoch after another; equal ones are frequent."""


def epoch(number: int, accuracy: float, loss: float, seconds: float = 1.0) -> Epoch:
    return Epoch(number, 1.0, 0.5, loss, accuracy, 1e-4, seconds)


def folded(*events: Event) -> RunSummary:
    summary = RunSummary()
    for at, event in enumerate(events):
        summary.fold(event, float(at))
    return summary


def kept(epochs: list[Epoch], before: Epoch | None = None) -> Epoch | None:
    """The epoch whose weights the loop has at the end: it takes an epoch's where they are better than what it has."""
    for one in epochs:
        before = one if better(one, before) else before
    return before


def test_a_ladder_is_told_by_its_rungs_and_a_resume_climbs_it_anew() -> None:
    begun = dataclasses.replace(fake.started("r", 4), mode="auto", steps=1, phases=())
    first, second, third = rung(1, 8, 10, True), rung(2, 9, 10, True, 0.1), rung(3, 9, 10, False, 0.0)
    summary = folded(begun, Tried(1, 0.1, 0.8, 0.0, 0.4), first, second, third)
    assert (summary.unit, summary.done, summary.at_epoch, summary.share) == ("rung", 3, 4, 0.75)
    assert summary.kept is second and summary.best_number == 2 and summary.val_accuracy == 0.9
    assert summary.seconds == 6.0
    anew = folded(begun, Tried(1, 0.1, 0.8, 0.0, 0.4), first, second, Resumed(1, 0))
    assert not anew.rungs and not anew.tried and anew.done == 0 and anew.best_number is None
    again = folded(begun, first, second, Resumed(1, 0), first)
    assert (again.done, again.best_number) == (1, 1)


@settings(deadline=None)
@given(RESULTS)
def test_the_best_epoch_is_the_one_that_the_loop_keeps(results: list[tuple[float, float]]) -> None:
    epochs = [epoch(number, *values) for number, values in enumerate(results, start=1)]
    best = folded(fake.started("r", 20), *epochs).best
    assert best is kept(epochs)
    finite = [one for one in epochs if math.isfinite(one.val_loss)]
    assert best is max(finite, key=lambda one: (one.val_accuracy, -one.val_loss, -one.epoch), default=None)


@settings(deadline=None)
@given(RESULTS, st.data())
def test_the_best_epoch_of_a_resumed_run_is_that_of_the_weights_it_went_on_with(
    results: list[tuple[float, float]], data: st.DataObject
) -> None:
    """The loop goes on with the best weights of the epochs before its resume point; those after it are done again."""
    first = [epoch(number, *values) for number, values in enumerate(results, start=1)]
    point = data.draw(st.integers(1, len(first) + 1))
    again = [epoch(point + place, *values) for place, values in enumerate(data.draw(RESULTS))]
    summary = folded(fake.started("r", 20), *first, fake.started("r", 20), Resumed(point, 0), *again)
    left = first[: point - 1]
    assert summary.best is kept(again, kept(left))
    assert summary.epochs == left + again


@settings(deadline=None)
@given(RESULTS, st.integers(0, 5), st.integers(0, 6))
def test_patience_counts_as_the_loop_does_and_never_beyond_its_limit(
    results: list[tuple[float, float]], patience: int, probe: int
) -> None:
    phases = (Stretch("the head alone", 1, probe),) * (probe > 0) + (Stretch("all layers", probe + 1, 20),)
    summary = folded(fake.started("r", 20, patience, phases))
    best: Epoch | None = None
    for number, values in enumerate(results, start=1):
        without = waited(number - 1, best.epoch if best else 0, probe + 1)
        counts = patience > 0 and best is not None and number > probe
        assert summary.patience == ((without, patience) if counts else None)
        if counts and without >= patience:
            break  # here the loop ends
        one = epoch(number, *values)
        best = one if better(one, best) else best
        summary.fold(one, float(number))
    if summary.patience:
        assert 0 <= summary.patience.waited <= summary.patience.limit


def test_a_run_that_goes_on_with_less_patience_has_not_waited_longer_than_that() -> None:
    epochs = [epoch(number, 1.0 if number == 1 else 0.5, 0.1) for number in range(1, 8)]
    summary = folded(fake.started("r", 20, 0), *epochs, fake.started("r", 20, 3), Resumed(8, 0))
    assert summary.patience == (3, 3)


def test_equal_accuracies_go_to_the_lower_loss_and_a_later_phase_starts_patience_anew() -> None:
    phases = Stretch("the head alone", 1, 3), Stretch("all layers", 4, 9)
    events = [fake.started("r", 9, 3, phases), epoch(1, 1.0, 0.3), epoch(2, 1.0, 0.1), epoch(3, 0.9, 0.2)]
    summary = folded(*events)
    assert summary.best and summary.best.epoch == 2 and summary.patience == (0, 3)
    assert summary.phase and (summary.phase.number, summary.phase.count) == (2, 2)
    summary.fold(epoch(4, 0.9, 0.2))
    assert summary.patience == (1, 3)
    assert folded(*events[:2]).patience is None, "it counts in the last phase alone"


def test_a_result_stands_until_the_run_goes_on_from_a_resume_point() -> None:
    finished = Finished("r", 1, 9.0, Validated(accuracy=1.0, loss=0.3), fake.TEST, 1, "all epochs")
    events = [fake.started("r", 1), epoch(1, 1.0, 0.3, 4.0), finished, fake.started("r", 2)]
    summary = folded(*events)
    assert summary.result is finished and summary.test == fake.TEST and summary.seconds == 9.0 and summary.end is None
    summary = folded(*events, Resumed(2, 0), epoch(2, 0.5, 0.2, 3.0), Failed("No room."))
    assert summary.result is None and summary.test is None and summary.seconds == 7.0
    assert summary.val_accuracy == 1.0 and isinstance(summary.end, Failed)


def test_the_time_left_is_that_of_the_phase_at_hand() -> None:
    """An epoch of all layers lasts ten times one of the head alone; before its first end, its steps tell."""
    phases = Stretch("the head alone", 1, 2), Stretch("all layers", 3, 6)
    view = RunView(Path("r"))
    view.fold(fake.started("r", 6, 0, phases), 0.0)
    view.fold(epoch(1, 0.5, 0.3, 10.0), 10.0)
    view.fold(epoch(2, 0.6, 0.2, 10.0), 20.0)
    assert view.seconds_left() is None and view.seconds_left_of_epoch() is None
    view.fold(Progress("frozen layers", 5, 5), 50.0)
    view.fold(Batch(3, 5, 20, 0.5, 0.5, 9.0), 75.0)
    assert view.seconds_left_of_epoch() == pytest.approx(75.0) and view.seconds_left() == pytest.approx(375.0)
    view.fold(epoch(3, 0.6, 0.2, 90.0), 150.0)
    assert view.seconds_left() == pytest.approx(270.0)
    view.state = "died"
    assert view.seconds_left() is None


def test_the_time_trained_has_no_part_of_what_is_computed_once() -> None:
    summary = RunSummary()
    events: list[tuple[float, Event]] = [
        (100.0, fake.started("r", 3)),
        (101.0, Progress("frozen layers", 0, 9)), (111.0, Progress("frozen layers", 9, 9)),
        (112.0, Batch(1, 20, 20, 0.5, 0.5, 9.0)),
        (112.5, Progress("frozen layers", 0, 3)), (115.5, Progress("frozen layers", 3, 3)),
        (116.0, epoch(1, 0.5, 0.5, 5.0)), (117.0, epoch(2, 0.5, 0.5, 1.0)),
        (118.0, fake.started("r", 3)), (118.0, Resumed(2, 0)), (121.0, epoch(2, 0.5, 0.4, 1.5)),
    ]  # fmt: skip
    for at, event in events:
        summary.fold(event, at)
    assert (summary.training, summary.filling) == (3.5, 13.0)


def test_a_run_of_an_earlier_version_says_no_phases_and_is_still_read() -> None:
    values = fake.started("r", 9).to_dict()
    old = {name: value for name, value in values.items() if name not in ("patience", "phases")}
    event = from_dict(json.loads(json.dumps(old)))
    assert isinstance(event, Started) and event.phases == () and event.patience is None
    assert from_dict(json.loads(json.dumps(values))) == fake.started("r", 9)
    summary = folded(event, epoch(1, 0.5, 0.5))
    assert summary.phase is None and summary.patience is None and summary.share == pytest.approx(1 / 9)
    assert summary.seconds_left() == pytest.approx(8.0)


def trained(out: Path, name: str, epochs: int = 3) -> Run:
    config = TrainConfig(fit=FitConfig(epochs=epochs), output=OutputConfig(out=out, name=name))
    fake.train(out, config, Context(), seconds=0)
    return Run(out / name)


@pytest.fixture
def lines_read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every line of events that is taken apart for its event."""
    seen: list[bytes] = []
    real = event_log.read_line

    def read_line(line: bytes) -> event_log.Timed | None:
        if line.strip():
            seen.append(line)
        return real(line)

    monkeypatch.setattr(event_log, "read_line", read_line)
    monkeypatch.setattr("engine.runs.watch.read_line", read_line)
    return seen


def test_following_a_live_run_folds_each_event_once(tmp_path: Path, lines_read: list[bytes]) -> None:
    config = TrainConfig(output=OutputConfig(out=tmp_path, name="live"))
    with create(tmp_path, config) as writer:
        reader, library = writer.run.reader(), Library(tmp_path)
        writer.append(fake.started("live", 20))
        for number in range(1, 21):
            writer.append(epoch(number, 0.5, 1 / number))
            summary = reader.read()
            library.take(library.look())
            (entry,) = library.entries()
            assert len(summary.epochs) == len(entry.view.epochs) == number
            assert summary.best == entry.view.best == summary.epochs[-1]
    assert len(lines_read) == 2 * 21 and reader.read() is summary


def test_a_torn_line_is_read_once_it_is_whole_and_damage_is_reported_each_time(tmp_path: Path) -> None:
    run = trained(tmp_path, "run")
    path = run.path / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b'"val_loss"')])
    reader = run.reader()
    assert len(reader.read().epochs) == 2
    path.write_bytes(whole)
    assert len(reader.read().epochs) == 3 and reader.read().result
    with path.open("ab") as file:
        file.write(b'{"event": "epoch", "epoch": -1}\n')
    for _ in range(2):
        with pytest.raises(RunError, match=rf"line {whole.count(10) + 1} is damaged"):
            reader.read()


def test_listing_a_hundred_runs_reads_each_event_once(
    tmp_path: Path, lines_read: list[bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tui.cli.commands.runs import runs

    first = trained(tmp_path, "run-000", 2)
    events = (first.path / "events.jsonl").read_bytes()
    for number in range(1, 100):
        other = tmp_path / f"run-{number:03}"
        other.mkdir()
        for name in ("config.json", "events.jsonl"):
            (other / name).write_bytes((first.path / name).read_bytes())
    assert len(all_runs(tmp_path)) == 100 and not lines_read
    assert runs(out=tmp_path, json=True) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(listed) == 100 and {one["best_epoch"] for one in listed} == {2}
    assert len(lines_read) == 100 * events.count(b"\n")


def test_what_the_loop_and_the_fold_keep_survives_the_way_to_the_disk(tmp_path: Path) -> None:
    """A loss that is no number comes back from JSON as none, and is never the best."""
    config = TrainConfig(output=OutputConfig(out=tmp_path, name="run"))
    with create(tmp_path, config) as writer:
        for one in (epoch(1, 0.5, 0.1), epoch(2, 1.0, math.nan), epoch(3, 0.5, 0.1)):
            writer.append(one)
        best = writer.run.summary().best
    assert best is not None and dataclasses.replace(best, seconds=1.0) == epoch(1, 0.5, 0.1)


class TestTimeLeftOfALadder:
    """It is what the ladder has told, less the time since."""

    def climbing(self) -> RunSummary:
        summary = RunSummary()
        summary.fold(dataclasses.replace(fake.started("r", 4), mode="auto", steps=1, phases=()), 100.0)
        return summary

    def test_it_is_not_known_before_the_ladder_tells_it(self) -> None:
        assert self.climbing().seconds_left() is None

    def test_it_runs_down_between_two_tellings_but_not_below_nothing(self) -> None:
        summary = self.climbing()
        summary.fold(TimeLeft(50.0), 110.0)
        assert summary.seconds_left() == 50
        summary.fold(Progress("frozen layers", 1, 9), 130.0)
        assert summary.seconds_left() == 30
        summary.fold(Progress("frozen layers", 2, 9), 190.0)
        assert summary.seconds_left() == 0
        summary.fold(TimeLeft(7.0), 191.0)
        assert summary.seconds_left() == 7

    def test_a_rung_that_is_left_out_is_done_and_a_resume_forgets_it(self) -> None:
        summary = self.climbing()
        summary.fold(Skipped(4, "fine-tuning", 900.0, 20.0, "17m"), 110.0)
        assert [one.needed for one in summary.skipped] == ["17m"]
        summary.fold(Resumed(1, 0), 120.0)
        assert not summary.skipped
