"""Kept activations: found only for what they were made of, filled on after a crash, and equal to the network's own."""

import dataclasses
import hashlib
import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import RunError, Stopped
from engine.base.events import Event, Notice
from engine.training import feature_file, feature_store
from engine.training.feature_file import Key, Origin
from engine.training.feature_store import FeatureStore
from tests.makers.examples import examples

ORIGIN = Origin("p" * 64, "caffe", 224, "float32", "keras", None, "float16", (4, 3))


def key(number: int, view: int = 0) -> Key:
    return hashlib.sha256(str(number).encode()).hexdigest(), view


def rows(numbers: range | list[int]) -> np.ndarray:
    return np.stack([np.full(ORIGIN.shape, n, np.float32) for n in numbers])


def fill(store: FeatureStore, numbers: range) -> None:
    with store.filling(Context()) as append:
        append([key(n) for n in numbers], rows(numbers))


def test_what_is_written_is_read_in_any_order_by_any_process(tmp_path: Path) -> None:
    fill(FeatureStore(tmp_path, ORIGIN), range(5))
    store = FeatureStore(tmp_path, ORIGIN)
    assert np.array_equal(store.read([key(3), key(0), key(3)]), rows([3, 0, 3]).astype(np.float16))
    assert store.missing([key(4), key(7), key(7), key(4, view=1)]) == [key(7), key(4, view=1)]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells a process's memory")
