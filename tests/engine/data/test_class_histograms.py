"""Histograms of levels, as NumPy counts them, and those of classes as shares."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.context import Context
from engine.base.events import Event, Progress
from engine.data.class_histograms import class_histograms
from engine.data.image.histogram import BINS, histogram
from engine.data.image.inspect import inspect
from engine.data.image.reader import read
from engine.data.scan import scan
from tests.conftest import SAMPLE


@given(seed=st.integers(0, 100), height=st.integers(1, 40), bins=st.sampled_from((16, 32, 256)), grey=st.booleans())
def test_a_histogram_counts_every_sample_once(seed: int, height: int, bins: int, grey: bool) -> None:
    shape = (height, 7) if grey else (height, 7, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    expected, _ = np.histogram(pixels, bins=bins, range=(0, 256))
    assert histogram(pixels, bins).tolist() == expected.tolist()


def test_the_histograms_of_classes_are_percent_of_evenly_spread_images() -> None:
    records = [record for record in scan(SAMPLE, ("COVID", "Normal")).records if record.label == "COVID"]
    heard: list[Event] = []
    [(label, shares)] = class_histograms(SAMPLE, records, 2, Context(heard.append)).items()
    assert label == "COVID" and sum(shares) == pytest.approx(100)
    chosen = [read(SAMPLE / records[place].file).pixels for place in (0, len(records) // 2)]
    expected = sum(100 * histogram(pixels) / pixels.size for pixels in chosen) / 2
    assert shares == pytest.approx(list(np.atleast_1d(expected))) and heard[-1] == Progress("intensities", 2, 2)


def test_an_inspected_file_has_the_same_histogram() -> None:
    file = Path(SAMPLE / "COVID" / "images" / "COVID-1.png")
    assert inspect(file)["histogram"] == histogram(read(file).pixels, BINS).tolist()
