"""VGG by ncnn: the numbers of Keras and of float64 arithmetic, the same bits in any company, no TensorFlow."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import ncnn
import numpy as np
import pytest

from engine.base.cancel import Stop
from engine.base.errors import Stopped, WeightsError
from engine.base.runtime import tensorflow
from engine.network import ncnn_network
from engine.network.backbones import BACKBONES
from engine.network.classifier import build
from engine.network.freezing import FreezePlan
from engine.network.heads import POOL, REPORT
from engine.network.ncnn_network import NcnnNetwork, Weights, graph, loaded, serves, settle
from tests.makers.processors import on_one_and_on_two
from tests.makers.vgg_run import drawn

CLOSE = 1e-5
"""Of a layer's largest value."""
CLASSES = 2
KNOWN_OPTIONS = {
    *("use_bf16_packed", "use_bf16_storage", "use_fp16_arithmetic", "use_fp16_packed", "use_fp16_storage"),
    *("use_int8_arithmetic", "use_int8_inference", "use_int8_packed", "use_int8_storage", "use_packing_layout"),
    *("use_sgemm_convolution", "use_subgroup_ops", "use_tensor_storage", "use_vulkan_compute"),
    *("use_winograd23_convolution", "use_winograd43_convolution", "use_winograd63_convolution"),
    "use_winograd_convolution",
}


def weights_of(name: str) -> Weights:
    return drawn(name, CLASSES).__getitem__


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-124, 152, (count, 224, 224, 3)).astype(np.float32)


@pytest.mark.parametrize("name", ["vgg16", pytest.param("vgg19", marks=pytest.mark.slow)])
def test_every_block_ends_as_keras_has_it(name: str) -> None:
    backbone, inputs = BACKBONES[name], images(2)
    classifier = build(FreezePlan(backbone, frozenset()), CLASSES, "float32", seed=0, blank=True)
    classifier.load(drawn(name, CLASSES))
    ends = [[layer for layer in backbone.layers if layer.block == block][-1].name for block in backbone.blocks]
    outputs = [classifier.model.get_layer(end).output for end in (*ends, POOL)]
    *wanted, pooled = tensorflow().keras.Model(classifier.model.input, outputs)(inputs, training=False)
    network = NcnnNetwork(backbone, weights_of(name), ends[-1])
    given = [*network.at(ends, inputs).values(), network.means(REPORT, inputs)]
    for found, reference in zip(given, (one.numpy() for one in (*wanted, pooled)), strict=True):
        assert found.shape == reference.shape and found.dtype == np.float32
        assert np.abs(found - reference).max() <= CLOSE * np.abs(reference).max()


@pytest.mark.parametrize("block", ["block3", "block5"], ids=["tiles-of-4", "tiles-of-2"])
def test_both_sizes_of_tiles_give_what_float64_arithmetic_gives(block: str) -> None:
    backbone = BACKBONES["vgg16"]
    layer = next(layer for layer in backbone.layers if layer.block == block)
    before = backbone.layers[layer.index - 1]
    maps = np.random.default_rng(2).uniform(0, 1, before.shape).astype(np.float32)
    kernel, bias = (array.astype(np.float64) for array in drawn("vgg16", CLASSES)[layer.name])
    padded = np.pad(maps.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))  # (side, side, in, 3, 3)
    rows = slice(0, None, 5)
    reference = np.maximum(np.einsum("xyiab,abio->xyo", windows[rows], kernel, optimize=True) + bias, 0)
    net = loaded([layer], before, weights_of("vgg16"))
    extractor = net.create_extractor()
    channels_first = np.ascontiguousarray(maps.transpose(2, 0, 1))
    extractor.input(ncnn_network.INPUT, ncnn.Mat(channels_first))
    found = np.array(extractor.extract(layer.name)[1]).transpose(1, 2, 0)[rows]
    assert np.abs(found - reference).max() <= CLOSE * reference.max()


def test_an_image_has_the_same_bits_in_any_company_and_whatever_is_kept_in_memory() -> None:
    backbone, inputs = BACKBONES["vgg16"], images(3)
    network = NcnnNetwork(backbone, weights_of("vgg16"), "block4_pool")
    together = network.activations(inputs)
    assert np.array_equal(together[1:2], network.activations(inputs[1:2]))
    assert np.array_equal(
        together, NcnnNetwork(backbone, weights_of("vgg16"), "block4_pool", keep=False).activations(inputs)
    )


