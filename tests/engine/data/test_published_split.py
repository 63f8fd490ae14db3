"""A split that folders publish, train/CLASS beside test/CLASS: taken as it stands, its leaks told, validation drawn."""

import json
import shutil
from pathlib import Path

import openpyxl
import pytest

from engine.audit.material import splits_of
from engine.base.context import Context
from engine.base.errors import ConfigError, DataError
from engine.data.records import Scan
from engine.data.scan import scan
from engine.data.split import Split, for_recipe, published
from engine.data.subset import subset
from engine.jobs.repeat import over_folds
from engine.recipe.config import DataConfig, MachineConfig, TrainConfig
from tests.conftest import SAMPLE, Cli
from tests.makers import small
from tests.makers.drive import run, text, until
from tui.app import Workbench

COUNTS = {"train": range(1, 11), "test": range(11, 15)}
CLASSES = ("COVID", "Normal", "Viral Pneumonia")


def lay(root: Path, parts: dict[str, range], flat: bool = False, classes: tuple[str, ...] = CLASSES) -> Path:
    """The sample's images by these numbers in the parts' folders, with masks but for the flat layout."""
    for part, numbers in parts.items():
        for label in classes:
            for kind in ("images",) if flat else ("images", "masks"):
                folder = root / part / label / ("" if flat else kind)
                folder.mkdir(parents=True)
                for number in numbers:
                    shutil.copy(SAMPLE / label / kind / f"{label}-{number}.png", folder)
    return root


def parts_of(split: Split) -> dict[str, str]:
    return {row.file: row.part for row in split.rows}


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("names", [("train", "test"), ("Train", "TEST"), ("training", "testing")])
def test_the_test_part_is_the_folders_and_validation_is_drawn_from_train(
    tmp_path: Path, flat: bool, names: tuple[str, str]
) -> None:
    found = scan(lay(tmp_path, dict(zip(names, COUNTS.values(), strict=True)), flat))
    assert found.published and list(found.classes) == list(CLASSES)
    assert [summary.images for summary in found.classes.values()] == [14] * 3
    assert all((record.mask is None) == flat for record in found.records)
    for seed in range(3):
        split, told = published(found, 0.2, seed)
        assert split.counts() == {
            "train": dict.fromkeys(CLASSES, 8), "validation": dict.fromkeys(CLASSES, 2),
            "test": dict.fromkeys(CLASSES, 4),
        }  # fmt: skip
        for file, part in parts_of(split).items():
            assert (part == "test") == file.startswith(f"{names[1]}/")
        assert len(told) == 1 and "no validation part" in told[0]
    _, notices = for_recipe(found, DataConfig(), 0)
    assert notices[0].level == "info" and notices[0].text.startswith("Split as published by the folders")


@pytest.mark.parametrize("name", ["val", "valid", "Validation"])
def test_a_folder_for_validation_is_taken_too(tmp_path: Path, name: str) -> None:
    found = scan(lay(tmp_path, {**COUNTS, name: range(20, 23)}))
    split, told = published(found)
    assert told == () and {row.part for row in split.rows if row.file.startswith(f"{name}/")} == {"validation"}
    assert split.counts()["train"] == dict.fromkeys(CLASSES, 10)


def test_classes_are_the_union_and_each_must_be_in_every_part(tmp_path: Path) -> None:
    lay(tmp_path, COUNTS)
    lay(tmp_path, {"train": range(1, 5)}, classes=("Lung_Opacity",))
    found = scan(tmp_path)
    assert list(found.classes) == ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
    with pytest.raises(DataError, match='no image of class "Lung_Opacity" into the part "test"'):
        published(found)
    picked = scan(tmp_path, ("Normal", "COVID"))
    assert list(picked.classes) == ["Normal", "COVID"] and published(picked)[0].counts()["test"]["Normal"] == 4
    with pytest.raises(ConfigError, match="has no class"):
        scan(tmp_path, ("Flu",))


def test_leaks_between_the_folders_are_told(tmp_path: Path, cli: Cli) -> None:
    root = lay(tmp_path / "data", COUNTS)
    shutil.copy(root / "train/COVID/images/COVID-3.png", root / "test/COVID/images/COVID-99.png")
    _, told = published(scan(root))
    (leak,) = (text for text in told if "looks better than it is" in text)
    assert "train/COVID/images/COVID-3.png (train)" in leak or "COVID-3.png (validation)" in leak
    assert "test/COVID/images/COVID-99.png (test)" in leak
    done = cli("scan", root, "--json")
    facts = json.loads(done.stdout)
    assert facts["published"] is True
    assert [{item["part"] for item in group} for group in facts["leaks"]] == [{"train", "test"}]
    shown = cli("scan", root).stdout
    assert "train 30, test 13; split as published by the folders." in shown and "! LEAKS" in shown


def test_sources_come_from_a_workbook_beside_the_class_or_above(tmp_path: Path) -> None:
    root = lay(tmp_path, COUNTS)
    for place, source in ((root, "above"), (root / "test", "beside")):
        book = openpyxl.Workbook()
        book.active.append(["FILE NAME", "URL"])
        for number in range(1, 15):
            book.active.append([f"COVID-{number}", source])
        book.save(place / "COVID.metadata.xlsx")
    sources = {r.file.split("/")[0]: r.source for r in scan(root).records if r.label == "COVID"}
    assert sources == {"train": "above", "test": "beside"}


