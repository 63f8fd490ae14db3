"""What is no image, or one that would take too much, is refused in one sentence and leaves nothing behind."""

import io
import os
import pickle
import struct
import subprocess
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from engine.base.errors import DataError
from engine.data.image.reader import ImageError, peek, pixel_hash, read
from tests.makers.pictures import chest, coloured, holding, many_samples, png, saved, tiff

ROOT = Path(__file__).resolve().parents[4]


def cut(name: str, share: float = 0.6, **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = saved(folder / name, chest(200, 200), **options)
        os.truncate(path, int(path.stat().st_size * share))
        return path

    return make


def frames(name: str, **options: Any) -> Callable[[Path], Path]:
    more = [Image.fromarray(chest(seed=seed)) for seed in (1, 2)]
    return lambda folder: saved(folder / name, chest(), save_all=True, append_images=more, **options)


def bomb(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    return png(width, height, 8, 0, b"\0" * 1000, *chunks)


def damaged_chunk() -> bytes:
    """A PNG between whose two chunks of pixels stands one without a name."""
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in chest(200, 200)))
    return png(200, 200, 8, 0, b"", (b"IDAT", pixels[:9000]), (bytes(4), b""), (b"IDAT", pixels[9000:]))


def many_passes() -> bytes:
    """A small JPEG file whose last scan comes again and again, each time over all of its many pixels."""
    body = io.BytesIO()
    Image.new("L", (4000, 4000), 128).save(body, "JPEG", progressive=True)
    data = body.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 5000 + data[-2:]


