"""One recipe several times: folds that share no picture, ordinary runs, mean and spread, and the pooled result."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.context import Context
from engine.base.errors import ConfigError, DataError, RunError
from engine.base.typed_files import plain
from engine.data.folds import draw_folds
from engine.data.records import ClassSummary, Record, Scan
from engine.data.split import Split, leaks
from engine.evaluation.metrics import judge
from engine.evaluation.predictions_csv import read_predictions
from engine.evaluation.resampling import corrected_interval
from engine.jobs.repeat import spread, train_all
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Cli, within
from tests.makers.examples import examples


def made(shas: dict[str, list[int]]) -> Scan:
    """A scan whose images have these pixels, given by a number each, by class."""
    records = [
        Record(f"{label}/{place}.png", label, f"{sha:064x}", "PNG", "L", 9, 9, 1, 1.0, False, None, None)
        for label, own in shas.items()
        for place, sha in enumerate(own)
    ]
    summary = {label: ClassSummary(len(own), 0, 0, 0, None, {}, {}, {}, {}, {}) for label, own in shas.items()}
    return Scan(Path("data"), tuple(records), (), summary, ())


@given(st.integers(2, 5), st.integers(0, 1000))
@settings(max_examples=examples(25), deadline=None)
def test_each_image_is_tested_once_and_no_picture_lies_in_two_parts(folds: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scanned = made({"a": random.integers(0, 40, 60).tolist(), "b": (100 + random.integers(0, 30, 40)).tolist()})
    splits = draw_folds(scanned, folds, 0.15, seed)
    tested = Counter(file for split in splits for file in split.files("test"))
    assert len(splits) == folds and set(tested.values()) == {1} and len(tested) == 100
    for split in splits:
        assert leaks(split.rows) == ()
        assert all(n > 0 for part in split.counts().values() for n in part.values())
        assert len(split.rows) == 100
    assert [s.rows for s in draw_folds(scanned, folds, 0.15, seed)] == [s.rows for s in splits]


def test_a_picture_of_two_classes_is_never_tested_on() -> None:
    splits = draw_folds(made({"a": [*range(9), 77], "b": [*range(20, 29), 77]}), 3, 0.2, 0)
    assert {row.part for split in splits for row in split.rows if row.file in ("a/9.png", "b/9.png")} == {"train"}


def test_a_patient_with_images_of_two_classes_is_tested_too() -> None:
    """Of every patient one image before and one in the illness: all are tested once, both images of one together."""
    found = made({"a": list(range(12)), "b": list(range(256, 268))})
    splits = draw_folds(found, 3, 0.2, 0, lambda record: record.sha[-2:])
    tested = [row.sha for split in splits for row in split.rows if row.part == "test"]
    assert sorted(tested) == sorted(record.sha for record in found.records)
    for split in splits:
        assert len({(row.sha[-2:], row.part) for row in split.rows}) == 12
        assert all(n > 0 for part in split.counts().values() for n in part.values())


def test_patients_that_leave_a_part_without_a_class_are_refused_before_any_training() -> None:
    """Eight patients with up to three images of each class, so that few may have most of one."""
    refused = 0
    for seed in range(40):
        counts = np.random.default_rng(seed).integers(0, 4, (2, 8))
        found = made({
            label: [256 * k + 16 * patient + n for patient in range(8) for n in range(counts[k, patient])]
            for k, label in enumerate("ab")
        })  # fmt: skip
        try:
            splits = draw_folds(found, 3, 0.1, seed, lambda record: record.sha[-2])
        except DataError as error:
            refused += "without an image of class" in str(error)
        else:
            assert all(n > 0 for split in splits for part in split.counts().values() for n in part.values())
    assert refused


def test_too_many_folds_are_refused() -> None:
    with pytest.raises(DataError, match="too few for 5 folds"):
        draw_folds(made({"a": list(range(30)), "b": [50] * 20 + [51, 52]}), 5, 0.1, 0)
    with pytest.raises(ConfigError, match="--folds"):
        draw_folds(made({"a": [1, 2, 3], "b": [4, 5, 6]}), 1, 0.1, 0)


def test_spread_is_the_standard_deviation_between_runs() -> None:
    found = spread([0.9, 0.8, 1.0])
    assert (found.low, found.high) == (0.8, 1.0)
    assert found.mean == pytest.approx(0.9) and found.sd == pytest.approx(0.1)
    assert spread([0.5]).sd is None
    assert found.ci is None and spread([0.5], 0.25).ci is None


def test_the_means_interval_is_the_corrected_one_within_what_a_share_can_be() -> None:
    values = [0.9, 0.92, 0.95, 0.91, 0.93]
    found, corrected = spread(values, 0.25, 0.0), corrected_interval(values, 0.25)
    assert corrected and found.ci == (corrected[0], min(1.0, corrected[1]))
    by_hand = 0.9667 - 4.3027 * 0.0577 * (1 / 3 + 0.5) ** 0.5
    assert spread([1.0, 0.9, 1.0], 0.5, 0.0).ci == pytest.approx((by_hand, 1.0), abs=1e-3)


def test_a_result_that_cant_be_written_ends_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"result\.json can't be written"):
        train_all("seeds", SAMPLE, [], tmp_path / "gone", Context())


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_folds_and_seeds_are_ordinary_runs_on_one_cache(cli: Cli, tmp_path: Path) -> None:
    recipe = ("train", SAMPLE, "--classes", "COVID,Viral Pneumonia", "--augment", "none", "--batch", "8",
              "--epochs", "2", "--out", tmp_path, "--json")  # fmt: skip
    done = cli(*recipe, "--folds", "3", "--name", "f", timeout=1500)
    assert done.returncode == 0, done.stderr
    result = events(done.stdout)[-1]
    assert result["event"] == "repeated" and result["kind"] == "folds" and len(result["runs"]) == 3
    runs = [Run(Path(path)) for path in result["runs"]]
    assert [run.state() for run in runs] == ["finished"] * 3 and result["pooled"]["n"] == 60
    said = [read_predictions(run) for run in runs]
    pooled = judge(
        np.concatenate([s.labels for s in said]), np.concatenate([s.probabilities for s in said]), said[0].classes
    )
    assert result["pooled"] == plain(pooled)
    accuracies = [run.finished().test.accuracy for run in runs]  # type: ignore[union-attr]
    assert result["measures"]["test accuracy"]["values"] == accuracies
    low, high = result["measures"]["test accuracy"]["ci"]
    assert 0 <= low <= np.mean(accuracies) <= high <= 1
    assert json.loads((tmp_path / "f-folds" / "result.json").read_text())["pooled"]["n"] == 60
    assert Split.read(runs[0].path / "split.csv") == Split.read(tmp_path / "f-folds" / "fold1.csv")
    computed = [e for e in events(done.stdout) if e["event"] == "progress" and e["task"] == "frozen layers"]
    assert sum(e["done"] for e in computed if e["done"] == e["total"]) <= 60  # no image twice, whatever the fold

    seeds = cli(
        *recipe, "--seeds", "2", "--seed", "4", "--split", runs[0].path / "split.csv", "--name", "s", timeout=1500
    )
    result = events(seeds.stdout)[-1]
    assert [Path(path).name for path in result["runs"]] == ["s-seed4", "s-seed5"] and result["pooled"] is None
    compared = cli("compare", "s-seed4", "s-seed5", "--out", tmp_path, "--json")
    assert json.loads(compared.stdout)["n"] == 20
    assert cli("compare", "s-seed4", "f-fold2", "--out", tmp_path).returncode == 1


def test_a_name_is_free_again_where_nothing_was_trained(tmp_path: Path) -> None:
    recipe = ("--weights", "none", "--augment", "none", "--epochs", "1", "--out", tmp_path / "runs", "--name", "x")
    for _ in range(2):
        done = within(tmp_path, ("train", tmp_path / "nowhere", *recipe, "--seeds", "2"))
        assert done.returncode == 3 and "does not exist" in done.stderr, done.stderr
    (tmp_path / "runs" / "x-seed0").mkdir(parents=True)
    (tmp_path / "runs" / "x-seed0" / "config.json").write_text("{}")
    for _ in range(2):
        done = within(tmp_path, ("train", SAMPLE, *recipe, "--seeds", "2"))
        assert done.returncode == 2 and "x-seed0 exists already" in done.stderr, done.stderr
    assert not (tmp_path / "runs" / "x-seeds").exists()


def test_repetitions_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    for flags, word in (
        (("--seeds", "2", "--folds", "2"), "one of them"),
        (("--seeds", "1"), "--seeds is 1"),
        (("--folds", "3", "--split", tmp_path / "x.csv"), "leave --split out"),
    ):
        done = within(tmp_path, ("train", SAMPLE, *flags, "--out", tmp_path / "runs"))
        assert done.returncode == 2 and word in done.stderr, done.stderr
