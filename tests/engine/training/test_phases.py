"""Gradual recipes: the phases and their rates, steps by layer as Adam's, and phases that are resumed to the bit."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.base.errors import ConfigError
from engine.base.runtime import make_repeatable
from engine.network.classifier import build, under
from engine.network.classifier import shapes as classifier_shapes
from engine.network.freezing import plan
from engine.network.hdf5_reader import read_weights
from engine.recipe.config import FitConfig, NetworkConfig, TrainConfig
from engine.training.phases import FINETUNE_SHARE, phases, rates, sentence
from engine.training.schedule import learning_rate
from engine.training.step import Steps, new_optimizer, values_of
from tests.conftest import Cli, Start
from tests.makers.small import SIDE
from tests.makers.trainings import assert_as_in_one_go, events, history

pytestmark = pytest.mark.usefixtures("small_pictures")

LAYERS = [layer for layer in plan(NetworkConfig(mode="finetune")).backbone.layers if layer.parameters]


def config(mode: str = "transfer", unfreeze: str = "", **fit: Any) -> TrainConfig:
    return TrainConfig(network=NetworkConfig(mode=mode, unfreeze=unfreeze), fit=FitConfig(**fit))  # type: ignore[arg-type]


@given(
    st.sampled_from(["transfer", "finetune", "partial", "probe-then-finetune"]),
    st.sets(st.sampled_from([layer.name for layer in LAYERS]), max_size=6),
    st.integers(1, 9), st.integers(0, 9), st.integers(1, 80),
)  # fmt: skip
def test_phases_follow_each_other_and_each_trains_what_the_last_did_and_more(
    mode: str, unfreeze: set[str], probe: int, gradual: int, epochs: int
) -> None:
    named = ",".join(sorted(unfreeze)) if mode in ("partial", "probe-then-finetune") else ""
    recipe = config(mode, named, probe_epochs=probe, gradual=gradual, epochs=epochs)
    try:
        every = phases(recipe)
    except ConfigError as error:
        assert "--epochs" in str(error) or "--gradual" in str(error)
        assume(False)
    assert [epoch for phase in every for epoch in range(phase.first, phase.last + 1)] == list(range(1, epochs + 1))
    for before, after in itertools.pairwise(every):
        assert before.plan.trainable < after.plan.trainable and before.plan.cut > after.plan.cut
    assert every[-1].plan == plan(recipe.network)
    if len(every) > 1:
        assert not every[0].plan.trainable and every[0].last == (probe if "probe" in mode else gradual)
        assert all(f"epochs {phase.first} to {phase.last}: {phase.name}" in sentence(every, recipe)[0].lower()
                   + sentence(every, recipe)[1:] for phase in every)  # fmt: skip


def test_blocks_are_unfrozen_from_the_head_downward() -> None:
    every = phases(config("finetune", gradual=2, epochs=20))
    lowest = [phase.plan.backbone.layers[phase.plan.cut].block for phase in every[1:]]
    assert lowest == ["block5", "block4", "block3", "block2", "block1"]
    assert [phase.first for phase in every] == [1, 3, 5, 7, 9, 11]
    assert rates(config("finetune", gradual=2, epochs=20), 1e-3) == [learning_rate(1e-3, e) for e in range(1, 21)]


def test_after_the_probe_the_schedule_begins_anew_at_a_tenth() -> None:
    found = rates(config("probe-then-finetune", probe_epochs=3, epochs=9, gradual=2, unfreeze="block4,block5"), 1e-3)
    assert found == [learning_rate(1e-3, e) for e in (1, 2, 3)] + [
        learning_rate(1e-3 * FINETUNE_SHARE, e) for e in range(1, 7)
    ]


@pytest.mark.parametrize(
    "recipe",
    [
        config("probe-then-finetune", epochs=5, probe_epochs=5),
        config("transfer", gradual=1),
        config("finetune", gradual=4, epochs=20),
    ],
)
def test_a_recipe_without_room_for_its_phases_is_refused(recipe: TrainConfig) -> None:
    with pytest.raises(ConfigError, match="--"):
        phases(recipe)


@pytest.mark.parametrize("values", [{"probe_epochs": 0}, {"layer_decay": 0.0}, {"layer_decay": 1.1}, {"gradual": -1}])
def test_nonsense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--"):
        FitConfig(**values)


def test_each_layer_takes_its_share_of_the_step_that_adam_takes() -> None:
    """Adam's first step is the rate itself wherever there is a gradient: so its size tells each layer's rate."""
    network = NetworkConfig(mode="partial", unfreeze="block4_conv3,block5")
    recipe = TrainConfig(network=network, fit=FitConfig(layer_decay=0.5))
    make_repeatable(0)
    classifier = build(plan(network), 2, "float32", seed=0, blank=True)
    random = np.random.default_rng(0)
    for layer in classifier.suffix.layers:
        if "conv" in layer.name:
            layer.kernel.assign(random.normal(0, np.sqrt(2 / np.prod(layer.kernel.shape[:3])), layer.kernel.shape))
    before = values_of(classifier.trainable_variables)
    labels = np.array([0, 1, 0, 1], np.int32)
    steps = Steps(classifier, classifier.suffix, recipe.fit, labels, new_optimizer(classifier, phases(recipe)[0]))
    steps.optimizer.learning_rate = 1e-3
    steps.take([(np.abs(random.normal(0, 1, (4, *classifier.plan.kept_shape))).astype(np.float32), labels)])
    wanted = {"block4_conv3": 2.5e-4, "block5_conv1": 5e-4, "block5_conv3": 5e-4, "dense": 1e-3, "logits": 1e-3}
    moved = {}
    for variable, was in zip(classifier.trainable_variables, before, strict=True):
        name, kind = variable.path.split("/")
        if kind == "kernel":
            moved[name] = float(np.abs(variable.numpy() - was).max())
    assert wanted.items() <= {name: pytest.approx(size, rel=1e-2) for name, size in moved.items()}.items()


def test_another_plan_leaves_the_weights_and_cuts_the_network_anew() -> None:
    whole = build(plan(NetworkConfig(mode="finetune")), 2, "float32", seed=0)
    images = np.random.default_rng(0).normal(0, 50, (1, SIDE, SIDE, 3)).astype(np.float32)
    expected = whole.model(images).numpy()
    for network in (NetworkConfig(), NetworkConfig(mode="partial", unfreeze="block5"), NetworkConfig(mode="finetune")):
        cut, fresh = under(whole, plan(network)), build(plan(network), 2, "float32", seed=0)
        assert [v.path for v in cut.trainable_variables] == [v.path for v in fresh.trainable_variables]
        assert cut.prefix_hash() == fresh.prefix_hash()
        assert np.array_equal(cut.suffix(cut.prefix(images) if cut.prefix else images).numpy(), expected)


PROBE = (
    "--mode", "probe-then-finetune", "--unfreeze", "17,13",
    "--probe-epochs", "2", "--gradual", "2", "--epochs", "6", "--layer-decay", "0.5", "--lr", "1e-3", "--patience", "0",
    "--augment", "none", "--batch", "4",
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(cli: Cli, few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of three phases in one go."""
    out = tmp_path_factory.mktemp("phases")
    done = cli("--train", few, *PROBE, "--out", out, "--name", "run", "--json")
    assert done.returncode == 0, done.stderr
    (out / "told").write_text(done.stdout)
    return out / "run"


