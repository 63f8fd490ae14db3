"""What was built on VGG16 holds for each backbone: gradual recipes, sweeps, the guide, the range test, every export."""

import dataclasses
import itertools
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError
from engine.base.events import Notice
from engine.base.files import write_json
from engine.base.runtime import make_repeatable, tensorflow
from engine.base.typed_files import plain
from engine.data.image.reader import read, to_input
from engine.evaluation.calibration import CALIBRATION
from engine.evaluation.prediction import Prediction
from engine.evaluation.predictor import Predictor
from engine.export import job, verify
from engine.export.contract import CALIBRATED, PROBABILITIES, Contract
from engine.export.formats import FORMATS, exportable, quiet
from engine.export.onnx_guard import OPERATIONS
from engine.export.onnx_predictor import OnnxModel
from engine.jobs import probe as trial
from engine.jobs.sweep import Sweep
from engine.network import keras_graphs
from engine.network.backbones import BACKBONES
from engine.network.classifier import Classifier, build, preprocess, under
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, FitConfig, MachineConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs.directory import WEIGHTS, Run
from engine.sweep.points import lacking, queue
from engine.sweep.result import Grid
from engine.training import layer_hints, loop
from engine.training.augment import PLAIN
from engine.training.batches import FeatureSource, Source, choose
from engine.training.lr_range_test import Range
from engine.training.phases import phases
from tests.conftest import ROOT, SAMPLE
from tests.engine.export.test_export import taught
from tests.engine.network.test_backbones import (
    CLASSES,
    GRAPHS,
    OTHERS,
    _networks_are_let_go,
    assert_as_built,
    few,
    lived,
    lively,
    noise,
    one_quick,
    parts,
    recipe,
)
from tests.makers.made import CLASSES as MADE
from tests.makers.made import model_run

__all__ = ["_networks_are_let_go", "few"]


def ignore(_: Any) -> None:
    pass


def network(name: str, **values: Any) -> NetworkConfig:
    return NetworkConfig(backbone=name, weights="none", **values)  # type: ignore[arg-type]


# Phases


@pytest.mark.parametrize("name", BACKBONES)
def test_blocks_are_unfrozen_from_the_head_downward_and_each_phase_keeps_less(name: str) -> None:
    blocks = BACKBONES[name].blocks
    fit = FitConfig(epochs=2 * len(blocks) + 3, gradual=2, layer_decay=0.5)
    every = phases(TrainConfig(network=network(name, mode="finetune"), fit=fit))
    assert every[-1].name == "all layers" and every[-1].plan == plan(network(name, mode="finetune"))
    for number, (before, after) in enumerate(itertools.pairwise(every)):
        added = after.plan.trainable - before.plan.trainable
        block = blocks[-1 - number]
        assert added == {layer.name for layer in BACKBONES[name].layers if layer.block == block and layer.learnable}
        assert before.plan.cut > after.plan.cut and {after.multipliers[layer] for layer in added} == {
            0.5 ** (number + 1)
        }


