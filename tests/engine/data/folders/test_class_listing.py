"""One listing for scan and predict: what counts as an image, what is left out and told, links, and bounds."""

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import DataError, Stopped
from engine.base.events import Event, Notice
from engine.data.folders import tree
from engine.data.folders.class_folders import class_folders
from engine.data.folders.folder_names import alike, difference, named_as_patients
from engine.data.part_names import part_of
from engine.data.patients import patients
from engine.data.scan import require_trainable, scan
from engine.data.split import draw, for_recipe, parted, published
from engine.evaluation.prediction import listed
from engine.recipe.config import DataConfig, TrainConfig
from engine.training.data import scanned
from tests.conftest import SAMPLE, Cli
from tests.engine.data.folders.test_layouts import READ, grow
from tests.makers import small
from tests.makers.dicoms import saved
from tests.makers.drive import run, until
from tests.makers.folders import picture, put
from tui.app import Workbench


def told(root: Path) -> list[tuple[str, str]]:
    """The notices of a training that begins on `root`, but for those of the split and of confounding."""
    events: list[Event] = []
    scanned(root, TrainConfig(), Context(events.append))
    return [(event.level, event.text) for event in events if isinstance(event, Notice) and event.topic != "confounding"]


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """Two classes of images of several kinds among masks, links, hidden and foreign files."""
    root = tmp_path / "data"
    put(root, "COVID/images/1.png")
    put(root, "COVID/images/two")
    saved(root / "COVID" / "images" / "IM000001", picture(1, (40, 40)))
    put(root, "COVID/images/notes", b"no image")
    put(root, "COVID/images/list.csv", b"a,b")
    put(root, "COVID/images/.hidden.png")
    put(root, "COVID/images/__MACOSX/1.png")
    put(root, "COVID/Masks/1.png", picture(2))
    put(root, "Normal/1.dcm.png")
    put(root, "Normal/mask/1.png")
    put(tmp_path, "outside/far.png")
    (root / "Normal" / "far.png").symlink_to(tmp_path / "outside" / "far.png")
    (root / "Normal" / "near.png").symlink_to(root / "COVID" / "images" / "1.png")
    (root / "Normal" / "nowhere.png").symlink_to(root / "nothing")
    return root


