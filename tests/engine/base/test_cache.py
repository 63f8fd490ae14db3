"""The caches: what is unused for longest goes first, what is in use stays, and all of it can be cleared."""

import fcntl
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.cache import clear, entries, hold, size, trim
from tests.makers.examples import examples


def entry(cache: Path, name: str, length: int, used: float) -> Path:
    folder = cache / "features" / name
    folder.mkdir(parents=True)
    (folder / "rows").write_bytes(b"x" * length)
    hold(folder).close()
    os.utime(folder / "use", (used, used))
    return folder


@given(st.lists(st.integers(1, 1000), max_size=8), st.integers(0, 5000), st.integers(0, 2000))
@settings(max_examples=examples(40), deadline=None)
def test_trimming_removes_no_more_than_it_must_and_the_oldest_first(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], limit: int, room: int
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    for age, length in enumerate(lengths):
        entry(cache, f"e{age}", length, 1000.0 + age)
    before = [e.path.name for e in entries(cache, "features")]
    removed = trim(cache, limit, room)
    left = [e.path.name for e in entries(cache, "features")]
    assert left == before[len(before) - len(left) :]
    assert removed == sum(lengths) - size(cache, "features")
    assert not left or size(cache, "features") + room <= limit
    gone = before[: len(before) - len(left)]
    assert not gone or size(cache, "features") + room + lengths[before.index(gone[-1])] > limit


def test_what_is_in_use_is_never_removed(tmp_path: Path) -> None:
    used, unused = entry(tmp_path, "used", 500, 1.0), entry(tmp_path, "unused", 500, 2.0)
    with hold(used):
        assert trim(tmp_path, 0) == 500 and clear(tmp_path) == 0
    assert used.is_dir() and not unused.exists()
    assert clear(tmp_path) == 500 and not used.exists()


def test_using_an_entry_makes_it_the_last_to_go(tmp_path: Path) -> None:
    for age, name in enumerate("abc"):
        entry(tmp_path, name, 10, 1000.0 + age)
    hold(tmp_path / "features" / "a").close()
    assert [e.path.name for e in entries(tmp_path, "features")] == ["b", "c", "a"]


def test_an_entry_removed_while_it_is_being_taken_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = entry(tmp_path, "a", 10, 1.0)
    real, calls = fcntl.flock, list[int]()

    def flock(file: object, how: int) -> None:
        if not calls:  # the moment between opening and locking: another process removes the entry
            shutil.rmtree(folder)
        calls.append(how)
        real(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", flock)
    with hold(folder):
        assert (folder / "use").is_file() and len(calls) == 2


def test_what_is_being_written_is_not_cleared(tmp_path: Path) -> None:
    written, whole = tmp_path / "pixels" / "1-0.tmp", tmp_path / "pixels" / f"{'a' * 64}.u8"
    written.parent.mkdir()
    whole.write_bytes(b"12345")
    with written.open("wb") as file:
        file.write(b"123")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert clear(tmp_path) == 5
    assert written.exists() and not whole.exists()
    assert clear(tmp_path) == 3


def test_a_store_in_use_survives_a_trim_and_stays_readable(tmp_path: Path) -> None:
    from engine.base.context import Context
    from engine.training.feature_file import Origin
    from engine.training.feature_store import FeatureStore

    store = FeatureStore(tmp_path, Origin("p", "caffe", 224, "float32", "keras", None, "float16", (3,)))
    key = ("0" * 64, 0)
    with store.filling(Context()) as append:
        append([key], np.ones((1, 3)))
    assert trim(tmp_path, 0) == 0
    assert store.read([key]).tolist() == [[1, 1, 1]]
