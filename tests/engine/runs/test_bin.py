"""Deleted runs lie in a bin: whole, in no listing, brought back by one call, and removed only after their time."""

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.locks import SECONDS_BETWEEN_TRIES, wait_for_lock
from engine.jobs import repair
from engine.jobs.doctor import emptied
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs import bin as runs_bin
from engine.runs.bin import DAY, KEPT_DAYS, delete, in_bin, undo
from engine.runs.directory import Run, all_runs
from engine.runs.watch import Library
from engine.runs.writer import create
from engine.sweep.store import all_sweeps


def a_run(out: Path, name: str = "run") -> Run:
    made = create(out, TrainConfig(output=OutputConfig(out=out, name=name))).run
    (made.path / "checkpoint").mkdir()
    (made.path / "checkpoint" / "point").write_bytes(b"x" * 1000)
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def aged(out: Path, days: float) -> None:
    """Let the deleted runs be deleted so many days earlier, by their names."""
    for one in in_bin(out):
        moment = time.strftime("%Y%m%d-%H%M%S-000", time.gmtime(one.at - days * DAY))
        one.path.rename(out / f".bin-{moment}-{one.name}")


def test_a_deleted_run_is_in_no_listing_and_comes_back_to_the_byte(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    before = files(run.path)
    [gone] = delete([run], Context())
    library = Library(tmp_path)
    assert all_runs(tmp_path) == [] and library.look() == [] and all_sweeps(tmp_path) == []
    assert repair.find(tmp_path, tmp_path / "cache", tmp_path / "keras") == []
    assert [path.name[0] for path in tmp_path.iterdir()] == ["."]
    assert gone.name == "run" and gone.size() == sum(map(len, before.values()))
    assert undo(tmp_path, Context()) == [run]
    assert files(run.path) == before | {"lock": b""} and in_bin(tmp_path) == []


def test_what_was_deleted_together_comes_back_together_the_last_first(tmp_path: Path) -> None:
    a, b, c = (a_run(tmp_path, name) for name in "abc")
    delete([a], Context())
    delete([b, c], Context())
    assert [one.name for one in in_bin(tmp_path)] == ["b", "c", "a"]
    assert undo(tmp_path, Context()) == [b, c]
    assert undo(tmp_path, Context()) == [a]
    assert undo(tmp_path, Context()) == []


def test_a_run_whose_name_is_taken_by_now_comes_back_beside_it(tmp_path: Path) -> None:
    delete([a_run(tmp_path)], Context())
    another = a_run(tmp_path)
    delete([], Context())
    assert [run.name for run in undo(tmp_path, Context())] == ["run-2"]
    assert {run.name for run in all_runs(tmp_path)} == {"run", "run-2"} and another.config()


def test_a_link_goes_and_comes_back_as_a_link_that_leads_where_it_led(tmp_path: Path) -> None:
    far = a_run(tmp_path / "elsewhere")
    (tmp_path / "runs").mkdir()
    link = tmp_path / "runs" / "link"
    link.symlink_to("../elsewhere/run")
    [gone] = delete([Run(link)], Context())
    assert gone.path.resolve() == far.path and gone.size() == 0
    undo(tmp_path / "runs", Context())
    assert link.is_symlink() and link.resolve() == far.path
    delete([Run(link)], Context())
    assert [one.name for one, _ in emptied(tmp_path / "runs", wholly=True)] == ["link"]
    assert far.config() and list((tmp_path / "runs").iterdir()) == []


def test_only_what_lay_there_for_its_time_goes_and_its_bytes_are_told(tmp_path: Path) -> None:
    old, young = a_run(tmp_path, "old"), a_run(tmp_path, "young")
    size = sum(map(len, files(old.path).values()))
    delete([old], Context())
    aged(tmp_path, KEPT_DAYS)
    delete([young], Context())
    aged(tmp_path, 0.5)
    assert [(one.name, freed) for one, freed in emptied(tmp_path)] == [("old", size)]
    assert [one.name for one in in_bin(tmp_path)] == ["young"]
    assert [one.name for one, _ in emptied(tmp_path, wholly=True)] == ["young"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_half_removed_for_good_is_never_brought_back_and_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, root: Path) -> None:
        (path / "config.json").unlink()
        raise KeyboardInterrupt

    delete([a_run(tmp_path)], Context())
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runs_bin, "remove", killed)
        patch.setattr(os, "getpid", lambda: 4194304)  # nobody's
        emptied(tmp_path, wholly=True)
    assert undo(tmp_path, Context()) == [] and in_bin(tmp_path) == []
    [left] = repair.find(tmp_path, tmp_path / "cache", tmp_path / "keras")
    assert left.kind == "part" and repair.mend(left)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_hinders_neither_deletion_nor_its_undoing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing new can be made there: no file, no folder. tests/product/test_full_disk.py has a real one."""
    run = a_run(tmp_path)
    real = os.open

    def full(path: object, flags: int, *rest: int, **named: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, flags, *rest, **named)  # type: ignore[arg-type]

    def no_folder(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", full)
    monkeypatch.setattr(os, "mkdir", no_folder)
    delete([run], Context())
    assert all_runs(tmp_path) == []
    assert undo(tmp_path, Context()) == [run] and run.config()


def test_a_run_whose_folder_may_not_be_moved_is_not_called_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, to: Path) -> None:
        raise PermissionError(13, os.strerror(13))

    run = a_run(tmp_path)
    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(RunError, match=r"run can't be deleted \(Permission denied\)"):
        delete([run], Context())
    assert all_runs(tmp_path) == [run]


def test_a_live_run_is_refused_and_one_that_is_only_looked_at_is_deleted(tmp_path: Path) -> None:
    with create(tmp_path, TrainConfig(output=OutputConfig(out=tmp_path, name="run"))) as writer:
        with pytest.raises(RunError, match="run is live: stop it"):
            delete([writer.run], Context())
        assert (writer.run.path / "config.json").is_file()
    with (writer.run.path / "lock").open("rb") as looks:
        wait_for_lock(looks, shared=True)
        threading.Timer(5 * SECONDS_BETWEEN_TRIES, looks.close).start()
        assert [one.name for one in delete([writer.run], Context())] == ["run"]
    assert not writer.run.path.exists()


def test_a_hidden_folder_whose_name_is_no_time_is_not_the_bins(tmp_path: Path) -> None:
    odd = tmp_path / ".bin-99999999-999999-999-mine"
    odd.mkdir()
    assert in_bin(tmp_path) == [] and odd.is_dir()