class TestPredict:
    def test_a_folder_is_listed_as_a_scan_lists_it(self, messy: Path) -> None:
        found = listed([messy])
        assert [str(file.relative_to(messy)) for file in found.files] == [
            "COVID/images/1.png", "COVID/images/IM000001", "COVID/images/two", "Normal/1.dcm.png", "Normal/near.png",
        ]  # fmt: skip
        assert {str(f.relative_to(messy)) for f in found.files} == {record.file for record in scan(messy).records}
        assert found.left_out == (
            f"Left out of {messy}: 2 files in folders of masks (the first is COVID/Masks/1.png); 1 link that leads out "
            "of the folder (Normal/far.png), which --follow-links reads too; 1 link that points to nothing "
            "(Normal/nowhere.png); 1 file whose content is no image (COVID/images/notes); 1 file of a kind that is no "
            "image (COVID/images/list.csv); 2 hidden files and folders (the first is COVID/images/.hidden.png).",
        )
        followed = {str(f.relative_to(messy)) for f in listed([messy], follow_links=True).files}
        assert followed == {record.file for record in scan(messy, follow_links=True).records}
        assert "Normal/far.png" in followed

    @pytest.mark.parametrize("name", READ)
    def test_what_is_scanned_is_predicted_in_any_layout(self, name: str, tmp_path: Path) -> None:
        root = grow(tmp_path / "data", *READ[name].patterns)
        predicted = {str(file.relative_to(root)) for file in listed([root]).files}
        images = {file for folder in class_folders(root).folders for file in folder.images}
        masks = {file for folder in class_folders(root).folders for file in folder.masks.values()}
        assert images <= predicted and not masks & predicted

    def test_files_that_are_named_are_taken_whatever_they_are(self, tmp_path: Path) -> None:
        assert listed([tmp_path / "none.png", tmp_path / "a.txt"]).files == (tmp_path / "none.png", tmp_path / "a.txt")

    def test_where_all_is_left_out_the_reasons_are_the_message(self, tmp_path: Path) -> None:
        grow(tmp_path, "masks/1.png", "notes.txt")
        with pytest.raises(
            DataError, match=r"holds no image files: .* 1 file in a folder of masks \(masks/1.png\); 1 f"
        ):
            listed([tmp_path])

    def test_the_command_tells_it(self, messy: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.makers.made import model_run

        small.shrink(monkeypatch)
        asked = model_run(tmp_path / "runs", "asked", SAMPLE)
        done = cli("predict", messy, "--run", asked.path, "--json")
        assert done.returncode == 0, done.stderr
        files = [json.loads(line)["file"] for line in done.stdout.splitlines()]
        assert files == [str(file) for file in listed([messy]).files]
        assert listed([messy]).left_out[0] in done.stderr
        assert len(cli("predict", messy, "--run", asked.path, "--follow-links", "--json").stdout.splitlines()) == 6


class TestLinks:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        """Two folders with five images each."""
        for label in ("COVID", "Normal"):
            for number in range(5):
                put(tmp_path / "store", f"{label}/{number}.png", picture(number + 50 * len(label)))
        return tmp_path / "store"

    def test_a_folder_of_links_is_not_called_empty(self, store: Path, tmp_path: Path) -> None:
        files, folders = tmp_path / "files", tmp_path / "folders"
        folders.mkdir()
        for label in ("COVID", "Normal"):
            (files / label).mkdir(parents=True)
            (folders / label).symlink_to(store / label)
            for number in range(5):
                (files / label / f"{number}.png").symlink_to(store / label / f"{number}.png")
        for root, words in ((files, r"10 links that lead out of the folder \(the first is COVID/0.png\)"),
                            (folders, r"2 links that lead out of the folder \(the first is COVID\)")):  # fmt: skip
            with pytest.raises(DataError, match=f"{words}, which --follow-links reads too"):
                scan(root)
            assert len(scan(root, follow_links=True).records) == 10

    def test_a_class_of_links_is_told_with_the_flag(self, store: Path) -> None:
        (store / "Viral").mkdir()
        for number in range(30):
            (store / "Viral" / f"{number}.png").symlink_to(store.parent / f"gone{number}.png")
        (store / "Viral" / "out.png").symlink_to("/")
        found = scan(store)
        assert any(
            text.startswith("Viral is not taken as a class. Left out of it: 1 link that leads out of the folder")
            and "--follow-links" in text and "30 links that point to nothing" in text
            for text in found.layout.doubts
        )  # fmt: skip
        (problem,) = found.problems
        assert problem.kind == "empty" and "(left out: 1 link" in problem.reason

    def test_many_links_are_counted_and_few_listed(self, store: Path) -> None:
        for number in range(1000):
            (store / "COVID" / f"link{number}.png").symlink_to("/nowhere/at/all")
        problems = scan(store).problems
        assert len(problems) == 20 and any("981 links that point to nothing" in p.reason for p in problems)

    def test_circles_of_links_end(self, store: Path) -> None:
        for label, other in (("COVID", "Normal"), ("Normal", "COVID")):
            (store / label / "up").symlink_to(store)
            (store / label / "self").symlink_to(store / label)
            (store / label / "other").symlink_to(store / other)
        (store / "around").symlink_to(store)
        for follow in (False, True):
            found = scan(store, follow_links=follow)
            assert {name: c.images for name, c in found.classes.items()} == {"COVID": 5, "Normal": 5}
            assert any("leads back to a folder above" in problem.reason for problem in found.problems)
            assert len(listed([store], follow).files) == 20, "each class, and each again by the other's link"


class TestBounds:
    def test_each_folder_is_listed_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root = grow(tmp_path / "data", "{train,test}/{A,B}/{images,masks}/{1..3}.png", "{train,test}/{A,B}/x/y/1.png")
        folders = [str(path) for path in (root, *root.rglob("*")) if path.is_dir()]
        seen: list[str] = []
        real = os.scandir

        def watched(path: Any) -> Any:
            seen.append(str(path))
            return real(path)

        monkeypatch.setattr(os, "scandir", watched)
        class_folders(root)
        assert sorted(seen) == sorted([*folders, str(root)]), "the root is asked for once more, to see that it is there"

    def test_a_tree_of_too_many_folders_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tree, "MOST_FOLDERS", 50)
        with pytest.raises(DataError, match="holds more than 50 folders; give one nearer to the images"):
            class_folders(grow(tmp_path / "data", "{A,B}/p{1..40}/1.png"))

    def test_what_lies_too_deep_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"1 folder that lies too deep \(1/2/3/4/5/6/7/8/9\)"):
            class_folders(grow(tmp_path / "data", "1/2/3/4/5/6/7/8/9/10/a.png"))

    def test_a_look_can_be_stopped(self, tmp_path: Path) -> None:
        stop = Stop()
        stop.request("now")
        with pytest.raises(Stopped):
            scan(grow(tmp_path / "data", "{A,B}/1.png"), context=Context(stop=stop))

    def test_a_folder_that_may_not_be_read_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root = grow(tmp_path / "data", "{A,B,C}/1.png")
        real = os.scandir

        def guarded(path: Any) -> Any:
            if str(path).endswith("/C"):
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(os, "scandir", guarded)
        (problem,) = class_folders(root).problems
        assert (problem.file, problem.kind) == ("C", "empty")
        assert "1 folder that can't be read (C (Permission denied))" in problem.reason


