"""Locks between real processes: held until their holder ends, and a refusal for another reason is not one of theirs."""

import errno
import fcntl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.base import locks
from engine.base.locks import is_locked, require_lock, try_lock, wait_for_lock

HOLDER = """
import sys, time
from engine.base.locks import try_lock
file = open(sys.argv[1], "r+b")
assert try_lock(file)
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_lasts_as_long_as_the_process_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    assert not is_locked(path)
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with path.open("r+b") as file:
            assert is_locked(path) and not try_lock(file)
            with pytest.raises(BlockingIOError):
                require_lock(file, tries=1)
            holder.kill()
            holder.wait()
            assert not is_locked(path) and try_lock(file)


def test_one_who_only_looks_keeps_nobody_from_the_lock(tmp_path: Path) -> None:
    """A look holds a shared lock for an instant; here it lasts five times the pause between two tries."""
    path = tmp_path / "lock"
    path.touch()
    with path.open("rb") as looks, path.open("r+b") as file:
        wait_for_lock(looks, shared=True)
        threading.Timer(5 * locks.SECONDS_BETWEEN_TRIES, looks.close).start()
        began = time.monotonic()
        assert try_lock(file) and time.monotonic() - began > 2 * locks.SECONDS_BETWEEN_TRIES


def test_what_the_system_refuses_for_another_reason_is_no_lock_of_anybodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(file: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with (tmp_path / "lock").open("w") as file, pytest.raises(OSError, match="No locks available"):
        try_lock(file)
    assert not is_locked(tmp_path / "lock") and not is_locked(tmp_path / "missing")
