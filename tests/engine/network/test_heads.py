"""A head that reads several depths: both engines and both halves of the network give it the same, mirrored or not."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.runtime import tensorflow
from engine.evaluation.predictor import Predictor
from engine.export.contract import PROBABILITIES, Contract
from engine.export.formats import FORMATS, exportable, quiet
from engine.network.backbones import BACKBONES, Backbone
from engine.network.classifier import build, load, with_preprocessing
from engine.network.freezing import FreezePlan, parse_unfreeze
from engine.network.frozen_engines import KerasEngine, NcnnEngine
from engine.network.heads import REPORT, Head, grid
from tests.makers.small import SIDE
from tests.makers.vgg_run import drawn

pytestmark = pytest.mark.usefixtures("small_pictures")

DEEP = Head(("block3_pool", "block4_pool", "block5_pool"), cells=2, mirror=True)


def vgg16() -> Backbone:
    """The network as it is for the pictures of this module's tests."""
    return BACKBONES["vgg16"]


def images(count: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-124, 152, (count, SIDE, SIDE, 3)).astype(np.float32)


@given(side=st.integers(1, 60), cells=st.integers(1, 4))
def test_the_cells_cover_the_maps_and_are_their_own_mirror_image(side: int, cells: int) -> None:
    if cells > side:
        return
    every = list(grid(side, cells))
    seen = np.zeros((side, side), int)
    for top, bottom, left, right in every:
        assert 0 <= top < bottom <= side and 0 <= left < right <= side
        seen[top:bottom, left:right] += 1
    assert (seen >= 1).all()
    assert {(top, bottom, side - right, side - left) for top, bottom, left, right in every} == set(every)


@pytest.mark.parametrize("unfreeze", ["", "block5", pytest.param("block4", marks=pytest.mark.slow)])
def test_both_engines_keep_the_same_and_the_rest_of_the_network_takes_it_up(unfreeze: str) -> None:
    trainable = parse_unfreeze(unfreeze, vgg16()) if unfreeze else frozenset[str]()
    classifier = build(FreezePlan(vgg16(), trainable, DEEP), 3, "float32", seed=0)
    classifier.load({name: arrays for name, arrays in drawn("vgg16", 3).items() if name.startswith("block")})
    inputs = images(2)
    kept = KerasEngine(classifier).activations(inputs)
    assert kept.shape == (2, *classifier.plan.kept_shape)
    assert np.abs(NcnnEngine(classifier).activations(inputs) - kept).max() <= 1e-5 * np.abs(kept).max()
    whole = classifier.model(inputs, training=False).numpy()
    assert classifier.suffix(kept, training=False).numpy() == pytest.approx(whole, rel=1e-5, abs=1e-6)


def test_its_means_are_those_of_the_maps() -> None:
    classifier = build(FreezePlan(vgg16(), frozenset(), DEEP), 2, "float32", seed=0)
    model, inputs = classifier.model, images(1)
    maps = [model.get_layer(name).output for name in DEEP.reads]
    found, *maps = tensorflow().keras.Model(model.input, [model.get_layer("pool").output, *maps])(inputs)
    wanted = []
    for one in maps:
        array, half = one.numpy()[0].astype(np.float64), -(-one.shape[1] // 2)
        ends = (slice(None, half), slice(-half, None))
        wanted += [array[rows, columns].mean(axis=(0, 1)) for rows in ends for columns in ends]
    assert found.numpy()[0] == pytest.approx(np.concatenate(wanted), rel=1e-4, abs=1e-6)


def test_the_mirror_image_gets_the_same_answer_and_a_saved_model_gives_it(tmp_path: Path) -> None:
    classifier = build(FreezePlan(vgg16(), frozenset(), DEEP), 3, "float32", seed=0)
    classifier.save_model(tmp_path / "model.keras")
    saved = tensorflow().keras.models.load_model(tmp_path / "model.keras")
    pictures = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    answers = saved(pictures).numpy()
    assert answers == pytest.approx(saved(pictures[:, :, ::-1]).numpy(), abs=1e-6)
    assert answers == pytest.approx(with_preprocessing(classifier.model, classifier.plan)(pictures).numpy(), abs=1e-6)
    plain = with_preprocessing(classifier.model, FreezePlan(vgg16(), frozenset()))
    halves = (plain(pictures).numpy(), plain(pictures[:, :, ::-1]).numpy())
    logits = (np.log(halves[0]) + np.log(halves[1])) / 2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert answers == pytest.approx(shares, abs=1e-5)


@pytest.mark.slow
def test_an_onnx_file_holds_the_mirror_image_too(tmp_path: Path) -> None:
    plan = FreezePlan(vgg16(), frozenset(), DEEP)
    network = build(plan, 2, "float32", seed=0).model
    asked = SimpleNamespace(network=network, plan=plan, backbone=plan.backbone, calibration=None)
    contract = Contract("r", "0", "", "vgg16", "", SIDE, ("a", "b"), None, None)
    chosen, path = FORMATS["onnx"], tmp_path / "model.onnx"
    with quiet():
        chosen.write(exportable(cast("Predictor", asked)), contract, path)
        found = chosen.open(path)
    pictures = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    wanted = with_preprocessing(network, plan)(pictures).numpy()
    assert found(pictures)[PROBABILITIES] == pytest.approx(wanted, abs=1e-5)


def test_its_weights_are_written_and_read_again(tmp_path: Path) -> None:
    plan = FreezePlan(vgg16(), frozenset(), DEEP)
    kernel = np.random.default_rng(1).normal(size=(DEEP.width(vgg16()), 3)).astype(np.float32)
    classifier = build(FreezePlan(vgg16(), frozenset()), 3, "float32", seed=0)
    deep = classifier.with_head(plan, 3, (kernel, np.arange(3, dtype=np.float32)))
    deep.save_weights(tmp_path / "best.weights.h5")
    again = load(tmp_path / "best.weights.h5", plan, 3)
    assert np.array_equal(again.model.get_layer("logits").get_weights()[0], kernel)
    inputs = images(1)
    assert np.array_equal(again.model(inputs).numpy(), deep.model(inputs).numpy())


@pytest.mark.parametrize("name", list(BACKBONES))
def test_every_backbone_has_ends_that_such_a_head_can_read(name: str) -> None:
    backbone = BACKBONES[name]
    read = [backbone.by_name[end] for end in reversed(backbone.ends)]
    assert [layer.index for layer in read] == sorted({layer.index for layer in read})
    assert read[-1] is backbone.layers[-1] and all(layer.cuttable and layer.shape[0] > 1 for layer in read)
    assert len({layer.shape[0] for layer in read}) == len(read)
    assert Head(tuple(layer.name for layer in read)).width(backbone) == sum(layer.shape[-1] for layer in read)


def test_the_reports_head_is_as_the_report_has_it() -> None:
    layers = [(layer.name, layer.parameters) for layer in REPORT.layers(vgg16(), 2)]
    assert layers == [("pool", 0), ("dense", 512 * 512 + 512), ("logits", 512 * 2 + 2)]
