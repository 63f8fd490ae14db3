"""What was noted on images is told by every way in: once a note, on how many images, with one of them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.events import Event, Notice
from engine.data.image.notes import Noted, noted, of_other_bits
from engine.data.pixel_store import open_store
from engine.data.scan import scan
from engine.data.warnings import folder_warnings
from engine.evaluation.predictor import MODEL
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs import directory
from engine.runs.directory import ENVIRONMENT
from engine.runs.writer import create
from engine.training.data import scanned
from engine.training.fit_phases import pixel_rules_of
from tests.conftest import Cli
from tests.makers import small
from tests.makers.made import model_run

SPREAD = "uses 12 of its 16 bits, so those are spread over all levels"
HIDDEN = "has an alpha channel that hides all of it, which is ignored"
OTHER = "use other bits than the rest, 12 (1 use 10), so their brightness can't be compared with it"


def chest(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 120, (48, 48))
    pixels: np.ndarray = (60 + 60 * np.sin(np.mgrid[:48, :48][0] / 6) + noise).clip(0, 255).astype(np.uint8)
    return pixels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 24 images, 12 of 12 bits and one of 10 in 16, and 11 whose alpha hides them."""
    root = tmp_path_factory.mktemp("noted")
    for label, first in (("COVID", 0), ("Normal", 100)):
        (root / label).mkdir()
        for number in range(12):
            pixels, path = chest(first + number), root / label / f"{number}.png"
            if number % 2 == 0:
                Image.fromarray(pixels.astype(np.uint16) * 16).save(path)
            elif number == 11 and label == "Normal":
                Image.fromarray(pixels.astype(np.uint16) * 4).save(path)
            else:
                Image.fromarray(np.dstack([pixels, pixels, pixels, np.zeros_like(pixels)])).save(path)
    return root


TOLD = (
    f"12 of 24 images: {SPREAD} (e.g. COVID/0.png)",
    f"11 of 24 images: {HIDDEN} (e.g. COVID/1.png)",
    f"1 of 24 images: {SPREAD.replace('12', '10', 1)} (e.g. Normal/11.png)",
    f"1 of 13 images: {OTHER} (e.g. Normal/11.png)",
)


class TestCounting:
    def test_each_note_is_told_once_with_its_count_and_first_file(self) -> None:
        found = noted([("a", ["x", "y"]), ("b", ["y", "y"]), ("c", [])])
        assert found == (Noted("y", 2, 3, "a"), Noted("x", 1, 3, "a"))
        assert [item.sentence for item in found] == ["2 of 3 images: y (e.g. a)", "1 of 3 images: x (e.g. a)"]
        assert noted([]) == () and noted([("a", ["x"])])[0].sentence == "1 of 1 image: x (e.g. a)"

    def test_files_of_other_bits_are_named_against_the_usual_ones(self) -> None:
        assert not list(of_other_bits([("a", 12), ("b", 12)])) and not list(of_other_bits([]))
        (found,) = of_other_bits([("a", 12), ("b", 10), ("c", 12), ("d", 16)])
        assert (found.images, found.of, found.example) == (2, 4, "b")
        assert "12 (1 use 10, 1 use 16)" in found.note


