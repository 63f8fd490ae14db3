"""Scanning a folder: what counts as an image of which class, and what is told about all the rest."""

import json
import os
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import Workbook
from PIL import Image

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, DataError, Stopped
from engine.base.events import Event, Progress
from engine.data.file_names import natural
from engine.data.image.reader import pixel_hash
from engine.data.parallel import Pulse, spread
from engine.data.records import Scan
from engine.data.scan import require_trainable, scan
from engine.recipe.config import DataConfig, TrainConfig
from tests.conftest import Cli


def picture(number: int, size: tuple[int, int] = (20, 16)) -> np.ndarray:
    """A picture that no other number gives, uint8 of (height, width)."""
    return np.random.default_rng(number).integers(0, 256, size).astype(np.uint8)


def put(root: Path, file: str, content: np.ndarray | bytes | None = None) -> Path:
    """Write `content`, or a picture that depends on the name, to `root`/`file`."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        image = Image.fromarray(picture(sum(os.fsencode(file)) * 1000 + len(file)) if content is None else content)
        image.save(path, None if path.suffix else "PNG")
    return path


def workbook(path: Path, rows: list[tuple[Any, ...]], header: tuple[str, ...] | None = None) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [header or ("FILE NAME", "FORMAT", "SIZE", "URL"), *rows]:
        sheet.append(row)
    book.save(path)


def kinds(scanned: Scan) -> list[tuple[str, str]]:
    return [(problem.file, problem.kind) for problem in scanned.problems]


def files(scanned: Scan) -> list[str]:
    return [record.file for record in scanned.records]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two classes laid out as the COVID-19 Radiography Database has them."""
    for label in ("COVID", "Normal"):
        for number in (1, 2, 10):
            put(tmp_path, f"{label}/images/{label}-{number}.png", picture(number + len(label) * 100))
            put(tmp_path, f"{label}/masks/{label}-{number}.png", picture(number, (10, 8)))
    return tmp_path


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


class TestDuplicates:
    def test_equal_pixels_are_found_across_names_formats_and_classes(self, tmp_path: Path) -> None:
        same, rgb = picture(1), np.repeat(picture(1)[..., None], 3, axis=2)
        put(tmp_path, "A/2.png", same)
        put(tmp_path, "A/10.bmp", rgb)
        put(tmp_path, "A/3.png")
        put(tmp_path, "B/x.tif", same)
        found = scan(tmp_path)
        assert found.duplicates == (("A/2.png", "A/10.bmp", "B/x.tif"),)
        assert kinds(found) == [("B/x.tif", "label-conflict")]
        assert 'A/2.png of class "A"' in found.problems[0].reason

    def test_one_level_in_one_pixel_makes_another_picture(self, tmp_path: Path) -> None:
        other = picture(1)
        other[3, 3] ^= 1
        put(tmp_path, "A/1.png", picture(1))
        put(tmp_path, "A/2.png", other)
        put(tmp_path, "A/3.png", picture(1).T)
        assert scan(tmp_path).duplicates == ()


class TestWorkbook:
    def test_sources_are_found_whatever_the_case_and_suffix_of_the_names(self, database: Path) -> None:
        urls = ("https://a.example", "https://b.example", "https://a.example")
        names = ("covid-1", "COVID-2.png", "Covid-10.PNG")
        workbook(database / "covid.metadata.xlsx", [(n, "PNG", "256*256", u) for n, u in zip(names, urls, strict=True)])
        found = scan(database)
        assert [record.source for record in found.records[:3]] == list(urls)
        assert found.classes["COVID"].sources == {"https://a.example": 2, "https://b.example": 1}
        assert found.classes["Normal"].sources == {}
        assert found.problems == ()

    def test_images_that_it_lacks_are_told_once(self, database: Path) -> None:
        workbook(database / "COVID.metadata.xlsx", [("COVID-1", "PNG", "1*1", "u"), (None, None, None, "v"), ()])
        found = scan(database)
        assert kinds(found) == [("COVID.metadata.xlsx", "workbook")]
        assert "2 of 3 images" in found.problems[0].reason
        assert found.records[0].source == "u"

    def test_columns_may_stand_in_any_order_below_a_title(self, database: Path) -> None:
        rows = [("url", "File Name"), *((f"s{n}", f"COVID-{n}") for n in (1, 2, 10))]
        workbook(database / "COVID.metadata.xlsx", rows, header=("COVID images",))
        assert [record.source for record in scan(database).records[:3]] == ["s1", "s2", "s10"]

    @pytest.mark.parametrize("damage", ["text", "cut", "not a workbook", "unfolds", "no columns", "no sheet", "pipe"])
    def test_a_damaged_workbook_is_a_problem_and_the_scan_goes_on(self, database: Path, damage: str) -> None:
        path = database / "COVID.metadata.xlsx"
        workbook(path, [("COVID-1", "PNG", "1*1", "u")], header=("a", "b") if damage == "no columns" else None)
        data = path.read_bytes()
        if damage == "text":
            path.write_bytes(b"hello")
        elif damage == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif damage == "not a workbook":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("x.txt", "x")
        elif damage == "pipe":
            path.unlink()
            os.mkfifo(path)
        elif damage == "unfolds":
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("bomb.xml", bytes(70 * 2**20))
        elif damage == "no sheet":
            with zipfile.ZipFile(path) as old:
                parts = {name: old.read(name) for name in old.namelist()}
            with zipfile.ZipFile(path, "w") as archive:
                for name, part in parts.items():
                    archive.writestr(name, b"<worksheet" if "sheet1" in name else part)
        found = scan(database)
        assert len(found.records) == 6
        assert kinds(found) == [("COVID.metadata.xlsx", "workbook")]
        assert found.problems[0].reason.endswith("the sources of its images are not known")
        assert found.classes["COVID"].sources == {}


