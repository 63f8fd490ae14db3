"""DICOM: pydicom's files and made ones become the levels that PS3.3 asks for, or are refused with path and reason."""

import json
import os
import struct
import subprocess
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from engine.dataset.decoding import DecodingError, decode
from engine.dataset.images import ImageError, peek, pixel_hash, read
from engine.dataset.inspect import inspect
from engine.dataset.scan import scan
from engine.results.caution import cautions
from tests.conftest import ROOT, SAMPLE, Cli
from tests.dicoms import PACKAGED, dataset, packaged, saved

DICOMS = [path for path in packaged() if path.read_bytes()[128:132] == b"DICM"]
LOSSLESS = (
    *("MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm", "MR_small_implicit.dcm"),
    *("MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_padded.dcm"),
)


def ramp(bits: int = 12, signed: bool = False) -> np.ndarray:
    """Stored values of so many bits in a picture of 64 x 64 with all of their range in it."""
    values = np.linspace(0, 2**bits - 1, 4096).astype(np.int64) - (2 ** (bits - 1) if signed else 0)
    return values.astype(np.int16 if signed else np.uint16).reshape(64, 64)


def spread(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Levels from 0 at `low` to 255 at `high`."""
    return np.clip((values - low) / (high - low), 0, 1) * 255


def within_rounding(pixels: np.ndarray, levels: np.ndarray) -> bool:
    """Is each pixel the level, rounded? Halves may go either way."""
    return pixels.dtype == np.uint8 and bool((np.abs(pixels - levels) <= 0.5 + 1e-6).all())


def lookup(first: int, bits: int, entries: list[int]) -> Dataset:
    """An item of a Modality or VOI LUT Sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return item


class TestPackaged:
    @pytest.mark.parametrize("path", DICOMS, ids=lambda path: path.relative_to(PACKAGED).as_posix())
    def test_each_file_is_a_picture_or_refused_in_time(self, path: Path) -> None:
        began = time.process_time()
        try:
            image = read(path)
        except ImageError as error:
            assert error.path == path and str(error) == f"{path}: {error.reason}." and "\n" not in error.reason
        else:
            assert image.pixels.dtype == np.uint8 and image.pixels.shape[:2] == (
                image.header.height,
                image.header.width,
            )
            assert image.header.format == "DICOM" and image.dicom and peek(path) == image.header
        assert time.process_time() - began < 2

    def test_what_has_one_picture_of_up_to_16_bits_is_read(self) -> None:
        """All but two, whose compressed pixels no decoder reads."""
        refused = []
        for path in DICOMS:
            header = pydicom.dcmread(path, stop_before_pixels=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                frames, bits = header.get("NumberOfFrames") or 1, header.get("BitsAllocated", 0)
            if "Rows" not in header or frames != 1 or bits > 16:
                with pytest.raises(ImageError, match=r"picture|frames|bits|damaged|its Rows"):
                    read(path)
                continue
            try:
                read(path)
            except ImageError as error:
                assert "damaged or cut short" in error.reason
                refused.append(path.name)
        assert sorted(refused) == ["JPEG-lossy.dcm", "JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm"]

    def test_levels_of_uncompressed_greys_are_those_that_numpy_computes(self) -> None:
        compared = 0
        for path in DICOMS:
            file = pydicom.dcmread(path)
            if (
                file.get("SamplesPerPixel") != 1
                or file.BitsAllocated != 16
                or file.file_meta.TransferSyntaxUID not in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
                or path.name == "MR_truncated.dcm"
            ):
                continue
            kind = "<i2" if file.PixelRepresentation else "<u2"
            stored = np.frombuffer(file.PixelData, kind, file.Rows * file.Columns).reshape(file.Rows, file.Columns)
            values = stored * float(file.get("RescaleSlope", 1)) + float(file.get("RescaleIntercept", 0))
            if "WindowCenter" in file:
                center, width = (np.atleast_1d(file[name].value)[0] for name in ("WindowCenter", "WindowWidth"))
                low = float(center) - 0.5 - (float(width) - 1) / 2
                levels = spread(values, low, low + float(width) - 1)
            else:
                levels = spread(values, values.min(), values.max())
            levels = 255 - levels if file.PhotometricInterpretation == "MONOCHROME1" else levels
            assert within_rounding(read(path).pixels, levels), path
            compared += 1
        assert compared > 30

    @pytest.mark.parametrize("name", LOSSLESS)
    def test_one_picture_in_every_lossless_encoding_is_one_picture(self, name: str) -> None:
        assert pixel_hash(read(PACKAGED / name).pixels) == pixel_hash(read(PACKAGED / "MR_small.dcm").pixels)

    @pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm"])
    def test_jpeg_colours_are_nearly_those_that_pillow_decodes(self, name: str, tmp_path: Path) -> None:
        file = pydicom.dcmread(PACKAGED / name)
        frame = next(pydicom.encaps.generate_frames(file.PixelData, number_of_frames=1))
        (tmp_path / "x.jpg").write_bytes(frame)
        with Image.open(tmp_path / "x.jpg") as image:
            reference = np.asarray(image.convert("RGB")).astype(int)
        assert np.abs(read(PACKAGED / name).pixels.astype(int) - reference).mean() < 4

    def test_colours_of_a_palette_and_of_uncompressed_ybr_are_pydicoms(self) -> None:
        file = pydicom.dcmread(PACKAGED / "examples_palette.dcm")
        reference = apply_color_lut(file.pixel_array, file)
        assert np.array_equal(read(PACKAGED / "examples_palette.dcm").pixels, (reference >> 8).astype(np.uint8))
        file = pydicom.dcmread(PACKAGED / "SC_ybr_full_422_uncompressed.dcm")
        reference = pydicom.pixels.pixel_array(file)
        assert np.array_equal(read(PACKAGED / "SC_ybr_full_422_uncompressed.dcm").pixels, reference)

    def test_the_first_of_several_windows_is_used(self) -> None:
        facts = read(PACKAGED / "examples_overlay.dcm").dicom
        assert facts and (facts.window, facts.window_center, facts.window_width) == ("LINEAR", 450, 790)


whole = st.integers(-3000, 70_000)


class TestLevels:
    @settings(deadline=None, max_examples=60)
    @given(
        st.data(),
        st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
        st.sampled_from([8, 10, 12, 16]),
        st.booleans(),
        st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    )
    def test_rescale_and_window_are_pydicoms(
        self, tmp_path_factory: Any, data: Any, function: str, bits: int, signed: bool, photometric: str
    ) -> None:
        slope, intercept = data.draw(st.sampled_from([0.5, 1, 2.25, 3])), data.draw(st.sampled_from([-1024, 0, 7.5]))
        center, width = data.draw(whole), data.draw(st.integers(1, 70_000))
        file = dataset(
            ramp(bits, signed), BitsStored=bits, HighBit=bits - 1, PhotometricInterpretation=photometric,
            RescaleSlope=slope, RescaleIntercept=intercept, WindowCenter=center, WindowWidth=width,
            VOILUTFunction=function,
        )  # fmt: skip
        path = tmp_path_factory.mktemp("x") / "x.dcm"
        file.save_as(path, enforce_file_format=True)
        seen = apply_voi_lut(apply_modality_lut(file.pixel_array, file), file)
        ends = np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] if signed else [0, 2**bits - 1]) * slope + intercept
        levels = spread(seen, ends[0], ends[1])
        assert within_rounding(read(path).pixels, 255 - levels if photometric == "MONOCHROME1" else levels)

    @pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, pydicom.uid.ExplicitVRLittleEndian])
    def test_tables_take_the_place_of_rescale_and_window(self, tmp_path: Path, syntax: str) -> None:
        curve = (np.linspace(0, 1, 1000) ** 2 * 4095).astype(int).tolist()
        file = dataset(ramp(), syntax, BitsStored=12, HighBit=11, WindowCenter=1, WindowWidth=2, RescaleSlope=9)
        file.ModalityLUTSequence = [lookup(100, 16, list(range(2000, 0, -1)))]
        file.VOILUTSequence = [lookup(500, 12, curve), lookup(0, 8, [0, 255])]
        file.save_as(tmp_path / "x.dcm", enforce_file_format=True)
        image = read(tmp_path / "x.dcm")
        seen = np.array(curve)[np.clip(2000 - np.clip(ramp().astype(int) - 100, 0, 1999) - 500, 0, 999)]
        assert within_rounding(image.pixels, seen / 4095 * 255)
        assert image.dicom and image.dicom.window == "LUT" and image.dicom.modality_lut

    @settings(deadline=None, max_examples=40)
    @given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30))))
    def test_eight_bits_without_a_window_are_the_levels_themselves(self, tmp_path_factory: Any, x: np.ndarray) -> None:
        path = saved(tmp_path_factory.mktemp("x") / "x.dcm", x)
        assert np.array_equal(read(path).pixels, x)
        saved(path, x, PhotometricInterpretation="MONOCHROME1")
        assert np.array_equal(read(path).pixels, 255 - x)

    @settings(deadline=None, max_examples=40)
    @given(hnp.arrays(np.uint16, st.tuples(st.integers(1, 30), st.integers(1, 30))))
    def test_sixteen_bits_in_a_full_window_are_what_a_png_of_them_is(
        self, tmp_path_factory: Any, x: np.ndarray
    ) -> None:
        folder = tmp_path_factory.mktemp("x")
        path = saved(folder / "x.dcm", x, WindowCenter=32768, WindowWidth=65536)
        Image.fromarray(x).save(folder / "x.png")
        assert np.array_equal(read(path).pixels, read(folder / "x.png").pixels)

    def test_padding_is_no_part_of_the_range(self, tmp_path: Path) -> None:
        stored = ramp() + np.uint16(100)
        stored[:8] = 60_000
        path = saved(tmp_path / "x.dcm", stored, PixelPaddingValue=59_000, PixelPaddingRangeLimit=61_000)
        assert within_rounding(read(path).pixels, spread(stored.astype(float), stored[8:].min(), stored[8:].max()))
        facts = inspect(path)["dicom"]
        low, high = stored[8:].min(), stored[8:].max()
        assert (facts["window"], facts["window_center"], facts["window_width"]) == (
            "RANGE",
            (low + high) / 2,
            high - low,
        )

    def test_bits_beyond_those_stored_do_not_count(self, tmp_path: Path) -> None:
        saved(tmp_path / "x.dcm", ramp(), BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096)
        saved(tmp_path / "y.dcm", ramp() | 0xA000, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096)
        assert np.array_equal(read(tmp_path / "x.dcm").pixels, read(tmp_path / "y.dcm").pixels)

    def test_a_window_that_is_none_is_said_and_left_aside(self, tmp_path: Path) -> None:
        image = read(saved(tmp_path / "x.dcm", ramp(), WindowCenter=100, WindowWidth=0))
        assert any("window that is not valid" in note for note in image.notes)
        assert np.array_equal(image.pixels, read(saved(tmp_path / "y.dcm", ramp())).pixels)

    @pytest.mark.parametrize("bits", [4, 8, 12, 16])
    def test_colours(self, tmp_path: Path, bits: int) -> None:
        dice = np.random.default_rng(bits)
        x = dice.integers(0, 2**bits, (9, 7, 3)).astype(np.uint8 if bits <= 8 else np.uint16)
        image = read(saved(tmp_path / "x.dcm", x, BitsStored=bits, HighBit=bits - 1))
        assert np.array_equal(image.pixels, x * 17 if bits == 4 else x >> (bits - 8))
        assert any("upper 8 bits" in note for note in image.notes) == (bits > 8)
        grey = read(saved(tmp_path / "y.dcm", np.repeat(x[..., :1], 3, axis=2), BitsStored=bits, HighBit=bits - 1))
        assert not grey.colour and np.array_equal(grey.pixels, image.pixels[..., 0])

    def test_big_endian_and_deflated(self, tmp_path: Path) -> None:
        plain = read(saved(tmp_path / "x.dcm", ramp(), WindowCenter=1000, WindowWidth=1000))
        for syntax, words in ((ExplicitVRBigEndian, "not compressed"), (DeflatedExplicitVRLittleEndian, "deflated")):
            stored = ramp().byteswap() if syntax == ExplicitVRBigEndian else ramp()
            image = read(saved(tmp_path / "y.dcm", stored, syntax, WindowCenter=1000, WindowWidth=1000))
            assert np.array_equal(image.pixels, plain.pixels)
            assert image.dicom and image.dicom.compression == words


