"""Resume points are whole or absent, and a damaged newest one costs no more than itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.events import Epoch
from engine.training import checkpoint
from engine.training.checkpoint import ARRAYS, STATE, Keeper, Point, Position
from tests.conftest import ROOT
from tests.makers.examples import examples

EPOCH = Epoch(1, 0.5, 0.75, 0.1 + 0.2, 1.0, 1e-4, 1.5)
SHAPES = {"trained": [(3, 2), (2,)]}


def point(epoch: int = 2, step: int = 0, value: float = 1.0) -> Point:
    """A resume point with small arrays."""
    trained = [np.full((3, 2), value, np.float32), np.arange(2, dtype=np.float32)]
    arrays = {"trained": trained, "optimizer": [np.array(7), trained[0] / 3], "best": trained, "logits": [np.eye(2)]}
    return Point(Position(epoch, step, 1 / 3, 5.0, 8, 2.5), (EPOCH,), EPOCH, 12.25, {"images": "abc"}, arrays)


def assert_same(one: Point | None, other: Point) -> None:
    """Equal to the bit."""
    assert one is not None
    assert one.arrays.keys() == other.arrays.keys()
    for group, arrays in other.arrays.items():
        for a, b in zip(one.arrays[group], arrays, strict=True):
            assert a.dtype == b.dtype and a.tobytes() == np.asarray(b).tobytes()
    assert [getattr(one, n) for n in ("position", "history", "best", "seconds", "facts")] == [
        getattr(other, n) for n in ("position", "history", "best", "seconds", "facts")
    ]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, point())
    found, damages = checkpoint.newest(tmp_path, SHAPES)
    assert_same(found, point())
    assert damages == []


def test_the_last_two_are_kept_and_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for step in (2, 3, 9, 10):
            checkpoint.write(tmp_path, point(step=step))
    finally:
        os.umask(before)
    assert [path.name[-2:] for path in checkpoint.points(tmp_path)] == ["10", "09"]
    for path in tmp_path.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("files", [(ARRAYS,), (STATE,), (ARRAYS, STATE)])
def test_a_newest_point_that_lacks_its_last_byte_is_passed_over_and_named(tmp_path: Path, files: tuple[str]) -> None:
    checkpoint.write(tmp_path, point(2))
    newest = checkpoint.write(tmp_path, point(3))
    for name in files:
        os.truncate(newest / name, (newest / name).stat().st_size - 1)
    found, damages = checkpoint.newest(tmp_path, SHAPES)
    assert_same(found, point(2))
    assert [damage.file.parent for damage in damages] == [newest]
    assert damages[0].file.name in files and damages[0].reason


@settings(max_examples=examples(60), deadline=None)
@given(name=st.sampled_from([ARRAYS, STATE]), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_bit_that_turned_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: float, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("points")
    file = checkpoint.write(folder, point()) / name
    data = bytearray(file.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    file.write_bytes(data)
    found, damages = checkpoint.newest(folder, SHAPES)
    assert found is None and damages[0].file == file


def test_points_that_could_not_be_used_do_not_cost_the_new_ones_their_place(tmp_path: Path) -> None:
    """Of a training that begins anew behind two damaged points, the next kill must not lose all once more."""
    for epoch in (4, 5):
        os.truncate(checkpoint.write(tmp_path, point(epoch)) / ARRAYS, 10)
    assert checkpoint.newest(tmp_path, SHAPES)[0] is None
    for epoch in (2, 3):
        checkpoint.write(tmp_path, point(epoch))
    assert [path.name[:6] for path in checkpoint.points(tmp_path)] == ["000003", "000002"]
    assert_same(checkpoint.newest(tmp_path, SHAPES)[0], point(3))


def test_what_a_disk_gives_back_otherwise_takes_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.write(tmp_path, point(2))
    monkeypatch.setattr(checkpoint, "digest_of", lambda path: "of other bytes")
    with pytest.raises(OSError, match="read back"):
        checkpoint.write(tmp_path, point(3))
    monkeypatch.undo()
    assert_same(checkpoint.newest(tmp_path, SHAPES)[0], point(2))


def test_a_point_of_another_network_is_passed_over(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, point())
    found, damages = checkpoint.newest(tmp_path, {"trained": [(3, 3), (2,)]})
    assert found is None and "another network" in damages[0].reason


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.training import checkpoint
from tests.engine.training.test_checkpoint import point
folder, call, name = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
checkpoint.write(folder, point(2))
real, made = getattr(os, name), []
def kill(*arguments, **named):
    made.append(arguments)
    if len(made) == call:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)
setattr(os, name, kill)
checkpoint.write(folder, point(3))
"""


@pytest.mark.parametrize(("name", "call"), [("fsync", n) for n in (1, 2, 3, 4)] + [("rename", 1), ("mkdir", 1)])
def test_killed_inside_the_writing_the_point_before_is_there(tmp_path: Path, name: str, call: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path, str(call), name], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    found, damages = checkpoint.newest(tmp_path, SHAPES)
    assert_same(found, point(3 if (name, call) == ("fsync", 4) else 2))  # the fourth flush follows the renaming
    assert damages == []


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    left = tmp_path / checkpoint.FOLDER / ".000003-00000000.part"
    left.mkdir(parents=True)
    (left / ARRAYS).write_bytes(b"half")
    Keeper(tmp_path, 5)
    assert not left.exists()


def test_a_point_is_due_by_time_and_by_epoch_where_it_costs_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    keeper = Keeper(tmp_path, minutes=5)
    now = 299
    assert keeper.due(epoch_over=True) and not keeper.due(epoch_over=False)
    now = 300
    assert keeper.due(epoch_over=False)

    def slowly(folder: Path, kept: Point) -> None:
        nonlocal now
        now += 2

    monkeypatch.setattr(checkpoint, "write", slowly)
    keeper.keep(point())
    now += 39
    assert not keeper.due(epoch_over=True)
    now += 1
    assert keeper.due(epoch_over=True)
