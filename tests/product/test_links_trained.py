"""As test_links.py, with a run that was really trained and every verb that takes one: training on with it,
predicting, testing, explaining, exporting, and what tidies up behind all of them.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from engine.base.context import Context
from engine.runs.bin import delete
from engine.runs.directory import Run
from tests.conftest import SAMPLE
from tests.makers.outside import picture, planted
from tests.product.test_links import changes
from tui.cli import run as command

pytestmark = pytest.mark.slow
CLASSES = ("COVID", "Normal")
RECIPE = ("--backbone", "mobilenetv2", "--weights", "none", "--augment", "none", "--batch", "4", "--test-share", "0.2",
          "--val-share", "0.2", "--tensorboard", "--epochs", "1", "--no-near-duplicates")  # fmt: skip

WRITING = ("evaluate --on", "export", "report", "train --resume", "deletion")
"""The verbs that change something in a run that was tested before."""


def said(*words: object) -> int:
    return command(list(map(str, words)))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for part in ("own", "other"):
        for name in CLASSES:
            (folder / part / name).mkdir(parents=True)
            for image in sorted((SAMPLE / name / "images").iterdir())[:8]:
                shutil.copy(image, folder / part / name)
    return folder


@pytest.fixture(scope="module")
def trained_run(cache: Path, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained, tested on another folder, exported and reported."""
    out = tmp_path_factory.mktemp("base")
    run = out / "run"
    assert said("train", images / "own", *RECIPE, "--out", out, "--name", "run") == 0
    assert said("evaluate", run, "--on", images / "other") == 0
    assert said("export", run, "--format", "keras,savedmodel") == 0
    assert said("report", run) == 0
    return run


@pytest.fixture
def deeds(images: Path) -> dict[str, Callable[[Path], object]]:
    one = images / "own" / "COVID" / "COVID-1.png"
    return {
        "runs": lambda run: said("runs", "--json", "--out", run.parent),
        "attach": lambda run: said("attach", run),
        "predict": lambda run: said("predict", one, "--run", run),
        "predict with the newest": lambda run: said("predict", one, "--out", run.parent),
        "explain": lambda run: said("explain", one, "--run", run, "--png", run.parent / "heat.png"),
        "evaluate": lambda run: said("evaluate", run),
        "evaluate --on": lambda run: said("evaluate", run, "--on", images / "other"),
        "compare": lambda run: said("compare", run, run),
        "export": lambda run: said("export", run, "--format", "keras,savedmodel", "--force"),
        "report": lambda run: said("report", run),
        "doctor": lambda run: said("doctor", "--repair", "--out", run.parent),
        "train --resume": lambda run: said("train", images / "own", "--resume", run, "--epochs", "2"),
        "deletion": lambda run: len(delete([Run(run)], Context())) - 1,
    }


def test_each_verb_does_its_work_where_there_is_no_link(
    trained_run: Path, tmp_path: Path, deeds: dict[str, Callable[[Path], object]]
) -> None:
    """Or the next tests would show nothing."""
    run = tmp_path / "runs" / "run"
    shutil.copytree(trained_run, run)
    for name, deed in deeds.items():
        before = picture(run)
        assert deed(run) == 0, name
        after = picture(run) if run.exists() else {}
        assert (after != before) == (name in WRITING), name


APPENDED = ("lock", "events.jsonl", "history.csv", "train.log")


@pytest.mark.parametrize("spared", [(), APPENDED], ids=["all", "all but those that are appended to"])
def test_no_verb_changes_what_the_files_of_a_run_are_links_to(
    trained_run: Path, images: Path, tmp_path: Path, deeds: dict[str, Callable[[Path], object]], spared: tuple[str, ...]
) -> None:
    """As a store of blobs has them: the run can be used, and gone on with where no link would be written through."""
    run, outside = tmp_path / "1" / "run", tmp_path / "1-outside"
    shutil.copytree(trained_run, run)
    shutil.copytree(trained_run, outside)
    for path in [path for path in run.rglob("*") if path.is_file() and path.name not in spared]:
        path.unlink()
        path.symlink_to(outside / path.relative_to(run))
    codes: dict[str, object] = {}

    def noting(name: str, path: Path) -> None:
        codes[name] = deeds[name](path)

    noted: dict[str, Callable[[Path], object]] = {name: partial(noting, name) for name in deeds}
    assert changes(noted, "all files", run, images, trained_run.parent) == []
    assert codes == {name: int(name == "train --resume" and not spared) for name in deeds} and not run.exists()


def test_no_verb_changes_what_a_folder_of_a_run_is_a_link_to(
    trained_run: Path, images: Path, tmp_path: Path, deeds: dict[str, Callable[[Path], object]]
) -> None:
    """Each in turn."""
    writing = {name: deed for name, deed in deeds.items() if name in WRITING or name == "doctor"}
    found, count = list[str](), 0
    for what, run in planted(
        trained_run, tmp_path, ("link",), [path for path in trained_run.rglob("*") if path.is_dir()]
    ):
        found += changes(writing, what, run, images, trained_run.parent)
        shutil.rmtree(run.parent)
        shutil.rmtree(f"{run.parent}-outside")
        count += 1
    assert found == [] and count > 8
