"""Damaged caches: a training that meets one ends as if it were whole, to the bit, and says what was made anew."""

import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from engine.base import runtime
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import DataError
from engine.base.events import Epoch, Event, Notice
from engine.base.runtime import make_repeatable, tensorflow
from engine.data import pixel_store
from engine.data.pixel_store import open_store
from engine.data.scan import scan
from engine.jobs import repair
from engine.network.classifier import Classifier
from engine.network.freezing import plan
from engine.network.hdf5_reader import read_weights
from engine.recipe.config import AugmentConfig, FitConfig, NetworkConfig, TrainConfig
from engine.training import feature_file, feature_store, loop
from engine.training.batches import PixelSource, choose
from tests.conftest import SAMPLE, Cli
from tests.engine.network.test_pretrained import SHAPES
from tests.engine.training.test_loop import HELD_OUT, IMAGES, STORE, images, recipe
from tests.makers.small import SIDE

pytestmark = pytest.mark.usefixtures("small_pictures")

ENTRY = 48  # bytes of the index
HEAD = recipe(fit=FitConfig(epochs=3, batch=5, patience=0), augment=AugmentConfig(views="2"))
BLOCK5 = dataclasses.replace(HEAD, network=NetworkConfig(mode="partial"))
Result = tuple[list[np.ndarray], list[Epoch]]


def small(config: TrainConfig) -> Classifier:
    """A network with the shapes of the recipe's, but of one convolution before the cut, so that it is quick."""
    tf = tensorflow()
    make_repeatable(0)
    freeze, layers = plan(config.network), tf.keras.layers
    start = tf.keras.initializers.GlorotUniform(seed=1)
    pictures = tf.keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(512, 16, 16, activation="relu", kernel_initializer=start, trainable=False, name="frozen")(
        pictures
    )
    pooled = layers.GlobalAveragePooling2D(name="pool")(maps)
    at = maps if len(freeze.kept_shape) == 3 else pooled
    own = layers.Conv2D(8, 3, kernel_initializer=start, name="block5_conv1")(maps) if at is maps else pooled
    flat = layers.GlobalAveragePooling2D()(own) if at is maps else own
    hidden = layers.Dense(16, "relu", kernel_initializer=start, name="dense")(flat)
    model = tf.keras.Model(pictures, layers.Dense(2, kernel_initializer=start, name="logits")(hidden))
    return Classifier(freeze, model, tf.keras.Model(pictures, at), tf.keras.Model(at, model.output))


def fitted(
    config: TrainConfig, cache: Path, on_event: Callable[[Event], None] = lambda event: None
) -> tuple[Classifier, list[Event]]:
    """A training of the small network on a few random images, through the engine's own parts."""
    told: list[Event] = []
    classifier, stop = small(config), Stop()

    def emit(event: Event) -> None:
        told.append(event)
        on_event(event)

    parts = [images(range(IMAGES)), images(range(IMAGES, IMAGES + HELD_OUT))]
    train, validation = (PixelSource(part, classifier, STORE, config) for part in parts)
    loop.fit(classifier, *choose(train, validation, "float32", cache, Context(emit, stop)), config, Context(emit, stop))
    return classifier, told


def trained(config: TrainConfig, cache: Path) -> tuple[Result, list[str]]:
    """Weights and epochs of a training, and what it warned of."""
    classifier, told = fitted(config, cache)
    epochs = [dataclasses.replace(event, seconds=0) for event in told if isinstance(event, Epoch)]
    warned = [event.text for event in told if isinstance(event, Notice) and event.level == "warning"]
    return ([variable.numpy() for variable in classifier.trainable_variables], epochs), warned


def same(one: Result, other: Result) -> bool:
    """Are two trainings the same to the bit?"""
    return one[1] == other[1] and all(np.array_equal(a, b) for a, b in zip(one[0], other[0], strict=True))


