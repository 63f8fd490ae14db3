"""Scanning a folder: what counts as an image of which class, and what is told about all the rest."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.base.context import Context
from engine.base.errors import ConfigError, DataError
from engine.data.file_names import natural
from engine.data.image.reader import pixel_hash
from engine.data.scan import require_trainable, scan
from engine.recipe.config import DataConfig, TrainConfig
from tests.conftest import Cli
from tests.makers.folders import files, kinds, picture, put


class TestLayouts:
    def test_masks_pair_with_images_and_never_count_as_one(self, database: Path) -> None:
        found = scan(database)
        assert {name: (c.images, c.masks) for name, c in found.classes.items()} == {"COVID": (3, 3), "Normal": (3, 3)}
        assert [record.mask for record in found.records[:2]] == ["COVID/masks/COVID-1.png", "COVID/masks/COVID-2.png"]
        assert found.problems == ()

    def test_plain_class_folders_work_too(self, tmp_path: Path) -> None:
        put(tmp_path, "sick/a.jpg")
        put(tmp_path, "well/b.png")
        put(tmp_path, "well/masks/b.png")
        found = scan(tmp_path)
        assert [(r.file, r.label, r.mask) for r in found.records] == [
            ("sick/a.jpg", "sick", None),
            ("well/b.png", "well", "well/masks/b.png"),
        ]

    def test_records_come_in_natural_order(self, database: Path) -> None:
        assert files(scan(database))[:3] == [f"COVID/images/COVID-{n}.png" for n in (1, 2, 10)]
        names = ["b", "COVID-10", "covid-2", "COVID-2", "7", "x01", "x1"]
        assert sorted(names, key=natural) == ["7", "b", "COVID-2", "covid-2", "COVID-10", "x01", "x1"]

    def test_a_record_tells_what_the_image_is(self, tmp_path: Path) -> None:
        array = np.dstack([picture(1), picture(2), picture(3)])
        path = put(tmp_path, "A/x.bmp", array)
        record = scan(tmp_path).records[0]
        assert (record.format, record.mode, record.width, record.height) == ("BMP", "RGB", 16, 20)
        assert (record.bytes, record.colour, record.sha) == (path.stat().st_size, True, pixel_hash(array))
        assert record.mean == pytest.approx(array.mean(), abs=1e-3)

    def test_the_summary_counts_what_the_records_say(self, tmp_path: Path) -> None:
        put(tmp_path, "A/1.png", np.full((4, 6), 10, np.uint8))
        put(tmp_path, "A/2.png", np.full((4, 6), 30, np.uint8))
        put(tmp_path, "A/3.jpg", np.full((8, 8), 80, np.uint8))
        put(tmp_path, "A/4.png", np.full((8, 8), 300, np.uint16))
        summary = scan(tmp_path).classes["A"]
        assert (summary.images, summary.formats) == (4, {"PNG": 3, "JPEG": 1})
        assert summary.sizes == {"6x4": 2, "8x8": 2}
        assert summary.modes == {"L": 3, "I;16": 1}
        assert summary.bytes == sum(path.stat().st_size for path in (tmp_path / "A").iterdir())
        assert summary.mean_intensity == pytest.approx((10 + 30 + 80 + round(300 / 1023 * 255)) / 4, abs=0.01)
        assert summary.notes["is one flat grey"] == 4
        assert any("of its 16 bits" in note for note in summary.notes)

    def test_imbalance_is_largest_to_smallest(self, tmp_path: Path) -> None:
        for file in ("A/1.png", "A/2.png", "A/3.png", "B/1.png", "B/2.png"):
            put(tmp_path, file)
        assert scan(tmp_path).imbalance == 1.5

    def test_the_shared_xrays(self, xray: Path) -> None:
        found = scan(xray)
        assert {name: c.images for name, c in found.classes.items()} == {
            "COVID": 137,
            "Normal": 90,
            "Viral Pneumonia": 90,
        }
        assert found.problems == ()
        assert len(found.duplicates) == 10
        assert all(len(group) == 2 for group in found.duplicates)


class TestPicking:
    def test_classes_are_picked_in_the_order_asked_for(self, database: Path) -> None:
        put(database, "Other/images/o.png")
        found = scan(database, ("Normal", "COVID"))
        assert list(found.classes) == ["Normal", "COVID"]
        assert {record.label for record in found.records} == {"Normal", "COVID"}
        assert found.records[0].label == "Normal"

    def test_problems_of_other_classes_are_not_told(self, database: Path) -> None:
        put(database, "Other/images/o.png", b"")
        (database / "Empty").mkdir()
        assert kinds(scan(database, ("Normal",))) == []
        assert kinds(scan(database)) == [("Empty", "empty"), ("Other/images/o.png", "unreadable")]

    def test_an_unknown_class_is_a_usage_error_that_names_the_known(self, database: Path) -> None:
        with pytest.raises(ConfigError, match=r'no class "Covid"; it has COVID, Normal\.') as caught:
            scan(database, ("Covid",))
        assert caught.value.exit_code == 2
        with pytest.raises(ConfigError, match="named twice"):
            scan(database, ("COVID", "COVID"))


class TestWrongFolders:
    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda root: root / "none", "does not exist"),
            (lambda root: put(root, "file.png"), "is a file"),
            (lambda root: root, "has no images in it"),
            (lambda root: put(root, "a.png").parent, "holds images but no class folders"),
            (lambda root: put(root, "notes/readme.txt", b"x").parent.parent, "no class folder with images"),
            (lambda root: put(root, "images/a.png").parent.parent, "folder of one class"),
        ],
    )
    def test_one_sentence_says_what_is_wrong(self, tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
        folder = make(tmp_path)
        with pytest.raises(DataError, match=words) as caught:
            scan(folder)
        assert caught.value.exit_code == 3
        assert str(folder) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_masks_beside_images_do_not_make_two_classes(self, tmp_path: Path) -> None:
        put(tmp_path, "images/a.png")
        put(tmp_path, "masks/a.png")
        with pytest.raises(DataError, match="folder of one class"):
            scan(tmp_path)

    def test_one_class_can_be_scanned_but_not_trained_on(self, tmp_path: Path) -> None:
        put(tmp_path, "only/a.png")
        found = scan(tmp_path)
        assert list(found.classes) == ["only"]
        with pytest.raises(DataError, match="at least two"):
            require_trainable(found)

    def test_a_class_without_a_readable_image_is_kept_but_not_trained_on(self, database: Path) -> None:
        put(database, "Bad/images/a.png", b"text")
        found = scan(database)
        assert found.classes["Bad"].images == 0
        assert found.imbalance is None
        with pytest.raises(DataError, match='"Bad"'):
            require_trainable(found)
        require_trainable(scan(database, ("COVID", "Normal")))


class TestProblems:
    def test_the_scan_goes_on_past_bad_files_and_lists_them(self, database: Path) -> None:
        images = database / "COVID" / "images"
        cut = put(images, "cut.jpg", picture(7, (200, 200)))
        os.truncate(cut, cut.stat().st_size // 2)
        put(images, "empty.png", b"")
        put(images, "text.png", b"not an image")
        put(images, "strange.xyz", b"\x01\x02\x03")
        os.mkfifo(images / "pipe.png")
        found = scan(database)
        assert found.classes["COVID"].images == 3
        bad = {problem.file: problem.reason for problem in found.problems if problem.kind == "unreadable"}
        assert set(bad) == {
            f"COVID/images/{name}" for name in ("cut.jpg", "empty.png", "text.png", "strange.xyz", "pipe.png")
        }
        assert "cut short" in bad["COVID/images/cut.jpg"]
        assert "0 bytes" in bad["COVID/images/empty.png"]
        assert "text" in bad["COVID/images/text.png"]

    def test_hidden_and_well_known_other_files_are_passed_over(self, database: Path) -> None:
        for name in (".DS_Store", "._COVID-1.png", "Thumbs.db", "notes.txt", "README.md", "a.csv", "b.XLSX", "c.json"):
            put(database, f"COVID/images/{name}", b"x")
            put(database, name, b"x")
        put(database, ".git/x.png")
        put(database, "__MACOSX/x.png")
        assert scan(database).problems == ()

    def test_misplaced_images_and_nested_folders_are_told(self, database: Path) -> None:
        put(database, "stray.png")
        put(database, "COVID/beside.png")
        put(database, "COVID/images/deep/a.png")
        put(database, "COVID/more/a.png")
        assert kinds(scan(database)) == [
            ("COVID/beside.png", "misplaced"),
            ("COVID/images/deep", "folder"),
            ("COVID/more", "folder"),
            ("stray.png", "misplaced"),
        ]

    def test_masks_that_do_not_fit_are_told(self, database: Path) -> None:
        put(database, "COVID/images/COVID-3.png")
        put(database, "COVID/masks/lonely.png")
        put(database, "Normal/masks/Normal-1.png", picture(1, (10, 10)))
        put(database, "Normal/masks/Normal-2.png", b"bad")
        found = scan(database)
        assert kinds(found) == [
            ("COVID", "mask-missing"),
            ("COVID", "mask-orphan"),
            ("Normal/masks/Normal-1.png", "mask-shape"),
            ("Normal/masks/Normal-2.png", "unreadable"),
        ]
        assert "1 of 4 images" in found.problems[0].reason
        assert "lonely.png" in found.problems[1].reason
        assert [found.classes[name].masks for name in ("COVID", "Normal")] == [3, 2]

    def test_two_images_of_one_name_that_share_a_mask_are_told(self, database: Path) -> None:
        put(database, "COVID/images/COVID-1.jpg")
        assert [kind for _, kind in kinds(scan(database))] == ["same-name", "same-name"]
        put(database, "plain/a.png")
        put(database, "plain/a.jpg")
        assert kinds(scan(database, ("plain",))) == []

    def test_links_that_lead_out_are_told_and_not_followed(self, database: Path, tmp_path_factory: Any) -> None:
        outside = tmp_path_factory.mktemp("outside")
        put(outside, "secret.png")
        images = database / "COVID" / "images"
        (images / "out.png").symlink_to(outside / "secret.png")
        (images / "broken.png").symlink_to(images / "nothing.png")
        (images / "loop.png").symlink_to(images / "loop.png")
        (database / "Linked").symlink_to(outside)
        (images / "in.png").symlink_to(database / "Normal" / "images" / "Normal-1.png")
        found = scan(database)
        links = {problem.file: problem.reason for problem in found.problems if problem.kind == "symlink"}
        assert set(links) == {"COVID/images/out.png", "COVID/images/broken.png", "COVID/images/loop.png", "Linked"}
        assert "leads out" in links["COVID/images/out.png"]
        assert "leads out" in links["Linked"]
        assert "nothing" in links["COVID/images/broken.png"]
        assert "COVID/images/in.png" in files(found)

    def test_links_that_lead_out_are_followed_where_that_is_asked_for(
        self, database: Path, tmp_path_factory: Any, cli: Cli
    ) -> None:
        outside = tmp_path_factory.mktemp("outside")
        put(outside, "secret.png")
        (database / "COVID" / "images" / "out.png").symlink_to(outside / "secret.png")
        (database / "COVID" / "images" / "broken.png").symlink_to(outside / "nothing.png")
        (database / "Linked").symlink_to(outside)
        found = scan(database, follow_links=True)
        assert {"COVID/images/out.png", "Linked/secret.png"} <= set(files(found))
        assert [problem.file for problem in found.problems if problem.kind == "symlink"] == ["COVID/images/broken.png"]
        for flags, images in (((), 6), (("--follow-links",), 8)):
            assert json.loads(cli("scan", database, *flags, "--json").stdout)["images"] == images

    def test_a_training_follows_them_where_its_recipe_says_so(self, tmp_path: Path) -> None:
        from engine.training.data import scanned

        outside = tmp_path / "outside"
        for number in range(12):
            put(outside, f"{number}.png")
        for label, first in (("A", 0), ("B", 6)):
            (tmp_path / "data" / label).mkdir(parents=True)
            for number in range(first, first + 6):
                (tmp_path / "data" / label / f"{number}.png").symlink_to(outside / f"{number}.png")
        config = TrainConfig(data=DataConfig(follow_links=True))
        found = scanned(tmp_path / "data", config, Context())
        assert len(found.scan.records) == len(found.split.rows) == 12
        with pytest.raises(DataError):
            scanned(tmp_path / "data", TrainConfig(), Context())

    def test_a_root_that_is_a_link_is_followed(self, database: Path, tmp_path_factory: Any) -> None:
        link = tmp_path_factory.mktemp("links") / "data"
        link.symlink_to(database)
        (database / "COVID" / "images" / "again.png").symlink_to(database / "COVID" / "images" / "COVID-1.png")
        (database / "COVID" / "masks" / "again.png").symlink_to(database / "COVID" / "masks" / "COVID-1.png")
        assert len(scan(link).records) == 7
        assert scan(link).problems == ()

    def test_names_that_are_not_utf_8_come_through(self, database: Path) -> None:
        name = os.fsdecode(b"caf\xe9.png")
        put(database, f"COVID/images/{name}")
        put(database, "COVID/images/\x1b[31mred\n.png")
        found = scan(database)
        assert {f"COVID/images/{name}", "COVID/images/\x1b[31mred\n.png"} <= set(files(found))
        assert json.loads(json.dumps(found.to_dict()))["images"] == 8

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
    def test_a_folder_without_permission_is_told(self, database: Path) -> None:
        (database / "COVID" / "masks").chmod(0)
        try:
            assert ("COVID/masks", "unreadable") in kinds(scan(database))
        finally:
            (database / "COVID" / "masks").chmod(0o700)
