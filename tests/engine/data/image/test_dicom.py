"""DICOM: pydicom's files and made ones become the levels that PS3.3 asks for, or are refused with path and reason."""

import json
import time
import warnings
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

from engine.data.image.inspect import inspect
from engine.data.image.reader import ImageError, peek, pixel_hash, read
from engine.data.scan import scan
from engine.evaluation.plausibility import cautions
from tests.conftest import SAMPLE, Cli
from tests.makers.dicoms import PACKAGED, converted, dataset, packaged, ramp, saved
from tests.makers.examples import examples

DICOMS = [path for path in packaged() if path.read_bytes()[128:132] == b"DICM"]
LOSSLESS = (
    *("MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm", "MR_small_implicit.dcm"),
    *("MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_padded.dcm"),
)


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
    @settings(deadline=None, max_examples=examples(60))
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

    @settings(deadline=None, max_examples=examples(40))
    @given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30))))
    def test_eight_bits_without_a_window_are_the_levels_themselves(self, tmp_path_factory: Any, x: np.ndarray) -> None:
        path = saved(tmp_path_factory.mktemp("x") / "x.dcm", x)
        assert np.array_equal(read(path).pixels, x)
        saved(path, x, PhotometricInterpretation="MONOCHROME1")
        assert np.array_equal(read(path).pixels, 255 - x)

    @settings(deadline=None, max_examples=examples(40))
    @given(hnp.arrays(np.uint16, st.tuples(st.integers(1, 30), st.integers(1, 30))))
    def test_sixteen_bits_in_a_full_window_are_what_a_png_of_them_is(
        self, tmp_path_factory: Any, x: np.ndarray
    ) -> None:
        x[0, 0] = 65535  # of fewer bits, a PNG's values would spread
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
        x: np.ndarray = dice.integers(0, 2**bits, (9, 7, 3)).astype(np.uint8 if bits <= 8 else np.uint16)
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
        from engine.evaluation.prediction import Prediction, listed
        from engine.evaluation.predictor import Predictor
        from tests.makers.made import model_run

        run = model_run(tmp_path / "runs", "asked", SAMPLE)
        picture = np.asarray(Image.open(next((SAMPLE / "COVID" / "images").iterdir())))
        deep = picture.astype(np.uint16) * 257 ^ 3
        saved(tmp_path / "x" / "8.dcm", picture)
        Image.fromarray(picture).save(tmp_path / "x" / "8.png")
        saved(tmp_path / "x" / "16.dcm", deep, WindowCenter=32768, WindowWidth=65536)
        Image.fromarray(deep).save(tmp_path / "x" / "16.png")
        said = {}
        for answer in Predictor(run).predict(listed([tmp_path / "x"]).files):
            assert isinstance(answer, Prediction)
            said[answer.file.name] = answer.probabilities
        assert set(said) == {"8.dcm", "8.png", "16.dcm", "16.png"}
        assert said["8.dcm"] == said["8.png"] and said["16.dcm"] == said["16.png"]
