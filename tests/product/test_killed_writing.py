"""Killed inside the writing of the pixel store, the feature cache or events.jsonl: the next start repairs just that,
and `doctor` finds and mends what is left where no next start comes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.base.context import Context
from engine.base.events import Epoch, Notice, Progress
from engine.data import pixel_store
from engine.data.pixel_store import open_store
from engine.data.records import Scan
from engine.data.scan import scan
from engine.jobs import repair as leftovers
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs.directory import Run
from engine.runs.writer import RunWriter, create
from engine.training import checkpoint
from engine.training.feature_file import Origin
from engine.training.feature_store import FeatureStore
from tests.conftest import ROOT, SAMPLE
from tests.engine.training.test_checkpoint import point
from tui.cli import run

SIZE = 24
ORIGIN = Origin("p" * 64, "caffe", 224, "float32", "keras", None, "float16", (4, 3))
KEYS = [(f"{number:064x}", 0) for number in range(8)]

KILL = """
import contextlib, os, pathlib, signal, sys
name, nth = sys.argv[1], int(sys.argv[2])
calls = 0
def fatal(real, dying=lambda *_: None):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == nth:
            dying(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call
class Dying:
    def __init__(self, file):
        def half(data):
            file.write(data[:len(data) // 2])
            file.flush()
        self.file, self.write = file, fatal(file.write, half)
    def __getattr__(self, name):
        return getattr(self.file, name)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.file.close()
def opening(real):
    def call(path, *rest):
        return Dying(real(path, *rest)) if path.name == name else real(path, *rest)
    return call
"""
PIXELS = """
from engine.data import pixel_store as pixels
from engine.data.scan import scan
found = scan(pathlib.Path(sys.argv[3]))
if name == "fsync":
    os.fsync = fatal(os.fsync)
elif name == "replace":
    os.replace = fatal(os.replace)
else:
    real = pixels._temporary
    @contextlib.contextmanager
    def temporary(directory):
        with real(directory) as (file, path):
            yield Dying(file), path
    pixels._temporary = temporary
pixels.open_store(found.root, found.records, 24, pathlib.Path(sys.argv[4]))
"""
FEATURES = """
import numpy as np
from engine.base.context import Context
from engine.training import feature_store as features
from tests.product.test_killed_writing import ORIGIN, KEYS
features.open_private = opening(features.open_private)
store = features.FeatureStore(pathlib.Path(sys.argv[3]), ORIGIN)
with store.filling(Context()) as append:
    for start in range(0, 8, 2):
        append(KEYS[start:start + 2], np.full((2, 4, 3), start))
"""
EVENTS = """
from engine.runs import writer as runs
from engine.recipe.config import OutputConfig, TrainConfig
from engine.base.events import Progress
runs.open_private = opening(runs.open_private)
out = pathlib.Path(sys.argv[3])
with runs.create(out, TrainConfig(output=OutputConfig(out=out, name="run"))) as writer:
    for number in range(9):
        writer.append(Progress("epoch", number, 9))
"""


def killed(body: str, *arguments: object) -> None:
    """Run `body` in a process that kills itself at the call that the arguments name."""
    done = subprocess.run(
        [sys.executable, "-c", KILL + body, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.fixture
def data(tmp_path: Path) -> Scan:
    for label in "AB":
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(6):
            noise = np.random.default_rng([number, ord(label)]).integers(0, 256, (30, 30), np.uint8)
            Image.fromarray(noise).save(tmp_path / "data" / label / f"{number}.png")
    return scan(tmp_path / "data")


@pytest.mark.parametrize(("call", "nth"), [("write", 1), ("write", 7), ("fsync", 1), ("replace", 1), ("replace", 2)])
def test_a_killed_pixel_store_is_built_anew(tmp_path: Path, data: Scan, call: str, nth: int) -> None:
    cache = tmp_path / "cache"
    killed(PIXELS, call, nth, data.root, cache)
    for path in (cache / "pixels").iterdir():
        os.utime(path, (time.time() - 3600,) * 2)
    assert leftovers.find(tmp_path, cache, tmp_path) != []
    other, _ = open_store(data.root, data.records[:4], SIZE, tmp_path / "whole")
    store, problems = open_store(data.root, data.records, SIZE, cache)
    assert problems == () and np.array_equal(store.rows(range(4)), other.rows(range(4)))
    for left in leftovers.find(tmp_path, cache, tmp_path):
        assert leftovers.mend(left)
    assert leftovers.find(tmp_path, cache, tmp_path) == []
    assert sorted(path.suffix for path in (cache / "pixels").iterdir()) == [".json", ".u8"]
    assert pixel_store.damaged(cache) == [] and np.array_equal(store.rows(range(4)), other.rows(range(4)))


@pytest.mark.parametrize(
    ("file", "nth", "repair"), [("rows", 1, True), ("rows", 3, False), ("index", 1, False), ("index", 3, True)]
)
def test_a_killed_feature_store_is_filled_on(tmp_path: Path, file: str, nth: int, repair: bool) -> None:
    killed(FEATURES, file, nth, tmp_path)
    found = leftovers.find(tmp_path / "runs", tmp_path, tmp_path)
    assert [left.kind for left in found] == ["features"]
    if repair:
        assert leftovers.mend(found[0]) and leftovers.find(tmp_path / "runs", tmp_path, tmp_path) == []
    store = FeatureStore(tmp_path, ORIGIN)
    # The half of an index write is the first of its two entries, whose row is whole.
    left = store.missing(KEYS)
    assert left == KEYS[2 * (nth - 1) + (file == "index") :]
    with store.filling(Context()) as append:
        append(left, np.stack([np.full((4, 3), int(sha, 16) // 2 * 2) for sha, _ in left]))
    assert FeatureStore(tmp_path, ORIGIN).read(KEYS)[:, 0, 0].tolist() == [0, 0, 2, 2, 4, 4, 6, 6]
    assert leftovers.find(tmp_path / "runs", tmp_path, tmp_path) == []


@pytest.mark.parametrize(("nth", "repair"), [(1, True), (5, True), (5, False)])
def test_a_killed_event_is_taken_off(tmp_path: Path, nth: int, repair: bool) -> None:
    killed(EVENTS, "events.jsonl", nth, tmp_path)
    run = Run(tmp_path / "run")
    assert run.state() == "died" and len(list(run.events())) == nth - 1
    assert not (run.path / "events.jsonl").read_bytes().endswith(b"\n")
    found = leftovers.find(tmp_path, tmp_path / "cache", tmp_path)
    assert {left.kind for left in found} == {"died", "torn"}
    if repair:
        assert [leftovers.mend(left) for left in found] == [False, True]
        assert (run.path / "events.jsonl").read_bytes().count(b"\n") == nth - 1
        assert [left.kind for left in leftovers.find(tmp_path, tmp_path / "cache", tmp_path)] == ["died"]
    with RunWriter(run, again=True) as writer:
        writer.append(Progress("again", 1, 1))
    lines = (run.path / "events.jsonl").read_text().splitlines()
    assert len(lines) == nth and [json.loads(line)["event"] for line in lines] == ["progress"] * nth


def half_written(out: Path, cache: Path) -> Iterator[Path]:
    """A run that died and a cache, with one of each kind of leftover; the paths that a repair removes."""
    config = TrainConfig(output=OutputConfig(out=out, name="run"))
    with create(SAMPLE, config) as writer:
        writer.append(Epoch(1, 0.5, 0.75, 0.3, 1.0, 1e-4, 1.5))
        writer.append(Notice("info", "text"))
        run = writer.run.path
    (run / "split.csv").write_text("file,class,part,sha\n")
    for name, tail in (("events.jsonl", '{"event": "ep'), ("history.csv", "2,0.4")):
        with (run / name).open("a") as file:
            file.write(tail)
    (run / "checkpoint").mkdir()
    for epoch in (2, 3):
        checkpoint.write(run / "checkpoint", point(epoch))
    newest = checkpoint.points(run / "checkpoint")[0]
    os.truncate(newest / checkpoint.ARRAYS, 100)
    yield newest
    dead = subprocess.Popen(["true"])
    dead.wait()
    for part in (
        run / f".{dead.pid}.part.best.weights.h5",
        run / f".test.json.{dead.pid}.part",
        run / "checkpoint" / ".000004-00000000.part" / "arrays.npz",
        out / "never-begun" / f".config.json.{dead.pid}.part",
        cache / "pixels" / f"{dead.pid}-0123456789abcdef.tmp",
        cache / "weights" / f".{dead.pid}.part.vgg16-imagenet.weights.h5",
    ):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"half")
        yield part if part.name != "arrays.npz" else part.parent
    store = cache / "pixels" / f"{'0' * 64}.u8"
    store.write_bytes(b"half")
    os.utime(store, (0, 0))
    yield store
    damaged = cache / "features" / ("0" * 32)
    damaged.mkdir(parents=True)
    (damaged / "context.json").write_text("{")
    yield damaged


def test_doctor_reports_each_leftover_and_repairs_just_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, cache = tmp_path / "runs", tmp_path / "cache"
    removed = list(half_written(out, cache))
    living = out / "run" / f".card.md.{os.getpid()}.part"
    living.write_text("its writer is this process")
    everything = {path for path in tmp_path.rglob("*") if path.is_file()}
    kept = everything - {file for path in removed for file in [path, *path.rglob("*")]}
    before = {path: path.read_bytes() for path in kept}
    monkeypatch.setenv("COVID_TUI_CACHE", str(cache))
    monkeypatch.setenv("KERAS_HOME", str(cache / "keras"))

    def doctor(flag: str) -> str:
        assert run(["doctor", "--out", str(out), flag]) == 0
        return capsys.readouterr().out

    told = json.loads(doctor("--json"))["half-written"]
    assert {item["path"] for item in told} == {
        *map(str, removed), str(out / "run"), str(out / "run" / "events.jsonl"), str(out / "run" / "history.csv")
    }  # fmt: skip
    assert not any(item["repaired"] for item in told)
    died = next(item for item in told if item["kind"] == "died")
    assert "epoch 2, step 0" in died["what"] and f"--resume {out / 'run'}" in died["remedy"]
    assert all(path.exists() for path in removed) and all(path.read_bytes() == b for path, b in before.items())

    assert f"{out / 'run'}: a run that died" in doctor("--repair")
    assert not any(path.exists() for path in removed)
    for path, content in before.items():
        torn = path.name in ("events.jsonl", "history.csv")
        assert path.read_bytes() == (content[: content.rindex(b"\n") + 1] if torn else content), path
    (left,) = json.loads(doctor("--json"))["half-written"]
    assert left["kind"] == "died"
    assert checkpoint.newest(out / "run" / "checkpoint", {})[1] == []


def test_what_a_living_process_holds_is_not_touched(tmp_path: Path) -> None:
    config = TrainConfig(output=OutputConfig(out=tmp_path, name="run"))
    with create(SAMPLE, config) as writer:
        (writer.run.path / "checkpoint" / ".000001-00000000.part").mkdir(parents=True)
        assert leftovers.find(tmp_path, tmp_path / "cache", tmp_path) == []
    found = leftovers.find(tmp_path, tmp_path / "cache", tmp_path)
    with RunWriter(Run(tmp_path / "run"), again=True):  # another process has gone on with it meanwhile
        assert [leftovers.mend(left) for left in found] == [False, False]
    store = FeatureStore(tmp_path / "cache", ORIGIN)
    with store.filling(Context()) as append:
        append(KEYS[:1], np.ones((1, 4, 3)))
        with (store.folder / "rows").open("ab") as rows:
            rows.write(b"half a row")
        assert not [left for left in leftovers.find(tmp_path, tmp_path / "cache", tmp_path) if left.kind == "features"]
