"""The pixel store: the same bytes as decoding each image anew, found again by content, whole or not there."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import CacheError, DataError, Stopped
from engine.base.events import Event, Notice, Progress
from engine.data import pixel_store as pixels_module
from engine.data.image.reader import held, read, to_input
from engine.data.pixel_store import PixelStore, open_store
from engine.data.records import Record, Scan
from engine.data.scan import scan

ROOT = Path(__file__).resolve().parents[3]
SIZE = 24


def picture(number: int, channels: int = 1) -> np.ndarray:
    shape = (40, 30) if channels == 1 else (40, 30, 3)
    return np.random.default_rng(number).integers(0, 256, shape).astype(np.uint8)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twenty grey pictures in two classes, of several formats."""
    root = tmp_path / "data"
    for label in "AB":
        (root / label).mkdir(parents=True)
        for number in range(10):
            suffix = ("png", "bmp", "tif")[number % 3]
            Image.fromarray(picture(number + 100 * (label == "B"))).save(root / label / f"{number}.{suffix}")
    return root


@pytest.fixture
def caches(tmp_path: Path) -> Path:
    return tmp_path / "caches"


@pytest.fixture
def found(data: Path) -> Scan:
    return scan(data)


def expected(root: Path, records: tuple[Record, ...] | list[Record], channels: int) -> np.ndarray:
    return np.stack([to_input(read(root / r.file).pixels, SIZE)[..., :channels] for r in records])


def stored(caches: Path) -> list[Path]:
    return sorted((caches / "pixels").iterdir())


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that the store opens from now on."""
    opened: list[Path] = []

    def watched(path: Path, pixel_rules: int) -> object:
        opened.append(path)
        return held(path, pixel_rules)

    monkeypatch.setattr(pixels_module, "held", watched)
    return opened


class TestContent:
    def test_it_holds_what_the_network_would_see_of_each_file(self, found: Scan, caches: Path) -> None:
        store, problems = open_store(found.root, found.records, SIZE, caches)
        assert problems == ()
        assert store.array.dtype == np.uint8 and (store.array.shape, store.channels) == ((20, SIZE, SIZE, 1), 1)
        assert store.files == tuple(record.file for record in found.records)
        assert np.array_equal(store.array, expected(found.root, found.records, 1))

    def test_one_colour_image_makes_all_rows_rgb(self, data: Path, caches: Path) -> None:
        Image.fromarray(picture(7, 3)).save(data / "A" / "colour.png")
        found = scan(data)
        store, _ = open_store(data, found.records, SIZE, caches)
        assert store.channels == 3
        assert np.array_equal(store.array, expected(data, found.records, 3))

    def test_rows_come_in_the_order_asked_for_and_are_a_copy(self, found: Scan, caches: Path) -> None:
        store, _ = open_store(found.root, found.records, SIZE, caches)
        rows = store.rows([3, 0, 3])
        assert np.array_equal(rows, np.asarray(store.array)[[3, 0, 3]])
        rows[:] = 0
        assert store.array[3].any()
        assert store.rows(np.array([], dtype=int)).shape == (0, SIZE, SIZE, 1)
        assert all(store.files[row] == file for file, row in store.index.items())

    def test_nobody_can_write_into_it(self, found: Scan, caches: Path) -> None:
        store, _ = open_store(found.root, found.records, SIZE, caches)
        with pytest.raises(ValueError, match="read-only"):
            store.array[0] = 0

    def test_the_shared_xrays(self, xray: Path, caches: Path) -> None:
        found = scan(xray)
        store, problems = open_store(xray, found.records, 224, caches)
        assert problems == ()
        for row in range(0, 317, 20):
            with Image.open(xray / store.files[row]) as image:
                reference = np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR))
            assert np.array_equal(store.array[row, :, :, 0], reference)


class TestReuse:
    def test_a_second_run_opens_no_image(
        self, found: Scan, caches: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        first, _ = open_store(found.root, found.records, SIZE, caches)
        opened = count_reads(monkeypatch)
        second, problems = open_store(tmp_path / "gone", found.records, SIZE, caches)
        assert (opened, problems) == ([], ())
        assert np.array_equal(first.array, second.array)
        assert len(stored(caches)) == 2

    def test_renamed_files_find_their_pixels(self, found: Scan, caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        open_store(found.root, found.records, SIZE, caches)
        (found.root / "A").rename(found.root / "A2")
        moved = scan(found.root)
        opened = count_reads(monkeypatch)
        store, _ = open_store(moved.root, moved.records, SIZE, caches)
        assert opened == []
        assert store.files[0] == "A2/0.png"

    @pytest.mark.parametrize("change", ["size", "order", "fewer", "version", "colour"])
    def test_whatever_changes_the_bytes_makes_another_store(
        self, found: Scan, caches: Path, monkeypatch: pytest.MonkeyPatch, change: str
    ) -> None:
        first, _ = open_store(found.root, found.records, SIZE, caches)
        records, size = list(found.records), SIZE
        if change == "size":
            size = SIZE + 1
        elif change == "order":
            records.reverse()
        elif change == "fewer":
            records.pop()
        elif change == "version":
            monkeypatch.setattr(pixels_module, "VERSION", "other")
        elif change == "colour":
            Image.fromarray(picture(7, 3)).save(found.root / "A" / "0.png")
            records = list(scan(found.root).records)
        opened = count_reads(monkeypatch)
        store, _ = open_store(found.root, records, size, caches)
        assert len(opened) == len(records)
        assert len(stored(caches)) == 4
        assert np.array_equal(first.array, expected_from(first, found, change))
        assert store.files == tuple(record.file for record in records)

    @pytest.mark.parametrize("damage", ["byte", "cut", "longer", "empty", "gone", "no meta", "bad meta", "other meta"])
    def test_a_damaged_store_is_built_anew(
        self, found: Scan, caches: Path, monkeypatch: pytest.MonkeyPatch, damage: str
    ) -> None:
        good = np.array(open_store(found.root, found.records, SIZE, caches)[0].array)
        meta, data = stored(caches)
        content, text = data.read_bytes(), meta.read_text()
        middle = len(content) // 2
        new = {
            "byte": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "cut": content[:-1],
            "longer": content + b"\0",
            "empty": b"",
            "bad meta": b"{",
            "other meta": json.dumps({**json.loads(text), "key": "other"}).encode(),
        }
        path = meta if "meta" in damage else data
        path.unlink()
        if damage in new:
            path.write_bytes(new[damage])
        opened, told = count_reads(monkeypatch), list[Event]()
        for _ in range(2):
            store, problems = open_store(found.root, found.records, SIZE, caches, Context(told.append))
            assert problems == ()
            assert np.array_equal(store.rows(range(20)), good) and np.array_equal(store.array, good)
            assert len(opened) == (1 if damage == "byte" else 20)
        (notice,) = [event for event in told if isinstance(event, Notice)]
        assert "decoded anew" in notice.text and str(data) in notice.text


def expected_from(store: PixelStore, found: Scan, change: str) -> np.ndarray:
    """What the first store must still hold: the files' pixels, but for the one that the test overwrote."""
    rows = expected(found.root, found.records, 1)
    if change == "colour":
        rows[0] = store.array[0]
    return rows


