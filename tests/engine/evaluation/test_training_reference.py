"""Distances to the training images, and the plain measures that tell photographs and CT slices."""

import functools
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_image
from sklearn.neighbors import NearestNeighbors

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.runtime import tensorflow
from engine.data.image.reader import read
from engine.data.pixel_store import open_store
from engine.data.records import Scan
from engine.data.scan import scan
from engine.data.split import Split
from engine.evaluation.level_likeness import MEASURES, likeness
from engine.evaluation.plausibility import cautions
from engine.evaluation.prediction import Prediction, listed
from engine.evaluation.predictor import Answer, Predictor
from engine.evaluation.training_reference import FACTS, REFERENCE, Reference, read_reference, save_reference
from engine.network.classifier import build
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, MachineConfig, Mode, NetworkConfig, TrainConfig
from engine.runs.directory import Run
from engine.training.augment import PLAIN
from engine.training.batches import Images, PixelSource, choose
from tests.conftest import SAMPLE
from tests.makers.examples import examples
from tests.makers.small import SIDE, shrink


def reference(features: np.ndarray) -> Reference:
    return Reference(features.astype(np.float32), {name: np.ones(len(features)) for name in FACTS})


@given(st.integers(0, 1000), st.integers(2, 40))
@settings(max_examples=examples(25), deadline=None)
def test_distances_are_scikit_learns(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    own, others = random.normal(1, 1, (n, 16)), random.normal(1, 1, (7, 16))
    unit, their_unit = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (own, others))
    k = min(5, n - 1)
    expected = NearestNeighbors(n_neighbors=k).fit(unit).kneighbors(their_unit)[0][:, -1]
    found = reference(own)
    assert found.distances(others) == pytest.approx(expected, abs=1e-3)
    among = NearestNeighbors(n_neighbors=k + 1).fit(unit).kneighbors(unit)[0][:, -1]
    assert found.own == pytest.approx(np.sort(among), abs=1e-3)
    assert found.limit == pytest.approx(np.quantile(among, 0.99), abs=1e-3)


@functools.cache
def scanned() -> Scan:
    """Two classes of the sample."""
    return scan(SAMPLE, ("COVID", "Normal"))


def test_equal_training_images_are_no_reason_to_fail() -> None:
    found = reference(np.ones((10, 4)))
    assert found.limit == pytest.approx(0, abs=1e-3) and np.isfinite(found.distances(np.zeros((1, 4)))).all()


def test_a_run_keeps_its_training_images_as_the_network_sees_them(trained: dict[str, Any]) -> None:
    run = Run(trained["run"])
    kept = read_reference(run)
    files = Split.read(run.path / "split.csv").files("train")
    assert kept is not None and kept.features.shape == (len(files), 512)
    assert kept.facts["width"].tolist() == [299.0] * len(files)
    first = next(iter(Predictor(run).answers([SAMPLE / files[0]])))
    assert isinstance(first, Answer)
    if json.loads((run.path / "environment.json").read_text())["precision"] == "float32":
        assert kept.features[0] == pytest.approx(first.features, rel=5e-3, abs=5e-3)  # kept as float16
    own, asked = (row / np.linalg.norm(row) for row in (kept.features[0], first.features))
    assert np.linalg.norm(own - asked) < 0.1 * kept.limit  # whatever precision the training computed in
    assert kept.facts["mean level"][0] == pytest.approx(read(SAMPLE / files[0]).mean, abs=1e-3)
    deviations = [read(SAMPLE / file).facts.std for file in files[:5]]
    assert kept.facts["sd of levels"][:5].tolist() == pytest.approx(deviations, abs=1e-3)
    assert {one.measure for one in kept.levels.usual} == set(MEASURES)


