"""Pretrained weights: where they come from and in which order, and that nothing but plain, fitting arrays is read."""

import contextlib
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import Stopped, WeightsError
from engine.base.events import Event, Notice, Progress
from engine.base.runtime import tensorflow
from engine.network import pretrained as weights
from engine.network.backbones import BACKBONES
from engine.network.classifier import backbone_shapes, build, load, preprocess, preprocessing
from engine.network.freezing import plan
from engine.network.hdf5_reader import read_weights
from engine.network.pretrained import pretrained
from engine.recipe.config import NetworkConfig

VGG16 = BACKBONES["vgg16"]
SHAPES = {
    layer.name: [(3, 3, layer.parameters // layer.shape[-1] // 9, layer.shape[-1]), (layer.shape[-1],)]
    for layer in VGG16.layers
    if layer.parameters
}


@pytest.fixture(scope="module")
def imagenet(cache: Path) -> dict[str, Any]:
    """ImageNet's arrays as the offline extra gives them, and what was said on the way."""
    said: list[Event] = []
    arrays = pretrained("imagenet", VGG16, SHAPES, Context(said.append))
    return {"arrays": arrays, "said": [event.text for event in said if isinstance(event, Notice)]}


def test_the_network_is_kerass_own_vgg16(imagenet: dict[str, Any]) -> None:
    from engine.base.runtime import tensorflow

    tf = tensorflow()
    ours = build(plan(NetworkConfig()), 2, "float32", 0, blank=True)
    assert backbone_shapes(ours) == SHAPES
    ours.load(imagenet["arrays"])
    theirs = tf.keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    for name, values in imagenet["arrays"].items():
        theirs.get_layer(name).set_weights(values)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype(np.float32)
    prepared = tf.keras.applications.vgg16.preprocess_input(pictures.copy())
    assert ours.prefix is not None
    pooled = ours.prefix(preprocess(pictures, VGG16)).numpy()
    assert np.allclose(pooled, theirs(prepared).numpy(), rtol=1e-4, atol=1e-4)
    grey = pictures[..., :1]
    assert np.array_equal(preprocess(grey, VGG16).numpy(), preprocess(np.repeat(grey, 3, -1), VGG16).numpy())
    for given in (pictures, grey, grey.astype(np.uint8)):
        assert np.array_equal(preprocessing(VGG16)(given).numpy(), preprocess(given, VGG16).numpy())


def test_random_weights_come_from_the_seed() -> None:
    def first(seed: int) -> np.ndarray:
        return np.asarray(build(plan(NetworkConfig()), 2, "float32", seed).model.get_weights()[2])

    assert np.array_equal(first(1), first(1)) and not np.array_equal(first(1), first(2))


def test_the_offline_extra_gives_imagenets_vgg16(imagenet: dict[str, Any]) -> None:
    arrays = imagenet["arrays"]
    assert arrays["block1_conv1"][1][0] == np.float32(0.73429835)
    assert arrays["block5_conv3"][0].flat[0] == np.float32(0.00040788297)
    assert arrays["block5_conv3"][1][0] == np.float32(0.18837857)
    digest = hashlib.sha256(b"".join(a.astype("<f4").tobytes() for layer in arrays.values() for a in layer))
    assert digest.hexdigest() == weights.VGG16_SHA256
    assert "offline extra" in imagenet["said"][-1]


def test_it_is_kept_for_keras_and_for_the_next_time(imagenet: dict[str, Any], cache: Path) -> None:
    kept = cache / "weights" / "vgg16-imagenet.weights.h5"
    from engine.base.runtime import tensorflow

    keras = tensorflow().keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
    keras.load_weights(kept)
    for name, values in imagenet["arrays"].items():
        assert all(np.array_equal(a, b) for a, b in zip(keras.get_layer(name).get_weights(), values, strict=True))
    said: list[Any] = []
    pretrained("imagenet", VGG16, SHAPES, Context(said.append))
    assert len(said) == 1 and "converted earlier" in said[0].text


def test_a_damaged_kept_file_is_made_anew(imagenet: dict[str, Any], cache: Path) -> None:
    kept = cache / "weights" / "vgg16-imagenet.weights.h5"
    with h5py.File(kept, "r+") as file:
        file["layers/conv2d/vars/1"][0] += 1e-6
    said: list[Any] = []
    again = pretrained("imagenet", VGG16, SHAPES, Context(said.append))
    assert again["block1_conv1"][1][0] == np.float32(0.73429835)
    assert "converted earlier" not in said[-1].text


def test_kerass_own_cache_comes_first_but_only_with_the_file_that_keras_publishes(
    imagenet: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    with h5py.File(models / VGG16.keras_file, "w") as file:  # Keras 2's layout, as the published file has it
        for name, (kernel, bias) in imagenet["arrays"].items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}_W_1:0".encode(), f"{name}_b_1:0".encode()]
            group[f"{name}_W_1:0"], group[f"{name}_b_1:0"] = kernel, bias
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    said: list[Any] = []
    pretrained("imagenet", VGG16, SHAPES, Context(said.append))
    assert "MD5 differs" in said[0].text and "Keras's cache" not in said[-1].text
    md5 = hashlib.md5((models / VGG16.keras_file).read_bytes()).hexdigest()
    published = type(VGG16)(**{**vars_of(VGG16), "keras_md5": md5})
    said.clear()
    found = pretrained("imagenet", published, SHAPES, Context(said.append))
    assert "Keras's cache" in said[0].text and len(said) == 1
    assert np.array_equal(found["block3_conv2"][0], imagenet["arrays"]["block3_conv2"][0])


@contextlib.contextmanager
def served(body: bytes, length: int | None) -> Iterator[str]:
    """The address of a server that says its file has this length, sends this body, and hangs up."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{BACKBONES['mobilenetv2'].keras_file}"
        server.shutdown()


@pytest.mark.parametrize(("length", "whole"), [(3000, False), (2000, True), (None, True)])
def test_a_download_that_breaks_off_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int | None, whole: bool
) -> None:
    """Where Keras publishes no checksum, the length alone can tell."""
    chosen = BACKBONES["mobilenetv2"]
    assert not chosen.keras_md5
    tensorflow().keras.applications  # noqa: B018 (loads the modules that hold the addresses)
    told: list[Any] = []
    with served(b"x" * 2000, length) as address:
        monkeypatch.setattr(f"keras.src.applications.{chosen.keras_address[0]}.{chosen.keras_address[1]}", address)
        why = weights.fetch_weights(chosen, tmp_path / "models" / "weights.h5", Context(told.append))
    assert (tmp_path / "models" / "weights.h5").exists() == whole == (not why)
    assert whole or "2,000 of 3,000 bytes" in why
    assert [(e.done, e.total) for e in told if isinstance(e, Progress)] == [(2000, length)]


def test_a_download_that_is_stopped_leaves_no_thread_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, stop = BACKBONES["mobilenetv2"], Stop()
    tensorflow().keras.applications  # noqa: B018 (loads the modules that hold the addresses)

    def emit(event: Event) -> None:
        if isinstance(event, Progress):
            stop.request("now")

    with served(bytes(40 << 20), 40 << 20) as address:
        monkeypatch.setattr(f"keras.src.applications.{chosen.keras_address[0]}.{chosen.keras_address[1]}", address)
        with pytest.raises(Stopped):
            weights.fetch_weights(chosen, tmp_path / "weights.h5", Context(emit, stop))
        for thread in threading.enumerate():
            if thread.name == "download":
                thread.join(5)
                assert not thread.is_alive()
    assert list(tmp_path.iterdir()) == []


def vars_of(backbone: Any) -> dict[str, Any]:
    return {name: getattr(backbone, name) for name in type(backbone).__dataclass_fields__}


def test_without_any_source_the_three_remedies_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "OFFLINE_PACKAGE", "a-package-that-is-not-installed")
    monkeypatch.setattr(weights, "fetch_weights", lambda *_: "no network")
    with pytest.raises(WeightsError) as caught:
        pretrained("imagenet", VGG16, SHAPES, Context())
    for remedy in (VGG16.keras_file, "network", "covid-tui[offline]", "--weights none"):
        assert remedy in str(caught.value)


def test_random_weights_are_taken_only_when_asked_for_and_said_aloud() -> None:
    said: list[Any] = []
    assert pretrained("none", VGG16, SHAPES, Context(said.append)) == {}
    assert said[0].level == "warning" and "random" in said[0].text


def test_what_a_classifier_saves_it_reads_back_to_the_bit(tmp_path: Path) -> None:
    chosen = plan(NetworkConfig(mode="partial"))
    saved = build(chosen, 3, "float32", 5)
    saved.save_weights(tmp_path / "best.weights.h5")
    back = load(tmp_path / "best.weights.h5", chosen, 3)
    assert all(np.array_equal(a, b) for a, b in zip(saved.model.get_weights(), back.model.get_weights(), strict=True))


def small(path: Path, change: Any = None) -> dict[str, list[tuple[int, ...]]]:
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "a"
        group["0"], group["1"] = np.ones((3, 3, 1, 2), np.float32), np.zeros(2, np.float32)
        if change:
            change(file, group)
    return {"a": [(3, 3, 1, 2), (2,)]}


def _external(file: Any, group: Any) -> None:
    del group["1"]
    group["1"] = h5py.ExternalLink("other.h5", "/x")


def _soft(file: Any, group: Any) -> None:
    del group["1"]
    group["1"] = h5py.SoftLink("/layers/conv2d/vars/0")


def _stored_elsewhere(file: Any, group: Any) -> None:
    del group["1"]
    group.create_dataset("1", (2,), np.float32, external=[("elsewhere.bin", 0, h5py.h5f.UNLIMITED)])


def _virtual(file: Any, group: Any) -> None:
    del group["1"]
    layout = h5py.VirtualLayout((2,), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "x", (2,))
    group.create_virtual_dataset("1", layout)


def _other_shape(file: Any, group: Any) -> None:
    del group["1"]
    group["1"] = np.zeros(3, np.float32)


def _bomb(file: Any, group: Any) -> None:
    del group["1"]
    group.create_dataset("1", (1 << 40,), np.float32, chunks=(1 << 16,), compression="gzip")


def _text(file: Any, group: Any) -> None:
    del group["1"]
    group["1"] = np.array([b"a", b"b"])


@pytest.mark.parametrize("change", [_external, _soft, _stored_elsewhere, _virtual, _other_shape, _bomb, _text])
def test_only_plain_datasets_of_the_expected_shape_are_read(tmp_path: Path, change: Any) -> None:
    path = tmp_path / "x.weights.h5"
    expected = small(path)
    assert read_weights(path, expected)["a"][0].shape == (3, 3, 1, 2)
    small(path, change)
    with pytest.raises(WeightsError, match=r"x\.weights\.h5"):
        read_weights(path, expected)


@pytest.mark.parametrize("content", [b"", b"not hdf5", b"\x89HDF\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_weight_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.weights.h5"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"x\.weights\.h5"):
        read_weights(path, {"a": [(1,)]})
    with pytest.raises(WeightsError, match="missing"):
        read_weights(tmp_path / "nowhere.weights.h5", {"a": [(1,)]})
