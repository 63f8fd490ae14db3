"""The verb `curve`: one sentence, the same in text and JSON, and exit code 3 where too few images allow none."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.auto.curve import LearningCurve
from engine.base.typed_files import checked
from tests.conftest import SAMPLE, Cli

pytestmark = pytest.mark.usefixtures("small_pictures")
FLAGS = ("--precision", "float32", "--frozen-engine", "ncnn")


def folder(path: Path, **counts: int) -> Path:
    """So many of the sample's images of each class."""
    for name, count in counts.items():
        (path / name).mkdir()
        for file in sorted((SAMPLE / name / "images").glob("*.png"))[:count]:
            shutil.copy(file, path / name)
    return path


@pytest.mark.slow
def test_text_and_json_say_the_same(cli: Cli, tmp_path: Path) -> None:
    data = folder(tmp_path, COVID=14, Normal=14)
    done = cli("curve", data, *FLAGS, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    curve = checked({key: value for key, value in facts.items() if key != "sentence"}, LearningCurve)
    assert facts["sentence"] == curve.sentence
    assert [one.images for one in curve.law][4::2] == [curve.images, 2 * curve.images, 4 * curve.images]
    told = cli("--curve", data, *FLAGS)
    assert told.stdout.endswith(f"\n{curve.sentence}\n{curve.doubts}\n")
    assert f"{4 * curve.images:,}" in told.stdout.splitlines()[len(curve.law)]


def test_too_few_images_end_with_one_sentence(cli: Cli, tmp_path: Path) -> None:
    done = cli("curve", folder(tmp_path, COVID=20, Normal=6), *FLAGS)
    assert (done.returncode, done.stdout) == (3, "")
    assert "covid-tui: Too few images to say what more of them would bring" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_whole_sample_is_what_a_half_of_it_forecast(cli: Cli, tmp_path: Path) -> None:
    """A band of 80% misses one time in five, so one half may forecast what does not come, but hardly both."""
    now = law(cli, SAMPLE)[4]
    kept = []
    for half in (0, 1):
        for label in (path for path in SAMPLE.iterdir() if (path / "images").is_dir()):
            (tmp_path / str(half) / label.name).mkdir(parents=True)
            for file in sorted((label / "images").iterdir())[half::2]:
                shutil.copy(file, tmp_path / str(half) / label.name)
        twice = law(cli, tmp_path / str(half))[6]
        kept.append(twice["band"][0] <= now["band"][1] and now["band"][0] <= twice["band"][1])
    assert any(kept)


def law(cli: Cli, data: Path) -> list[dict[str, Any]]:
    """What `curve` forecasts for so many images; the fifth is all of them, the seventh twice as many."""
    return json.loads(cli("curve", data, *FLAGS, "--json").stdout)["law"]  # type: ignore[no-any-return]
