"""A training killed at any moment goes on and ends as one left alone; a second training of the same run is refused."""

import contextlib
import dataclasses
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, DataError, RunError
from engine.base.events import Epoch, Event, Failed, Finished
from engine.base.runtime import tensorflow
from engine.data.image.formats import PIXEL_RULES
from engine.evaluation.evaluate import forget_test
from engine.jobs import train
from engine.recipe.config import AugmentConfig, DataConfig, FitConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs import directory as runs
from engine.runs.directory import Run
from engine.runs.writer import create
from engine.training import checkpoint, fit_phases
from engine.training.distributed import ONE
from engine.training.resolved import resolve
from engine.training.run_context import RunContext
from tests.conftest import ROOT, SAMPLE, Cli, Start
from tests.makers import small
from tests.makers.trainings import assert_as_in_one_go, events, history, weights_sha

pytestmark = pytest.mark.usefixtures("small_pictures")

EPOCHS = 8
COMMON = ("--patience", "0", "--checkpoint-minutes", "0")
RECIPE = (*COMMON, "--augment", "none", "--batch", "2", "--epochs")
LONG_EPOCHS = 100
LONG = ("--train", SAMPLE, "--classes", "COVID,Viral Pneumonia", *COMMON, "--mode", "partial", "--unfreeze", "17",
        "--views", "1", "--batch", "8", "--epochs", LONG_EPOCHS)  # fmt: skip


@pytest.fixture(scope="module")
def recipe(few: Path) -> tuple[object, ...]:
    """Eight steps an epoch, a checkpoint after each."""
    return ("--train", few, *RECIPE, EPOCHS)