class TestTold:
    def test_by_a_scan_in_words_and_in_json(self, folder: Path, cli: Cli) -> None:
        lines = cli("scan", folder).stdout.splitlines()
        at = lines.index("To know of the images:")
        assert lines[at + 1 : at + 5] == [f"  {line}" for line in TOLD]
        values = json.loads(cli("scan", folder, "--json").stdout)["notes"]
        assert values[0] == {"note": SPREAD, "images": 12, "of": 24, "example": "COVID/0.png"}
        assert len(values) == 4

    def test_before_a_training_and_not_again_when_it_goes_on(self, folder: Path) -> None:
        told: list[Event] = []
        scanned(folder, TrainConfig(), Context(told.append))
        texts = [event.text for event in told if isinstance(event, Notice) and event.level == "warning"]
        assert [text for text in texts if " images: " in text] == [f"{line}." for line in TOLD]
        told.clear()
        scanned(folder, TrainConfig(), Context(told.append), gone_ok=True)
        assert not [event for event in told if isinstance(event, Notice) and " images: " in event.text]

    def test_on_the_dataset_screen(self, folder: Path) -> None:
        texts = [one.sentence for one in folder_warnings(scan(folder))]
        assert [text for text in texts if " images: " in text] == list(TOLD)

    @pytest.mark.slow
    def test_by_a_prediction(self, folder: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        small.shrink(monkeypatch)
        run = model_run(tmp_path, "run", folder, ("COVID", "Normal")).path
        (run / MODEL).write_text(json.dumps({**json.loads((run / MODEL).read_text()), "reading": 2}))
        for flags in ((), ("--json",)):
            done = cli("predict", folder, "--run", run, *flags)
            assert done.returncode == 0, done.stderr
            told = [line for line in done.stderr.splitlines() if " images: " in line]
            assert told == [line.replace("e.g. ", f"e.g. {folder}/") + "." for line in TOLD[:3]]


@pytest.fixture
def older(trained: dict[str, Any], tmp_path: Path) -> Path:
    """The trained run as a version wrote it that had one way to read images."""
    run = tmp_path / "older"
    shutil.copytree(trained["run"], run)
    for name in (MODEL, ENVIRONMENT):
        values = json.loads((run / name).read_text())
        assert values.pop("reading") == 2
        (run / name).write_text(json.dumps(values))
    return run


class TestOlderRuns:
    def test_predict_from_the_pixels_that_they_learnt_and_say_so(
        self, older: Path, trained: dict[str, Any], cli: Cli, tmp_path: Path
    ) -> None:
        dark = np.rint(chest(5).astype(np.uint16) * 16 / 257).astype(np.uint8)
        for name, pixels in (("wide", chest(5).astype(np.uint16) * 16), ("dark", dark), ("plain", chest(5))):
            Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        files = [tmp_path / f"{name}.png" for name in ("wide", "dark", "plain")]
        answers = {}
        for run in (older, trained["run"]):
            done = cli("predict", *files, "--run", run, "--json")
            answers[run] = [json.loads(line) for line in done.stdout.splitlines()]
        wide, as_dark, _ = answers[older]
        assert wide["probabilities"] == pytest.approx(as_dark["probabilities"], abs=1e-5)
        assert wide["notes"] == ["uses 12 of its 16 bits and looks dark, as when this run was trained"]
        wide, as_dark, as_plain = answers[trained["run"]]
        assert wide["probabilities"] != pytest.approx(as_dark["probabilities"], abs=1e-3)
        assert wide["probabilities"] == pytest.approx(as_plain["probabilities"], abs=0.1)

    def test_go_on_with_their_own_reading(self, older: Path, trained: dict[str, Any], folder: Path) -> None:
        assert (pixel_rules_of(directory.Run(older)), pixel_rules_of(directory.Run(trained["run"]))) == (1, 2)
        found = scanned(folder, TrainConfig(), Context(), gone_ok=True, pixel_rules=1)
        assert found.scan.pixel_rules == 1
        dark = [record.mean for record in found.scan.records if record.bit_depth == 16]
        assert max(dark) < 17

    def test_a_run_of_a_newer_version_is_not_read_by_guess(self, older: Path, cli: Cli, folder: Path) -> None:
        values = json.loads((older / MODEL).read_text())
        (older / MODEL).write_text(json.dumps({**values, "reading": 3}))
        done = cli("predict", folder / "COVID" / "0.png", "--run", older)
        assert done.returncode == 1 and done.stderr.rstrip().endswith("does not know: update covid-tui.")

    def test_a_run_that_has_begun_nothing_reads_as_new_ones_do(self, folder: Path, tmp_path: Path) -> None:
        run = create(folder, TrainConfig(output=OutputConfig(out=tmp_path, name="new"))).run
        assert pixel_rules_of(run) == 2
        for damaged in ("one", True, 0, None):
            (run.path / ENVIRONMENT).write_text(json.dumps({"reading": damaged}))
            with pytest.raises(RunError, match='its "reading" should be a whole number'):
                pixel_rules_of(run)


def test_pixels_kept_under_one_reading_are_not_taken_for_those_of_another(folder: Path, tmp_path: Path) -> None:
    means = []
    for reading in (1, 2, 1, 2):
        records = scan(folder, pixel_rules=reading).records
        store, problems = open_store(folder, records, 32, tmp_path, pixel_rules=reading)
        assert not problems
        means.append(float(store.array.mean()))
    assert means[0] == means[2] < 20 and means[1] == means[3] > 60
    assert len(list((tmp_path / "pixels").glob("*.u8"))) == 2
