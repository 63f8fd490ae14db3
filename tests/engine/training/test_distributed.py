"""Several devices train as one does, several processes as one does, and none is left waiting for another."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.base.errors import ConfigError
from engine.runs.directory import Run
from engine.training import cluster
from engine.training.cluster import Seat
from engine.training.distributed import share
from tests.conftest import ROOT, SAMPLE, Cli, Start
from tests.makers.many import ASKING_THE_PROCESSOR, WATCH, commands
from tests.makers.workers import MINUTE, pair

pytestmark = pytest.mark.usefixtures("small_pictures")

EPOCHS = 3
DATA = ("--train", str(SAMPLE), "--classes", "COVID,Viral Pneumonia")
NUMBERS = ("--precision", "float32", "--feature-dtype", "float32", "--augment", "none", "--class-weight", "balanced")
FIXED = (*NUMBERS, "--patience", "0", "--checkpoint-minutes", "0")
SAME = (*DATA, *FIXED, "--batch", "9")  # 48 images: five batches of 9 and one of 3, none of which two devices divide
HEAD = (*SAME, "--weights", "none", "--lr", "1e-3")
# ImageNet's weights: gradients through random layers are so small that Adam makes steps of their rounding.
LAST_LAYER = ("--mode", "partial", "--unfreeze", "17")
LAST = (*SAME, *LAST_LAYER)
LAYER = (*LAST, "--lr", "1e-3")
UNCACHED = (*LAYER, "--feature-cache", "off")
GRADUAL = (*LAST, "--gradual", "1", "--layer-decay", "0.5", "--lr", "auto")


def arrays(run: Path) -> dict[str, np.ndarray]:
    """The best weights."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(run / "best.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def curve(run: Path) -> np.ndarray:
    """history.csv without the seconds."""
    with (run / "history.csv").open() as file:
        return np.array([list(map(float, line[:-1])) for line in list(csv.reader(file))[1:]])


def assert_alike(run: Path, other: Path) -> None:
    """The same loss curve and weights, within rounding."""
    assert curve(run).shape[0] >= EPOCHS
    assert curve(run) == pytest.approx(curve(other), abs=1e-4)
    one, two = arrays(run), arrays(other)
    assert one.keys() == two.keys()
    for name, array in one.items():
        assert np.linalg.norm(array - two[name]) <= 1e-4 * max(float(np.linalg.norm(array)), 1e-3), name


