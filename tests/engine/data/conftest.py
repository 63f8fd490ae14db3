"""Folders that several tests of the data rooms look at."""

from pathlib import Path

import pytest

from tests.makers.folders import picture, put


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two classes laid out as the COVID-19 Radiography Database has them."""
    for label in ("COVID", "Normal"):
        for number in (1, 2, 10):
            put(tmp_path, f"{label}/images/{label}-{number}.png", picture(number + len(label) * 100))
            put(tmp_path, f"{label}/masks/{label}-{number}.png", picture(number, (10, 8)))
    return tmp_path