@pytest.mark.parametrize("keep", [True, False])
def test_several_layers_come_from_one_pass_as_each_by_itself(keep: bool) -> None:
    backbone, inputs = BACKBONES["vgg16"], images(2)
    layers = ("block3_conv2", "block1_pool", "block2_conv2")
    network = NcnnNetwork(backbone, weights_of("vgg16"), "block4_conv1", keep)
    together = network.at(layers, inputs)
    assert tuple(together) == layers
    for layer in layers:
        assert np.array_equal(together[layer], NcnnNetwork(backbone, weights_of("vgg16"), layer).activations(inputs))


def test_one_processor_gives_the_bits_of_two_and_tensorflow_stays_away() -> None:
    code = (
        "import hashlib, json; from tests.engine.network.test_ncnn_network import *;"
        "from engine.network.heads import Head;"
        "network = NcnnNetwork(BACKBONES['vgg16'], weights_of('vgg16'), 'block5_pool');"
        "means = network.means(Head(('block4_pool', 'block5_pool'), cells=2), images(2));"
        "print(json.dumps([hashlib.sha256(means.tobytes()).hexdigest(),"
        "'tensorflow' in {name.split('.')[0] for name in sys.modules}]))"
    )
    answers = [json.loads(said) for said in on_one_and_on_two(code)]
    assert answers[0] == answers[1]
    assert answers[0][1] is False


def test_a_stop_ends_it_before_the_next_picture() -> None:
    stop = Stop()
    stop.request("now")
    with pytest.raises(Stopped):
        NcnnNetwork(BACKBONES["vgg16"], weights_of("vgg16"), "block1_pool").activations(images(2), stop)


@pytest.mark.parametrize("keep", [True, False])
def test_weights_that_can_not_be_had_are_an_error_and_the_next_try_begins_anew(keep: bool) -> None:
    lacking = True

    def weights(name: str) -> Sequence[np.ndarray]:
        if lacking:
            raise WeightsError("gone")
        return drawn("vgg16", CLASSES)[name]

    network = NcnnNetwork(BACKBONES["vgg16"], weights, "block2_pool", keep)
    with pytest.raises(WeightsError, match="gone"):
        network.activations(images(1))
    lacking = False
    assert network.activations(images(1)).shape == (1, 56, 56, 128)


def test_no_short_format_and_one_thread_and_nothing_that_is_not_known_to_be_harmless() -> None:
    """An option that a later ncnn has and this list lacks may shorten numbers by itself: look at it, then add it."""
    options = ncnn.Option()
    assert {name for name in dir(options) if name.startswith("use_")} <= KNOWN_OPTIONS
    for side in (14, 224):
        settle(options, side)
        on = {name for name in KNOWN_OPTIONS if getattr(options, name)}
        assert not any(short in name for name in on for short in ("fp16", "bf16", "int8", "vulkan"))
        assert options.num_threads == 1
        assert {name for name in on if name.startswith("use_winograd") and name[12].isdigit()} == {
            "use_winograd23_convolution" if side == 14 else "use_winograd43_convolution"
        }


def test_the_structure_is_a_line_a_layer() -> None:
    backbone = BACKBONES["vgg16"]
    text = graph([layer for layer in backbone.layers if layer.block == "block1"], backbone.layers[0])
    assert text.splitlines() == [
        "7767517",
        "4 4",
        "Input input 0 1 input 0=224 1=224 2=3",
        "Convolution block1_conv1 1 1 input block1_conv1 0=64 1=3 4=1 5=1 6=1728 9=1",
        "Convolution block1_conv2 1 1 block1_conv1 block1_conv2 0=64 1=3 4=1 5=1 6=36864 9=1",
        "Pooling block1_pool 1 1 block1_conv2 block1_pool 0=0 1=2 2=2",
    ]


def test_it_serves_the_two_vggs_and_refuses_other_layers() -> None:
    assert [name for name, backbone in BACKBONES.items() if serves(backbone)] == ["vgg16", "vgg19"]
    backbone = BACKBONES["mobilenetv2"]
    with pytest.raises(ValueError, match="of the kind"):
        graph(backbone.layers[1:3], backbone.layers[0])


def test_the_weights_leave_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = BACKBONES["vgg16"]
    block = [layer for layer in backbone.layers if layer.block == "block1"]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delattr(os, "memfd_create", raising=False)  # as on systems that have none
    loaded(block, backbone.layers[0], weights_of("vgg16"))
    assert not list(tmp_path.iterdir())