def holding(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "x.dcm").write_bytes(data)
        return folder / "x.dcm"

    return make


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
    "deflated bomb": (holding(bomb()), "unfold into more"),
    "deflated noise": (holding(meta(b"1.2.840.10008.1.2.1.99") + bytes(range(256))), "damaged"),
    "many elements": (holding(many_elements()), "more elements"),
    "deeply nested": (holding(nested()), "damaged"),
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
            "import sys; from pathlib import Path; from engine.dataset.images import read; read(Path(sys.argv[1]));"
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

    @pytest.mark.alone
    def test_a_frame_that_never_ends_is_ended_and_the_next_one_is_decoded(self) -> None:
        """pylibjpeg is busy with this one for more than a minute, and lets no other thread of its process work."""
        before = os.times()
        with pytest.raises(DecodingError, match="died"):
            decode(self.frame(b121=236, b168=251), J2K, OPTIONS)
        after = os.times()
        assert 1 < after.children_user + after.children_system - before.children_user - before.children_system < 8
        assert decode(self.frame(), J2K, OPTIONS).shape == (400, 400, 3)

    def test_a_worker_that_died_meanwhile_is_replaced(self) -> None:
        from engine.dataset import decoding

        first = decode(self.frame(), J2K, OPTIONS)
        for worker in decoding._IDLE:
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
from engine.dataset import decoding
from engine.dataset.images import ImageError, read
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
from engine.dataset.images import ImageError, read

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


