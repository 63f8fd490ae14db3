"""Every workbench that a test opens in its own process is opened quickly, and most on a small folder."""

import gc
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.makers.drive import DATA
from tests.makers.quick import make_quick
from tests.makers.scanned import scanned


@pytest.fixture(scope="session", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch)
        patch.setattr("tui.state.session.scan_folder", scanned)
        yield


COUNT = itertools.count(1)
TESTS_BETWEEN = 40


@pytest.fixture(autouse=True)
def thrown_away() -> Iterator[None]:
    """Each workbench freezes what Python's collector knows, what is left of the one before included. It goes now and
    then, or a worker has gigabytes of it in the end.
    """
    yield
    if next(COUNT) % TESTS_BETWEEN == 0:
        gc.unfreeze()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def dozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images of each class of the sample, with their masks and tables: a split has four in each part."""
    folder = tmp_path_factory.mktemp("dozen")
    for table in DATA.glob("*.xlsx"):
        shutil.copy(table, folder)
        label = table.name.removesuffix(".metadata.xlsx")
        for kind in ("images", "masks"):
            (folder / label / kind).mkdir(parents=True)
            for number in (1, 2, 3):
                shutil.copy(DATA / label / kind / f"{label}-{number}.png", folder / label / kind)
    return folder
