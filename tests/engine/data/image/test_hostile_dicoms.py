"""DICOM files that are damaged, made to harm or of no use: refused with path and reason, in bounded time and memory."""

import json
import os
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from engine.data.image.dicom_decoder import DecodingError, decode
from engine.data.image.reader import ImageError, peek, read
from tests.conftest import ROOT, SAMPLE
from tests.makers.dicoms import PACKAGED, dataset, ramp, saved


def holding(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "x.dcm").write_bytes(data)
        return folder / "x.dcm"

    return make


def making(make: Callable[[], bytes]) -> Callable[[Path], Path]:
    """As `holding`, for contents that take long to make."""
    return lambda folder: holding(make())(folder)


def made(**elements: Any) -> Callable[[Path], Path]:
    return lambda folder: saved(folder / "x.dcm", ramp(), **elements)


def meta(syntax: bytes) -> bytes:
    syntax += bytes(len(syntax) % 2)
    return bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [packer.compress(bytes(2**20)) for _ in range(400)]
    return meta(b"1.2.840.10008.1.2.1.99") + b"".join(parts) + packer.flush()


def many_elements() -> bytes:
    return meta(b"1.2.840.10008.1.2.1") + struct.pack("<HH2sH", 8, 0x60, b"CS", 0) * 3_000_000


