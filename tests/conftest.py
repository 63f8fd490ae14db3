"""Shared by the tests: the real command, the sample data, the real X-rays where they are, and one trained run."""

import contextlib
import fcntl
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

os.environ["COVID_TUI_LANGUAGE"] = "en"

# isort: split
# The tests read English, in this process and all that it starts, whatever the machine's language.
from tests.makers import examples, small
from tests.makers.forked import COMMAND, Command, Forks

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_data"
XRAY = ROOT.parent / "shared" / "xray"

Cli = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., Command]


examples.register()

LONGEST = (
    "tui/cli/commands/test_train.py",  # makes `trained`, for which another worker would wait
    *("engine/jobs/test_review.py", "engine/jobs/test_matrix.py", "engine/report/test_checklist_example.py"),
    *("product/test_streams.py", "engine/jobs/test_resume.py", "tui/host/test_terminal.py"),
    *("engine/training/test_loop.py", "engine/auto/test_ladder.py", "engine/export/test_export.py"),
    *("tui/screens/test_dataset.py", "engine/network/test_heads.py", "tui/screens/test_review.py"),
    *("tui/screens/test_names.py", "tui/test_snapshots.py", "engine/evaluation/test_run_network.py"),
    *("engine/data/test_tables.py", "engine/jobs/test_frozen_engine.py"),
    *("tui/screens/test_predict.py", "product/test_old_runs.py", "tui/test_foundation.py"),
    *("product/test_damaged_caches.py", "product/test_shared_hosts.py", "tui/screens/test_sweep.py"),
    *("engine/training/test_lr_range_test.py", "engine/evaluation/test_saliency.py"),
    *("engine/training/test_distributed.py", "tui/screens/test_runs.py", "engine/data/image/test_notes.py"),
    *("product/test_without_tensorflow.py", "tui/screens/test_layers.py", "tui/screens/test_train.py"),
    *("engine/network/test_backbone_weights.py", "engine/training/test_phases.py", "tui/screens/test_audit.py"),
    *("tui/screens/test_results.py", "engine/data/test_published_split.py", "tui/screens/test_dataset_pictures.py"),
    *("engine/network/test_backbones.py", "product/test_borders.py"),
    *("engine/data/similarity/test_near_duplicates.py", "engine/data/image/test_dicom_privacy.py"),
    *("engine/data/image/test_hostile_dicoms.py", "tui/screens/test_recipe_form.py", "product/test_hostile_names.py"),
    *("engine/network/test_ncnn_network.py", "product/test_endurance.py", "product/test_killed_writing.py"),
    *("tui/screens/test_heat.py", "engine/network/test_hostile_weights.py", "product/test_refused_start.py"),
    *("tui/screens/test_altered.py", "engine/training/test_resolved.py", "engine/jobs/test_sweep.py"),
    *("engine/evaluation/test_intervals.py", "engine/network/test_backbone_features.py"),
    *("engine/network/test_engine_choice.py", "product/test_links.py", "engine/data/image/test_memory.py"),
    *("engine/training/test_unequal_classes.py", "product/test_outputs.py"),
)
"""The files whose tests take eight seconds or more, the longest first: so no worker waits for another at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first, in the order above."""
    order = {ROOT / "tests" / file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of their own for all tests, so that weights are converted once and nobody's cache is touched; and no
    user's settings.
    """
    folder = tmp_path_factory.mktemp("cache")
    os.environ["COVID_TUI_CACHE"] = str(folder)
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    os.environ["KERAS_HOME"] = str(folder / "keras")
    return folder


@pytest.fixture(scope="session")
def start(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the real command, or other code, in a process of its own, by itself away from the project's folder; see
    makers/forked.py.
    """
    forks, away = Forks(tmp_path_factory.mktemp("forks")), tmp_path_factory.mktemp("away")

    def begin(*arguments: object, code: str = COMMAND, cwd: Path = away, **environment: str) -> Command:
        environ = {**os.environ, "COVID_TUI_CACHE": str(cache), "PYTHONPATH": str(ROOT), **environment}
        return forks.start([*map(str, arguments)], cwd, environ, code)

    yield begin
    forks.close()


READING = {"compare", "evaluate", "explain", "inspect", "layers", "predict", "report", "runs", "scan"}
"""Verbs that start nothing which outlives them."""


@pytest.fixture(scope="session")
def cli(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Run the real command away from the project's folder: in this process where it only reads, as a process takes
    longer than that, and else, or in another environment, in a process of its own.
    """
    away = tmp_path_factory.mktemp("away")

    def run(*arguments: object, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
        if str(arguments[0]) in READING and not environment:
            return within(away, arguments)
        with start(*arguments, **environment) as command:
            out, err = command.communicate(timeout)
        return subprocess.CompletedProcess(command.args, command.returncode or 0, out, err)

    return run


def within(folder: Path, commanded: Sequence[object]) -> subprocess.CompletedProcess[str]:
    """Run the real command in this process, in `folder`; the process is afterwards as it was before."""
    from tui.cli import run

    before, environment, arguments = Path.cwd(), dict(os.environ), [*map(str, commanded)]
    out, err = io.StringIO(), io.StringIO()
    try:
        os.chdir(folder)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(arguments)
    finally:
        os.chdir(before)
        for name in {*os.environ} - {*environment}:
            del os.environ[name]
        os.environ.update(environment)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def trained_once(name: str, factory: pytest.TempPathFactory, cli: Cli, *flags: object, side: str) -> dict[str, Any]:
    """A training on two classes of the sample data, by this name: its events and its run directory.

    One for all workers, so who changes it takes a copy.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    out, events = shared / f"{name}-runs", shared / f"{name}-events.jsonl"
    with (shared / f"{name}-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not events.is_file():
            recipe = ("--train", SAMPLE, "--classes", "COVID,Viral Pneumonia", *flags)
            done = cli(*recipe, "--out", out, "--name", name, "--json", **{small.SWITCH: side})
            assert done.returncode == 0, done.stderr
            events.write_text(done.stdout, encoding="utf-8")
    lines = events.read_text(encoding="utf-8").splitlines()
    return {"events": [json.loads(line) for line in lines], "run": out / name, "out": out}


@pytest.fixture(scope="session")
def trained(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A training with ImageNet weights, by a recipe of the user's own."""
    flags = ("--augment", "none", "--batch", "8", "--epochs", "3", "--tensorboard")
    return trained_once("trained", tmp_path_factory, cli, *flags, side="")


AUTO = ("--recipe", "auto", "--test-share", "0.2", "--precision", "float32", "--frozen-engine", "ncnn", "--budget",
        "1s")  # fmt: skip


@pytest.fixture(scope="session")
def laddered(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A training by the recipe "auto", on small pictures."""
    return trained_once("laddered", tmp_path_factory, cli, *AUTO, side=str(small.SIDE))


@pytest.fixture(scope="module")
def small_pictures() -> Iterator[None]:
    """VGG16 for small pictures; see makers/small.py. Not for what predicts with `trained`."""
    with pytest.MonkeyPatch.context() as patch:
        small.shrink(patch)
        yield


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten images of each of two classes of the sample, for trainings that needn't be good."""
    folder = tmp_path_factory.mktemp("few")
    for label in ("COVID", "Viral Pneumonia"):
        (folder / label).mkdir()
        for path in sorted((SAMPLE / label / "images").iterdir())[:10]:
            shutil.copy(path, folder / label / path.name)
    return folder


@pytest.fixture(scope="session")
def xray() -> Path:
    """The folder of real X-rays; skips where it is absent."""
    if not XRAY.is_dir():
        pytest.skip("the folder of real X-rays, shared/xray beside the project, is absent")
    return XRAY
