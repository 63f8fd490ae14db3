"""The training images most like an image: as scikit-learn finds them, named by the split, never of the test part."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from engine.base.errors import ConfigError, RunError
from engine.data.records import Record, Row
from engine.data.scan import scan
from engine.data.split import Split
from engine.evaluation.alike import MOST, Alike, most_alike, require_count, rows_of
from engine.evaluation.training_reference import FACTS, REFERENCE, Reference, read_reference, write_reference
from engine.runs.directory import SPLIT, Run
from tests.conftest import SAMPLE
from tests.makers.examples import examples

CHANNELS = 16


@given(st.integers(0, 1000), st.integers(2, 40))
@settings(max_examples=examples(25), deadline=None)
def test_they_are_scikit_learns_nearest_neighbours(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    own, image = random.normal(1, 1, (n, CHANNELS)), random.normal(1, 1, CHANNELS)
    unit = own / np.linalg.norm(own, axis=1, keepdims=True)
    distances, places = NearestNeighbors(n_neighbors=n).fit(unit).kneighbors(image[None] / np.linalg.norm(image))
    reference = Reference(own.astype(np.float32), {name: np.ones(n) for name in FACTS})
    rows = tuple(Row(f"{place}.png", "COVID", "train") for place in range(n))
    found = most_alike(rows, reference, image.astype(np.float32), 3)
    assert [one.file for one in found] == [f"{place}.png" for place in places[0][:3]]
    assert [one.distance for one in found] == pytest.approx(distances[0][:3], abs=1e-3)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(scan(SAMPLE, ("COVID", "Normal")).records[::5])


@pytest.fixture
def kept(tmp_path: Path, records: list[Record]) -> Run:
    """A run that keeps how the network sees these images."""
    rows = [Row(record.file, record.label, "train", record.sha) for record in records]
    Split(tuple(rows)).write(tmp_path / SPLIT)
    write_reference(Run(tmp_path), features(records), records)
    return Run(tmp_path)


def features(records: list[Record]) -> np.ndarray:
    return np.random.default_rng(1).normal(1, 1, (len(records), CHANNELS)).astype(np.float32)


def named(run: Run, image: np.ndarray, count: int) -> tuple[Alike, ...]:
    reference = read_reference(run)
    assert reference
    return most_alike(rows_of(run, reference), reference, image, count)


def test_a_run_names_the_nearest_with_label_and_distance(kept: Run, records: list[Record]) -> None:
    for place in (0, 3, len(records) - 1):
        first, second = named(kept, features(records)[place], 2)
        assert (first.file, first.label) == (records[place].file, records[place].label)
        assert first.distance == pytest.approx(0, abs=5e-3) and second.distance > 0.05
    assert named(kept, features(records)[0], 0) == ()
    assert len(named(kept, features(records)[0], MOST)) == min(MOST, len(records))


def test_an_image_of_the_test_part_is_never_named(kept: Run, records: list[Record]) -> None:
    """Nor one that the split does not name any more."""
    rows = Split.read(kept.path / SPLIT).rows
    parts = ["test", *("train" for _ in rows[1:-1])]
    Split(tuple(Row(row.file, row.label, part, row.sha) for row, part in zip(rows, parts, strict=False))).write(
        kept.path / SPLIT
    )
    files = [one.file for one in named(kept, features(records)[0], MOST)]
    assert len(files) == min(MOST, len(records) - 2)
    assert records[0].file not in files and records[-1].file not in files


def test_a_run_from_before_they_were_kept_says_so_and_keeps_its_distances(kept: Run) -> None:
    path = kept.path / REFERENCE
    with np.load(path) as stored:
        before = {name: stored[name] for name in stored if name != "sha"}
    np.savez_compressed(path, **before)
    reference = read_reference(kept)
    assert reference and reference.limit > 0
    with pytest.raises(RunError, match="does not keep which training images"):
        rows_of(kept, reference)
    np.savez_compressed(path, **before, sha=np.zeros((2, 32), np.uint8))
    with pytest.raises(RunError, match=r"reference\.npz is damaged"):
        read_reference(kept)


def test_no_senseless_number_can_be_asked_for() -> None:
    require_count(0)
    require_count(MOST)
    for count in (-1, MOST + 1):
        with pytest.raises(ConfigError, match="give a number from 0"):
            require_count(count)