class TestChangedFiles:
    def test_files_that_vanished_or_changed_are_named_and_left_out(self, found: Scan, caches: Path) -> None:
        (found.root / "A" / "3.png").unlink()
        Image.fromarray(picture(999)).save(found.root / "B" / "0.png")
        (found.root / "B" / "6.png").write_bytes(b"")
        store, problems = open_store(found.root, found.records, SIZE, caches)
        assert [(problem.file, problem.kind) for problem in problems] == [
            ("A/3.png", "vanished"),
            ("B/0.png", "changed"),
            ("B/6.png", "vanished"),
        ]
        left = [record for record in found.records if record.file not in ("A/3.png", "B/0.png", "B/6.png")]
        assert store.files == tuple(record.file for record in left)
        assert np.array_equal(store.array, expected(found.root, left, 1))

    def test_what_is_left_is_found_again_by_a_new_scan(
        self, found: Scan, caches: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (found.root / "A" / "3.png").unlink()
        open_store(found.root, found.records, SIZE, caches)
        again = scan(found.root)
        opened = count_reads(monkeypatch)
        store, problems = open_store(found.root, again.records, SIZE, caches)
        assert (opened, problems, len(store.files)) == ([], (), 19)

    def test_another_file_of_the_same_pixels_is_no_change(self, found: Scan, caches: Path) -> None:
        Image.fromarray(picture(0)).save(found.root / "A" / "0.png", compress_level=0)
        assert open_store(found.root, found.records, SIZE, caches)[1] == ()

    def test_when_none_is_left_it_says_so(self, found: Scan, caches: Path) -> None:
        shutil.rmtree(found.root / "A")
        shutil.rmtree(found.root / "B")
        with pytest.raises(DataError, match="None of the 20 images"):
            open_store(found.root, found.records, SIZE, caches)
        assert stored(caches) == []
        with pytest.raises(DataError, match="no images"):
            open_store(found.root, [], SIZE, caches)


class TestProgress:
    def test_it_grows_to_the_total(self, found: Scan, caches: Path) -> None:
        events: list[Event] = []
        open_store(found.root, found.records, SIZE, caches, Context(events.append))
        assert all(isinstance(event, Progress) and event.task == "decode" for event in events)
        assert events[-1] == Progress("decode", 20, 20)

    def test_a_stop_ends_it_and_leaves_nothing_half(self, found: Scan, caches: Path) -> None:
        stop = Stop()
        with pytest.raises(Stopped):
            open_store(found.root, found.records * 20, SIZE, caches, Context(lambda event: stop.request("keep"), stop))
        assert stored(caches) == []


BUILD = """
import resource, signal, sys
from pathlib import Path
from engine.data import pixel_store as pixels
from engine.data.scan import scan
from engine.base.errors import CacheError
root, caches, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
found = scan(root)
if how == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
if how == "killed":
    original = pixels._small
    def small(root, record, size, channels, *pixel_rules):
        if record.file == "B/5.tif":
            print("ready", flush=True)
            signal.pause()
        return original(root, record, size, channels, *pixel_rules)
    pixels._small = small
try:
    store, problems = pixels.open_store(root, found.records, 24, caches)
except CacheError as error:
    print("refused:", error)
else:
    print("built", len(store.files), int(store.array.sum()))
"""


def build(found: Scan, caches: Path, how: str = "") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(found.root), str(caches), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


class TestTrouble:
    def test_processes_that_build_at_the_same_time_all_end_fine(self, found: Scan, caches: Path) -> None:
        running = [build(found, caches) for _ in range(4)]
        outputs = {process.communicate(timeout=60) for process in running}
        assert outputs == {(f"built 20 {expected(found.root, found.records, 1).sum()}\n", "")}
        assert [path.suffix for path in stored(caches)] == [".json", ".u8"]

    def test_threads_that_want_the_same_decode_once(
        self, found: Scan, caches: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = count_reads(monkeypatch)
        threads = [
            threading.Thread(target=open_store, args=(found.root, found.records, SIZE, caches)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(opened) == 20

    def test_a_killed_build_leaves_nothing_that_stays(self, found: Scan, caches: Path) -> None:
        with build(found, caches, "killed") as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                (unfinished,) = stored(caches)
                os.utime(unfinished, (0, 0))
                open_store(found.root, found.records[:5], SIZE, caches)
                assert unfinished in stored(caches)  # its writer is alive
            finally:
                process.kill()

        os.utime(unfinished, (0, 0))
        store, problems = open_store(found.root, found.records, SIZE, caches)
        assert problems == ()
        assert np.array_equal(store.array, expected(found.root, found.records, 1))
        assert sorted(path.suffix for path in stored(caches)) == [".json", ".json", ".u8", ".u8"]

    def test_a_new_temporary_file_is_left_to_its_writer(self, found: Scan, caches: Path) -> None:
        (caches / "pixels").mkdir(parents=True)
        new, old = (caches / "pixels" / f"{process}-0123456789abcdef.tmp" for process in (1, 2))
        foreign = caches / "pixels" / "notes.tmp"
        for path in (new, old, foreign):
            path.write_bytes(b"x")
        for path in (old, foreign):
            os.utime(path, (time.time() - 3600,) * 2)
        open_store(found.root, found.records, SIZE, caches)
        assert [path.name for path in stored(caches) if path.suffix == ".tmp"] == [new.name, foreign.name]

    def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(self, found: Scan, caches: Path) -> None:
        output, errors = build(found, caches, "full").communicate(timeout=60)
        assert output.startswith("refused: There is no space in ")
        assert errors == ""
        assert stored(caches) == []

    def test_too_small_a_disk_is_told_before_the_work(
        self, found: Scan, caches: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = count_reads(monkeypatch)
        with pytest.raises(CacheError, match="no space"):
            open_store(found.root, found.records, 10**6, caches)
        assert opened == []

    def test_a_cache_that_is_no_folder_is_one_sentence(self, found: Scan, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(CacheError, match="can't be used"):
            open_store(found.root, found.records, SIZE, tmp_path / "file")

    def test_folders_and_files_are_the_users_alone_whatever_the_umask(self, found: Scan, caches: Path) -> None:
        before = os.umask(0)
        try:
            open_store(found.root, found.records, SIZE, caches)
        finally:
            os.umask(before)
        assert [stat.S_IMODE(path.stat().st_mode) for path in (caches, caches / "pixels")] == [0o700, 0o700]
        assert {stat.S_IMODE(path.stat().st_mode) for path in stored(caches)} == {0o600}
