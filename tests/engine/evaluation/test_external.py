"""Tests on images from elsewhere: class mapping, the drop of each measure, and how far the images lie off."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from engine.base.errors import ConfigError
from engine.base.typed_files import plain
from engine.data.records import Record
from engine.data.split import Split
from engine.evaluation import external
from engine.evaluation.metrics import judge
from engine.evaluation.result_files import read_external
from engine.evaluation.training_reference import Reference
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Cli
from tests.engine.evaluation.test_intervals import simulated


def record(mean: float, side: int) -> Record:
    return Record("f.png", "a", "00", "PNG", "L", side, side, 1, mean, False, None, None)


def test_a_mapping_is_read_and_checked() -> None:
    assert external.parse_mapping("") == {}
    assert external.parse_mapping('PNEUMONIA=Viral Pneumonia, "a=b, c"=COVID') == {
        "PNEUMONIA": "Viral Pneumonia",
        "a=b, c": "COVID",
    }
    for bad in ("PNEUMONIA", "=COVID", "x="):
        with pytest.raises(ConfigError, match="--map"):
            external.parse_mapping(bad)
    with pytest.raises(ConfigError, match="folder's classes"):
        external.check_mapping({"z": "COVID"}, ["x"], ["COVID"])
    with pytest.raises(ConfigError, match="run's classes"):
        external.check_mapping({"x": "z"}, ["x"], ["COVID"])


def test_a_drop_is_the_difference_with_an_interval_that_shrinks_with_more_images() -> None:
    good, bad = judge(*simulated(3.0, 400, 0), ("a", "b")), judge(*simulated(0.5, 400, 1), ("a", "b"))
    found = external.drop(good, bad)
    assert set(found) >= {"accuracy", "auc", "mcc", "macro f1", "a sensitivity", "b specificity"}
    for row in found.values():
        low, high = row.difference_ci
        assert row.difference == pytest.approx(row.here - row.test) and low <= row.difference <= high
    assert found["accuracy"].difference_ci[1] < 0 and found["auc"].difference_ci[1] < 0
    few = external.drop(good, judge(*simulated(0.5, 40, 1), ("a", "b")))
    assert np.diff(few["accuracy"].difference_ci) > np.diff(found["accuracy"].difference_ci)
    assert "b sensitivity" not in external.drop(good, judge(*simulated(0.5, 400, 1), ("a", "c")))


def test_means_over_other_classes_are_not_compared() -> None:
    """A folder of positives alone has a Matthews coefficient of 0, which says nothing of the model."""
    labels = np.repeat([0, 1, 2], 50)
    shares = np.eye(3)[labels] * 0.6 + 0.1
    whole = judge(labels, shares, ("a", "b", "c"))
    part = judge(labels[:100], shares[:100], ("a", "b", "c"))
    found = external.drop(whole, part)
    assert set(found) == {"accuracy", *(f"{name} sensitivity" for name in "ab"), *(f"{n} specificity" for n in "abc")}
    assert {"mcc", "auc", "macro f1"} <= set(external.drop(whole, whole))


def test_shift_tells_moved_images_from_unmoved() -> None:
    random = np.random.default_rng(0)
    facts = {"mean level": random.normal(120, 20, 100), "width": np.full(100, 299.0), "height": np.full(100, 299.0)}
    training = Reference(random.normal(1, 0.3, (100, 20)).astype(np.float32), facts)
    means = random.normal(120, 20, 80)
    same = external.shift(training, [record(m, 299) for m in means], random.normal(1, 0.3, (80, 20)))
    moved = random.normal(1, 0.3, (80, 20)) + np.eye(20)[0] * 3
    far = external.shift(training, [record(m + 40, 512) for m in means], moved)
    assert same is not None and far is not None
    assert same.facts["mean level"].ks == pytest.approx(ks_2samp(facts["mean level"], means).statistic)
    assert same.facts["mean level"].p > 0.01 > far.facts["mean level"].p
    assert plain(far.facts["width"]) == pytest.approx({"training": 299, "here": 512, "ks": 1, "p": 0}, abs=1e-9)
    assert same.features.beyond < 0.2 and far.features.beyond > 0.9
    assert same.told_apart is not None and far.told_apart is not None
    assert 0.3 < same.told_apart < 0.7 and far.told_apart > 0.98
    assert external.shift(None, [], moved) is None


def test_evaluate_on_another_folder_keeps_an_external_test(trained: dict[str, Any], cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    for name in ("COVID", "Lung_Opacity", "Normal"):
        (folder / name).mkdir(parents=True)
        for number in range(1, 6):
            shutil.copy(SAMPLE / name / "images" / f"{name}-{number}.png", folder / name)
    done = cli("evaluate", trained["run"], "--on", folder, "--map", "Lung_Opacity=Viral Pneumonia", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["n"] == 10 and shown["left_out"] == {"Normal": 5}
    learnt = [row.file for row in Split.read(Path(trained["run"]) / "split.csv").rows if row.part != "test"]
    again = sum(f"COVID/images/COVID-{number}.png" in learnt for number in range(1, 6))
    assert shown["learnt_from"] == again > 0
    assert f"{again} of the 10 images are ones that the run learnt from" in done.stderr
    assert shown["mapping"]["Lung_Opacity"] == "Viral Pneumonia"
    test = json.loads((Path(trained["run"]) / "test.json").read_text())
    assert shown["drop"]["accuracy"]["test"] == test["accuracy"] and "curves" not in shown and "curves" in test
    assert shown["shift"]["facts"]["width"]["ks"] == 0 and shown["shift"]["told_apart"] is not None
    [kept] = [one for one in read_external(Run(trained["run"])) if one.folder == "elsewhere"]
    assert kept.accuracy == shown["accuracy"] and str(tmp_path) not in json.dumps(plain(kept))
    assert cli("report", trained["run"]).returncode == 0
    card = (Path(trained["run"]) / "card.md").read_text()
    assert "Counted: Lung\\_Opacity as Viral Pneumonia. Left out, as the run does not know them: Normal (5)." in card
    assert f"**{again} of the 10 images are ones that the run learnt from" in card
    row = shown["drop"]["accuracy"]
    low, high = row["difference_ci"]
    assert f"| accuracy | {row['test']:.3f} | {row['here']:.3f} | {row['difference']:+.3f} ({low:+.3f} to " in card
    assert f"{high:+.3f}) |" in card and "told apart with AUC" in card
    refused = cli("evaluate", trained["run"], "--on", folder, "--map", "Nobody=COVID")
    assert refused.returncode == 2 and "--map" in refused.stderr