def nested() -> bytes:
    opened = struct.pack("<HH2sHL", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return meta(b"1.2.840.10008.1.2.1") + opened * 100_000


def cut(folder: Path) -> Path:
    path = saved(folder / "x.dcm", ramp())
    os.truncate(path, path.stat().st_size - 5000)
    return path


def without(keyword: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file = dataset(ramp())
        del file[keyword]
        file.save_as(folder / "x.dcm", enforce_file_format=True)
        return folder / "x.dcm"

    return make


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "frames": (made(NumberOfFrames=3), "3 frames"),
    "large": (made(Rows=20_000, Columns=20_000), "20000x20000"),
    "wide": (made(Rows=1, Columns=60_000), "60000x1"),
    "32 bits": (made(BitsAllocated=32, BitsStored=32), "neither 1 nor 8 nor 16"),
    "no pixels": (without("PixelData"), "without a picture"),
    "no rows": (without("Rows"), "Rows"),
    "more rows than pixels": (made(Rows=65), "cut short"),
    "cut": (cut, "cut short"),
    "more bits stored than allocated": (made(BitsStored=17), "contradicts itself"),
    "unknown colours": (made(PhotometricInterpretation="CMYK"), "photometric interpretation"),
    "grey of three samples": (made(SamplesPerPixel=3), "photometric interpretation"),
    "no palette": (made(PhotometricInterpretation="PALETTE COLOR"), "palette"),
    "slope of zero": (made(RescaleSlope=0), "slope"),
    "video": (holding(meta(b"1.2.840.10008.1.2.4.102") + bytes(99)), "compressed in a way"),
    "uncompressed under the name of a JPEG": (
        holding(dataset(ramp()).PixelData.join((meta(b"1.2.840.10008.1.2.4.50"), b""))), "DICOM",
    ),
    "deflated bomb": (making(bomb), "unfold into more"),
    "deflated noise": (holding(meta(b"1.2.840.10008.1.2.1.99") + bytes(range(256))), "damaged"),
    "many elements": (making(many_elements), "more elements"),
    "deeply nested": (making(nested), "damaged"),
    "a report": (lambda folder: PACKAGED / "test-SR.dcm", "without a picture"),
}  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize("kind", REFUSED)
    def test_it_is_refused_with_path_and_reason(self, tmp_path: Path, kind: str) -> None:
        make, words = REFUSED[kind]
        path = make(tmp_path)
        began = time.process_time()
        with pytest.raises(ImageError) as caught:
            read(path)
        assert time.process_time() - began < 2
        assert words in caught.value.reason and str(caught.value) == f"{path}: {caught.value.reason}."

    def test_without_the_extra_a_sentence_says_how_to_get_it(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.dcm", ramp())
        code = "import sys; sys.modules['pydicom'] = None; from tui.cli import run; exit(run(['inspect', sys.argv[1]]))"
        done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 3
        assert done.stderr == f"covid-tui: {path}: DICOM files need the dicom extra: pip install 'covid-tui[dicom]'.\n"

    def test_other_images_are_read_without_loading_pydicom(self) -> None:
        code = (
            "import sys; from pathlib import Path; from engine.data.image.reader import read; read(Path(sys.argv[1]));"
            "print('pydicom' in sys.modules)"
        )
        picture = next((SAMPLE / "COVID" / "images").iterdir())
        done = subprocess.run([sys.executable, "-c", code, picture], cwd=ROOT, capture_output=True, text=True)
        assert done.stdout == "False\n"

    def test_the_same_limits_hold_for_a_header_alone(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="20000x20000"):
            peek(made(Rows=20_000, Columns=20_000)(tmp_path))


OPTIONS: dict[str, Any] = {
    "rows": 400, "columns": 400, "samples_per_pixel": 3, "photometric_interpretation": "YBR_RCT", "bits_allocated": 8,
    "bits_stored": 8, "pixel_representation": 0, "number_of_frames": 1, "planar_configuration": 0,
    "pixel_keyword": "PixelData", "pixel_vr": "OB",
}  # fmt: skip
J2K = "1.2.840.10008.1.2.4.90"


class TestDecoder:
    def frame(self, **changed: int) -> bytes:
        """The compressed frame of a packaged file, with some of its bytes changed."""
        data = bytearray(pydicom.dcmread(PACKAGED / "GDCMJ2K_TextGBR.dcm").PixelData)
        for place, value in changed.items():
            data[int(place[1:])] = value
        return bytes(data)

    def test_a_frame_that_never_ends_is_ended_and_the_next_one_is_decoded(self) -> None:
        """pylibjpeg is busy with this one for more than a minute, and lets no other thread of its process work."""
        before = os.times()
        with pytest.raises(DecodingError, match="died"):
            decode(self.frame(b121=236, b168=251), J2K, OPTIONS)
        after = os.times()
        assert 1 < after.children_user + after.children_system - before.children_user - before.children_system < 8
        assert decode(self.frame(), J2K, OPTIONS).shape == (400, 400, 3)

    def test_a_worker_that_died_meanwhile_is_replaced(self) -> None:
        from engine.data.image import dicom_decoder

        first = decode(self.frame(), J2K, OPTIONS)
        for worker in dicom_decoder.IDLE_WORKERS:
            worker._process.kill()
            worker._process.wait()
        assert np.array_equal(decode(self.frame(), J2K, OPTIONS), first)

    def test_a_run_length_bomb_gets_no_more_memory_than_its_picture_needs(self, tmp_path: Path) -> None:
        """Each two of its bytes unfold into 128: a gigabyte for a picture of 64 x 64."""
        body = struct.pack("<16L", 1, 64, *(0,) * 14) + b"\x81\0" * 8_000_000
        file = dataset(ramp(8).astype(np.uint8), "1.2.840.10008.1.2.5")
        file.PixelData = pydicom.encaps.encapsulate([body])
        file["PixelData"].is_undefined_length = True
        file.save_as(tmp_path / "x.dcm", enforce_file_format=True)
        done = subprocess.run(
            [sys.executable, "-c", PEAK, tmp_path / "x.dcm"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        reason, peak = done.stdout.splitlines()
        assert "damaged" in reason or "memory" in reason
        assert int(peak) < 500 * 2**10


PEAK = """
import resource, sys
from pathlib import Path
from engine.data.image import dicom_decoder as decoding
from engine.data.image.reader import ImageError, read
try:
    read(Path(sys.argv[1]))
except ImageError as error:
    print(error.reason)
decoding._close()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


FUZZ = """
import io, json, resource, sys, time, warnings
from pathlib import Path
import numpy as np
from engine.data.image.reader import ImageError, read

count, folder = int(sys.argv[1]), Path(sys.argv[2])
bodies = [Path(name).read_bytes() for name in sys.argv[3:]]
read(Path(sys.argv[3]))
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 600 * 2**20, resource.RLIM_INFINITY))
counts, slowest = {"read": 0, "refused": 0}, 0.0
for number in range(count):
    dice = np.random.default_rng([11, number])
    data = bytearray(bodies[number % len(bodies)])
    for _ in range(int(dice.integers(1, 4))):
        if len(data) < 200:
            break
        at = int(dice.integers(132, min(len(data), dice.choice([400, 1500, len(data)]))))
        match int(dice.integers(0, 5)):
            case 0: data[at] ^= 1 << int(dice.integers(0, 8))
            case 1: data[at:at + 4] = bytes.fromhex(dice.choice(["ffffffff", "00000000", "7fffffff", "feff00e0"]))
            case 2: del data[at:at + int(dice.integers(1, 30))]
            case 3: data[at:at] = dice.bytes(int(dice.integers(1, 30)))
            case 4: del data[at:]
    path = folder / f"{number}.dcm"
    path.write_bytes(data)
    began = time.process_time()
    try:
        pixels = read(path).pixels
        assert pixels.dtype == np.uint8 and pixels.size and (pixels.ndim == 2 or pixels.shape[2:] == (3,))
        counts["read"] += 1
    except ImageError as error:
        assert error.path == path and str(error) == f"{path}: {error.reason}.", error
        counts["refused"] += 1
    slowest = max(slowest, time.process_time() - began)
    path.unlink()
print(json.dumps({**counts, "slowest": slowest}))
"""
FUZZED = (
    *("CT_small.dcm", "MR_small_implicit.dcm", "MR_small_expb.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"),
    *("MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_small_odd.dcm"),
    *("image_dfl.dcm", "dicomdirtests/77654033/CR1/6154", "JPEG2000.dcm", "JPGExtended.dcm"),
)


def fuzz(count: int, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", FUZZ, str(count), folder, *(PACKAGED / name for name in FUZZED)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["read"] > count / 10 and found["refused"] > count / 10, found
    assert found["slowest"] < 2 and done.stderr == "", (found, done.stderr)


def test_hundreds_of_mutated_files_crash_nothing(tmp_path: Path) -> None:
    fuzz(520, tmp_path)


@pytest.mark.slow
def test_thousands_of_mutated_files_crash_nothing(tmp_path: Path) -> None:
    fuzz(13_000, tmp_path)
