"""Each backbone: the table is Keras's network, answers are Keras's, and every way to train it keeps its promises."""

import dataclasses
import functools
import gc
import os
import time
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from engine.base.context import Context
from engine.base.events import Finished
from engine.base.runtime import make_repeatable, tensorflow
from engine.data.image.reader import read, to_input
from engine.data.pixel_store import PixelStore
from engine.evaluation.calibration import softmax
from engine.evaluation.prediction import Prediction
from engine.evaluation.predictions_csv import read_predictions
from engine.evaluation.predictor import Predictor
from engine.evaluation.saliency import Explainer
from engine.jobs import train as jobs
from engine.network import keras_graphs
from engine.network.backbones import BACKBONES, Backbone, steady_names, table_file
from engine.network.classifier import Classifier, build, in_float32, preprocess
from engine.network.freezing import plan
from engine.network.tables.__main__ import text
from engine.recipe.config import (
    AugmentConfig,
    DataConfig,
    FitConfig,
    MachineConfig,
    NetworkConfig,
    OutputConfig,
    TrainConfig,
)
from engine.runs.directory import Run
from engine.training import checkpoint, loop
from engine.training.augment import PLAIN
from engine.training.batches import Images, PixelSource, Source, choose, prepared
from engine.training.step import Steps
from tests.conftest import SAMPLE

OTHERS = [name for name in BACKBONES if name != "vgg16"]
GRAPHS = [name for name, one in BACKBONES.items() if not one.convolutions]
QUICK = "mobilenetv2"


@pytest.fixture(autouse=True)
def _networks_are_let_go() -> Iterator[None]:
    """Compiled steps hold on to their networks in circles; looking for those costs more than a test that made none."""
    before = time.process_time()
    yield
    if time.process_time() - before > 2:
        gc.collect()


def one_quick(names: list[str]) -> list[Any]:
    """All of them, but every day the quick one alone."""
    return [name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


def modules() -> dict[str, Any]:
    """Keras's own module of each backbone, with its `preprocess_input`."""
    apps = tensorflow().keras.applications
    return {
        "vgg16": apps.vgg16, "vgg19": apps.vgg19, "efficientnetb1": apps.efficientnet, "resnet50v2": apps.resnet_v2,
        "mobilenetv2": apps.mobilenet_v2, "densenet121": apps.densenet,
    }  # fmt: skip


@functools.cache
def ours(name: str) -> Any:
    return keras_graphs.network(BACKBONES[name], seed=3)


@functools.cache
def theirs(name: str) -> Any:
    """The network as Keras builds it for ImageNet's weights, with ours in their place: they are read from a file."""
    from keras.src.utils import file_utils

    chosen, builder = BACKBONES[name], getattr(tensorflow().keras.applications, BACKBONES[name].keras_builder)
    shape = (chosen.size, chosen.size, 3)
    with pytest.MonkeyPatch.context() as patch:
        model = tensorflow().keras.Model
        patch.setattr(file_utils, "get_file", lambda *_, **__: "")
        patch.setattr(model, "load_weights", lambda self, path: self.set_weights(ours(name).get_weights()))
        network = builder(weights="imagenet", include_top=False, input_shape=shape)
    for layer in network.layers:
        keras_graphs.settle(layer)
    return network


def noise(chosen: Backbone, count: int) -> np.ndarray:
    """Coarse random pictures, uint8 (count, size, size, 3)."""
    coarse = np.random.default_rng(1).integers(0, 256, (count, 8, 8, 3), np.uint8)
    side = chosen.size // 8
    return coarse.repeat(side, 1).repeat(side, 2)


@pytest.mark.parametrize("name", ["vgg16", *one_quick(OTHERS)])
def test_the_table_is_the_network_that_keras_builds(name: str) -> None:
    layers, network = BACKBONES[name].layers, theirs(name)
    assert [one.name for one in layers] == steady_names([layer.name for layer in network.layers])
    assert [one.index for one in layers] == list(range(len(layers)))
    assert [one.shape for one in layers] == [tuple(layer.output.shape[1:]) for layer in network.layers]
    assert [one.parameters for one in layers] == [layer.count_params() for layer in network.layers]
    learnable = [sum(np.prod(weight.shape) for weight in layer.trainable_weights) for layer in network.layers]
    assert [one.learnable for one in layers] == learnable
    kinds = [type(layer).__name__.removesuffix("Layer") for layer in network.layers]
    assert [one.kind for one in layers] == kinds
    assert [layer.name for layer in ours(name).layers] == [one.name for one in layers]


@pytest.mark.parametrize("name", ["vgg16", *one_quick(OTHERS)])
def test_the_network_can_be_cut_where_no_way_leads_around_the_layer(name: str) -> None:
    layers, network = BACKBONES[name].layers, theirs(name)
    place = {layer.name: number for number, layer in enumerate(network.layers)}
    sources = []
    for layer in network.layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        sources.append([place[tensor._keras_history.operation.name] for tensor in inputs])
    ways = [1] + [0] * (len(layers) - 1)
    for number in range(1, len(layers)):
        ways[number] = sum(ways[source] for source in sources[number])
    back = [0] * (len(layers) - 1) + [1]  # ways from here to the end
    for number in range(len(layers) - 1, 0, -1):
        for source in sources[number]:
            back[source] += back[number]
    every = ways[-1]
    assert [one.cuttable for one in layers] == [a * b == every for a, b in zip(ways, back, strict=True)]


@pytest.mark.parametrize("name", one_quick(GRAPHS))
def test_the_file_is_what_the_generator_writes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_graphs, "network", lambda backbone, seed: ours(backbone.name))
    assert table_file(name).read_text() == text(BACKBONES[name])