def link_loop(folder: Path) -> Path:
    (folder / "loop.png").symlink_to(folder / "loop.png")
    return folder / "loop.png"


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.png")
    return folder / "pipe.png"


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "none.png", "no such file"),
    "folder": (lambda folder: folder, "folder"),
    "pipe": (fifo, "pipe"),
    "device": (lambda folder: Path("/dev/zero"), "device"),
    "link to itself": (link_loop, "could not be opened"),
    "name with a NUL": (lambda folder: folder / "a\0b.png", "name"),
    "name too long": (lambda folder: folder / ("a" * 300), "could not be opened"),
    "empty": (holding(b""), "empty"),
    "text": (holding(b"This is not an X-ray.\n"), "text"),
    "noise": (holding(bytes(range(200)) * 3), "not an image of a known format"),
    "DICOM without elements": (holding(bytes(128) + b"DICM" + bytes(50)), "DICOM"),
    "DICOM that begins as a TIFF": (holding(b"II*\0".ljust(128, b"\0") + b"DICM" + bytes(50)), "DICOM"),
    "EPS": (holding(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "PostScript"),
    "PDF": (holding(b"%PDF-1.7\n"), "PDF"),
    "GIF": (lambda folder: saved(folder / "x.png", chest(), format="GIF"), "GIF"),
    "zip": (holding(b"PK\x03\x04" + bytes(60)), "zip"),
    "web page": (holding(b"<!doctype html><html>Not found</html>"), "web page"),
    "HEIC": (holding(bytes((0, 0, 0, 24)) + b"ftypheic" + bytes(40)), "HEIC"),
    "cut PNG": (cut("x.png"), "cut short"),
    "cut JPEG": (cut("x.jpg"), "cut short"),
    "cut BMP": (cut("x.bmp"), "cut short"),
    "cut TIFF": (cut("x.tif", 0.5, compression="tiff_lzw"), "damaged"),
    "cut WebP": (cut("x.webp", lossless=True), "damaged"),
    "PNG of a header alone": (holding(png(9, 9, 8, 0, b"")[:40]), "PNG"),
    "PNG with a damaged chunk": (holding(damaged_chunk()), "damaged"),
    "PNG without a width": (holding(png(0, 9, 8, 0, b"")), "damaged"),
    "wide bomb": (holding(bomb(100_000, 2)), "100000x2"),
    "large bomb": (holding(bomb(12_000, 12_000)), "12000x12000"),
    "bomb with XMP": (holding(bomb(12_000, 12_000, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x>"))), "12000x12000"),
    "huge bomb": (holding(bomb(60_000, 60_000)), "more pixels than are read"),
    "JPEG bomb": (
        holding(b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00"),
        "more pixels than are read",
    ),
    "JPEG of many passes": (lambda folder: holding(many_passes(), "x.jpg")(folder), "passes"),
    "animated PNG": (frames("x.png"), "several pictures"),
    "animated WebP": (frames("x.webp", lossless=True), "several pictures"),
    "TIFF of pages": (frames("x.tif"), "several pictures"),
    "32-bit integers": (lambda f: saved(f / "x.tif", chest().astype(np.int32)), "32-bit"),
    "fractions": (lambda f: saved(f / "x.tif", chest().astype(np.float32)), "fractions"),
    "signed 16 bits": (holding(tiff(2, 2, 16, 1, bytes(8), sample_format=2), "x.tif"), "signed"),
}


class TestRefusals:
    @pytest.mark.parametrize("kind", REFUSED)
    def test_what_is_no_picture_is_refused_with_path_and_reason(self, tmp_path: Path, kind: str) -> None:
        make, words = REFUSED[kind]
        path = make(tmp_path)
        started = time.perf_counter()
        with pytest.raises(ImageError) as caught:
            read(path)
        assert time.perf_counter() - started < 2
        assert caught.value.path == path
        assert words in caught.value.reason
        assert str(caught.value) == f"{path}: {caught.value.reason}."
        assert "\n" not in caught.value.reason

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
    def test_a_file_without_permission_is_refused(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.png", chest())
        path.chmod(0)
        with pytest.raises(ImageError, match="may not be read"):
            read(path)

    def test_the_error_is_bad_data_and_survives_pickling(self) -> None:
        error = ImageError(Path("a.png"), "it is empty")
        copy = pickle.loads(pickle.dumps(error))
        assert isinstance(copy, ImageError) and isinstance(copy, DataError)
        assert (copy.exit_code, copy.path, copy.reason, str(copy)) == (3, error.path, error.reason, str(error))

    def test_refusing_leaves_no_file_open(self, tmp_path: Path) -> None:
        before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
        for make, _ in REFUSED.values():
            (tmp_path / str(id(make))).mkdir()
            with pytest.raises(ImageError):
                read(make(tmp_path / str(id(make))))
        if before:
            assert len(list(Path("/proc/self/fd").iterdir())) <= before

    def test_looking_at_a_header_decodes_no_pixels(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = cut("x.png")(tmp_path)
        assert (peek(path).format, peek(path).mode, peek(path).width, peek(path).height) == ("PNG", "L", 200, 200)
        decoded: list[object] = []
        monkeypatch.setattr(ImageFile.ImageFile, "load", decoded.append)
        path.write_bytes(bomb(9, 9, (b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="3"/>')))
        assert peek(path).orientation == 3
        assert decoded == []

    def test_whatever_bytes_change_it_reads_or_refuses(self, tmp_path: Path) -> None:
        generator = np.random.default_rng(0)
        kinds: list[tuple[str, np.ndarray, dict[str, Any]]] = [
            *((kind, chest(), {}) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP")),
            ("PNG", chest().astype(np.uint16) * 257, {}),
            ("TIFF", coloured(), {"compression": "tiff_lzw"}),
            ("TIFF", coloured(), {"compression": "jpeg"}),
        ]
        path = tmp_path / "fuzz"
        outcomes = []
        for kind, array, options in kinds:
            body = io.BytesIO()
            Image.fromarray(array).save(body, kind, **options)
            for _ in range(50):
                data = bytearray(body.getvalue())
                for place in generator.integers(0, len(data), generator.integers(1, 20)):
                    data[place] = generator.integers(0, 256)
                path.write_bytes(data[: len(data) if generator.random() < 0.7 else generator.integers(1, len(data))])
                try:
                    outcomes.append(read(path).pixels.dtype == np.uint8)
                except ImageError as error:
                    outcomes.append(bool(error.reason))
        assert all(outcomes)


QUIET = """
import logging, sys
from pathlib import Path
from engine.data.image.reader import ImageError, read
for path in map(Path, sys.argv[1:]):
    try:
        read(path)
    except ImageError:
        print("refused")
    else:
        print("read")
"""


class TestQuiet:
    @pytest.mark.parametrize(
        "before", ["", "logging.basicConfig(level=logging.DEBUG)"], ids=["plain", "a root handler"]
    )
    def test_what_pillow_logs_of_a_file_stays_out_of_the_terminal(self, tmp_path: Path, before: str) -> None:
        """A root handler is what TensorFlow's own logging brings."""
        path = tmp_path / "x.tif"
        path.write_bytes(many_samples(np.zeros((4, 4, 3), np.uint8), "<").replace(
            struct.pack("<HHIHxx", 277, 3, 1, 3), struct.pack("<HHIHxx", 277, 3, 1, 999)
        ))  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", f"import logging\n{before}\n{QUIET}", path],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        assert (done.stderr, done.stdout) == ("", "refused\n")

    def test_damaged_files_write_nothing_to_the_terminal(self, tmp_path: Path) -> None:
        exif = saved(tmp_path / "exif.tif", chest(), tiffinfo={270: "x" * 50})
        exif.write_bytes(exif.read_bytes().replace(struct.pack("<HHI", 270, 2, 51), struct.pack("<HHI", 270, 2, 2**30)))
        strip = saved(tmp_path / "strip.tif", chest(), compression="tiff_lzw")
        data = strip.read_bytes()
        strip.write_bytes(data[:8] + bytes(30) + data[38:])
        apng = frames("apng.png")(tmp_path)
        apng.write_bytes(apng.read_bytes().replace(b"acTL\0\0\0\3", b"acTL\0\0\0\0"))
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", QUIET, exif, strip, apng],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        assert done.stderr == ""
        assert "refused" in done.stdout

    def test_threads_read_alike_and_other_warnings_still_show(self, tmp_path: Path) -> None:
        paths = [saved(tmp_path / f"{i}.png", chest(seed=i)) for i in range(20)]
        bad = holding(b"\x89PNG\r\n\x1a\n" + bytes(40), "bad.png")(tmp_path)

        def outcome(path: Path) -> str:
            try:
                return pixel_hash(read(path).pixels)
            except ImageError as error:
                return error.reason

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with ThreadPoolExecutor(8) as pool:
                found = list(pool.map(outcome, [*paths, bad] * 10))
            warnings.warn("another module's", UserWarning, stacklevel=1)
        assert found == [*(pixel_hash(chest(seed=i)) for i in range(20)), found[20]] * 10
        assert [str(warning.message) for warning in caught] == ["another module's"]
