"""Memory while images are read stays within the figure stated, whatever the folder holds and however many read."""

import json
import os
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data.image import memory_cost
from engine.data.image.memory_budget import BOUND, BUDGET, MB, MOST, NoRoomError, Room
from engine.data.image.reader import ImageError, peek, read
from tests.conftest import ROOT
from tests.makers.extent import ALL

THREADS = 8
READ = """
import json, re, sys
from pathlib import Path
import numpy as np
from PIL import Image
from engine.data import parallel, scan
from engine.data.image import inspect, reader as images
from engine.data.similarity import near_duplicates as similarity
from engine.evaluation import prediction
parallel.processors = prediction.processors = lambda: int(sys.argv[2])

def now():
    # Not ru_maxrss: it begins with what the parent had, and would hide as much.
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

Image.new("L", (99, 99)).save(sys.argv[3])
images.read(Path(sys.argv[3]))
before, folder = now(), Path(sys.argv[1])
found = scan.scan(folder)
scanned = now() - before
files = sorted(file for file in folder.rglob("*") if file.is_file())
read = [item for chunk in prediction.read_inputs(files, 224, with_cautions=True) for item in chunk]
print(json.dumps({
    "scanned": scanned, "predicted": now() - before, "images": len(found.records),
    "inputs": sum(not isinstance(item, Exception) for item in read),
    "reasons": {Path(p.file).name: p.reason for p in found.problems},
}))
"""


def reading(folder: Path, away: Path, threads: int = THREADS) -> dict[str, object]:
    """What a process of its own says of scanning the folder, and of reading it for a prediction, by so many threads."""
    done = subprocess.run(
        [sys.executable, "-c", READ, folder, str(threads), away / "warm.png"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    values: dict[str, object] = json.loads(done.stdout)
    return values


def flat_png(path: Path, width: int, height: int, depth: int, colour: int, pixel: bytes, *words: bytes) -> None:
    """A PNG of one colour, whose rows are never in memory at once; `words` are the bodies of tEXt chunks."""
    pack = zlib.compressobj(1)
    row = b"\0" + pixel * width
    body = b"".join([*(pack.compress(row) for _ in range(height)), pack.flush()])
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))]
    chunks += [*((b"tEXt", text) for text in words), (b"IDAT", body), (b"IEND", b"")]
    packed = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))


def sparse(path: Path, head: bytes, size: int) -> None:
    """A file that begins with `head` and is `size` bytes long, of which the disk keeps the head alone."""
    path.write_bytes(head)
    os.truncate(path, size)


def bmp(path: Path, width: int, height: int) -> None:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    sparse(path, b"BM" + struct.pack("<IHHI", 54 + 3 * width * height, 0, 0, 54) + head, 54 + 3 * width * height)


def tiff(path: Path, tags: list[tuple[int, int, int, int]], size: int, at: int = 8, more: bytes = b"") -> None:
    """A little-endian TIFF of these tags (number, type, count, value), followed by `more` and then by zeros."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<IH", at, len(tags)) + entries + bytes(4) + more
    sparse(path, head, max(size, len(head)))


def grey_tags(side: int, *more: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    usual = {256: (3, 1, side), 257: (3, 1, side), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 500)}
    usual |= {277: (3, 1, 1), 278: (3, 1, side), 279: (4, 1, side * side), **{tag[0]: tag[1:] for tag in more}}
    return sorted((tag, *rest) for tag, rest in usual.items())


def tile_bomb(path: Path) -> None:
    """A picture of 64 x 64 pixels in one tile of 16,000 x 16,000, which 1 MB of deflate fills."""
    side = 16_000
    pack = zlib.compressobj(1)
    body = b"".join([*(pack.compress(bytes(side)) for _ in range(side)), pack.flush()])
    more = ((259, 3, 1, 8), (322, 3, 1, side), (323, 3, 1, side), (324, 4, 1, 0), (325, 4, 1, len(body)))
    tags = [tag for tag in grey_tags(64, *more) if tag[0] not in (273, 278, 279)]
    place = 8 + 2 + 12 * len(tags) + 4
    tiff(path, [(324, 4, 1, place) if tag[0] == 324 else tag for tag in tags], 0, more=body)


def jpeg_words(path: Path) -> None:
    """A JPEG with a thousand comments before its picture, 65 MB."""
    body = path.with_suffix(".tmp")
    Image.new("L", (64, 64)).save(body, "JPEG")
    data = body.read_bytes()
    body.unlink()
    path.write_bytes(data[:2] + (b"\xff\xfe\xff\xff" + bytes(0xFFFD)) * 1000 + data[2:])


HOSTILE: dict[str, Callable[[Path], None]] = {
    "tags.tif": lambda path: tiff(path, grey_tags(64, (273, 4, 10_000_000, 600)), 40_001_000),
    "exif.tif": lambda path: tiff(
        path, grey_tags(64, (0x8769, 4, 1, 300)), 60_000_400,
        more=bytes(300 - 8 - 2 - 12 * 10 - 4) + struct.pack("<HHHII", 1, 0x9000, 3, 30_000_000, 400),
    ),
    "tile.tif": tile_bomb,
    "words.png": lambda path: flat_png(path, 64, 64, 8, 0, b"\x40", b"Comment\0" + bytes(60_000_000)),
    "words.jpg": jpeg_words,
}  # fmt: skip
"""Files that take far more memory than their picture, and are refused."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    for label in ("COVID", "Normal"):
        (folder / label).mkdir()
    for name, make in HOSTILE.items():
        make(folder / "COVID" / name)
        os.link(folder / "COVID" / name, folder / "Normal" / name)
    flat_png(folder / "COVID" / "colour.png", 10_000, 10_000, 8, 6, b"\x30\x5a\x60\xc0")
    flat_png(folder / "Normal" / "grey.png", 10_000, 10_000, 16, 0, b"\x50\x50")
    bmp(folder / "Normal" / "large.bmp", 10_000, 10_000)
    scans = Image.new("RGB", (5000, 5000), (90, 60, 200))
    scans.save(folder / "COVID" / "scans.jpg", progressive=True, subsampling=0)
    return folder