def gradients(classifier: Classifier, source: Source, view: int) -> dict[str, np.ndarray]:
    """By path of what trains, the loss's gradient over all images of the source."""
    source.prepare(view)
    ((inputs, labels),) = source.batches(np.arange(len(source.images)), view, len(source.images))
    tf = tensorflow()
    with tf.GradientTape() as tape:
        logits = source.network(inputs, training=False)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    variables = classifier.trainable_variables
    found = tape.gradient(loss, variables)
    return {variable.path: one.numpy() for variable, one in zip(variables, found, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_cache_changes_no_step_of_a_gradual_recipe(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last block but one holds ways around its layers, so that its phase is cut where they meet.

    Gradients are compared, not what many steps make of them: where one is almost 0, Adam's first steps take its sign
    alone, which a rounding of the last bit turns. The head's ReLU is made smooth: a rounding that turns one of its
    units on, for the one image that the loss hangs on, moves a gradient by a tenth. In the blocks, where units are
    many, single ones stay below the bar.
    """
    monkeypatch.setattr(loop, "better", lambda *_: True)  # every phase leaves its mark, however it goes
    config = recipe(network(name, mode="partial", unfreeze=",".join(BACKBONES[name].blocks[-2:])), "on")
    config = dataclasses.replace(
        config, fit=dataclasses.replace(config.fit, epochs=3, gradual=1, layer_decay=0.5, lr=1e-4)
    )
    make_repeatable(0)
    classifier = first = build(plan(config.network), CLASSES, "float32", seed=0)
    lively(first)
    first.model.get_layer("dense").activation = tensorflow().keras.activations.softplus
    fitted = None
    for phase in phases(config):
        classifier = under(first, phase.plan)
        train, validation = parts(classifier, config)
        kept, judged = choose(train, validation, "float32", tmp_path, Context(ignore, Stop()))
        assert isinstance(kept, FeatureSource)
        for view in (PLAIN, PLAIN + 1):
            whole = gradients(classifier, train, view)
            for path, one in gradients(classifier, kept, view).items():
                assert np.linalg.norm(one - whole[path]) <= 0.01 * np.linalg.norm(whole[path]), path
        fitted = loop.fit(classifier, kept, judged, config, Context(), loop.Stage(phase, fitted))
    assert_as_built(classifier)


# Sweeps


def test_a_sweep_trains_each_backbone_at_its_own_depths() -> None:
    config = TrainConfig(output=OutputConfig(name="s"))
    points = queue(config, Grid(tuple(BACKBONES), ("auto",), (1e-4,), (0,)))
    for name, chosen in BACKBONES.items():
        own = sorted((p for p in points if p.config.network.backbone == name), key=lambda p: len(p.plan.trainable))
        depths = ["head", *chosen.depths, "all"]
        assert [point.name for point in own] == [f"{name}-{depth}-lr0.0001-seed0" for depth in depths]
        assert [point.plan.cut for point in own] == sorted({point.plan.cut for point in own}, reverse=True)
        assert [point.plan.parameters(2)[0] for point in own] == sorted(point.plan.parameters(2)[0] for point in own)
    assert [point.label for point in points if point.config.network.backbone == "vgg16"][-1] == "vgg16 all"
    assert not lacking(Grid(tuple(BACKBONES), ("auto", "head", "all"), (1e-4,), (0,)))


def test_a_depth_that_a_backbone_lacks_is_left_out_for_it_and_said() -> None:
    grid = Grid(("vgg16", "vgg19", "resnet50v2"), ("head", "block5_conv4", "block4"), (1e-4,), (0,))
    config = TrainConfig(output=OutputConfig(name="s"))
    assert {point.recipe for point in queue(config, grid)} == {
        "vgg16-head-lr0.0001", "vgg16-block4-lr0.0001", "vgg19-head-lr0.0001", "vgg19-block5_conv4-lr0.0001",
        "vgg19-block4-lr0.0001", "resnet50v2-head-lr0.0001",
    }  # fmt: skip
    one, other = lacking(grid)
    assert one.startswith("VGG16 has no block5_conv4, so that is left out for it: its blocks are block1 to block5")
    assert other.startswith("ResNet50V2 has no block5_conv4 and no block4") and "stem to conv5" in other
    with pytest.raises(ConfigError, match="no part of ResNet50V2"):
        queue(config, dataclasses.replace(grid, backbones=("resnet50v2",)))
    with pytest.raises(ConfigError, match=r"mine\.weights\.h5 fits one backbone"):
        queue(dataclasses.replace(config, network=NetworkConfig(weights="mine.weights.h5")), grid)


@pytest.mark.slow
def test_several_backbones_are_swept_on_one_split(few: Path, tmp_path: Path) -> None:
    config = TrainConfig(
        network=NetworkConfig(weights="none"),
        augment=AugmentConfig(augment="none"),
        fit=FitConfig(epochs=1, batch=4),
        machine=MachineConfig(precision="float32"),
        output=OutputConfig(out=tmp_path, name="s"),
    )
    told: list[Any] = []
    sweep = Sweep(few, config, Grid(("vgg16", "efficientnetb1", "mobilenetv2"), ("head", "top"), (1e-3,), (0,)))
    result = sweep.train(Context(told.append))
    assert {point.state for point in result.points} == {"finished"} and len(result.candidates) == 5
    assert any("VGG16 has no top" in event.text for event in told if isinstance(event, Notice))
    assert all(sweep.run_of(point).read_json("model.json")["backbone"] in point.name for point in sweep.points)  # type: ignore[union-attr]
    rates = [sweep.seconds_per_work(16, name) for name in ("efficientnetb1", "mobilenetv2")]
    assert all(rate and rate > 0 for rate in rates) and sweep.seconds_per_work(16, "densenet121") is None


# The guide and the range test


@pytest.mark.slow
@pytest.mark.parametrize("name", one_quick(OTHERS))
def test_the_guide_measures_every_block_that_can_train(name: str) -> None:
    config = recipe(network(name), "off")
    probe = build(plan(config.network), CLASSES, "float32", seed=3)
    lively(probe)
    found = layer_hints.pulls(probe, parts(probe, config)[0], "float32", Context(ignore, Stop()))
    assert [one.block for one in found] == list(BACKBONES[name].blocks)
    assert all(np.isfinite(one.relative) and one.relative > 0 for one in found)
    assert [one.parameters for one in found] == [
        sum(layer.learnable for layer in BACKBONES[name].layers if layer.block == block.block) for block in found
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_the_range_test_finds_a_rate(name: str, few: Path, tmp_path: Path) -> None:
    backbone, weights = keras_graphs.network(BACKBONES[name], seed=3), tmp_path / f"{name}.weights.h5"
    for layer, values in lived(name).items():  # random ones tell a deep network's pictures hardly apart
        backbone.get_layer(layer).set_weights(values)
    backbone.save_weights(weights)
    config = TrainConfig(
        network=NetworkConfig(backbone=name, weights=str(weights)),  # type: ignore[arg-type]
        augment=AugmentConfig(augment="none"), fit=FitConfig(batch=8), machine=MachineConfig(precision="float32"),
    )  # fmt: skip
    found = trial.find_rate(few, config, Context(ignore, Stop()), Range(low=1e-6, high=1.0, steps=40, orders=2))
    assert 1e-7 < found.rate < 0.1 and len(found.sweeps) == 2


# Exports


def with_answers(folder: Path, name: str) -> Run:
    """A run of this backbone whose answers differ from picture to picture."""
    made = model_run(folder, name, SAMPLE, backbone=name)
    classifier = build(plan(network(name)), 2, "float32", seed=1)
    lively(classifier)
    logits = classifier.model.get_layer("logits")
    pictures = np.stack([to_input(read(path).pixels, BACKBONES[name].size) for path in files()])
    said = classifier.model(preprocess(pictures, BACKBONES[name]), training=False).numpy()
    kernel, bias = logits.get_weights()
    spread = np.ptp(said[:, 0] - said[:, 1]) / 2  # the answers lie around a half, and within a few logits
    logits.set_weights([kernel / spread, bias - said.mean(axis=0) / spread])
    classifier.save_weights(made.path / WEIGHTS)
    write_json(made.path / CALIBRATION, plain(taught(MADE)))
    return made


def files() -> list[Path]:
    return [SAMPLE / "Normal" / "images" / f"Normal-{n}.png" for n in (1, 2, 3)]


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_export_says_what_the_run_says(name: str, tmp_path: Path) -> None:
    """In a process of its own: the converters keep gigabytes of each network for as long as theirs lives."""
    code = f"from {__name__} import assert_exports_agree as check; import sys; check(*sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, name, str(tmp_path)], cwd=ROOT, check=True)


def assert_exports_agree(name: str, folder: str) -> None:
    """Every format of a made run of the backbone, written below `folder`, answers as the run does."""
    verify.IMAGES = 8
    run = with_answers(Path(folder), name)
    predictor, chosen = Predictor(run), BACKBONES[name]
    pictures = np.stack([to_input(read(path).pixels, chosen.size) for path in files()])
    expected = predictor.probabilities(pictures)
    assert np.ptp(expected[:, 0]) > 0.1
    raw = tensorflow().nn.softmax(predictor.network(pictures.astype(np.float32), training=False)).numpy()
    assert abs(raw - expected).max() > 0.01 or chosen.preprocessing == "inside", "so preprocessing must be in the file"

    made = {one.format: one for one in job.export(run, ",".join(FORMATS), None, False, Context(ignore, Stop()))}
    assert made.keys() == FORMATS.keys() and all(one.difference < 1e-4 for one in made.values())
    for kind, one in made.items():
        said = FORMATS[kind].open(one.path)(pictures)
        assert abs(said[PROBABILITIES] - expected).max() < 1e-4, kind
        assert abs(said[CALIBRATED] - said[PROBABILITIES]).max() > 1e-3, kind

    model = OnnxModel(made["onnx"].path)
    assert (model.contract.size, model.contract.backbone) == (chosen.size, name)
    for own, other in zip(predictor.predict(files()), model.predict(files()), strict=True):
        assert isinstance(own, Prediction) and isinstance(other, Prediction) and own.label == other.label
        assert own.probabilities == pytest.approx(other.probabilities, abs=1e-4)
    assert {node.op_type for node in onnx.load(made["onnx"].path).graph.node} <= OPERATIONS


@pytest.mark.slow
def test_onnx_files_have_the_operations_that_are_admitted_and_no_others(tmp_path: Path) -> None:
    found: set[str] = set()
    for name, temperature in [*((name, 1.7) for name in BACKBONES), ("vgg16", None)]:
        freeze = plan(network(name))
        calibration = SimpleNamespace(temperature=temperature) if temperature else None
        model = build(freeze, CLASSES, "float32", seed=0).model
        asked = SimpleNamespace(network=model, plan=freeze, backbone=freeze.backbone, calibration=calibration)
        contract = Contract("r", "0", "", name, "", freeze.backbone.size, ("a", "b"), temperature, None)
        with quiet():
            FORMATS["onnx"].write(exportable(asked), contract, tmp_path / "x.onnx")  # type: ignore[arg-type]
        found |= {node.op_type for node in onnx.load(tmp_path / "x.onnx").graph.node}
    assert found == OPERATIONS


@pytest.mark.parametrize("name", one_quick(GRAPHS))
def test_the_networks_compute_in_bfloat16_too(name: str) -> None:
    classifier = build(plan(network(name)), CLASSES, "bfloat16", seed=0)
    lively(classifier)
    pictures = noise(BACKBONES[name], 2)
    assert classifier.prefix is not None
    kept = classifier.prefix(preprocess(pictures, BACKBONES[name]), training=False)
    exact = build(plan(network(name)), CLASSES, "float32", seed=0)
    lively(exact)
    assert exact.prefix is not None
    wanted = exact.prefix(preprocess(pictures, BACKBONES[name]), training=False).numpy()
    assert kept.dtype == "float32" and np.linalg.norm(kept.numpy() - wanted) < 0.1 * np.linalg.norm(wanted)