def test_a_large_store_that_was_read_does_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def resident() -> int:
        (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS")]
        return int(line.split()[1])

    monkeypatch.setattr(feature_store, "HELD", 2**20)
    store = FeatureStore(tmp_path, dataclasses.replace(ORIGIN, shape=(2**19,)))
    with store.filling(Context()) as append:
        for number in range(64):
            append([key(number)], np.full((1, 2**19), number, np.float32))
    before = resident()
    for number in range(64):
        assert (store.read([key(number)]) == number).all()
    assert resident() - before < 16_000  # kB, of 64 MB


@given(
    st.sampled_from([f.name for f in dataclasses.fields(Origin)]),
    st.one_of(st.text(max_size=5), st.integers(), st.dictionaries(st.text(max_size=3), st.integers())),
)
def test_any_other_weight_image_policy_or_format_has_another_key(field: str, value: Any) -> None:
    other = dataclasses.replace(ORIGIN, **{field: value})
    assert (other.key == ORIGIN.key) == (getattr(ORIGIN, field) == value)


@given(st.integers(0, 480), st.integers(0, 480))
@settings(max_examples=examples(60), deadline=None)
def test_cut_off_anywhere_the_store_keeps_its_whole_rows_and_is_filled_on(
    tmp_path_factory: pytest.TempPathFactory, lost_index: int, lost_rows: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    store = FeatureStore(folder, ORIGIN)
    fill(store, range(10))
    for name, lost in (("index", lost_index), ("rows", lost_rows)):
        path = store.folder / name
        os.truncate(path, max(path.stat().st_size - lost, 0))
    again = FeatureStore(folder, ORIGIN)
    missing = again.missing([key(n) for n in range(10)])
    whole = min((480 - min(lost_index, 480)) // 48, (240 - min(lost_rows, 240)) // 24)
    assert missing == [key(n) for n in range(whole, 10)]
    if missing:
        fill(again, range(whole, 10))
    assert np.array_equal(again.read([key(n) for n in range(10)]), rows(range(10)))


def test_the_index_names_only_rows_that_would_outlive_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synced = os.fsync, dict[int, int]()

    def sync(descriptor: int) -> None:
        real(descriptor)
        synced[os.fstat(descriptor).st_ino] = os.fstat(descriptor).st_size

    monkeypatch.setattr(os, "fsync", sync)
    store = FeatureStore(tmp_path, ORIGIN)
    file, entry = store.folder / "rows", 48  # bytes: SHA-256, view, two checksums
    with store.filling(Context()) as append:
        for number in range(4):
            append([key(number)], rows([number]))
            named = (store.folder / "index").stat().st_size // entry
            assert named == number + 1
            assert synced[file.stat().st_ino] >= named * ORIGIN.row_bytes


def test_garbage_in_the_index_hides_no_good_row_before_or_after_it(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, ORIGIN)
    fill(store, range(4))
    with (store.folder / "index").open("r+b") as file:
        file.seek(2 * 48 + 5)
        file.write(b"\xff\x00\xff")
    again = FeatureStore(tmp_path, ORIGIN)
    assert again.missing([key(n) for n in range(4)]) == [key(2)]
    assert np.array_equal(again.read([key(0), key(1), key(3)]), rows([0, 1, 3]))


def test_a_value_beyond_float16_is_refused_rather_than_kept_as_infinity(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, ORIGIN)
    with pytest.raises(RunError, match="float32"), store.filling(Context()) as append:
        append([key(0)], np.full((1, *ORIGIN.shape), 1e6))
    assert store.missing([key(0)]) == [key(0)]


def _fill_in_process(folder: Path, first: int) -> None:
    store = FeatureStore(folder, ORIGIN)
    for n in range(first, first + 20):
        with store.filling(Context()) as append:
            todo = store.missing([key(n)])
            if todo:
                append(todo, rows([n]))


def test_waiting_for_another_that_fills_the_store_is_told_once_and_can_be_stopped(tmp_path: Path) -> None:
    store, told, stop = FeatureStore(tmp_path, ORIGIN), list[Event](), Stop()
    with store.filling(Context(told.append)):
        assert told == []
        threading.Timer(1.0, stop.request, ["keep"]).start()
        with pytest.raises(Stopped), FeatureStore(tmp_path, ORIGIN).filling(Context(told.append, stop)):
            pass
    (notice,) = told
    assert isinstance(notice, Notice) and "Another training fills" in notice.text and str(store.folder) in notice.text


def test_processes_that_fill_the_same_store_at_once_damage_nothing(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_fill_in_process, args=(tmp_path, first)) for first in (0, 10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    store = FeatureStore(tmp_path, ORIGIN)
    assert np.array_equal(store.read([key(n) for n in range(30)]), rows(range(30)))
    assert (store.folder / "index").stat().st_size == 30 * 48


@given(
    st.lists(st.tuples(st.sampled_from(["rows", "index"]), st.integers(0, 479), st.binary(max_size=60)), max_size=4),
    st.integers(0, 60),
)
@settings(max_examples=examples(100), deadline=None)
def test_whatever_is_damaged_is_named_and_the_rest_is_right(
    tmp_path_factory: pytest.TempPathFactory, scribbled: list[tuple[str, int, bytes]], lost: int
) -> None:
    """Any bytes written over rows and index, and any number cut off: no wrong row is given, and all can be mended."""
    folder, every = tmp_path_factory.mktemp("store"), [key(n) for n in range(10)]
    store = FeatureStore(folder, ORIGIN)
    fill(store, range(10))
    for name, at, content in scribbled:
        with (store.folder / name).open("r+b") as file:
            file.seek(at)
            file.write(content)
    os.truncate(store.folder / "rows", max(0, (store.folder / "rows").stat().st_size - lost))
    again = FeatureStore(folder, ORIGIN)
    found, damaged = again.take(again.locate(every))
    for place in set(range(10)) - set(damaged):
        assert np.array_equal(found[place], rows([place])[0])
    assert set(again.missing(every)) | set(again.damaged(every)) == {every[place] for place in damaged}
    if damaged:
        with again.filling(Context()) as append:
            append([every[place] for place in damaged], rows(damaged))
        assert feature_file.excess(again.folder) == 0 and (again.folder / "index").stat().st_size == 10 * 48
    assert np.array_equal(again.read(every), rows(range(10)))
    assert feature_file.damaged_rows(again.folder) == []


def test_rows_of_another_context_are_never_taken(tmp_path: Path) -> None:
    """The same number of bytes in another format: its folder put in this one's place has nothing that fits."""
    other = FeatureStore(tmp_path, dataclasses.replace(ORIGIN, dtype="bfloat16"))
    fill(other, range(3))
    own = FeatureStore(tmp_path, ORIGIN)
    for name in ("rows", "index", "context.json"):
        (own.folder / name).write_bytes((other.folder / name).read_bytes())
    assert FeatureStore(tmp_path, ORIGIN).missing([key(n) for n in range(3)]) == [key(n) for n in range(3)]
