"""Predictions as a CSV file: no cell that acts, none for what is not known."""

import csv
from pathlib import Path

from engine.base.escape import from_cell
from engine.evaluation.level_likeness import Compared, Likeness
from engine.evaluation.prediction import Decision, Prediction
from engine.evaluation.predictions_table import write_predictions


def test_a_csv_of_predictions_has_no_cell_that_acts_and_none_for_what_is_not_known(tmp_path: Path) -> None:
    classes = ("=1+1", "\x1b[31mB")
    shares = dict(zip(classes, (0.75, 0.25), strict=True))
    decision = Decision("=1+1", 0.5, "youden", yes=True, says="=1+1")
    odd = Likeness(9, (Compared("mean level", 250.0, 90.0, 170.0),))
    whole = Prediction(Path("a.png"), "=1+1", shares, (), shares, decision, 1.5, 2.5, ("-2+3 \x9b", "is odd"), odd)
    lines = [whole.to_dict(), Prediction(Path("b.png"), "=1+1", shares).to_dict()]
    write_predictions(tmp_path / "x.csv", lines, classes)
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    names = ("file", "label", *classes, *(f"calibrated {name}" for name in classes))
    assert tuple(map(from_cell, header[:-8])) == names
    assert header[-8:] == [
        "decision",
        "possible",
        "refused",
        "distance",
        "distance_limit",
        "likeness",
        "cautions",
        "error",
    ]
    assert first == [
        *(
            "a.png",
            "'=1+1",
            "0.75",
            "0.25",
            "0.75",
            "0.25",
            "'=1+1",
            "",
            "",
            "1.5",
            "2.5",
            "unlike",
            "'-2+3 \\x9b; is odd",
            "",
        )
    ]
    assert second == ["b.png", "'=1+1", "0.75", "0.25", *[""] * 7, "not checked", "", ""]
    assert not [cell for cell in header + first if cell.startswith(tuple("=+-@")) or not cell.isprintable()]