class TestHeader:
    def test_inspect_tells_what_the_header_says(self, cli: Cli, tmp_path: Path) -> None:
        path = saved(
            tmp_path / "x.dcm", ramp(), BitsStored=12, HighBit=11, ViewPosition="LL", BurnedInAnnotation="YES",
            ImageLaterality="L", WindowCenter=[2048, 9], WindowWidth=[4096, 9], RescaleSlope=2, RescaleIntercept=-5,
            VOILUTFunction="SIGMOID",
        )  # fmt: skip
        shown = cli("inspect", path).stdout
        assert "DICOM, 64x64, mode MONOCHROME2, 12 bit" in shown
        assert "modality DX, view LL, side L, burned-in annotation YES" in shown
        assert "MONOCHROME2, 12 of 16 bits, not compressed" in shown
        assert "rescale slope 2, intercept -5; window SIGMOID centre 2048, width 4096" in shown
        assert "note: has text burned into its pixels" in shown
        facts = json.loads(cli("inspect", path, "--json").stdout)["dicom"]
        assert (facts["view_position"], facts["burned_in_annotation"]) == ("LL", "YES")
        assert (facts["rescale_slope"], facts["window_width"], facts["bits_stored"]) == (2, 4096, 12)

    @pytest.mark.parametrize(
        ("elements", "words"),
        [
            ({}, ""),
            ({"Modality": "CR", "ViewPosition": "AP"}, ""),
            ({"ViewPosition": "LLD"}, ""),
            ({"ViewPosition": "DECUBITUS LATERA"}, ""),
            ({"Modality": "CT"}, "modality CT"),
            ({"ViewPosition": "LL"}, "side view (LL)"),
            ({"ViewPosition": "XTABLE LATERAL"}, "side view (XTABLE LATERAL)"),
            ({"ViewPosition": "RAO"}, "oblique view (RAO)"),
            ({"BurnedInAnnotation": "YES"}, "burned into"),
        ],
    )
    def test_a_prediction_is_cautioned_by_what_the_header_says(
        self, tmp_path: Path, elements: dict[str, str], words: str
    ) -> None:
        picture = np.asarray(Image.open(next((SAMPLE / "COVID" / "images").iterdir())))
        image = read(saved(tmp_path / "x.dcm", picture, **elements))
        found = " ".join(cautions(image.pixels, image.dicom))
        assert words in found and bool(found) == bool(words)

    def test_free_text_in_the_place_of_a_code_is_not_shown(self, tmp_path: Path) -> None:
        file = dataset(ramp())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file.ViewPosition = "Doe, Jane *1970"
            file.save_as(tmp_path / "x.dcm", enforce_file_format=True)
        facts = read(tmp_path / "x.dcm").dicom
        assert facts and facts.view_position is None