@pytest.mark.parametrize(
    ("name", "billions"),
    # The multiply-adds that the networks' papers give, without the top's few millions.
    [("vgg16", 15.3), ("vgg19", 19.5), ("efficientnetb1", 0.70), ("resnet50v2", 3.5), ("mobilenetv2", 0.300),
     ("densenet121", 2.87)],
)  # fmt: skip
def test_the_work_is_that_of_the_papers(name: str, billions: float) -> None:
    assert sum(layer.macs for layer in BACKBONES[name].layers) / 1e9 == pytest.approx(billions, rel=0.025)


@pytest.mark.parametrize("name", one_quick(OTHERS))
def test_pictures_give_what_keras_gives(name: str) -> None:
    chosen = BACKBONES[name]
    pictures = noise(chosen, 2)
    expected = theirs(name)(modules()[name].preprocess_input(pictures.astype(np.float32)), training=False).numpy()
    found = ours(name)(preprocess(pictures, chosen), training=False).numpy()
    assert np.abs(expected).max() > 0
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", BACKBONES)
def test_preprocessing_becomes_part_of_a_graph(name: str, caplog: pytest.LogCaptureFixture) -> None:
    chosen = BACKBONES[name]
    traced = tensorflow().function(lambda pictures: preprocess(pictures, chosen))
    pictures = noise(chosen, 1)
    assert np.allclose(traced(pictures).numpy(), preprocess(pictures, chosen).numpy(), rtol=1e-5, atol=1e-5)
    assert "could not transform" not in caplog.text


def test_every_backbone_can_be_named_in_a_recipe() -> None:
    assert typing.get_args(typing.get_type_hints(NetworkConfig)["backbone"]) == tuple(BACKBONES)
    for name in BACKBONES:
        network = NetworkConfig(backbone=name, mode="partial")  # type: ignore[arg-type]
        last = plan(network)
        assert last.trainable == plan(dataclasses.replace(network, unfreeze=last.backbone.blocks[-1])).trainable
        for block in last.backbone.blocks:
            chosen = plan(dataclasses.replace(network, unfreeze=block))
            assert chosen.cut == 1 or chosen.backbone.layers[chosen.cut - 1].cuttable
            assert not any(chosen.trains(layer) for layer in chosen.backbone.layers[: chosen.cut])


@pytest.mark.parametrize("name", one_quick(OTHERS))
def test_first_weights_follow_from_the_seed(name: str) -> None:
    def first(seed: int) -> list[np.ndarray]:
        return [weight.numpy() for weight in keras_graphs.network(BACKBONES[name], seed).trainable_weights]

    again = [weight.numpy() for weight in ours(name).trainable_weights]
    assert all(np.array_equal(a, b) for a, b in zip(first(3), again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first(4), again, strict=True))


# Training

IMAGES, HELD_OUT, CLASSES, RATE = 10, 4, 2, 1e-3


def recipe(network: NetworkConfig, cached: str, epochs: int = 1) -> TrainConfig:
    return TrainConfig(
        network=network,
        augment=AugmentConfig(views="2"),
        fit=FitConfig(epochs=epochs, batch=4, lr=RATE, patience=0),
        machine=MachineConfig(precision="float32", feature_dtype="float32", feature_cache=cached),  # type: ignore[arg-type]
    )