def test_patients_in_two_parts_are_told(tmp_path: Path) -> None:
    found = scan(lay(tmp_path, COUNTS))
    _, notices = for_recipe(found, DataConfig(group_by=r"name:^.*-\d"), 0)
    assert any("patients in two parts" in notice.text for notice in notices)


def test_parts_without_classes_in_them_are_no_classes(tmp_path: Path) -> None:
    for name in ("train", "test"):
        shutil.copytree(SAMPLE / "COVID", tmp_path / "parts" / name)
    with pytest.raises(DataError, match="holds test and train, parts of a split, but no class folders in them"):
        scan(tmp_path / "parts")
    alone = scan(lay(tmp_path / "alone", {"train": range(1, 5)}))
    assert not alone.published and list(alone.classes) == list(CLASSES)
    assert alone.layout.remarks == ("The classes were found in train.",)


def test_a_split_beside_folders_named_as_its_classes_is_not_guessed_at(tmp_path: Path) -> None:
    mixed = lay(tmp_path / "mixed", COUNTS)
    shutil.copytree(SAMPLE / "COVID", mixed / "covid")
    with pytest.raises(DataError, match=r"holds a split \(test and train\) and, beside it, .* its classes \(covid\)"):
        scan(mixed)


def test_where_no_part_is_for_the_test_one_is_drawn_and_validation_kept(tmp_path: Path) -> None:
    found = scan(lay(tmp_path, {"train": range(1, 21), "val": range(21, 24)}))
    split, told = published(found, 0.1, 3, None, 0.2)
    assert split.counts() == {
        "train": dict.fromkeys(CLASSES, 16), "validation": dict.fromkeys(CLASSES, 3), "test": dict.fromkeys(CLASSES, 4)
    }  # fmt: skip
    for file, part in parts_of(split).items():
        assert (part == "validation") == file.startswith("val/")
    assert told == (f"{tmp_path} has no test part: 20% of the images to train on are drawn for it.",)
    _, notices = for_recipe(found, DataConfig(test_share=0.2), 3)
    assert notices[0].text == "Split as published by the folders."
    assert any("a test is drawn" in text for text in found.layout.remarks)


def test_what_is_out_of_place_is_told_and_a_choice_of_classes_keeps_its_own(tmp_path: Path) -> None:
    root = lay(tmp_path, COUNTS)
    (root / "notes").mkdir()
    (root / "train" / "Flu").mkdir()
    shutil.copy(SAMPLE / "COVID/images/COVID-1.png", root / "test" / "stray.png")
    (root / "test/Normal/images/Normal-11.png").write_bytes(b"no image")
    whole = scan(root)
    told = {(problem.file, problem.kind) for problem in whole.problems}
    assert {
        ("notes", "folder"), ("train/Flu", "empty"), ("test/stray.png", "misplaced"),
        ("test/Normal/images/Normal-11.png", "unreadable"),
    } <= told  # fmt: skip
    for names in (("COVID",), ("Normal", "Viral Pneumonia")):
        chosen, alone = subset(whole, names), scan(root, names)
        assert chosen.records == alone.records and chosen.classes == alone.classes
        own = {p.file for p in chosen.problems} - {"train/Flu"}
        assert own == {p.file for p in alone.problems}


def test_an_audit_keeps_it_and_folds_refuse_it(tmp_path: Path) -> None:
    found = scan(lay(tmp_path, COUNTS))
    _, (kept,) = splits_of(found, TrainConfig(), 5, lambda event: None)
    assert kept == published(found)[0]
    with pytest.raises(ConfigError, match="publishes a split by its folders"):
        over_folds(tmp_path, TrainConfig(machine=MachineConfig()), 3, Context())


@pytest.mark.slow
def test_a_training_takes_it(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    small.shrink(monkeypatch)
    root = lay(tmp_path / "data", COUNTS, classes=CLASSES[:2])
    done = cli(
        *("train", root, "--weights", "none", "--augment", "none", "--epochs", "1", "--batch", "8"),
        *("--out", tmp_path / "runs", "--name", "one"),
    )
    assert done.returncode == 0, done.stderr
    assert "Split as published by the folders" in done.stderr and "/8 = " in done.stdout
    parts = parts_of(Split.read(tmp_path / "runs/one/split.csv"))
    assert {file for file, part in parts.items() if part == "test"} == {f for f in parts if f.startswith("test/")}


def test_the_dataset_screen_says_so(tmp_path: Path) -> None:
    root = lay(tmp_path / "data", COUNTS)
    shutil.copy(root / "train/COVID/images/COVID-3.png", root / "test/COVID/images/COVID-99.png")

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", data=root)
        async with app.run_test(size=(120, 40)) as pilot:
            shown = app.screen.query_one("#split")
            await until(pilot, lambda: str(shown.render()).endswith("split as published by the folders"))
            await until(pilot, lambda: "LEAKS: 1 picture in two" in text(app))
            await until(pilot, lambda: not app.session.jobs)
            found: Scan | None = app.session.scan
            assert found and app.session.split == published(found)[0]

    run(scenario())