def test_a_training_goes_through_its_phases_and_says_so(whole: Path) -> None:
    told = [json.loads(line) for line in (whole.parent / "told").read_text().splitlines()]
    said = [line["text"] for line in told if line["event"] == "notice"]
    assert any("epochs 3 to 4: 1 layer from block5_conv3 on" in text for text in said)
    assert sum("The frozen layers run once" in text for text in said) == 3
    assert [float(line["learning_rate"]) for line in history(whole)] == pytest.approx(
        [learning_rate(1e-3, 1), learning_rate(1e-3, 2), *(learning_rate(1e-4, e) for e in range(1, 5))]
    )
    best = max((e for e in told if e["event"] == "epoch"), key=lambda e: (e["val_accuracy"], -e["val_loss"]))
    assert told[-1]["best_epoch"] == best["epoch"] and told[-1]["val"]["loss"] == best["val_loss"]


@pytest.mark.parametrize(
    ("epoch", "step"),
    [
        pytest.param(2, 3, marks=pytest.mark.slow),
        pytest.param(4, 3, marks=pytest.mark.slow),
        pytest.param(5, 2, marks=pytest.mark.slow),
    ],
)
def test_killed_in_any_phase_it_ends_in_the_same_weights(
    epoch: int, step: int, whole: Path, few: Path, tmp_path: Path, cli: Cli, start: Start
) -> None:
    each = ("--checkpoint-minutes", "0")  # a resume point after each step
    with start("--train", few, *PROBE, *each, "--out", tmp_path, "--name", "run", "--json") as process:
        for event in events(process):
            if event["event"] == "batch" and (event["epoch"], event["step"]) >= (epoch, step):
                process.kill()
                break
    done = cli("--train", "--resume", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    went_on = next(line for line in map(json.loads, done.stdout.splitlines()) if line["event"] == "resumed")
    assert (went_on["epoch"], went_on["step"]) > (1, 0)
    assert_as_in_one_go(tmp_path / "run", whole, 6)


@pytest.mark.slow
def test_a_cache_changes_no_phase_s_result(cli: Cli, few: Path, tmp_path: Path) -> None:
    """By one engine, as another one rounds otherwise; a bias whose gradients cancel is held to the rate instead."""
    found = []
    for kept in ("on", "off"):
        flags = ("--feature-dtype", "float32", "--feature-cache", kept, "--out", tmp_path, "--name", kept)
        done = cli("--train", few, *PROBE, *flags, "--precision", "float32", "--frozen-engine", "keras")
        assert done.returncode == 0, done.stderr
        found.append(read_weights(tmp_path / kept / "best.weights.h5", shapes()))
    for name, arrays in found[0].items():
        for one, through in zip(arrays, found[1][name], strict=True):
            assert np.linalg.norm(one - through) <= 1e-5 * max(float(np.linalg.norm(through)), 1e-3), name


def shapes() -> dict[str, list[tuple[int, ...]]]:
    """The shapes of the whole network's weights."""
    return classifier_shapes(build(plan(NetworkConfig()), 2, "float32", seed=0, blank=True))