@pytest.fixture(scope="module")
def alone(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The head, trained on one device."""
    out = tmp_path_factory.mktemp("alone")
    done = cli(*HEAD, "--epochs", EPOCHS, "--devices", "1", "--out", out, "--name", "run")
    assert done.returncode == 0, done.stderr
    return out / "run"


@given(images=st.integers(1, 40), batch=st.integers(1, 20), workers=st.integers(1, 4), here=st.integers(1, 3))
def test_the_shares_of_all_workers_are_the_whole_batch_once(images: int, batch: int, workers: int, here: int) -> None:
    order = np.random.default_rng(images).permutation(images)
    own = [share(order, batch, worker, here, workers * here) for worker in range(workers)]
    steps = -(-images // batch)
    for step in range(steps):
        taken: list[int] = []
        for one in own:
            shard = one.order[step * one.batch : (step + 1) * one.batch]
            assert len(shard) == len(one.weights[step]) == len(own[0].weights[step]) and len(shard) % here == 0
            taken += shard[one.weights[step] > 0].tolist()
        whole = order[step * batch : (step + 1) * batch]
        assert taken == whole.tolist()
        assert sum(one.weights[step].sum() for one in own) == pytest.approx(1, rel=1e-5)
    assert all(len(one.weights) == steps for one in own)


@pytest.mark.parametrize(
    "recipe", [HEAD, *(pytest.param(other, marks=pytest.mark.slow) for other in (LAYER, UNCACHED, GRADUAL))]
)
def test_two_devices_train_as_one_does_and_nothing_listens(
    recipe: tuple[str, ...], alone: Path, cli: Cli, start: Start, tmp_path: Path
) -> None:
    line = (*recipe, "--epochs", EPOCHS, "--devices", "cpu:2", "--out", tmp_path, "--name", "two")
    environment = {"HEARD": str(tmp_path / "heard.json")}
    (done,) = commands(line, cwd=tmp_path, before=WATCH, environment=environment, start=start)
    assert done.code == 0 and "the processor as 2 devices" in done.stderr, done.stderr
    assert json.loads((tmp_path / "heard.json").read_text()) in ([], ASKING_THE_PROCESSOR)
    if recipe != HEAD:
        assert cli(*recipe, "--epochs", EPOCHS, "--out", tmp_path, "--name", "one").returncode == 0
        alone = tmp_path / "one"
    assert_alike(tmp_path / "two", alone)


@pytest.mark.slow
def test_two_devices_go_on_within_the_epoch_in_which_they_were_killed(cli: Cli, cache: Path, tmp_path: Path) -> None:
    recipe = (*LAYER, "--epochs", EPOCHS, "--out", tmp_path, "--name")
    killed = subprocess.Popen(
        [sys.executable, "-c", "from tui.cli import main; main()", *map(str, (*recipe, "two", "--devices", "cpu:2"))],
        cwd=tmp_path,
        env={**os.environ, "COVID_TUI_CACHE": str(cache), "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 3 * MINUTE
    while not any(path.name.startswith("000002-0000000") for path in (tmp_path / "two" / "checkpoint").glob("0*[1-9]")):
        assert time.monotonic() < until and killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    done = cli("--train", "--resume", tmp_path / "two")
    assert done.returncode == 0 and "Going on in epoch 2, after" in done.stderr, done.stderr
    assert cli(*recipe, "one").returncode == 0
    assert_alike(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
def test_the_range_test_finds_the_same_rate_on_two_devices(cli: Cli) -> None:
    recipe = ("lr-find", *DATA[1:], *NUMBERS, "--batch", "9", *LAST_LAYER, "--json")
    one, two = (cli(*recipe, "--devices", devices) for devices in ("1", "cpu:2"))
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    tested, again = json.loads(one.stdout), json.loads(two.stdout)
    assert tested["rate"] == again["rate"]
    count = min(len(tested["points"]), len(again["points"])) // 2  # before it diverges
    assert np.array(tested["points"])[:count] == pytest.approx(np.array(again["points"])[:count], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [HEAD, LAYER, GRADUAL])
def test_two_processes_train_as_one_does_and_the_chief_alone_writes(
    recipe: tuple[str, ...], alone: Path, cli: Cli, cache: Path, tmp_path: Path
) -> None:
    with pair(cache, tmp_path, *recipe, "--epochs", EPOCHS, "--name", "run") as both:
        (code, out, err), (other_code, other_out, other_err) = both.ends()
    assert (code, other_code) == (0, 0), err + other_err
    assert "test accuracy" in out and "epoch   3" in err
    assert not other_out and "epoch   1" not in other_err and "worker 1 of 2" in other_err
    assert "E0000" not in err + other_err
    assert list((tmp_path / "worker1").iterdir()) == []
    if recipe != HEAD:
        assert cli(*recipe, "--epochs", EPOCHS, "--out", tmp_path, "--name", "one").returncode == 0
        alone = tmp_path / "one"
    assert_alike(both.run.path, alone)


@pytest.mark.slow
def test_a_killed_worker_ends_the_training_in_one_sentence_and_one_device_goes_on(
    cli: Cli, cache: Path, tmp_path: Path
) -> None:
    with pair(cache, tmp_path, *HEAD, "--epochs", "100000", "--name", "run") as both:
        both.wait_for_epochs(3)
        both.processes[1].kill()
        began = time.monotonic()
        code, _, err = both.ends()[0]
        assert time.monotonic() - began < MINUTE
    last = err.splitlines()[-1]
    assert code == 1 and "Worker 1 of 2 was lost" in last and f"--resume {both.run.path}` goes on" in last, err
    assert both.run.state() == "failed" and "E0000" not in err
    epochs = len(both.run.epochs())
    done = cli("--train", "--resume", both.run.path, "--devices", "auto", "--epochs", epochs + 2)
    assert done.returncode == 0, done.stderr
    assert [epoch.epoch for epoch in both.run.epochs()] == list(range(1, epochs + 3))


@pytest.mark.slow
def test_a_killed_chief_ends_the_worker(cache: Path, tmp_path: Path) -> None:
    with pair(cache, tmp_path, *HEAD, "--epochs", "100000", "--name", "run") as both:
        both.wait_for_epochs(2)
        both.processes[0].kill()
        began = time.monotonic()
        code, _, err = both.ends()[1]
        assert time.monotonic() - began < MINUTE
    assert code == 1 and "Worker 0 of 2 was lost" in err.splitlines()[-1], err
    assert both.run.state() == "died"


@pytest.mark.slow
@pytest.mark.parametrize("asked", [0, 1])
def test_a_signal_to_either_stops_both_and_both_go_on(
    asked: int, alone: Path, cli: Cli, cache: Path, tmp_path: Path
) -> None:
    with pair(cache, tmp_path, *HEAD, "--epochs", "100000", "--name", "run") as both:
        both.wait_for_epochs(1)
        both.processes[asked].send_signal(signal.SIGTERM)
        codes = [end[0] for end in both.ends()]
    assert codes[asked] == 143 and codes[1 - asked] == 0
    assert both.run.state() == "stopped"
    epochs = len(both.run.epochs()) + 1
    resume = ("--train", SAMPLE, "--resume", "run", "--epochs", epochs)  # the worker beside the chief has no such run
    with pair(cache, tmp_path, *resume) as again:
        ends = again.ends()
    assert [end[0] for end in ends] == [0, 0], ends
    assert Run(again.run.path).state() == "finished"
    one = cli(*HEAD, "--epochs", epochs, "--out", tmp_path, "--name", "one")
    assert one.returncode == 0, one.stderr
    assert curve(again.run.path)[:, 1:4] == pytest.approx(curve(tmp_path / "one")[:, 1:4], abs=1e-4)


@pytest.mark.slow
def test_workers_with_other_images_are_told_so(cache: Path, tmp_path: Path) -> None:
    for number in range(2):
        folder = tmp_path / f"worker{number}" / "data"
        shutil.copytree(SAMPLE / "COVID", folder / "COVID")
        shutil.copytree(SAMPLE / "Viral Pneumonia", folder / "Viral Pneumonia")
    images = sorted((tmp_path / "worker1" / "data" / "COVID").rglob("*.png"))
    for path in images:
        Image.eval(Image.open(path), lambda value: 255 - value).save(path)
    with pair(
        cache, tmp_path, "--train", "data", *FIXED, "--weights", "none", "--epochs", "3", "--name", "run"
    ) as both:
        ends = both.ends()
    assert [code for code, _, _ in ends] == [1, 1], ends
    assert all("Worker 1 has other training images than the chief" in err for _, _, err in ends), ends
    assert both.run.state() == "failed"


@pytest.mark.slow
def test_a_worker_that_fails_ends_the_chief_too(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "worker0").mkdir()
    (tmp_path / "worker0" / "data").symlink_to(SAMPLE)
    arguments = ("--train", "data", *DATA[2:], *FIXED, "--weights", "none", "--epochs", "3", "--name", "run")
    with pair(cache, tmp_path, *arguments) as both:
        (code, _, err), (other_code, _, other_err) = both.ends()
    assert other_code == 3 and "data" in other_err.splitlines()[-1], other_err
    assert code == 1 and "Worker 1 of 2 was lost" in err.splitlines()[-1], err
    assert both.run.state() == "failed"


@pytest.mark.slow
def test_a_worker_whose_disk_fills_up_trains_on_without_cache(cache: Path, tmp_path: Path) -> None:
    recipe = [value if value != "none" else "report" for value in LAYER]  # the image as it is, then a view an epoch
    recipe += ["--views", "2", "--weights", "none", "--epochs", str(EPOCHS), "--name", "run"]
    with pair(cache, tmp_path, *recipe, largest=30_000_000) as both:  # one view of 48 images takes 19 MB
        (code, _, err), (other_code, _, other_err) = both.ends()
    assert (code, other_code) == (0, 0), err + other_err
    assert "The cache can't be filled" in other_err and "The cache can't be filled" not in err
    assert len(both.run.epochs()) == EPOCHS


def test_the_seat_comes_from_tf_config_or_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_CONFIG", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    assert cluster.seat("auto") == Seat(0, 1)
    with pytest.raises(ConfigError, match="TF_CONFIG"):
        cluster.seat("workers")
    slurm = {"PROCID": "2", "STEP_NUM_TASKS": "3", "STEP_NODELIST": "n[7-8]", "STEP_TASKS_PER_NODE": "2,1"}
    for name, value in slurm.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert cluster.seat("workers") == Seat(2, 3)
    assert cluster.addresses() == ("n7:8888", "n7:8889", "n8:8888")
    told = {"cluster": {"chief": ["a:1"], "worker": ["b:2", "c:3"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    assert cluster.seat("workers") == Seat(2, 3) and not cluster.seat("workers").chief
    assert cluster.addresses() == ("a:1", "b:2", "c:3")


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[]",
        "{}",
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "chief", "index": 1}}',
        '{"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "worker", "index": -1}}',
        '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
    ],
)
def test_a_wrong_tf_config_is_told(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", told)
    with pytest.raises(ConfigError, match="TF_CONFIG must be like"):
        cluster.seat("workers")


def test_what_there_is_not_is_one_sentence_and_leaves_no_run(start: Start, tmp_path: Path) -> None:
    wrong = {
        "two": '--devices is "two": give',
        "cpu:99": '--devices is "cpu:99": give',
        "workers": "--devices workers needs to know the workers: set TF_CONFIG",
        "workers --seeds 2": "--seeds is the work of one process",
        "workers --folds 2": "--folds is the work of one process",
        "9999": "--devices is 9999, and TensorFlow finds",
    }
    lines = [(*HEAD, "--out", tmp_path / "runs", "--devices", *asked.split()) for asked in wrong]
    answers = commands(*lines, cwd=tmp_path, start=start)
    for answer, said in zip(answers, wrong.values(), strict=True):
        assert answer.code == 2 and said in answer.stderr and len(answer.stderr.splitlines()) == 1, answer
    assert not (tmp_path / "runs").exists()