@pytest.mark.parametrize(
    ("mode", "unfreeze", "cache"),
    [
        *(("transfer", "", "on"), ("partial", "17", "on"), ("finetune", "", "off")),
        pytest.param("transfer", "", "off", marks=pytest.mark.slow),
        pytest.param("partial", "17", "off", marks=pytest.mark.slow),
        pytest.param("finetune", "", "on", marks=pytest.mark.slow),  # nothing is frozen, so nothing is kept
    ],
)
def test_the_features_are_the_whole_networks_wherever_it_is_cut(
    mode: Mode, unfreeze: str, cache: Literal["on", "off"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink(monkeypatch)
    network, machine = NetworkConfig(mode=mode, unfreeze=unfreeze, weights="none"), MachineConfig(feature_cache=cache)
    recipe = TrainConfig(network=network, augment=AugmentConfig(augment="none"), machine=machine)
    found = scanned()
    records = [record for record in found.records if record.file.endswith(("-1.png", "-2.png"))]
    store, _ = open_store(SAMPLE, records, SIDE, tmp_path)
    classifier = build(plan(network), 2, "float32", seed=0)
    pixels = PixelSource(Images.of(records, ("COVID", "Normal"), store), classifier, store, recipe)
    source, _ = choose(pixels, pixels, "float32", tmp_path, Context())
    save_reference(Run(tmp_path), source, classifier, records, Context())
    kept = read_reference(Run(tmp_path))
    model = tensorflow().keras.Model(classifier.model.input, classifier.model.get_layer("pool").output)
    expected = model(pixels.input(np.arange(len(records)), PLAIN), training=False).numpy()
    assert kept is not None and kept.features == pytest.approx(expected, rel=2e-3, abs=1e-3)


def test_photographs_are_unlike_anything_seen_and_test_images_mostly_not(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    run = Run(trained["run"])
    for name in ("china", "flower"):
        Image.fromarray(load_sample_image(f"{name}.jpg")).convert("L").save(tmp_path / f"{name}.png")
    predictor = Predictor(run)
    photographs = list(predictor.predict(listed([tmp_path]).files))
    for said in photographs:
        assert isinstance(said, Prediction) and said.unlike and said.cautions[0].startswith("is unlike anything")
    tests = [SAMPLE / file for file in Split.read(run.path / "split.csv").files("test")]
    answers = [said for said in predictor.predict(tests) if isinstance(said, Prediction)]
    assert len(answers) == len(tests) and sum(bool(said.unlike) for said in answers) <= 2


def test_a_reference_from_before_the_deviation_was_kept_is_asked_for_the_other_measures(tmp_path: Path) -> None:
    with (tmp_path / REFERENCE).open("wb") as file:
        old = {"mean level": np.array([90.0, 110.0]), "width": np.array([299.0, 299.0]), "height": np.full(2, 299.0)}
        np.savez(file, features=np.ones((2, 4)), **old)  # type: ignore[arg-type]
    kept = read_reference(Run(tmp_path))
    assert kept is not None and [one.measure for one in kept.levels.usual] == ["mean level", "width/height"]
    found = likeness({"mean level": 131.0, "sd of levels": 0.0, "width/height": 1.05}, kept.levels)
    assert found.unchecked == ("sd of levels",)
    assert found.caution == "looks unlike the training images (mean level 131, usually 70 to 130)"


def test_a_damaged_reference_is_named(tmp_path: Path) -> None:
    assert read_reference(Run(tmp_path)) is None
    (tmp_path / REFERENCE).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(RunError, match="is damaged"):
        read_reference(Run(tmp_path))
    with (tmp_path / REFERENCE).open("wb") as file:
        np.savez(file, features=np.ones((3, 4)), **{name: np.ones(2) for name in FACTS})  # type: ignore[arg-type]
    with pytest.raises(RunError, match="don't fit"):
        read_reference(Run(tmp_path))


def ct_slice() -> np.ndarray:
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    picture = np.where(np.hypot(x / 0.85, y / 0.65) < 1, 140, 0)
    for side in (-0.35, 0.35):
        picture[np.hypot((x - side) / 0.25, y / 0.4) < 1] = 30
    return picture.astype(np.uint8)


def test_plain_measures_tell_gross_cases() -> None:
    photograph = load_sample_image("china.jpg")
    assert cautions(photograph) == ("is in colour, as photographs and marked pictures are",)
    assert any("CT slices" in text for text in cautions(ct_slice()))
    window = np.full((300, 310), 240, np.uint8)
    window[40:60, 20:200] = 30
    assert any("screenshots" in text for text in cautions(window))
    assert any("far from square" in text for text in cautions(photograph.mean(axis=2).astype(np.uint8)[:200]))


def test_plain_measures_leave_phantoms_alone() -> None:
    assert {text for file in listed([SAMPLE / "COVID"]).files for text in cautions(read(file).pixels)} == set()


def test_plain_measures_leave_real_x_rays_alone(xray: Path) -> None:
    files = list(listed([xray]).files)[::6]
    assert len(files) > 40 and {text for file in files for text in cautions(read(file).pixels)} == set()