@functools.cache
def lived(name: str) -> dict[str, list[np.ndarray]]:
    """By layer, weights as a trained network has them: the signal neither dies nor grows, so that rounding stays
    rounding, and BatchNorm's statistics are near those of the pictures, but such that training mode differs.
    """
    chosen, random = BACKBONES[name], np.random.default_rng(5)
    network, pictures = keras_graphs.network(chosen, seed=3), preprocess(noise(chosen, IMAGES), chosen)
    scale = float(np.std(pictures))
    for layer in network.layers:
        kind = type(layer).__name__
        if kind in ("Conv2D", "DepthwiseConv2D"):
            inputs = np.prod(layer.kernel.shape[: 2 if kind == "DepthwiseConv2D" else 3])
            layer.kernel.assign(random.normal(0, np.sqrt(2 / inputs) / scale, layer.kernel.shape))
            scale = 1.0  # of the first layer's input alone
        if kind == "BatchNormalization":
            layer.momentum = 0.0
    network(pictures, training=True)
    for layer in network.layers:
        if type(layer).__name__ == "BatchNormalization":
            deviation = np.sqrt(layer.moving_variance.numpy())
            layer.moving_mean.assign_add(random.normal(0, 0.1, deviation.shape) * deviation)
            layer.moving_variance.assign(random.uniform(0.8, 1.2, deviation.shape) * deviation**2)
    kinds = ("Conv2D", "DepthwiseConv2D", "BatchNormalization")
    return {layer.name: layer.get_weights() for layer in network.layers if type(layer).__name__ in kinds}


def lively(classifier: Classifier) -> None:
    """Give a classifier's backbone weights as a trained one has."""
    for name, weights in lived(classifier.plan.backbone.name).items():
        classifier.model.get_layer(name).set_weights(weights)


def parts(classifier: Classifier, config: TrainConfig) -> tuple[PixelSource, PixelSource]:
    """A few random images to train and to validate on."""
    pixels = noise(classifier.plan.backbone, IMAGES + HELD_OUT)[..., :1]
    store = PixelStore(pixels, tuple(f"{n}.png" for n in range(len(pixels))), 1)

    def own(rows: range) -> PixelSource:
        shas, labels = tuple(f"{n:064x}" for n in rows), np.array([n % CLASSES for n in rows], np.int32)
        return PixelSource(Images(np.array(rows), shas, labels), classifier, store, config)

    return own(range(IMAGES)), own(range(IMAGES, IMAGES + HELD_OUT))


def begun(config: TrainConfig, cache: Path) -> tuple[Classifier, tuple[Source, Source]]:
    """The real network before its first step, and what it trains and is validated on: kept activations where asked."""
    make_repeatable(0)
    classifier = build(plan(config.network), CLASSES, "float32", seed=0)
    lively(classifier)
    train, validation = parts(classifier, config)
    sources = choose(train, validation, "float32", cache, Context())
    assert (sources[0] is train) == (config.machine.feature_cache == "off" or classifier.prefix is None)
    return classifier, sources


def fitted(config: TrainConfig, cache: Path) -> Classifier:
    """The real network trained on a few random images, straight through the engine's own parts."""
    classifier, sources = begun(config, cache)
    loop.fit(classifier, *sources, config, Context())
    return classifier


def statistics(classifier: Classifier) -> list[np.ndarray]:
    return [variable.numpy() for variable in classifier.frozen_variables]


def assert_as_built(classifier: Classifier) -> None:
    """What is frozen, and every normalisation's statistics, are as before the training; all that trains has moved."""
    fresh = build(classifier.plan, CLASSES, "float32", seed=0)
    lively(fresh)
    frozen = {variable.path for variable in classifier.frozen_variables}
    for layer in classifier.model.layers:
        if type(layer).__name__ == "BatchNormalization":
            assert {layer.moving_mean.path, layer.moving_variance.path} <= frozen
    for before, after in zip(statistics(fresh), statistics(classifier), strict=True):
        assert np.array_equal(before, after)
    for before, after in zip(fresh.trainable_variables, classifier.trainable_variables, strict=True):
        assert not np.array_equal(before.numpy(), after.numpy()), before.path
    trainable, kept = classifier.plan.parameters(CLASSES)
    assert sum(int(np.prod(variable.shape)) for variable in classifier.trainable_variables) == trainable
    assert sum(int(np.prod(variable.shape)) for variable in classifier.frozen_variables) == kept