# Privacy

MARK = "ZQ7PRIV"
IDENTIFYING = {
    "PatientName": f"{MARK}Doe^Jane", "PatientID": f"{MARK}0001", "PatientBirthDate": "19700102", "PatientSex": "F",
    "PatientAge": "054Y", "OtherPatientNames": f"{MARK}Roe", "PatientAddress": f"{MARK} Street 1",
    "PatientTelephoneNumbers": f"{MARK}555", "PatientComments": f"{MARK} comment", "PatientMotherBirthName": f"{MARK}M",
    "EthnicGroup": f"{MARK}E", "Occupation": f"{MARK}O", "AdditionalPatientHistory": f"{MARK}H",
    "AccessionNumber": f"{MARK}ACC", "InstitutionName": f"{MARK} Hospital", "InstitutionAddress": f"{MARK} Road",
    "ReferringPhysicianName": f"{MARK}Ref", "PerformingPhysicianName": f"{MARK}Perf", "OperatorsName": f"{MARK}Op",
    "NameOfPhysiciansReadingStudy": f"{MARK}Read", "StationName": f"{MARK}Stn", "DeviceSerialNumber": f"{MARK}Dev",
    "StudyID": f"{MARK}STU", "StudyDescription": f"{MARK} study", "SeriesDescription": f"{MARK} series",
    "ProtocolName": f"{MARK} protocol", "ImageComments": f"{MARK} image", "StudyDate": "19991231",
    "StudyTime": "235959.77", "AcquisitionDate": "19991230", "WindowCenterWidthExplanation": f"{MARK} window",
    "BodyPartExamined": f"{MARK}CHEST", "RequestedProcedureDescription": f"{MARK} procedure",
    "StudyInstanceUID": "1.2.71934.3", "SeriesInstanceUID": "1.2.82915.3", "SOPInstanceUID": "1.2.93157.3",
}  # fmt: skip
TRACES = (MARK, "ZQ7", "19700102", "19991231", "19991230", "235959.77", "054Y", ".71934.", ".82915.", ".93157.")