class TestPatientsOfFolders:
    def test_no_patient_stands_in_two_parts_of_a_drawn_split(self, tmp_path: Path) -> None:
        """Neither one of a class nor one whose name stands in two classes."""
        for label, first in (("COVID", 0), ("Normal", 8)):
            for patient in range(first, first + 12):
                for number in range(1 + patient % 3):
                    put(
                        tmp_path,
                        f"{label}/patient{patient:03}/{number}.png",
                        picture(1000 * first + 10 * patient + number),
                    )
        found = scan(tmp_path)
        known = patients(found)
        assert len(set(known.of.values())) == 20 and known.told.endswith("20 patients by their folders.")
        for seed in range(20):
            rows = draw(found, 0.2, 0.2, seed, known.of).rows
            assert not parted(rows, known.of)
            by_folder = {row.file: row.file.split("/")[1] for row in rows}
            assert not parted(rows, by_folder)
        assert not patients(found, "none").known
        split, notices = for_recipe(found, DataConfig(), 0)
        assert not parted(split.rows, known.of) and notices[0].text == known.told

    def test_few_patients_numbered_in_each_class_can_be_split(self, tmp_path: Path) -> None:
        for label, first in (("COVID", 0), ("Normal", 100)):
            for patient in range(5):
                for number in range(2):
                    put(tmp_path, f"{label}/patient{patient:03}/{number}.png", picture(first + 2 * patient + number))
        found = scan(tmp_path)
        split, _ = for_recipe(found, DataConfig(), 1)
        assert not parted(split.rows, {row.file: row.file.rsplit("/", 1)[0] for row in split.rows})
        assert all(all(own.values()) for own in split.counts().values())

    def test_those_in_two_published_parts_are_told(self, tmp_path: Path) -> None:
        for part, first in (("train", 0), ("test", 8)):
            for label in "AB":
                for patient in range(first, first + 10):
                    put(
                        tmp_path,
                        f"{part}/{label}/s{label}{patient:04}/1.png",
                        picture(ord(label) * 100 + patient + first),
                    )
        found = scan(tmp_path)
        assert found.layout.form == "PART/CLASS/PATIENT"
        _, doubts = published(found, patients=patients(found).of)
        assert any("has images of 4 patients in two parts or more" in text for text in doubts)

    @pytest.mark.parametrize(
        ("names", "in_class", "are"),
        [
            (["patient1", "patient2"], False, True), (["Subject-01"], False, True), (["0", "1", "2"], False, False),
            (["COVID-19", "Normal"], False, False), (["SARS2", "MERS1"], True, False), (["0001", "0002"], True, True),
            (["1.2.840.113", "1.2.840.114"], True, True), (["stage1", "stage2", "stage3"], True, False),
            ([f"fold{n}" for n in range(9)], True, False), ([f"a{n}b" for n in range(9)], True, True),
            (["AP", "PA"], True, False), ([f"p1000{n}" for n in range(9)], False, True), ([], True, False),
        ],
    )  # fmt: skip
    def test_names_of_patients(self, names: list[str], in_class: bool, are: bool) -> None:
        assert named_as_patients(names, in_class) is are


