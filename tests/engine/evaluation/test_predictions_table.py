"""Predictions as a CSV file: no cell that acts, none for what is not known."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from engine.base.escape import from_cell
from engine.base.files import write_json
from engine.base.typed_files import plain
from engine.evaluation.calibration import CALIBRATION, at_temperature, calibrate
from engine.evaluation.level_likeness import Compared, Likeness
from engine.evaluation.prediction import Decision, Prediction
from engine.evaluation.predictions_table import worst_first, write_predictions
from engine.recipe.config import JudgeConfig
from tests.makers.made import finished_run


def test_a_csv_of_predictions_has_no_cell_that_acts_and_none_for_what_is_not_known(tmp_path: Path) -> None:
    classes = ("=1+1", "\x1b[31mB")
    shares = dict(zip(classes, (0.75, 0.25), strict=True))
    decision = Decision("=1+1", 0.5, "youden", yes=True, says="=1+1")
    odd = Likeness(9, (Compared("mean level", 250.0, 90.0, 170.0),))
    calibrated = dict(zip(classes, (0.6, 0.4), strict=True))
    whole = Prediction(Path("a.png"), "=1+1", shares, (), calibrated, decision, 1.5, 2.5, ("-2+3 \x9b", "is odd"), odd)
    lines = [whole.to_dict(), Prediction(Path("b.png"), "=1+1", shares).to_dict(), {"file": "c.png", "error": "no"}]
    write_predictions(tmp_path / "x.csv", lines, classes)
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        header, first, second, third = csv.reader(file)
    told = ("decision", "possible", "refused", "distance", "distance_limit", "likeness", "cautions", "error")
    names = ("file", "label", *classes, "calibrated", *told, *(f"uncalibrated {name}" for name in classes))
    assert tuple(map(from_cell, header)) == names
    assert first == [
        "a.png", "'=1+1", "0.6", "0.4", "yes", "'=1+1", "", "", "1.5", "2.5", "unlike", "'-2+3 \\x9b; is odd", "",
        "0.75", "0.25",
    ]  # fmt: skip
    assert second == ["b.png", "'=1+1", "0.75", "0.25", "no", *[""] * 5, "not checked", "", "", "0.75", "0.25"]
    assert third == ["c.png", *[""] * 11, "no", "", ""]
    assert not [cell for cell in header + first if cell.startswith(tuple("=+-@")) or not cell.isprintable()]


def test_images_that_it_is_equally_sure_of_are_in_natural_order(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    lines = [(f"A-{number}.png", "A", [0.9, 0.1]) for number in (10, 2, 1, 11)]
    run = finished_run(tmp_path / "runs", "one", tmp_path / "data", lines, ("A", "B"))
    assert [answer.file for answer in worst_first(run)] == [f"A-{number}.png" for number in (1, 2, 10, 11)]


def test_the_worst_mistakes_go_by_the_calibrated_probability(tmp_path: Path) -> None:
    classes, files = ("A", "B", "C"), ("first.png", "second.png")
    answers = [[0.50, 0.49, 0.01], [0.48, 0.26, 0.26]]
    (tmp_path / "data").mkdir()
    lines = [(file, "B", shares) for file, shares in zip(files, answers, strict=True)]
    run = finished_run(tmp_path / "runs", "one", tmp_path / "data", lines, classes)
    assert [answer.file for answer in worst_first(run)] == list(files)
    assert all(answer.shares == answer.own for answer in worst_first(run)), "without a temperature"
    labels, logits = np.arange(6) % 3, np.random.default_rng(0).normal(size=(6, 3))
    found = calibrate(labels, logits, classes, JudgeConfig())
    write_json(run.path / CALIBRATION, plain(dataclasses.replace(found, temperature=0.25)))
    first, second = worst_first(run)
    assert (first.file, second.file) == (files[1], files[0]), "after it the second is surer than the first"
    stood_by = at_temperature(np.array(answers), 0.25)
    assert list(first.shares.values()) == pytest.approx(stood_by[1]) and list(first.own.values()) == answers[1]
    assert first.sure == first.shares["A"] and first.wrong
