"""The run directory: names never reused, lines whole, state told by lock and last event, private to its user."""

import csv
import dataclasses
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, RunError
from engine.base.events import Batch, Epoch, Event, Failed, Finished, Interrupted, Notice
from engine.base.result import Validated
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs import directory, event_log
from engine.runs.event_log import LAST_BYTES
from engine.runs.writer import RunWriter, create
from tests.conftest import ROOT
from tests.makers.fake import TEST


def recipe(out: Path, name: str = "") -> TrainConfig:
    return TrainConfig(output=OutputConfig(out=out, name=name))


def epoch(number: int) -> Epoch:
    return Epoch(number, 0.5, 0.9, 0.6, 0.8, 1e-4, 2.5)


FINISHED = Finished("r", 2, 3.0, Validated(accuracy=1.0, loss=0.2), TEST, 1, "all epochs")


def test_names_are_never_reused_even_by_many_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: create(tmp_path, recipe(tmp_path / "out")).run.path, range(24)))
    assert len(set(made)) == 24
    create(tmp_path, recipe(tmp_path / "out", "mine"))
    with pytest.raises(ConfigError, match="exists already"):
        create(tmp_path, recipe(tmp_path / "out", "mine"))


def test_a_run_that_could_not_be_begun_leaves_its_name_free(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # no room for its recipe
    try:
        with pytest.raises(RunError, match="can't hold a new run"):
            create(tmp_path, recipe(tmp_path / "out", "mine"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert create(tmp_path, recipe(tmp_path / "out", "mine")).run.name == "mine"


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "-flag", "a\x1b[31m", "x" * 101, " "])
def test_a_run_name_can_not_leave_its_directory_or_act_on_a_terminal(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        create(tmp_path, recipe(tmp_path / "out", name))
    assert not (tmp_path / "up").exists()


def test_the_recipe_and_the_folder_are_read_back(tmp_path: Path) -> None:
    config = recipe(tmp_path / "out", "mine")
    run = create(tmp_path / "data", config).run
    assert (run.config(), run.folder()) == (config, tmp_path / "data")


def test_events_and_history_are_on_disk_before_anybody_is_told(tmp_path: Path) -> None:
    seen: list[tuple[Event, int]] = []
    with create(tmp_path, recipe(tmp_path)) as writer:
        path = writer.run.path / "events.jsonl"
        emit = writer.tee(Context(lambda e: seen.append((e, len(path.read_text().splitlines()))))).emit
        for number in (1, 2, 3):
            emit(epoch(number))
    assert [lines for _, lines in seen] == [1, 2, 3]
    rows = list(csv.DictReader((writer.run.path / "history.csv").open()))
    assert list(rows[0]) == [f.name for f in dataclasses.fields(Epoch)]
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert writer.run.epochs() == [epoch(1), epoch(2), epoch(3)]


def test_a_line_cut_off_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    with create(tmp_path, recipe(tmp_path)) as writer:
        writer.append(epoch(1))
    with (writer.run.path / "events.jsonl").open("a") as file:
        file.write(epoch(2).to_json()[:20])
    assert writer.run.epochs() == [epoch(1)]


@pytest.mark.parametrize("line", [b"\xff\xfe\x80\n", b"3\n", b"[]\n", b'{"event": []}\n', b"\0\0\0\n"])
def test_a_damaged_line_hides_no_other(tmp_path: Path, line: bytes) -> None:
    with create(tmp_path, recipe(tmp_path)) as writer:
        writer.append(epoch(1))
        with (writer.run.path / "events.jsonl").open("ab") as file:
            file.write(line)
        writer.append(epoch(2))
    assert writer.run.epochs() == [epoch(1), epoch(2)]


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (FINISHED, "finished"),
        (dataclasses.replace(FINISHED, ended="patience"), "finished"),
        (dataclasses.replace(FINISHED, ended="stopped"), "stopped, tested"),
        (dataclasses.replace(FINISHED, ended="stopped", test=None), "stopped"),
        (Interrupted("r", 1, "stopped"), "stopped"),
        (Failed("no room"), "failed"),
        (epoch(1), "died"),
        (None, "died"),
    ],
)
def test_the_state_is_told_by_the_lock_and_the_last_event(tmp_path: Path, last: Event | None, state: str) -> None:
    with create(tmp_path, recipe(tmp_path)) as writer:
        if last:
            writer.append(last)
        assert writer.run.state() == "live"
    assert writer.run.state() == state


def test_an_end_that_can_not_be_read_is_an_end(tmp_path: Path) -> None:
    """Whoever reads all of the run's events is told of the damage."""
    with create(tmp_path, recipe(tmp_path)) as writer:
        writer.append(dataclasses.replace(FINISHED, ended="stopped"))
        path = writer.run.path / "events.jsonl"
    path.write_text(path.read_text().replace('"epochs": 2', '"epochs": "two"'))
    assert writer.run.state() == "finished"
    with pytest.raises(RunError, match="line 1 is damaged"):
        writer.run.summary()


