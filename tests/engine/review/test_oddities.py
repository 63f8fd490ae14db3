"""Of a picture with two labels one file is suspect; blank and coloured pictures are, where few are so."""

from pathlib import Path

import numpy as np
import pytest

from engine.data.records import Scan
from engine.data.scan import scan
from engine.review.oddities import oddities
from tests.makers.folders import put

GREY = np.random.default_rng(0).integers(0, 255, (25, 40, 40), dtype=np.uint8)


@pytest.fixture
def scanned(tmp_path: Path) -> Scan:
    for number, pixels in enumerate(GREY[:22]):
        put(tmp_path, f"{'AB'[number % 2]}/{number}.png", pixels)
    put(tmp_path, "A/twin.png", GREY[1])
    put(tmp_path, "A/blank.png", np.full((40, 40), 90, np.uint8))
    put(tmp_path, "B/photo.png", np.random.default_rng(1).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    return scan(tmp_path)


def told(scanned: Scan, **sound: float) -> dict[str, list[tuple[str, str]]]:
    named = {f"{key[0]}/{key[1:]}.png": value for key, value in sound.items()}
    return oddities(scanned, scanned.records, {r.file: named.get(r.file, 0.0) for r in scanned.records})


def test_of_twins_the_one_with_the_less_sound_label_is_suspect(scanned: Scan) -> None:
    found = told(scanned, Atwin=-3.0, B1=2.0)
    assert [kind for kind, _ in found["A/twin.png"]] == ["twins"] and "B/1.png" not in found
    assert "B/1.png (B)" in found["A/twin.png"][0][1]
    assert "A/twin.png" not in told(scanned, Atwin=3.0, B1=-2.0)


def test_a_twin_in_the_test_part_is_named_and_not_judged(scanned: Scan) -> None:
    shown = [record for record in scanned.records if record.file != "B/1.png"]
    found = oddities(scanned, shown, {record.file: 5.0 for record in shown})
    assert "B/1.png (B)" in found["A/twin.png"][0][1] and "B/1.png" not in found


def test_blank_and_coloured_pictures_are_odd(scanned: Scan) -> None:
    found = told(scanned)
    assert "blank" in found["A/blank.png"][0][1] and "colours" in found["B/photo.png"][0][1]
