"""Pretrained weights of every backbone: the file that Keras publishes, its checksum, its layout, and who serves it."""

import dataclasses
import hashlib
import importlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from engine.base.context import Context
from engine.base.errors import WeightsError
from engine.base.events import Notice
from engine.base.runtime import tensorflow
from engine.jobs.doctor import NOT_OFFLINE, weights_found
from engine.network import keras_graphs
from engine.network import pretrained as weights
from engine.network.backbones import BACKBONES, Backbone
from engine.network.classifier import Classifier, backbone_shapes, build
from engine.network.freezing import plan
from engine.network.hdf5_reader import Shapes, read_weights
from engine.network.pretrained import pretrained
from engine.recipe.config import NetworkConfig
from tests.engine.network.test_backbones import one_quick, ours, theirs

OTHERS = [name for name in BACKBONES if name != "vgg16"]
MOBILE = BACKBONES["mobilenetv2"]


def shapes_of(network: Any) -> Shapes:
    return {layer.name: [tuple(w.shape) for w in layer.weights] for layer in network.layers if layer.weights}


def as_published(path: Path, network: Any, rename: Any = lambda name: name) -> Path:
    """The network's weights in the layout of Keras 2, in which Keras's files are, the layers under other names."""
    with h5py.File(path, "w") as file:
        names = [rename(layer.name) for layer in network.layers]
        file.attrs["layer_names"] = [name.encode() for name in names]
        for name, layer in zip(names, network.layers, strict=True):
            group = file.create_group(name)
            own = [f"{name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [text.encode() for text in own]
            for text, weight in zip(own, layer.weights, strict=True):
                group[text] = weight.numpy()
    return path


def assert_holds(arrays: dict[str, list[np.ndarray]], network: Any) -> None:
    assert list(arrays) == [layer.name for layer in network.layers if layer.weights]
    for name, values in arrays.items():
        assert all(np.array_equal(a, b) for a, b in zip(values, network.get_layer(name).get_weights(), strict=True))


@pytest.mark.parametrize("name", ["vgg16", *one_quick(OTHERS)])
def test_file_checksum_and_address_are_those_of_the_installed_keras(name: str) -> None:
    chosen = BACKBONES[name]
    module, attribute = chosen.keras_address
    keras = importlib.import_module(f"keras.src.applications.{module}")
    address = getattr(keras, attribute)
    assert address.startswith("https://") and address.endswith(("/", chosen.keras_file))
    asked: list[tuple[str, str, str]] = []
    from keras.src.utils import file_utils

    def get_file(file: str, origin: str, file_hash: str = "", **_: Any) -> str:
        asked.append((file, origin, file_hash))
        raise OSError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_utils, "get_file", get_file)
        with pytest.raises(OSError):
            getattr(tensorflow().keras.applications, chosen.keras_builder)(
                include_top=False, input_shape=(chosen.size, chosen.size, 3)
            )
    ours_is = address if address.endswith(chosen.keras_file) else address + chosen.keras_file
    assert asked == [(chosen.keras_file, ours_is, chosen.keras_md5)]


@pytest.mark.parametrize("name", one_quick(OTHERS))
def test_files_of_keras_3_and_of_keras_2_give_every_weight(name: str, tmp_path: Path) -> None:
    network = ours(name)
    if name == "efficientnetb1":
        assert network.get_layer("normalization").get_weights()[1][0] == np.float32(0.229)
    theirs(name).save_weights(tmp_path / "new.weights.h5")
    assert_holds(read_weights(tmp_path / "new.weights.h5", shapes_of(network)), network)
    same = as_published(tmp_path / "same.h5", network)
    assert_holds(read_weights(same, shapes_of(network)), network)
    # DenseNet's file, for one, names its layers conv1/conv where Keras now says conv1_conv.
    other = as_published(tmp_path / "other.h5", network, lambda text: "older/" + text.replace("_", "/", 1))
    assert_holds(read_weights(other, shapes_of(network)), network)