def test_a_killed_process_leaves_a_run_that_died_and_two_can_not_hold_one(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs.writer import create
with create(Path("."), TrainConfig(output=OutputConfig(out=Path({str(tmp_path)!r}), name="victim"))):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        run = directory.find(Path("victim"), tmp_path)
        assert run.state() == "live"
        with pytest.raises(RunError, match="another process"), RunWriter(run):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run.state() == "died"


def test_a_stop_request_by_file_reaches_the_training_at_its_next_event(tmp_path: Path) -> None:
    stop = Stop()
    with create(tmp_path, recipe(tmp_path)) as writer:
        emit = writer.tee(Context(stop=stop)).emit
        emit(Batch(1, 1, 9, 0.5, 0.5, 10.0))
        assert not stop.is_set()
        writer.run.request_stop("keep")
        emit(Batch(1, 2, 9, 0.5, 0.5, 10.0))
    assert stop.is_set() and not stop.now


def test_now_outranks_a_keep_that_was_asked_for_by_file_before(tmp_path: Path) -> None:
    stop = Stop()
    with create(tmp_path, recipe(tmp_path)) as writer:
        emit = writer.tee(Context(stop=stop)).emit
        asked: tuple[Literal["keep", "now"], ...] = ("keep", "now")
        for how in asked:
            writer.run.request_stop(how)
            emit(Batch(1, 1, 9, 0.5, 0.5, 10.0))
    assert stop.now


def test_now_outranks_keep() -> None:
    stop = Stop()
    stop.request("now")
    stop.request("keep")
    assert stop.now


def test_a_run_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with create(tmp_path, recipe(tmp_path / "out")) as writer:
            writer.append(Notice("info", "hello"))
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert writer.run.path.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in writer.run.path.iterdir()} == {0o600}


def test_what_is_not_a_run_is_named_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run directory"):
        directory.find(Path("nowhere"), tmp_path)
    with pytest.raises(RunError, match="no trained run"):
        directory.newest(tmp_path)
    with pytest.raises(RunError, match="not a run directory"):
        directory.find(Path("x" * 300), tmp_path)
    path = create(tmp_path, recipe(tmp_path, "mine")).run.path
    (path / "config.json").write_text("{}")
    with pytest.raises(RunError, match=r"config\.json names no folder"):
        directory.Run(path).folder()
    (path / "config.json").write_text(json.dumps([1]))
    with pytest.raises(RunError, match=r"config\.json"):
        directory.Run(path).config()


def test_a_run_that_could_not_be_written_is_not_held_on(tmp_path: Path) -> None:
    """Neither where the room ends under it nor where its files can't be opened."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    full, closed = (create(tmp_path, recipe(tmp_path, name)) for name in ("full", "closed"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, before[1]))
    try:
        with pytest.raises(RunError, match="File too large") as at_writing, full:
            for number in range(1, 9):
                full.append(epoch(number))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (closed.run.path / directory.LOG).mkdir()
    with pytest.raises(RunError, match="is no plain file") as at_opening, closed:
        pass
    assert at_writing.value and at_opening.value  # what still knows of the writers
    assert [writer.run.state() for writer in (full, closed)] == ["died", "died"]


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="whoever may do all looks into all")
def test_another_users_run_hides_none_of_ones_own(tmp_path: Path) -> None:
    for name in ("mine", "theirs"):
        create(tmp_path, recipe(tmp_path, name))
    (tmp_path / "theirs").chmod(0)
    command = [sys.executable, "-c", f"""
from pathlib import Path
from engine.runs import directory as runs
print([run.name for run in runs.all_runs(Path({str(tmp_path)!r}))])
"""]  # fmt: skip
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (tmp_path / "theirs").chmod(0o700)
    assert done.stdout == "['mine']\n"


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="whoever may do all looks into all")
@pytest.mark.parametrize("mode", [0o000, 0o400, 0o100])
def test_a_folder_that_can_not_be_looked_into_is_not_told_to_be_empty(tmp_path: Path, mode: int) -> None:
    """Neither one that can't be listed nor one that can be listed and not entered."""
    out = tmp_path / "out"
    create(tmp_path, recipe(out, "mine"))
    command = [sys.executable, "-c", "from tui.cli import main; main()", "runs", "--out", str(out)]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    out.chmod(mode)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    out.chmod(0o700)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"covid-tui: {out} can't be looked into (Permission denied)"), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_state_of_a_long_run_is_read_from_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies behind the last whole event, and however long that is, it is found, without reading all."""
    with create(tmp_path, recipe(tmp_path)) as writer:
        writer.append(FINISHED)
        path = writer.run.path / "events.jsonl"
    end = path.read_bytes()
    batch = json.dumps({**Batch(1, 1, 9, 0.5, 0.5, 10.0).to_dict(), "time": 1.0}).encode() + b"\n"
    path.write_bytes(batch * 500_000 + end)
    looked_at: list[bytes] = []
    real = event_log.kind_of

    def looking(line: bytes) -> Any:
        looked_at.append(line)
        return real(line)

    monkeypatch.setattr(event_log, "kind_of", looking)
    assert writer.run.state() == "finished" and len([line for line in looked_at if line]) == 1
    for torn in (b'{"event": "ep', b"\xff\x00" * 50_000, b"\n" * 200_000, b'{"event": "unheard of"}\n' * 9000):
        path.write_bytes(batch * 3 + end + torn)
        assert writer.run.state() == "finished"
    path.write_bytes(b"x" * 3 * LAST_BYTES)
    assert writer.run.state() == "died"
    long = json.dumps({**Failed("y" * 300_000).to_dict(), "time": 1.0}).encode()
    path.write_bytes(end + long)
    assert writer.run.state() == "failed"


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    made = [create(tmp_path, recipe(tmp_path, f"run{n}")).run for n in range(3)]
    for age, run in enumerate(made):
        os.utime(run.path / "config.json", (1000 + age, 1000 + age))
    assert directory.all_runs(tmp_path) == made[::-1]
    assert directory.all_runs(tmp_path / "nowhere") == []
