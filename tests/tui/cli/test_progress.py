"""How far a training is, without a screen: what goes on is named, the time left is the one that the screen shows."""

from pathlib import Path

import pytest

from engine.base.events import Batch, Doing, Finished, Progress
from engine.runs.event_log import Timed, events
from engine.runs.summary import RunSummary
from engine.runs.watch import RunView
from tests.conftest import ROOT
from tui.cli import progress
from tui.screens.train.progress import course
from tui.words.glyphs import PLAIN
from tui.words.numbers import duration

LOG = ROOT / "tests" / "engine" / "runs" / "logs" / "views.jsonl"


@pytest.fixture
def recorded() -> list[Timed]:
    """The events of a real training, each with its time."""
    return [*events(LOG)]


def test_lines_and_screen_tell_the_same_time_left(
    recorded: list[Timed], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of a run that is attached to, whose events come all at once, each with the time at which it was written."""
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    summary, view, told = RunSummary(), RunView(Path("r")), 0
    with progress.reporting(as_json=False) as show:
        for at, event in recorded:
            show(event, at)
            summary.fold(event, at)
            view.fold(event, at)
            line = capsys.readouterr().err
            left = summary.seconds_left()
            if isinstance(event, Progress | Batch) and left is not None:
                assert line.endswith(f", {duration(left)} left\n")
                assert f"{duration(left)} left" in "\n".join(row.plain for row in course(view, PLAIN))
                told += 1
    assert told > 20


def test_what_begins_is_named_at_once_in_lines_and_on_the_screen(
    recorded: list[Timed], capsys: pytest.CaptureFixture[str]
) -> None:
    view, named = RunView(Path("r")), list[str]()
    with progress.reporting(as_json=False) as show:
        for at, event in recorded:
            show(event, at)
            view.fold(event, at)
            line = capsys.readouterr().err
            if isinstance(event, Doing):
                named.append(event.what)
                assert line.lower() == f"{event.what} ...\n".lower()
                assert course(view, PLAIN)[0].plain == f"{event.what} ..."
    assert named[0] == "loading TensorFlow" and {"calibrating", "testing"} <= set(named)


def test_the_screen_names_validations_pass_through_the_frozen_layers_and_not_the_epoch(recorded: list[Timed]) -> None:
    """It stood under the epoch whose steps were over, for as long as it took."""
    view, seen = RunView(Path("r")), 0
    for at, event in recorded:
        view.fold(event, at)
        if isinstance(event, Progress) and view.batch and event.total and event.done < event.total:
            assert course(view, PLAIN)[0].plain.startswith("frozen layers")
            seen += 1
        if isinstance(event, Finished):
            assert not view.doing and not view.progress
    assert seen