@pytest.mark.alone
def test_a_folder_of_hostile_and_large_images_takes_no_more_than_is_stated(hostile: Path, tmp_path: Path) -> None:
    found = reading(hostile, tmp_path)
    assert found["images"] == found["inputs"] == 4
    reasons = found["reasons"]
    assert isinstance(reasons, dict) and set(reasons) == set(HOSTILE)
    assert isinstance(found["predicted"], int) and BUDGET < found["predicted"] < BOUND, found


@pytest.mark.parametrize("name", HOSTILE)
def test_what_takes_more_memory_than_its_picture_is_refused(name: str, hostile: Path) -> None:
    path = hostile / "COVID" / name
    with pytest.raises(ImageError, match=r"beside its picture|MB of memory"):
        read(path)


class TestRoom:
    def test_many_threads_never_take_more_than_the_budget_and_one_picture(self) -> None:
        room, taken, most, lock = Room(100), [0], [0], threading.Lock()

        def work(seed: int) -> None:
            dice = np.random.default_rng(seed)
            for _ in range(200 if ALL else 50):
                content, whole = int(dice.integers(1, 40)), int(dice.choice([50, 90, 300]))
                with room.claim() as claim:
                    for wanted in (content, content + 5, whole):
                        before = claim.bytes
                        claim.grow_to(wanted)
                        with lock:
                            taken[0] += claim.bytes - before
                            most[0] = max(most[0], taken[0])
                    with lock:
                        taken[0] -= claim.bytes

        threads = [threading.Thread(target=work, args=(seed,), daemon=True) for seed in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in threads)
        assert 100 < most[0] <= 400 and taken[0] == 0

    def test_a_thread_that_holds_a_picture_may_read_another(self) -> None:
        room = Room(100)
        with room.claim() as one:
            one.grow_to(500)
            with room.claim() as other:
                other.grow_to(500)
            waiting = threading.Thread(target=lambda: taking(room), daemon=True)
            waiting.start()
            waiting.join(timeout=0.2)
            assert waiting.is_alive()
        waiting.join(timeout=10)
        assert not waiting.is_alive()

    def test_a_picture_beyond_the_most_is_refused_with_the_figure(self, tmp_path: Path) -> None:
        with pytest.raises(NoRoomError), Room().claim() as claim:
            claim.grow_to(MOST + 1)
        assert BOUND == 1500 * MB and BUDGET + MOST < BOUND


def taking(room: Room) -> None:
    with room.claim() as claim:
        claim.grow_to(500)


class TestWords:
    def test_an_ordinary_file_says_little(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[274], exif[271] = 6, "a maker" * 99
        picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8))
        for name in ("x.png", "x.jpg", "x.tif", "x.webp"):
            picture.save(tmp_path / name, exif=exif)
            content = (tmp_path / name).read_bytes()
            assert 500 < memory_cost.words(content) < 40_000, name
        assert memory_cost.words(b"BM" + bytes(99)) == 0

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
    def test_whatever_the_bytes_are_they_are_counted(self, kind: str, tmp_path: Path) -> None:
        Image.new("RGB", (20, 20)).save(tmp_path / "x", kind)
        whole = (tmp_path / "x").read_bytes()
        dice = np.random.default_rng(0)
        for _ in range(2000):
            data = bytearray(whole)
            for place in dice.integers(2, len(data), 6):
                data[place] = dice.integers(0, 256)
            assert memory_cost.words(bytes(data[: dice.integers(4, len(data) + 1)])) >= 0

    def test_a_header_is_read_under_the_same_bounds(self, hostile: Path) -> None:
        with pytest.raises(ImageError, match="beside its picture"):
            peek(hostile / "COVID" / "words.png")