@pytest.fixture(scope="module")
def whole(cli: Cli, recipe: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one go."""
    out = tmp_path_factory.mktemp("whole")
    done = cli(*recipe, "--out", out, "--name", "run")
    assert done.returncode == 0, done.stderr
    return out / "run"


def test_killed_within_an_epoch_it_goes_on_to_the_same_weights(
    whole: Path, recipe: tuple[object, ...], tmp_path: Path, cli: Cli, start: Start
) -> None:
    with start(*recipe, "--out", tmp_path, "--name", "run", "--json") as process:
        for event in events(process):
            if event["event"] == "batch" and (event["epoch"], event["step"]) >= (4, 1):
                process.kill()
                break
    run = tmp_path / "run"
    assert Run(run).state() == "died"
    newest = checkpoint.points(run / checkpoint.FOLDER)[0]
    os.truncate(newest / checkpoint.ARRAYS, 1000)
    done = cli("--train", "--resume", "run", "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(str(newest / checkpoint.ARRAYS) in line.get("text", "") for line in told)
    went_on = next(line for line in told if line["event"] == "resumed")
    assert (went_on["epoch"], went_on["step"]) >= (3, 1)
    assert_as_in_one_go(run, whole, EPOCHS)


@pytest.mark.parametrize(
    ("number", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)]
)
def test_a_signal_finishes_the_batch_and_leaves_a_point(
    number: int, code: int, whole: Path, recipe: tuple[object, ...], tmp_path: Path, cli: Cli, start: Start
) -> None:
    with start(*recipe, "--out", tmp_path, "--name", "run", "--json") as process:
        for event in events(process):
            if event["event"] == "batch" and event["epoch"] == 2:
                process.send_signal(number)
                began = time.monotonic()
                break
        last = list(events(process))[-1]
    assert process.wait() == code and time.monotonic() - began < 30
    run = tmp_path / "run"
    assert last["event"] == "interrupted" and "--resume" in str(last["reason"])
    assert Run(run).state() == "stopped" and (run / "best.weights.h5").is_file()
    done = cli("--train", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert_as_in_one_go(run, whole, EPOCHS)


def test_a_second_interrupt_ends_at_once_even_within_a_batch(tmp_path: Path, start: Start) -> None:
    flags = ("--train", SAMPLE, "--mode", "finetune", "--batch", "64", "--augment", "none")
    with start(*flags, "--out", tmp_path, "--name", "run", "--json", **{small.SWITCH: ""}) as process:
        for event in events(process):
            if event["event"] == "started":
                break
        time.sleep(2)  # well inside the first batch, which takes longer than that
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130 and time.monotonic() - began < 2


def test_only_epochs_and_patience_may_change(whole: Path, cli: Cli) -> None:
    refused = cli("--train", "--resume", whole, "--lr", "0.01", "--batch", "64")
    assert refused.returncode == 2
    assert "--lr" in refused.stderr and "--batch" in refused.stderr and "--epochs" in refused.stderr
    assert "lr 0.01" not in (whole / "config.json").read_text()


def test_what_can_not_be_gone_on_with_changes_nothing_in_the_run(tmp_path: Path) -> None:
    fit, network = FitConfig(epochs=6, probe_epochs=5), NetworkConfig(mode="probe-then-finetune")
    config = TrainConfig(fit=fit, network=network, output=OutputConfig(out=tmp_path, name="run"))
    run = create(SAMPLE, config).run
    fewer = dataclasses.replace(config, fit=FitConfig(epochs=5, probe_epochs=5))
    with pytest.raises(ConfigError, match="give more epochs"):
        train.resume(run, fewer, Context())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        train.resume(run, config, Context(), tmp_path / "empty")
    assert (run.config(), run.folder()) == (config, SAMPLE)


def test_too_little_memory_is_a_sentence_and_not_an_error_of_its_own(tmp_path: Path) -> None:
    with create(SAMPLE, TrainConfig(output=OutputConfig(out=tmp_path))) as writer:
        run, context = writer.run, writer.tee(Context())
        with pytest.raises(RunError, match="smaller --batch"):
            train.with_its_end(writer, context, lambda _: tensorflow().fill([1 << 46], 1.0))
    assert [event.reason for event in run.events() if isinstance(event, Failed)][-1].startswith("The memory of this")


def test_a_run_that_lost_its_number_format_is_told(tmp_path: Path) -> None:
    work = RunContext(Context(), create(SAMPLE, TrainConfig(output=OutputConfig(out=tmp_path))), ONE, forget_test)
    (work.run.path / runs.ENVIRONMENT).write_text("{}")
    with pytest.raises(RunError, match=r"environment\.json does not say"):
        fit_phases.choose_arithmetic(work, resolve(work.run.config()), PIXEL_RULES)


@pytest.mark.slow
def test_a_stop_that_keeps_tests_also_where_the_phase_has_not_kept_the_images_as_they_are(
    few: Path, tmp_path: Path
) -> None:
    data = DataConfig(near_duplicates=False, test_share=0.2)
    network = NetworkConfig(mode="probe-then-finetune", unfreeze="block5_conv3", weights="none")
    fit, augment = FitConfig(epochs=4, probe_epochs=1, batch=4), AugmentConfig(views="2")
    config = TrainConfig(data=data, network=network, augment=augment, fit=fit, output=OutputConfig(out=tmp_path))
    stop = Stop()

    def emit(event: Event) -> None:
        if isinstance(event, Epoch) and event.epoch == 2:  # it saw a view, and the third is about to be computed
            stop.request("keep")

    end = train.train(few, config, Context(emit, stop))
    assert isinstance(end, Finished) and (end.ended, end.epochs) == ("stopped", 2)


@pytest.mark.slow
def test_a_finished_run_takes_more_epochs_as_if_it_had_been_told_so_at_first(
    whole: Path, few: Path, tmp_path: Path, cli: Cli
) -> None:
    shutil.copytree(whole, tmp_path / "run")
    done = cli("--train", "--resume", tmp_path / "run", "--epochs", EPOCHS + 1, "--json")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["epoch"] for line in told if line["event"] == "epoch"] == [EPOCHS + 1]
    assert any("tested before" in line.get("text", "") for line in told)
    assert cli("--train", few, *RECIPE, EPOCHS + 1, "--out", tmp_path, "--name", "longer").returncode == 0
    assert weights_sha(tmp_path / "run") == weights_sha(tmp_path / "longer")
    assert history(tmp_path / "run") == history(tmp_path / "longer")


@pytest.mark.slow
def test_a_run_that_patience_ended_says_so_before_anything_of_it_is_lost(cli: Cli, few: Path, tmp_path: Path) -> None:
    flags = ("--weights", "none", "--augment", "none", "--lr", "1e-30", "--batch", "16", "--epochs", "6")
    done = cli("--train", few, *flags, "--patience", "2", "--out", tmp_path, "--name", "run")
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    end = Run(run).finished()
    assert end and end.ended == "patience" and end.epochs == end.best_epoch + 2

    def kept() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in run.rglob("*") if path.is_file()}

    before = kept()
    for arguments in ((), ("--epochs", "9"), ("--epochs", "9", "--patience", "1")):
        refused = cli("--train", "--resume", run, *arguments)
        assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1, refused.stderr
        assert (
            "run was ended by patience" in refused.stderr
            and "raise --patience above 2 or set it to 0" in refused.stderr
        )
        assert kept() == before
    done = cli("--train", "--resume", run, "--epochs", end.epochs + 1, "--patience", "0")
    assert done.returncode == 0 and len(Run(run).epochs()) == end.epochs + 1, done.stderr


def test_a_live_run_is_not_trained_twice(whole: Path, cli: Cli, tmp_path: Path) -> None:
    import fcntl

    shutil.copytree(whole, tmp_path / "run")
    with (tmp_path / "run" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = cli("--train", "--resume", tmp_path / "run")
    assert refused.returncode == 1 and "another process" in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["keras", "ncnn"])
def test_killed_at_fifty_random_moments_it_ends_in_the_same_weights(
    engine: str, tmp_path: Path, cli: Cli, start: Start
) -> None:
    """Every other kill comes by the clock, which meets scanning, decoding and filling too, as the cache is its own; the
    others come some steps further, however slow the machine is.
    """
    moments, places = random.Random(0), set[int]()
    run = tmp_path / "run"
    # The precision is fixed, as the two caches would each time what is faster here, and a busy machine might differ.
    recipe = (*LONG, "--frozen-engine", engine, "--precision", "float32")
    command: tuple[object, ...] = (*recipe, "--out", tmp_path, "--name", "run")
    for number in range(50):
        with start(*command, "--json", COVID_TUI_CACHE=str(tmp_path / "cache")) as process:
            if number % 2:
                steps = (event for event in events(process) if event["event"] in ("batch", "epoch"))
                list(itertools.islice(steps, moments.randint(1, 9)))
                time.sleep(moments.uniform(0, 0.2))
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(moments.uniform(0.5, 5))
            assert process.poll() is None, process.communicate()
            process.kill()
            process.communicate()
        if (run / "config.json").is_file():
            command = ("--train", "--resume", run)
            places.add(max((epoch.epoch for epoch in Run(run).epochs()), default=0))
    assert len(places) > 10
    for name, arguments in (("run", command), ("whole", (*recipe, "--out", tmp_path, "--name", "whole"))):
        done = cli(*arguments, timeout=1200, COVID_TUI_CACHE=str(tmp_path / f"{name}-cache"))
        assert done.returncode == 0, done.stderr
    assert_as_in_one_go(run, tmp_path / "whole", LONG_EPOCHS)


@pytest.mark.slow
def test_control_c_in_a_terminal_stops_and_a_hangup_does_not(cache: Path, few: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "COVID_TUI_CACHE": str(cache), "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    arguments = ("--train", few, *RECIPE, 4000, "--out", tmp_path, "--name")
    command = ["-c", "from tui.cli import main; main()", *map(str, arguments)]
    runs = []
    for name in ("interrupted", "hung-up"):
        child = pexpect.spawn(sys.executable, [*command, name], env=environment, timeout=120, encoding="utf-8")
        child.expect("epoch +2 ")
        runs.append(Run(tmp_path / name))
        if name == "interrupted":
            child.sendintr()
            child.expect(pexpect.EOF)
            child.close()
            assert child.exitstatus == 130
        else:
            os.close(child.child_fd)
    assert runs[0].state() == "stopped"
    done = len(runs[1].epochs())
    until = time.monotonic() + 60
    while len(runs[1].epochs()) < done + 3:
        assert time.monotonic() < until and runs[1].state() == "live"
        time.sleep(0.2)
    runs[1].request_stop("now")
    while runs[1].state() == "live":
        assert time.monotonic() < until
        time.sleep(0.2)
    assert runs[1].state() == "stopped"