def test_a_file_of_another_backbone_does_not_fit(tmp_path: Path) -> None:
    file = as_published(tmp_path / "vgg19.h5", ours("vgg19"))
    for name in ("mobilenetv2", "vgg16"):
        with pytest.raises(WeightsError, match=r"not of this network|does not fit"):
            read_weights(file, shapes_of(ours(name)))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """One of a network with statistics among its weights."""
    return build(plan(NetworkConfig(backbone="efficientnetb1")), 2, "float32", seed=0, blank=True)


def test_what_was_read_is_what_the_network_computes_with(classifier: Classifier) -> None:
    chosen, base = BACKBONES["efficientnetb1"], ours("efficientnetb1")
    arrays = {layer.name: layer.get_weights() for layer in base.layers if layer.weights}
    arrays["normalization"][0] = np.array([0.1, 0.2, 0.3], np.float32)  # a file of its own mean
    classifier.load(arrays)
    picture = np.full((1, chosen.size, chosen.size, 3), 255.0, np.float32)
    network = classifier.model
    model = tensorflow().keras.Model(network.input, network.get_layer("normalization").output)
    expected = (1 - np.array([0.1, 0.2, 0.3])) / np.sqrt(keras_graphs.IMAGENET_DEVIATIONS)
    assert np.allclose(model(picture)[0, 0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("name", one_quick(["mobilenetv2", "densenet121"]))
def test_keras_cache_serves_what_keras_publishes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "fetch_weights", lambda *_: "no network")
    (tmp_path / "models").mkdir()
    chosen, shapes = BACKBONES[name], shapes_of(ours(name))
    file = as_published(tmp_path / "models" / chosen.keras_file, ours(name))
    said: list[Any] = []
    if chosen.keras_md5:
        with pytest.raises(WeightsError):
            pretrained("imagenet", chosen, shapes, Context(said.append))
        assert "MD5 differs" in said[0].text
        chosen = dataclasses.replace(chosen, keras_md5=hashlib.md5(file.read_bytes()).hexdigest())
        said.clear()
    assert_holds(pretrained("imagenet", chosen, shapes, Context(said.append)), ours(name))
    assert len(said) == 1 and "Keras's cache" in said[0].text
    assert ("no checksum" in said[0].text) == (name == "mobilenetv2")


def test_a_download_is_kept_once_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = tmp_path / "served"
    served.mkdir()
    as_published(served / MOBILE.keras_file, ours("mobilenetv2"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    module = importlib.import_module("keras.src.applications.mobilenet_v2")
    monkeypatch.setattr(module, "BASE_WEIGHT_PATH", f"{served.as_uri()}/")
    said: list[Any] = []
    assert_holds(
        pretrained("imagenet", MOBILE, shapes_of(ours("mobilenetv2")), Context(said.append)),
        ours("mobilenetv2"),
    )
    assert (tmp_path / "home" / "models" / MOBILE.keras_file).is_file()
    assert "downloaded" in [item for item in said if isinstance(item, Notice)][-1].text


@pytest.mark.parametrize("name", OTHERS)
def test_the_offline_extra_serves_vgg16_alone_and_the_sentence_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "fetch_weights", lambda *_: "no network")
    chosen: Backbone = BACKBONES[name]
    with pytest.raises(WeightsError) as caught:
        pretrained("imagenet", chosen, {}, Context())
    for remedy in (chosen.title, chosen.keras_file, "network", "--backbone vgg16", "offline", "--weights none"):
        assert remedy in str(caught.value)
    assert "pip install" not in str(caught.value)
    assert weights_found(name) == NOT_OFFLINE


def test_a_classifier_reads_back_what_it_wrote(classifier: Classifier, tmp_path: Path) -> None:
    classifier.save_weights(tmp_path / "own.weights.h5")
    arrays = read_weights(tmp_path / "own.weights.h5", backbone_shapes(classifier))
    assert arrays.keys() == shapes_of(ours("efficientnetb1")).keys()