def gradients(config: TrainConfig, cache: Path, rounding: float = 0.0) -> dict[str, np.ndarray]:
    """The loss's gradient by variable, as a training step takes it over all training images: what gradient descent's
    velocity is after its first step, with its sign turned. With a `rounding`, of inputs that are off by so much.
    """
    classifier, (train, _) = begun(config, cache)
    train = prepared(train, PLAIN, Context().emit)
    descent = tensorflow().keras.optimizers.SGD(1.0, momentum=0.5)
    descent.build(classifier.trainable_variables)
    steps = Steps(classifier, train.network, config.fit, train.images.labels, descent)
    ((inputs, labels),) = train.batches(np.arange(IMAGES), PLAIN, IMAGES)
    if rounding:
        inputs = np.float32(inputs * np.random.default_rng(1).normal(1, rounding, inputs.shape))
    steps.take([(inputs, labels)])
    paths = [variable.path for variable in classifier.trainable_variables]
    return {path: -velocity.numpy() for path, velocity in zip(paths, descent.momentums, strict=True)}


def apart(gradient: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """How far two gradients are apart, for the variable for which that is furthest: a share of its length."""
    return max(float(np.linalg.norm(gradient[path] - other[path]) / np.linalg.norm(other[path])) for path in other)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("mode", ["transfer", "partial"])
def test_a_cache_changes_no_result_and_no_statistics(name: str, mode: str, tmp_path: Path) -> None:
    """To within what rounding alone does. A part of a batch in another order is off by 1e-7 to 2e-6, on another
    processor in another place, and where that turns a ReLU on or off the gradient is off by a thousandth. Activations
    kept in float16 move it by 1.6 to 2.9 times what this allows, MobileNetV2's by less. Weights after some steps
    are no measure: Adam moves each by the rate, were its gradient rounding alone.
    """
    network = NetworkConfig(backbone=name, mode=mode, weights="none")  # type: ignore[arg-type]
    cached, computed = (gradients(recipe(network, how), tmp_path) for how in ("on", "off"))
    rounded = gradients(recipe(network, "on"), tmp_path, rounding=2e-6)
    assert apart(cached, computed) <= 4 * apart(rounded, cached) + 1e-4
    kept, whole = (fitted(recipe(network, how), tmp_path) for how in ("on", "off"))
    pictures = preprocess(noise(BACKBONES[name], IMAGES), BACKBONES[name])
    one, other = (classifier.model(pictures, training=False).numpy() for classifier in (kept, whole))
    assert np.abs(one - other).max() <= 1e-2 * np.abs(other).max()
    for classifier in (kept, whole):
        assert_as_built(classifier)


@pytest.mark.slow
@pytest.mark.parametrize("name", GRAPHS)
def test_fine_tuning_leaves_the_statistics_alone(name: str, tmp_path: Path) -> None:
    network = NetworkConfig(backbone=name, mode="finetune", weights="none")  # type: ignore[arg-type]
    classifier = fitted(recipe(network, "on"), tmp_path)
    assert_as_built(classifier)
    assert plan(network).cut == 1 and plan(network).parameters(CLASSES)[1] > 0


@pytest.mark.parametrize("name", one_quick(GRAPHS))
def test_any_block_can_be_cut_off_and_gives_what_the_whole_network_gives(name: str) -> None:
    pictures = preprocess(noise(BACKBONES[name], 2), BACKBONES[name])
    for block in BACKBONES[name].blocks[1:-1:6]:
        freeze = plan(NetworkConfig(backbone=name, mode="partial", unfreeze=block))  # type: ignore[arg-type]
        classifier = build(freeze, CLASSES, "float32", seed=0)
        assert classifier.prefix
        kept = classifier.prefix(pictures, training=False)
        assert tuple(kept.shape[1:]) == freeze.kept_shape
        assert np.allclose(classifier.suffix(kept), classifier.model(pictures, training=False), rtol=1e-5, atol=1e-6)


# The whole way: train, predict, explain, go on


@pytest.mark.slow
def test_in_float32_a_network_has_the_statistics_that_its_weights_file_gave_it() -> None:
    name: Literal["efficientnetb1"] = "efficientnetb1"
    short = build(plan(NetworkConfig(backbone=name, weights="none")), 2, "bfloat16", seed=0)
    short.load({"normalization": [np.full(3, 0.3), np.array([0.5, 0.4, 0.6]), np.array(0)]})
    exact = in_float32(short)
    again = build(short.plan, 2, "float32", seed=0, blank=True)
    again.load({layer.name: layer.get_weights() for layer in short.model.layers if layer.weights})
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 240, 240, 3)).astype(np.float32)
    assert np.array_equal(exact.model(pictures), again.model(pictures))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twenty of the sample's images in two classes."""
    root = tmp_path_factory.mktemp("few")
    for label in ("COVID", "Normal"):
        (root / label).mkdir()
        for picture in sorted((SAMPLE / label / "images").iterdir())[:10]:
            os.link(picture, root / label / picture.name)
    return root


