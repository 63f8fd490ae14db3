"""A training whose frozen layers ncnn computes: killed, resumed, refused and repeated, and never mixed with Keras's."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.base.context import Context
from engine.base.engines import EngineName, identity
from engine.base.runtime import make_repeatable
from engine.network.classifier import build
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, MachineConfig, NetworkConfig, TrainConfig
from engine.runs.directory import Run
from engine.training import checkpoint
from engine.training.augment import PLAIN
from engine.training.batches import FeatureSource, PixelSource, choose, stored_format
from tests.conftest import Cli, Start
from tests.engine.training.test_loop import CLASSES, STORE, images
from tests.makers.forked import COMMAND
from tests.makers.trainings import assert_as_in_one_go, events, weights_sha

pytestmark = pytest.mark.usefixtures("small_pictures")

EPOCHS = 3
RECIPE = ("--weights", "none", "--precision", "float32", "--frozen-engine", "ncnn", "--views", "1", "--batch", "4",
          "--patience", "0", "--checkpoint-minutes", "0", "--epochs", EPOCHS)  # fmt: skip


@pytest.fixture(scope="module")
def whole(cli: Cli, few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of one go, with a cache of its own."""
    out = tmp_path_factory.mktemp("whole")
    done = cli("--train", few, *RECIPE, "--out", out, "--name", "run", COVID_TUI_CACHE=str(out / "cache"))
    assert done.returncode == 0, done.stderr
    assert "Frozen layers: ncnn (as asked)." in done.stderr + done.stdout
    return out / "run"


def tree(folder: Path) -> dict[str, str]:
    """The files below a folder with their contents' SHA-256, the lock apart."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def points(run: Path) -> dict[str, str]:
    """The files of the run's resume points, as `tree` has them; none where it has no such folder yet."""
    return tree(run / checkpoint.FOLDER)


def test_the_run_and_the_cache_say_what_computed_them(whole: Path) -> None:
    environment = json.loads((whole / "environment.json").read_text(encoding="utf-8"))
    assert environment["frozen_engine"] == "ncnn" and environment["versions"]["ncnn"] in identity("ncnn")
    contexts = [json.loads(path.read_text()) for path in (whole.parent / "cache" / "features").glob("*/context.json")]
    assert contexts and {context["engine"] for context in contexts} == {identity("ncnn")}


def test_killed_while_the_cache_fills_it_waits_for_ncnn_and_then_ends_as_in_one_go(
    whole: Path, few: Path, tmp_path: Path, cli: Cli, start: Start
) -> None:
    cache, run = tmp_path / "cache", tmp_path / "run"
    with start("--train", few, *RECIPE, "--out", tmp_path, "--name", "run", "--json",
               COVID_TUI_CACHE=str(cache)) as process:  # fmt: skip
        for event in events(process):
            if event["event"] == "progress" and str(event["task"]).startswith("frozen layers"):
                process.kill()
                break
    assert Run(run).state() == "died"
    before = tree(cache), points(run)
    without = f"import sys; sys.modules['ncnn'] = None; {COMMAND}"
    with start("--train", "--resume", run, code=without, COVID_TUI_CACHE=str(cache)) as process:
        _, said = process.communicate(300)
    assert process.returncode == 1, said
    assert "ncnn is not installed" in said and "pip install ncnn" in said
    assert (tree(cache), points(run)) == before
    done = cli("--train", "--resume", run, COVID_TUI_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    assert_as_in_one_go(run, whole, EPOCHS)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine has one processor")
@pytest.mark.slow
def test_one_processor_ends_in_the_weights_of_two(whole: Path, few: Path, tmp_path: Path, cli: Cli) -> None:
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(every)})
    try:
        done = cli("--train", few, *RECIPE, "--out", tmp_path, "--name", "run", COVID_TUI_CACHE=str(tmp_path / "cache"))
    finally:
        os.sched_setaffinity(0, every)
    assert done.returncode == 0, done.stderr
    assert weights_sha(tmp_path / "run") == weights_sha(whole)


def test_a_resume_does_not_change_the_engine(whole: Path, cli: Cli) -> None:
    refused = cli("--train", "--resume", whole, "--frozen-engine", "keras")
    assert refused.returncode == 2 and "frozen" in refused.stderr


def test_another_network_is_refused_before_anything_is_written(few: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("--train", few, "--backbone", "mobilenetv2", "--frozen-engine", "ncnn", "--out", tmp_path / "runs")
    assert done.returncode == 2 and "ncnn computes VGG16, VGG19 alone" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_the_engines_keep_apart_what_they_gave(tmp_path: Path) -> None:
    make_repeatable(0)
    config = TrainConfig(
        network=NetworkConfig(),
        augment=AugmentConfig(views="1"),
        machine=MachineConfig(precision="float32"),
    )
    kept: dict[str, FeatureSource] = {}
    engines: tuple[EngineName, ...] = ("keras", "ncnn")
    for engine in engines:
        classifier = replace(build(plan(config.network), CLASSES, "float32", seed=0, blank=True), engine=engine)
        pixels = PixelSource(images(range(3)), classifier, STORE, config)
        source, _ = choose(pixels, pixels, "float32", tmp_path, Context())
        assert isinstance(source, FeatureSource) and source.missing(2) == 6  # the image as it is, and a view
        source.prepare(PLAIN)
        source.prepare(PLAIN + 1)
        kept[engine] = source
    assert kept["keras"].plain.folder != kept["ncnn"].plain.folder
    assert stored_format(kept["keras"]) == "float32" and stored_format(kept["ncnn"]) == f"float32, {identity('ncnn')}"