class TestJson:
    def test_the_keys_are_as_promised(self, database: Path) -> None:
        put(database, "COVID/images/COVID-11.png", picture(501))
        put(database, "COVID/images/COVID-12.png", b"")
        put(database, "COVID/masks/COVID-12.png", picture(1, (10, 8)))
        put(database, "COVID/masks/COVID-11.png", picture(1, (10, 8)))
        values = json.loads(json.dumps(scan(database).to_dict()))
        assert {"classes", "problems", "duplicates"} <= set(values)
        assert (values["classes"]["COVID"]["images"], values["classes"]["COVID"]["masks"]) == (4, 4)
        (problem,) = values["problems"]
        reason = "it is empty (0 bytes); copy it again"
        assert problem == {"file": "COVID/images/COVID-12.png", "kind": "unreadable", "reason": reason}
        assert values["duplicates"] == {
            "exact": [["COVID/images/COVID-1.png", "COVID/images/COVID-11.png"]],
            "near": [],
        }


class TestProgress:
    def test_it_grows_to_the_total(self, database: Path) -> None:
        events: list[Event] = []
        scan(database, context=Context(events.append))
        progress = [event for event in events if isinstance(event, Progress)]
        assert {event.task for event in progress} == {"scan"}
        assert {event.total for event in progress} == {6}
        done = [event.done for event in progress]
        assert done == sorted(done)
        assert done[-1] == 6

    def test_it_is_told_at_most_ten_times_a_second(self) -> None:
        events: list[Event] = []
        pulse = Pulse(events.append, "scan", 100)
        started = time.monotonic()
        for done in range(1, 101):
            pulse(done)
            time.sleep(0.003)
        assert 3 <= len(events) <= 10 * (time.monotonic() - started) + 2

    def test_a_stop_ends_it_soon(self, database: Path) -> None:
        for number in range(300):
            put(database, f"COVID/images/more-{number}.png", picture(0))
        stop = Stop()
        seen: list[int] = []

        def emit(event: Event) -> None:
            assert isinstance(event, Progress)
            seen.append(event.done)
            stop.request("now")

        with pytest.raises(Stopped, match="stopped"):
            scan(database, context=Context(emit, stop))
        assert len(seen) == 1
        assert seen[0] < 100

    def test_threads_end_with_the_scan(self, database: Path) -> None:
        before = threading.active_count()
        scan(database)
        assert threading.active_count() == before


class TestSpread:
    def test_results_come_in_order(self) -> None:
        def slow_at_first(item: int) -> int:
            time.sleep(0.02 if item < 3 else 0)
            return item * item

        assert list(spread(slow_at_first, range(100), None)) == [n * n for n in range(100)]
        assert list(spread(slow_at_first, [], None)) == []

    def test_little_is_done_ahead_of_the_consumer(self) -> None:
        started: list[int] = []

        def work(item: int) -> int:
            started.append(item)
            time.sleep(0.002)
            return item

        workers = len(os.sched_getaffinity(0))
        results = spread(work, range(100_000), None)
        assert next(results) == 0
        time.sleep(0.3)
        assert len(started) <= 8 * (2 * workers + 1)
        results.close()

    def test_leaving_early_starts_nothing_more(self) -> None:
        started: list[int] = []

        def work(item: int) -> int:
            started.append(item)
            time.sleep(0.005)
            return item

        results = spread(work, range(1000), None)
        next(results)
        before = len(started)
        results.close()
        assert len(started) <= before + len(os.sched_getaffinity(0))

    def test_an_exception_comes_through_and_ends_the_work(self) -> None:
        done: list[int] = []

        def fail(item: int) -> None:
            if item == 20:
                raise ZeroDivisionError
            done.append(item)

        with pytest.raises(ZeroDivisionError):
            list(spread(fail, range(10_000), None))
        assert len(done) < 1000