def trained(few: Path, out: Path, name: str, epochs: int) -> Run:
    config = TrainConfig(
        data=DataConfig(val_share=0.2, test_share=0.2),
        network=NetworkConfig(backbone=name, mode="partial", weights="none"),  # type: ignore[arg-type]
        augment=AugmentConfig(augment="none"),
        fit=FitConfig(epochs=epochs, batch=4, lr=RATE, patience=0),
        machine=MachineConfig(precision="float32"),
        output=OutputConfig(out=out, name=f"{name}-{epochs}", checkpoint_minutes=0.001),
    )
    finished = jobs.train(few, config, Context())
    assert isinstance(finished, Finished)
    return Run(Path(finished.run))


def last_point(run: Run) -> checkpoint.Point:
    point, damages = checkpoint.newest(run.path / checkpoint.FOLDER, {})
    assert point and not damages
    return point


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_run_is_saved_predicts_explains_and_goes_on(name: str, few: Path, tmp_path: Path) -> None:
    whole, halved = trained(few, tmp_path, name, 2), trained(few, tmp_path, name, 1)
    config = halved.config()
    longer = dataclasses.replace(config, fit=dataclasses.replace(config.fit, epochs=2))
    assert isinstance(jobs.resume(halved, longer, Context()), Finished)
    for group in ("trained", "optimizer"):
        one_go, resumed = last_point(whole).arrays[group], last_point(halved).arrays[group]
        assert all(np.array_equal(a, b) for a, b in zip(one_go, resumed, strict=True))

    chosen, predictor = BACKBONES[name], Predictor(whole)
    files = sorted((few / "COVID").iterdir())[:2]
    inputs = np.stack([to_input(read(file).pixels, chosen.size) for file in files])
    rows = predictor.probabilities(inputs)
    for found, row in zip(predictor.predict(files), rows, strict=True):
        assert isinstance(found, Prediction) and found.distance is not None and row.sum() == pytest.approx(1)
    test = read_predictions(whole)
    again = list(predictor.predict([few / file for file in test.files]))
    tested = np.array([list(p.probabilities.values()) for p in again if isinstance(p, Prediction)])
    assert len(tested) and np.array_equal(tested.astype(np.float32), test.probabilities.astype(np.float32))
    keras = tensorflow().keras.models.load_model(whole.path / "model.keras")
    assert np.allclose(keras(inputs.astype(np.float32)), rows, atol=1e-5)
    assert whole.read_json("model.json")["input"] == [chosen.size, chosen.size, 3]
    _heat_is_the_papers(predictor, inputs)


def _heat_is_the_papers(predictor: Predictor, inputs: np.ndarray) -> None:
    """The map of the log-odds at the last activations, worked out by hand; and at any other place without a fault."""
    base, network = predictor.backbone, predictor.network
    last = base.layers[-1].name
    maps, _ = Explainer(predictor, last).maps(inputs, [0] * len(inputs))
    below = tensorflow().keras.Model(network.input, network.get_layer(last).output)
    activations = below(preprocess(inputs, base), training=False).numpy()
    (first, bias), (second, last_bias) = (network.get_layer(layer).get_weights() for layer in ("dense", "logits"))
    hidden = activations.mean(axis=(1, 2)) @ first + bias
    others = softmax((np.maximum(hidden, 0) @ second + last_bias)[:, 1:])
    odds = np.concatenate([np.ones((len(inputs), 1)), -others], axis=1)
    weights = ((hidden > 0) * (odds @ second.T)) @ first.T / np.prod(activations.shape[1:3])
    expected = np.einsum("bhwk,bk->bhw", activations, weights)
    assert np.abs(maps - expected).max() <= 1e-4 * np.abs(expected).max()
    usual = Explainer(predictor)
    shown, logits = usual.maps(inputs)
    assert shown.shape[1:] == base.by_name[usual.layer].shape[:2] and np.isfinite(shown).all() and logits.ndim == 2
    branch = next((one for one in reversed(base.layers) if one.kind == "Conv2D" and not one.cuttable
                   and one.shape[0] > 1), None)  # fmt: skip
    if branch:
        inside, _ = Explainer(predictor, branch.name).maps(inputs)
        assert inside.shape[1:] == branch.shape[:2] and np.isfinite(inside).all()
