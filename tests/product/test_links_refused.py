"""Links in a run, sweep or cache: whoever is refused is told which link, and only what is ours is pruned."""

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.base import cache
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, RunError
from engine.base.events import Event, Notice
from engine.base.files import open_private, replacing
from engine.evaluation.evaluate import evaluate_on
from engine.export import job
from engine.jobs import repair
from engine.runs.bin import delete
from engine.runs.directory import Run
from engine.runs.writer import RunWriter
from engine.training import checkpoint
from tests.conftest import ROOT
from tests.engine.training.test_checkpoint import point
from tests.makers.outside import filled, folder_written, picture, pictures, whole_run, written
from tui.cli import run as command


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power is cut here, so nobody waits for the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    return whole_run(tmp_path_factory.mktemp("base"), images)


# What is refused is said


@pytest.fixture
def run(base: Path, tmp_path: Path) -> Path:
    """A copy of the run, to plant something in."""
    shutil.copytree(base, tmp_path / "runs" / "run")
    return tmp_path / "runs" / "run"


@pytest.mark.parametrize("name", ["checkpoint", "lock", "events.jsonl", "history.csv", "train.log", "external",
                                  "tensorboard", "tensorboard/train"])  # fmt: skip
def test_who_goes_on_with_such_a_run_is_told_which_link_and_what_to_do(
    run: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(run / name, tmp_path / "theirs")
    (run / name).symlink_to(tmp_path / "theirs")
    events = (run / "events.jsonl").read_bytes()
    assert command(["train", str(tmp_path), "--resume", str(run), "--epochs", "9"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{run / name} is a link to {tmp_path / 'theirs'}" in line and "delete it, or put a copy" in line
    assert (run / "events.jsonl").read_bytes() == events, "what never began did not fail"


@pytest.mark.parametrize("name", ["events.jsonl", "history.csv", "train.log"])
def test_a_file_with_a_second_name_is_not_appended_to(run: Path, tmp_path: Path, name: str) -> None:
    os.link(run / name, tmp_path / "theirs")
    with pytest.raises(RunError, match="second name elsewhere"), RunWriter(Run(run), again=True):
        pass


def test_a_lock_with_a_second_name_locks_as_any_other(run: Path, tmp_path: Path) -> None:
    """As `cp -al` makes of a whole run: nothing is ever written into a lock."""
    os.link(run / "lock", tmp_path / "theirs")
    (run / "checkpoint" / ".000009-00000000.part").mkdir()
    with RunWriter(Run(run), again=True):
        assert Run(run).state() == "live"
        with pytest.raises(RunError, match="live"):
            delete([Run(run)], Context())
    assert (run / "config.json").exists()


@pytest.mark.parametrize("name", ["lock", "events.jsonl", "history.csv", "train.log", "stop"])
def test_a_pipe_in_a_run_is_refused_at_once_or_replaced(run: Path, name: str) -> None:
    (run / name).unlink()
    os.mkfifo(run / name)
    signal.alarm(20)  # a program that waits for a reader of the pipe is ended
    try:
        if name == "lock":
            assert Run(run).state() != "live"
        if name == "stop":
            Run(run).request_stop("keep")
            assert Run(run).stop_requested() == "keep"
        else:
            with pytest.raises(RunError, match=f"{name} is no plain file"), RunWriter(Run(run), again=True):
                pass
    finally:
        signal.alarm(0)


def test_the_folder_that_the_user_names_may_be_reached_by_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(run)
    with RunWriter(Run(tmp_path / "named"), again=True) as writer:
        writer.append(Notice("info", "It goes on."))
    checkpoint.write(tmp_path / "named" / "checkpoint", point(7))
    assert (run / "checkpoint" / "000007-00000000").is_dir() and "It goes on." in (run / "events.jsonl").read_text()


def test_doctor_tells_links_and_leaves_linked_runs_to_those_who_name_them(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "elsewhere")
    (run.parent / "linked").symlink_to(tmp_path / "elsewhere")
    shutil.move(run / "checkpoint", tmp_path / "checkpoint")
    (run / "checkpoint").symlink_to(tmp_path / "checkpoint")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "features").symlink_to(tmp_path)
    found = repair.find(run.parent, tmp_path / "cache", tmp_path / "keras")
    links = {left.path: left for left in found if left.kind == "link"}
    assert set(links) == {run.parent / "linked", run / "checkpoint", tmp_path / "cache" / "features"}
    assert f"a link to {tmp_path / 'checkpoint'}, which is not followed" in links[run / "checkpoint"].what
    assert not any(repair.mend(left) for left in links.values())
    inside = [left.path for left in found if left.kind != "link"]
    assert inside and all(path.parent in (run, run.parent, run / "export") for path in inside)


@pytest.mark.parametrize("name", ["external", "export"])
def test_where_a_result_would_go_is_known_before_it_is_worked_out(
    run: Path, images: Path, tmp_path: Path, name: str
) -> None:
    shutil.move(run / name, tmp_path / "theirs")
    (run / name).symlink_to(tmp_path / "theirs")

    def ignore(event: Event) -> None:
        pass

    with pytest.raises(RunError, match=f"{name} is a link to"):
        if name == "export":
            list(job.export(Run(run), "savedmodel", None, True, Context(ignore, Stop())))
        else:
            evaluate_on(Run(run), images, Context(ignore, Stop()))


@pytest.mark.parametrize("file", ["notes.txt", "variables/mine.csv", "assets/.keep", "link"])
def test_forcing_an_export_costs_no_file_that_no_export_wrote(run: Path, tmp_path: Path, file: str) -> None:
    folder = run / "export" / "run.savedmodel"
    (folder / file).symlink_to(tmp_path) if file == "link" else (folder / file).write_text("the user's own")
    with pytest.raises(ConfigError, match=f"{file} is no file of an export"):
        list(job.export(Run(run), "savedmodel", None, True, Context()))
    assert os.path.lexists(folder / file)


# What is pruned


def test_only_points_are_pruned(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    foreign = ("Documents", "000001-00000000", ".000001-00000000.part", "999999-99999999", "1-1")
    for name in foreign:
        (folder / name).mkdir(parents=True)
        (folder / name / "notes.txt").write_text("the user's own")
    (folder / "000001-00000000" / checkpoint.STATE).write_text("{}")
    (folder / "000000-00000001").symlink_to(tmp_path)
    keeper = checkpoint.Keeper(tmp_path, 5)
    for epoch in range(2, 6):
        keeper.keep(point(epoch))
    own = {f"{epoch:06d}-00000000" for epoch in (4, 5)}
    assert {path.name for path in folder.iterdir()} == {*own, *foreign, "000000-00000001"}
    assert all((folder / name / "notes.txt").is_file() for name in foreign)


def test_a_cache_is_cleared_of_its_own_entries_alone(tmp_path: Path, images: Path) -> None:
    filled(tmp_path, images)
    (tmp_path / "weights").mkdir()
    foreign = [tmp_path / name for name in ("weights/mine.h5", "pixels/photo.png", "pixels/a.tmp", "features/thesis")]
    for path in foreign:
        path.write_text("the user's own")
    (tmp_path / "features" / "work").mkdir()
    cache.trim(tmp_path, 0)
    cache.clear(tmp_path)
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert files == set(foreign) and (tmp_path / "features" / "work").is_dir()


# What a part's name leads to


@pytest.mark.parametrize("kind", ["link", "hard", "folder"])
def test_a_link_in_the_place_of_the_part_that_is_written_first_is_not_followed(tmp_path: Path, kind: str) -> None:
    inside, theirs = tmp_path / "inside", tmp_path / "theirs"
    inside.mkdir()
    theirs.mkdir()
    (theirs / "file").write_text("the user's own")
    writers: dict[str, Callable[[], object]] = {
        f".a.json.{os.getpid()}.part": lambda: _replaced(inside / "a.json"),
        f".{os.getpid()}.part.a.h5": lambda: written(inside / "a.h5"),
        f".{os.getpid()}.part.a.savedmodel": lambda: folder_written(inside / "a.savedmodel"),
        f".{os.getpid()}.part.old.b.savedmodel": lambda: folder_written(inside / "b.savedmodel"),
    }
    for name, write in writers.items():
        if kind == "hard":
            os.link(theirs / "file", inside / name)
        else:
            (inside / name).symlink_to(theirs / "file" if kind == "link" else theirs)
        before = picture(theirs)
        write()
        assert picture(theirs) == before
    assert {path.name for path in inside.iterdir()} == {"a.json", "a.h5", "a.savedmodel", "b.savedmodel"}


def _replaced(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"new")


def test_a_link_in_the_place_of_an_export_is_replaced_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("the user's own")
    (tmp_path / "a.savedmodel").symlink_to(tmp_path / "theirs")
    before = picture(tmp_path / "theirs")
    folder_written(tmp_path / "a.savedmodel")
    assert picture(tmp_path / "theirs") == before and not (tmp_path / "a.savedmodel").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"theirs", "a.savedmodel"}


# A link that comes between the look and the deed


def swapped(folder: Path, theirs: Path) -> None:
    """Put a link to another place where the folder was a moment ago."""
    folder.rename(folder.with_name("aside"))
    folder.symlink_to(theirs)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of the user's with what looks like ours."""
    for name in ("file", "a.json", ".000004-00000000.part/arrays.npz", "000001-00000000/state.json"):
        (tmp_path / "theirs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "theirs" / name).write_text("the user's own")
    return tmp_path / "theirs"


def test_a_folder_that_becomes_a_link_while_a_file_is_written(tmp_path: Path, theirs: Path) -> None:
    (tmp_path / "external").mkdir()
    before = picture(theirs)
    with replacing(tmp_path / "external" / "a.json", tmp_path) as file:
        file.write(b"new")
        swapped(tmp_path / "external", theirs)
    assert picture(theirs) == before
    assert [path.name for path in (tmp_path / "aside").iterdir()] == ["a.json"]


def test_a_folder_that_becomes_a_link_while_a_point_is_written(
    tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for epoch in (1, 2, 3):
        checkpoint.write(folder, point(epoch))
    before = picture(theirs)
    monkeypatch.setattr(checkpoint, "read_back", lambda path: swapped(folder, theirs))
    checkpoint.write(folder, point(4))
    assert picture(theirs) == before
    assert sorted(path.name[:6] for path in (tmp_path / "aside").iterdir()) == ["000003", "000004"]


def test_a_file_that_becomes_a_link_before_it_is_emptied(
    tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the opening of the folder and that of the file."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "log").write_text("old")
    before, real = picture(theirs), os.open

    def opening(path: object, flags: int, *rest: int, **named: int) -> int:
        if path == "log":
            (tmp_path / "inside" / "log").unlink()
            (tmp_path / "inside" / "log").symlink_to(theirs / "file")
        return real(path, flags, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", opening)
    for mode in ("w", "a", "r+b"):
        with pytest.raises(RunError, match="is a link to"):
            open_private(tmp_path / "inside" / "log", mode)
    assert picture(theirs) == before


def test_a_leftover_that_is_reached_by_a_link_when_it_is_mended(run: Path, tmp_path: Path, theirs: Path) -> None:
    (run / "checkpoint" / ".000004-00000000.part").mkdir()
    found = repair.find(run.parent, tmp_path / "cache", tmp_path)
    (part,) = [left for left in found if left.path.name == ".000004-00000000.part"]
    swapped(run / "checkpoint", theirs)
    before = picture(theirs)
    with pytest.raises(RunError, match="is a link to"):
        repair.mend(part)
    assert picture(theirs) == before


def test_a_point_that_is_a_link_is_passed_over_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "checkpoint"
    folder.mkdir(parents=True)
    for epoch in (2, 3):
        checkpoint.write(folder, point(epoch))
    (folder / "000003-00000000").rename(tmp_path / "theirs")
    (folder / "000003-00000000").symlink_to(tmp_path / "theirs")
    found, damages = checkpoint.newest(folder, {})
    assert found and found.position.epoch == 2
    assert [(damage.file.parent.name, damage.reason) for damage in damages] == [
        ("000003-00000000", "it is a link, which is not followed")
    ]
    before = picture(tmp_path / "theirs")
    assert checkpoint.remove(folder / "000003-00000000") and picture(tmp_path / "theirs") == before


# Where else


OPENS = (
    r"O_(WRONLY|RDWR|CREAT)|os\.truncate\(|rmtree\(|\.write_(text|bytes)\(|\.unlink\(|\.(rename|touch|chmod)\("
    r'|open\([^)]*"[wax]b?"'
)
KNOWN = {
    "engine/base/files.py": "the one place",
    "engine/network/ncnn_network.py": "weights in memory, or in a new folder of chance name",
    "engine/training/checkpoint.py": "by the descriptor of the folder",
    "engine/data/pixel_store.py": "a new file, under a name of chance, in a folder that was looked at",
    "engine/evaluation/evaluate.py": "names in the run's own folder, and by the descriptor of another",
    "engine/runs/writer.py": "names in the run's own folder",
    "engine/base/outputs.py": "what a user names for a result, and a new file of chance name beside it",
    "engine/base/streams.py": "nowhere",
    "engine/jobs/train.py": "in a new folder of the system's temporary ones",
    "engine/export/formats.py": "where replacing_path says, and in new temporary folders",
    "engine/jobs/repeat.py": "a folder that was made a moment before",
    "engine/base/runtime.py": "without following a link",
    "engine/runs/bin.py": "names in the folder of the runs, a link itself",
    "tui/host/terminal.py": "nowhere, and by open_private",
    "tui/host/detach.py": "nowhere",
}


def test_nothing_else_opens_a_file_to_write_or_removes_one() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for part in ("engine", "tui")
        for path in (ROOT / part).rglob("*.py")
        if re.search(OPENS, re.sub(r"open_(private|lock)\(", "", path.read_text()))
    }
    assert found == set(KNOWN), "write and remove by engine/base/files.py, or say here why not"