class TestNames:
    @pytest.mark.parametrize(
        ("one", "other", "words"),
        [
            ("COVID", "covid", "upper and lower case"), ("COVID", "COVID ", "blanks"),
            (unicodedata.normalize("NFC", "Grippe é"), unicodedata.normalize("NFD", "Grippe é"), "accents are stored"),
            ("Viral Pneumonia", "Viral_Pneumonia", "hyphens"), ("COVID", "\u0421OVID", "another script"),
            ("a\u200bb", "ab", "blanks"), ("Covid 19", "COVID-19", "case, blanks or accents"),
        ],
    )  # fmt: skip
    def test_names_that_look_alike_are_known_by_what_they_differ_in(self, one: str, other: str, words: str) -> None:
        assert alike([one, "Normal", other]) == [(one, other)]
        assert words in difference(one, other)

    def test_names_that_do_not_are_let_be(self) -> None:
        assert alike(["COVID", "COVID-19", "Normal", "Abnormal", "T0", "TO", "0", "1"]) == []

    @pytest.mark.parametrize("name", ["train", "Training", "TRAIN_SET", "train-data", "training images", "TrainSet"])
    def test_parts_are_known_by_their_names(self, name: str) -> None:
        assert part_of(name) == "train"
        assert not part_of("strain") and not part_of("trained") and not part_of("testis") and not part_of("set")

    def test_a_training_and_the_scan_tell_of_them(self, tmp_path: Path, cli: Cli) -> None:
        for label in ("COVID", "covid", "Normal"):
            for number in range(5):
                put(tmp_path, f"{label}/{number}.png", picture(10 * len(label) + number + 100 * ord(label[0])))
        words = 'The classes "COVID" and "covid" look alike and are taken as 2: they differ in upper and lower case.'
        assert any(level == "warning" and words in text for level, text in told(tmp_path))
        assert f"! {words}" in cli("scan", tmp_path).stdout
        assert words in json.loads(cli("scan", tmp_path, "--json").stdout)["layout"]["doubts"][0]

    def test_in_a_published_split_the_error_says_what_differs(self, tmp_path: Path) -> None:
        for part, label in (("train", "COVID"), ("test", "covid"), ("train", "Normal"), ("test", "Normal")):
            for number in range(4):
                put(tmp_path, f"{part}/{label}/{number}.png", picture(ord(label[0]) * 50 + ord(part[1]) + number))
        with pytest.raises(
            DataError, match='"covid" into the part "train", but of "COVID": the two differ in upper and'
        ):
            told(tmp_path)


def test_a_training_says_how_the_folder_was_read(tmp_path: Path) -> None:
    for part, first in (("train", 0), ("val", 50)):
        for label in ("COVID", "Normal"):
            for number in range(10):
                put(tmp_path, f"x/{part}/{label}/{number}.png", picture(first + number + 100 * len(label)))
    put(tmp_path, "x/test/1.png")
    said = told(tmp_path)
    assert ("info", "The classes were found in x.") in said
    assert any(level == "warning" and text.startswith("x/test holds 1 files without class") for level, text in said)
    assert any("has no test part: 20% of the images" in text or "has no test part: 10%" in text for _, text in said)


def test_a_class_of_unreadable_images_is_refused_with_their_reason(tmp_path: Path) -> None:
    put(tmp_path, "A/1.png")
    for number in range(3):
        put(tmp_path, f"B/{number}.png", b"")
    put(tmp_path, "B/text.png", b"text")
    with pytest.raises(
        DataError, match=r'"B" in .* has no readable image: of 3 of its 4 files B/0.png is the first: it is'
    ):
        require_trainable(scan(tmp_path))


def test_levels_stay_as_they_are(tmp_path: Path) -> None:
    """A file is the same image under any layout."""
    pixels = np.arange(400, dtype=np.uint8).reshape(20, 20)
    put(tmp_path, "one/A/1.png", pixels)
    put(tmp_path, "two/x/train/A/p001/images/1.png", pixels)
    assert scan(tmp_path / "one").records[0].sha == scan(tmp_path / "two").records[0].sha


def test_the_dataset_screen_says_how_the_folder_was_read(tmp_path: Path) -> None:
    for part, first in (("train", 0), ("val", 50)):
        for label in ("COVID", "Normal"):
            for number in range(4):
                put(tmp_path, f"data/x/{part}/{label}/{number}.png", picture(first + number + 100 * len(label)))
    put(tmp_path, "data/x/samples/1.png")

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", data=tmp_path / "data")
        async with app.run_test(size=(160, 50)) as pilot:
            await until(pilot, lambda: app.session.split is not None and not app.session.jobs)
            shown = " ".join(str(app.screen.query_one("#beware").render()).split())
            assert "samples lies beside the parts of the split and is not read." in shown
            assert "The classes were found in x." in shown and "a test is drawn from the images" in shown

    run(scenario())