@pytest.fixture(scope="module", params=[HEAD, pytest.param(BLOCK5, marks=pytest.mark.slow)], ids=["head", "block5"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainConfig, Path, Result]:
    """A recipe, a cache that its training filled, and what that training came to."""
    cache = tmp_path_factory.mktemp("whole")
    result, warned = trained(request.param, cache)
    assert warned == []
    return request.param, cache, result


def stores(cache: Path) -> list[Path]:
    return sorted((cache / "features").iterdir())


def rows_of(store: Path) -> int:
    return (store / "index").stat().st_size // ENTRY


def flip(path: Path, bits: int, seed: int = 0) -> set[int]:
    """Flip so many bits of a file; the bytes that they are in."""
    content = np.fromfile(path, np.uint8)
    chosen = np.random.default_rng(seed).choice(8 * len(content), bits, replace=False)
    np.bitwise_xor.at(content, chosen // 8, (1 << (chosen % 8)).astype(np.uint8))
    content.tofile(path)
    return set((chosen // 8).tolist())


def zero_page(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(4096))


def in_rows(damaged: set[tuple[Path, int]]) -> Callable[[list[str]], None]:
    """So many rows of each store are told as computed anew, in a line for the training and one for the validation."""

    def check(warned: list[str]) -> None:
        for store in {path for path, _ in damaged}:
            lines = [text for text in warned if str(store) in text]
            counts = [int(re.match(r"(\d+) of the activations kept in .* were damaged", text)[1]) for text in lines]  # type: ignore[index]
            assert sum(counts) == len({row for path, row in damaged if path == store}) and len(lines) <= 2, warned
        assert all("computed anew" in text for text in warned) and warned

    return check


def flipped_bits(cache: Path) -> Callable[[list[str]], None]:
    damaged = set()
    for store in stores(cache):
        length = (store / "rows").stat().st_size // rows_of(store)
        damaged |= {(store, byte // length) for byte in flip(store / "rows", 12)}
    return in_rows(damaged)


def page_of_zeros(cache: Path) -> Callable[[list[str]], None]:
    store = stores(cache)[0]
    length = (store / "rows").stat().st_size // rows_of(store)
    before = np.fromfile(store / "rows", np.uint8)
    zero_page(store / "rows", 4096)
    changed = np.flatnonzero(before != np.fromfile(store / "rows", np.uint8))
    return in_rows({(store, int(byte) // length) for byte in changed})


def lost(*words: str) -> Callable[[list[str]], None]:
    def check(warned: list[str]) -> None:
        lines = [text for text in warned if "cut off or damaged" in text]
        assert len(lines) == len(words) and all(word in text for word, text in zip(words, lines, strict=True)), warned

    return check


def flipped_index(cache: Path) -> Callable[[list[str]], None]:
    store = stores(cache)[0]
    entries = {byte // ENTRY for byte in flip(store / "index", 3)}
    return lost(f"{len(entries)} of the activations kept in {store}")


def rows_cut_off(cache: Path) -> Callable[[list[str]], None]:
    store = stores(cache)[1]
    length = (store / "rows").stat().st_size // rows_of(store)
    with (store / "rows").open("r+b") as file:
        file.truncate(2 * length + length // 2)
    return lost(f"{rows_of(store) - 2} of the activations kept in {store}")


def index_cut_off(cache: Path) -> Callable[[list[str]], None]:
    store = stores(cache)[0]
    count = rows_of(store)
    with (store / "index").open("r+b") as file:
        file.truncate(3 * ENTRY + 5)
    return lost(f"{count - 3} of the activations kept in {store}")


def entries_swapped(cache: Path) -> Callable[[list[str]], None]:
    """Whole entries in each other's places: each is well formed, and names another image's row."""
    store = stores(cache)[0]
    content = bytearray((store / "index").read_bytes())
    content[:ENTRY], content[ENTRY : 2 * ENTRY] = content[ENTRY : 2 * ENTRY], content[:ENTRY]
    content[2 * ENTRY : 3 * ENTRY] = content[3 * ENTRY : 4 * ENTRY]
    (store / "index").write_bytes(content)
    return lost(f"3 of the activations kept in {store}")


def rows_of_another_store(cache: Path) -> Callable[[list[str]], None]:
    """Rows and index of the other store, of the same length: all of it well formed, and none of it this store's."""
    one, other = stores(cache)
    for name in ("rows", "index"):
        shutil.copy(other / name, one / name)
    return lost(f"{rows_of(one)} of the activations kept in {one}")


def longer_rows(cache: Path) -> Callable[[list[str]], None]:
    with (stores(cache)[0] / "rows").open("ab") as file:
        file.write(b"more" * 50)
    return lost()


def strange_description(cache: Path) -> Callable[[list[str]], None]:
    description = stores(cache)[0] / "context.json"
    values = json.loads(description.read_bytes())
    description.write_text(json.dumps({**values, "shape": [3, 3], "dtype": "float16"}))
    return lost()


DAMAGES = (flipped_bits, page_of_zeros, flipped_index, rows_cut_off, index_cut_off, entries_swapped,
           rows_of_another_store, longer_rows, strange_description)  # fmt: skip


LIKE_OTHERS = (flipped_index, rows_of_another_store, longer_rows)
"""Damage of which there is another kind much like it, which is tried daily."""


@pytest.mark.parametrize(
    "damage",
    [pytest.param(one, marks=pytest.mark.slow if one in LIKE_OTHERS else ()) for one in DAMAGES],
    ids=lambda damage: damage.__name__,
)
def test_damaged_activations_are_computed_anew_and_told(
    whole: tuple[TrainConfig, Path, Result], tmp_path: Path, damage: Callable[[Path], Callable[[list[str]], None]]
) -> None:
    config, cache, result = whole
    own = tmp_path / "cache"
    shutil.copytree(cache, own)
    as_expected = damage(own)
    again, warned = trained(config, own)
    assert same(again, result)
    as_expected(warned)
    assert not [left for left in repair.find(tmp_path, own, tmp_path) if "damaged" in left.what]


def test_the_next_training_finds_the_store_whole(whole: tuple[TrainConfig, Path, Result], tmp_path: Path) -> None:
    config, cache, result = whole
    own = tmp_path / "cache"
    shutil.copytree(cache, own)
    flipped_bits(own)
    (left, *_) = [left for left in repair.find(tmp_path, own, tmp_path) if left.kind == "features"]
    assert "are damaged" in left.what and left.path in stores(own)
    trained(config, own)
    again, warned = trained(config, own)
    assert same(again, result) and warned == []


def test_a_large_store_is_verified_each_time_it_is_read(
    whole: tuple[TrainConfig, Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage that comes while a training runs: between its first epoch and its second."""
    monkeypatch.setattr(feature_store, "HELD", 0)
    config, cache, result = whole
    config = dataclasses.replace(config, augment=AugmentConfig(augment="none"))
    shutil.copytree(cache, tmp_path / "clean")
    result, _ = trained(config, tmp_path / "clean")
    own = tmp_path / "cache"
    shutil.copytree(cache, own)
    damaged: list[str] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Epoch) and event.epoch == 1:
            for store in [folder for folder in stores(own) if (folder / "rows").is_file()]:
                zero_page(store / "rows", 0)
                damaged.append(str(store))

    classifier, told = fitted(config, own, on_event)
    assert all(np.array_equal(a.numpy(), b) for a, b in zip(classifier.trainable_variables, result[0], strict=True))
    warned = [event.text for event in told if isinstance(event, Notice) and event.level == "warning"]
    assert warned and all("were damaged: they are computed anew" in text for text in warned)


def test_what_cant_be_replaced_is_computed_whenever_it_is_needed_and_told_once(
    whole: tuple[TrainConfig, Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, cache, result = whole
    own = tmp_path / "cache"
    shutil.copytree(cache, own)
    flipped_bits(own)

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "fsync", refuse)
    again, warned = trained(config, own)
    assert same(again, result)
    gave_up = [text for text in warned if "can't be replaced there (Read-only file system)" in text]
    assert 1 <= len(gave_up) <= len(stores(own)), warned


class TestPixels:
    """Decoded images, as a training reads them."""

    @pytest.fixture
    def data(self, tmp_path: Path) -> Path:
        root = tmp_path / "data"
        for label in ("COVID", "Normal"):
            (root / label).mkdir(parents=True)
            for number, picture in enumerate(sorted((SAMPLE / label / "images").glob("*.png"))[:6]):
                shutil.copy(picture, root / label / f"{number}.png")
        return root

    def test_only_the_damaged_rows_are_decoded_anew_and_told_in_one_line(self, data: Path, tmp_path: Path) -> None:
        found, cache, told = scan(data), tmp_path / "cache", list[Event]()
        good = np.array(open_store(data, found.records, 64, cache)[0].rows(range(12)))
        (path,) = (cache / "pixels").glob("*.u8")
        content = path.read_bytes()
        store, _ = open_store(data, found.records, 64, cache, Context(told.append))
        zero_page(path, 64 * 64 * 4)
        flip(path, 1, seed=1)
        assert pixel_store.damaged(cache)[0][0] == path and "are damaged" in pixel_store.damaged(cache)[0][1]
        assert np.array_equal(np.concatenate([store.rows([row]) for row in range(12)]), good)
        (notice,) = [event for event in told if isinstance(event, Notice)]
        assert re.fullmatch(
            rf"(1 decoded image|2 decoded images) in {path} (was|were) damaged, to be decoded anew\.", notice.text
        )
        assert path.read_bytes() == content and pixel_store.damaged(cache) == []

    def test_cut_short_while_it_is_in_use_it_is_whole_again(self, data: Path, tmp_path: Path) -> None:
        found, cache = scan(data), tmp_path / "cache"
        store, _ = open_store(data, found.records, 64, cache)
        good = np.array(store.rows(range(12)))
        (path,) = (cache / "pixels").glob("*.u8")
        with path.open("r+b") as file:
            file.truncate(64 * 64 * 3 + 7)
        assert np.array_equal(store.rows([11, 0, 5]), good[[11, 0, 5]])
        assert pixel_store.damaged(cache) == []

    def test_where_the_image_is_gone_too_it_is_an_error_in_a_sentence(self, data: Path, tmp_path: Path) -> None:
        found, cache = scan(data), tmp_path / "cache"
        store, _ = open_store(data, found.records, 64, cache)
        (path,) = (cache / "pixels").glob("*.u8")
        zero_page(path, 0)
        (data / store.files[0]).unlink()
        assert store.rows([5]).any()
        with pytest.raises(DataError, match=r"COVID/0\.png could be read by the scan, but no more.*scan .* again"):
            store.rows([5, 0])

    def test_a_store_without_checksums_is_never_read(self, data: Path, tmp_path: Path) -> None:
        """One that an earlier version wrote lies under another name, and is told of by doctor."""
        found, cache = scan(data), tmp_path / "cache"
        open_store(data, found.records, 64, cache)
        description = next((cache / "pixels").glob("*.json"))
        values = json.loads(description.read_bytes())
        old = {**{name: values[name] for name in ("version", "key", "shape", "bytes")}, "checksum": 7}
        description.write_text(json.dumps(old))
        ((path, why),) = pixel_store.damaged(cache)
        assert "of an earlier version" in why
        pixel_store.remove(path)
        assert pixel_store.damaged(cache) == []


def test_a_store_of_activations_without_checksums_is_never_found(tmp_path: Path) -> None:
    origin = feature_file.Origin("p" * 64, "caffe", 224, "float32", "keras", None, "float16", (4, 3))
    values = json.dumps(vars(origin), sort_keys=True).encode()
    old = tmp_path / "features" / hashlib.sha256(values).hexdigest()[:32]
    old.mkdir(parents=True)
    (old / "context.json").write_bytes(values)
    assert feature_store.FeatureStore(tmp_path, origin).folder != old
    (left,) = repair.find(tmp_path / "runs", tmp_path, tmp_path)
    assert left.path == old and "of another version" in left.what and repair.mend(left) and not old.exists()


@pytest.mark.parametrize("damage", [b"1.5", b'"bfloat16_speed"', b"{"])
def test_a_kept_timing_that_is_damaged_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    """It decides the number format of the next training's arithmetic."""
    timed: list[str] = []

    def time_of(dtype: str) -> float:
        timed.append(dtype)
        return 3.0 if dtype == "float32" else 2.0

    monkeypatch.setenv("COVID_TUI_CACHE", str(tmp_path))
    monkeypatch.setattr(runtime, "time_convolution", time_of)
    assert [runtime.speed_of_bfloat16() for _ in range(2)] == [1.5, 1.5] and len(timed) == 2
    kept = tmp_path / "precision.json"
    kept.write_bytes(kept.read_bytes().replace(damage, b"0.5"))
    assert [runtime.speed_of_bfloat16() for _ in range(2)] == [1.5, 1.5] and len(timed) == 4


@pytest.mark.slow
def test_every_cache_of_a_training_may_be_damaged(cli: Cli, cache: Path, tmp_path: Path) -> None:
    """The real command on the sample data: pixels and converted weights damaged, then kept activations."""
    command = ("--train", SAMPLE, "--classes", "COVID,Viral Pneumonia", "--augment", "none", "--batch", "8",
               "--epochs", "2", "--out", tmp_path / "runs", "--json")  # fmt: skip
    results = {}
    for name in ("clean", "beneath", "activations"):
        own = tmp_path / name
        if name != "clean":
            shutil.copytree(tmp_path / "clean", own)
        if name == "beneath":
            shutil.rmtree(own / "features")
            (file,) = (own / "pixels").glob("*.u8")
            zero_page(file, file.stat().st_size // 2)
            with h5py.File(own / "weights" / "vgg16-imagenet.weights.h5", "r+") as weights:
                weights["layers/conv2d/vars/1"][0] += 1e-6
        if name == "activations":
            (store,) = [folder for folder in stores(own) if (folder / "rows").is_file()]
            flip(store / "rows", 200)
        done = cli(*command, "--name", name, COVID_TUI_CACHE=str(own))
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        told = [line["text"] for line in lines if line["event"] == "notice" and str(own) in line["text"]]
        results[name] = read_weights(tmp_path / "runs" / name / "best.weights.h5", SHAPES), lines[-1]["test"], told
    arrays, test, _ = results["clean"]
    for name, expected in (("beneath", ("decoded anew", "converted anew")), ("activations", ("computed anew",))):
        other, tested, told = results[name]
        assert all(np.array_equal(a, b) for layer in arrays for a, b in zip(arrays[layer], other[layer], strict=True))
        assert {**tested, "seconds": 0} == {**test, "seconds": 0}
        assert all(any(words in text for text in told) for words in expected), told