def identified(path: Path, picture: np.ndarray, **elements: Any) -> Path:
    """A DICOM file that says much of its patient, in sequences and private elements too."""
    file = dataset(picture, **{**IDENTIFYING, **elements})
    file.file_meta.SourceApplicationEntityTitle = f"{MARK}AE"
    file.private_block(0x11, f"{MARK}private", create=True).add_new(1, "LO", f"{MARK} secret")
    item = Dataset()
    item.PatientName = f"{MARK}Nested"
    file.ReferencedPatientSequence = [item]
    file["ReferencedPatientSequence"].is_undefined_length = True
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
    return path


def converted(root: Path, count: int = 8) -> Path:
    """A dataset of two classes of DICOM files, drawn as the sample data."""
    for label in ("COVID", "Normal"):
        for source in sorted((SAMPLE / label / "images").iterdir())[:count]:
            picture = np.asarray(Image.open(source).resize((128, 128)))
            identified(root / label / "images" / f"{source.stem}.dcm", picture)
            mask = SAMPLE / label / "masks" / source.name
            (root / label / "masks").mkdir(exist_ok=True)
            Image.open(mask).save(root / label / "masks" / source.name)
    return root


def damaged(folder: Path) -> list[Path]:
    """Files whose damage makes pydicom quote what they hold."""
    small = ramp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        texts = {"a": {"RescaleSlope": b"1ZQ7x"}, "b": {"WindowCenter": b"ZQ7 "}, "c": {"NumberOfFrames": b"ZQ7A"}}
        paths = [identified(folder / f"{name}.dcm", small) for name in texts]
        for path, elements in zip(paths, texts.values(), strict=True):
            file = pydicom.dcmread(path)
            for keyword, value in elements.items():
                tag = pydicom.datadict.tag_for_keyword(keyword)
                vr = pydicom.datadict.dictionary_VR(keyword)
                file._dict[pydicom.tag.Tag(tag)] = pydicom.dataelem.RawDataElement(
                    pydicom.tag.Tag(tag), vr, len(value), value, 0, False, True
                )
            file.WindowWidth = 9
            file.save_as(path, enforce_file_format=True)
    cut = identified(folder / "d.dcm", small)
    os.truncate(cut, cut.stat().st_size - 100)
    head = identified(folder / "e.dcm", small)
    os.truncate(head, 900)
    return [*paths, cut, head]


def traces(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


SEVERAL = """
import json, sys
from tui.cli import run
print(json.dumps([run(line) for line in json.loads(sys.argv[1])]))
"""


def test_nothing_of_a_patient_is_shown_kept_or_logged(tmp_path: Path) -> None:
    data, out, cache = converted(tmp_path / "data"), tmp_path / "runs", tmp_path / "cache"
    bad = damaged(data / "COVID" / "images")
    one = data / "COVID" / "images" / "COVID-1.dcm"
    assert set(traces(one.read_bytes().decode("latin-1"))) == set(TRACES)
    arguments: list[tuple[object, ...]] = [
        ("inspect", one, *bad), ("inspect", "--json", one, *bad), ("scan", data), ("scan", "--json", data),
        ("--train", data, "--weights", "none", "--epochs", "1", "--augment", "none", "--out", out, "--name", "x"),
        ("predict", one, *bad, "--run", out / "x", "--csv", tmp_path / "x.csv"),
        ("predict", "--json", one, *bad, "--run", out / "x"), ("evaluate", out / "x", "--json"),
        ("report", out / "x"),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", SEVERAL, json.dumps(arguments, default=str)],
        env={**os.environ, "COVID_TUI_CACHE": str(cache), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    codes = json.loads(done.stdout.splitlines()[-1])
    assert codes == [3 if set(bad) & set(line) else 0 for line in arguments], done.stderr
    assert not traces(done.stdout + done.stderr)
    assert all((done.stdout + done.stderr).count(path.name) >= 6 for path in bad)
    kept = [path for folder in (out, cache) for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "train.log" for path in kept) and any(path.suffix == ".u8" for path in kept)
    for path in [*kept, tmp_path / "x.csv"]:
        short = 3 if path.suffix in (".json", ".jsonl", ".csv", ".log", ".md", ".html") else 6  # weights are random
        assert not [t for t in traces(path.read_bytes().decode("latin-1")) if len(t) >= short], path


def test_errors_of_damaged_files_quote_nothing_even_in_a_traceback(tmp_path: Path) -> None:
    import traceback

    refused = 0
    for path in damaged(tmp_path):
        try:
            read(path)
        except ImageError as error:
            refused += 1
            assert not traces("".join(traceback.format_exception(error)))
    assert refused >= 4


class TestDatasets:
    def test_a_folder_of_dicom_files_scans_like_one_of_pngs(self, tmp_path: Path) -> None:
        found = scan(converted(tmp_path, 4), near=True)
        assert len(found.records) == 8 and not found.problems
        assert found.classes["COVID"].formats == {"DICOM": 4} and found.classes["COVID"].masks == 4
        assert found.classes["COVID"].modes == {"MONOCHROME2": 4}
        record = found.records[0]
        assert (record.file, record.mask) == ("COVID/images/COVID-1.dcm", "COVID/masks/COVID-1.png")

    def test_a_dicom_file_and_the_png_of_its_pixels_are_duplicates(self, tmp_path: Path) -> None:
        for number, label in enumerate(("A", "B")):
            x = np.random.default_rng(number).integers(0, 256, (40, 40), np.uint8)
            saved(tmp_path / label / "one.dcm", x)
            Image.fromarray(x).save(tmp_path / label / "other.png")
        assert {frozenset(group) for group in scan(tmp_path).duplicates} == {
            frozenset((f"{label}/one.dcm", f"{label}/other.png")) for label in ("A", "B")
        }

    def test_a_dicom_file_is_predicted_as_the_png_of_its_pixels(self, tmp_path: Path) -> None:
        from engine.results.predict import Predictor
        from engine.results.prediction import Prediction, image_files
        from tests.tui.made import model_run

        run = model_run(tmp_path / "runs", "asked", SAMPLE)
        picture = np.asarray(Image.open(next((SAMPLE / "COVID" / "images").iterdir())))
        deep = picture.astype(np.uint16) * 257 ^ 3
        saved(tmp_path / "x" / "8.dcm", picture)
        Image.fromarray(picture).save(tmp_path / "x" / "8.png")
        saved(tmp_path / "x" / "16.dcm", deep, WindowCenter=32768, WindowWidth=65536)
        Image.fromarray(deep).save(tmp_path / "x" / "16.png")
        said = {}
        for answer in Predictor(run).predict(image_files([tmp_path / "x"])):
            assert isinstance(answer, Prediction)
            said[answer.file.name] = answer.probabilities
        assert set(said) == {"8.dcm", "8.png", "16.dcm", "16.png"}
        assert said["8.dcm"] == said["8.png"] and said["16.dcm"] == said["16.png"]
