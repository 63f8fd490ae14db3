"""Images of more than 8 bits a sample: which of their bits are used, and how those become levels."""

import struct
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from engine.data.image.reader import pixel_hash, read
from tests.makers.pictures import chest, many_samples, png, saved, tiff

ROOT = Path(__file__).resolve().parents[4]


class TestSixteenBits:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    nearest = np.rint(every / 65535 * 255).astype(np.uint8)

    @pytest.mark.parametrize("name", ["x.png", "x.tif"])
    def test_every_value_maps_to_the_nearest_level(self, tmp_path: Path, name: str) -> None:
        image = read(saved(tmp_path / name, self.every))
        assert np.array_equal(image.pixels, self.nearest)
        assert (image.facts.mode, image.facts.bit_depth) == ("I;16", 16)

    def test_the_order_of_bytes_does_not_matter(self, tmp_path: Path) -> None:
        big = Image.frombytes("I;16B", (256, 256), self.every.astype(">u2").tobytes())
        image = read(saved(tmp_path / "x.tif", big))
        assert image.facts.mode == "I;16B"
        assert np.array_equal(image.pixels, self.nearest)

    @pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
    @pytest.mark.parametrize("name", ["x.png", "x.tif"])
    def test_values_of_fewer_bits_spread_over_all_levels_and_it_is_noted(
        self, tmp_path: Path, name: str, bits: int
    ) -> None:
        values = (self.every >> (16 - bits)).astype(np.uint16)
        image = read(saved(tmp_path / name, values))
        assert np.array_equal(image.pixels, np.rint(values / (2**bits - 1) * 255).astype(np.uint8))
        told = () if bits == 16 else (f"uses {bits} of its 16 bits, so those are spread over all levels",)
        assert (image.notes, image.bits) == (told, bits)

    def test_8_bits_in_16_are_the_same_picture_as_8_bits_in_8(self, tmp_path: Path) -> None:
        wide, plain = saved(tmp_path / "w.png", chest().astype(np.uint16)), saved(tmp_path / "p.png", chest())
        assert pixel_hash(read(wide).pixels) == pixel_hash(read(plain).pixels) == pixel_hash(chest())

    @pytest.mark.parametrize(("least", "most"), [(1024, 4095), (4096, 16383), (16384, 65535)])
    def test_files_of_a_source_map_alike_though_their_maxima_differ(
        self, tmp_path: Path, least: int, most: int
    ) -> None:
        found = set()
        for brightest in (least, (least + most) // 2, most):
            values = np.full((8, 8), 1000, np.uint16)
            values[0, 0] = brightest
            found.add(int(read(saved(tmp_path / f"{brightest}.png", values)).pixels[4, 4]))
        assert found == {round(1000 / most * 255)}

    def test_a_png_that_says_its_significant_bits_is_believed(self, tmp_path: Path) -> None:
        def level(name: str, said: int, *values: int) -> list[int]:
            rows = b"\0" + b"".join(struct.pack(">H", value) for value in values)
            (tmp_path / name).write_bytes(png(len(values), 1, 16, 0, rows, (b"sBIT", bytes([said]))))
            levels: list[int] = read(tmp_path / name).pixels[0].tolist()
            return levels

        assert level("twelve.png", 12, 0, 300) == [0, round(300 / 4095 * 255)]
        assert level("all.png", 16, 0, 300) == [0, 1]
        assert level("upper.png", 12, 0, 0x1230) == [0, round(0x1230 / 65535 * 255)]
        assert level("impossible.png", 17, 0, 255) == [0, 255]

    @pytest.mark.parametrize("tag", [281, 341], ids=["MaxSampleValue", "SMaxSampleValue"])
    def test_a_tiff_that_says_its_largest_value_is_believed(self, tmp_path: Path, tag: int) -> None:
        values = np.full((4, 4), 300, np.uint16)
        for most, level in ((4095, round(300 / 4095 * 255)), (65535, round(300 / 1023 * 255))):
            path = saved(tmp_path / f"{most}.tif", values, tiffinfo={tag: most})
            with Image.open(path) as written:
                assert written.tag_v2[tag] in (most, (most,))  # type: ignore[attr-defined]
            assert set(read(path).pixels.flat) == {level}

    @pytest.mark.parametrize("order", ["I;16", "I;16B"])
    def test_few_bits_in_either_order_of_bytes(self, tmp_path: Path, order: str) -> None:
        values = (self.every >> 4).astype(">u2" if order == "I;16B" else "<u2")
        image = read(saved(tmp_path / "x.tif", Image.frombytes(order, (256, 256), values.tobytes())))
        assert np.array_equal(image.pixels, np.rint(values / 4095 * 255).astype(np.uint8))

    def test_few_bits_of_white_is_zero_are_turned_round_within_those_bits(self, tmp_path: Path) -> None:
        values = self.every >> 4
        (tmp_path / "x.tif").write_bytes(tiff(256, 256, 16, 0, (4095 - values).astype("<u2").tobytes()))
        assert np.array_equal(read(tmp_path / "x.tif").pixels, np.rint(values / 4095 * 255).astype(np.uint8))

    def test_a_run_from_before_goes_on_with_the_pixels_that_it_learnt(self, tmp_path: Path) -> None:
        image = read(saved(tmp_path / "x.png", self.every % 4096), pixel_rules=1)
        assert image.facts.maximum == 16
        assert image.notes == ("uses 12 of its 16 bits and looks dark, as when this run was trained",)

    def test_white_is_zero_is_turned_round(self, tmp_path: Path) -> None:
        path = tmp_path / "x.tif"
        path.write_bytes(tiff(256, 256, 16, 0, (65535 - self.every).tobytes()))
        assert np.array_equal(read(path).pixels, self.nearest)

    def test_a_12_bit_tiff_maps_from_0_to_4095(self, tmp_path: Path) -> None:
        values = np.arange(4096, dtype=np.uint32).reshape(64, 64)
        pairs = values.reshape(-1, 2)
        packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1)
        (tmp_path / "x.tif").write_bytes(tiff(64, 64, 12, 1, packed.astype(np.uint8).tobytes()))
        image = read(tmp_path / "x.tif")
        assert image.facts.bit_depth == 12
        assert np.array_equal(image.pixels, np.rint(values / 4095 * 255).astype(np.uint8))

    def test_16_bit_colour_is_read_by_its_upper_bytes_and_noted(self, tmp_path: Path) -> None:
        samples = np.random.default_rng(0).integers(0, 65536, (5, 4, 3)).astype(">u2")
        rows = b"".join(b"\0" + row.tobytes() for row in samples)
        (tmp_path / "x.png").write_bytes(png(4, 5, 16, 2, rows))
        image = read(tmp_path / "x.png")
        assert np.array_equal(image.pixels, samples >> 8)
        assert image.facts.bit_depth == 16
        assert any("16-bit colour" in note for note in image.notes)

    @pytest.mark.parametrize("bits", [8, 12, 14])
    @pytest.mark.parametrize("kind", ["PNG RGB", "PNG RGBA", "PNG LA", "TIFF RGB", "TIFF RGB big", "TIFF RGBa"])
    def test_colour_of_few_bits_spreads_over_all_levels_too(self, tmp_path: Path, kind: str, bits: int) -> None:
        container, mode, *order = kind.split()
        grey = np.random.default_rng(bits).integers(0, 2**bits, (5, 4, 1)).astype(np.uint16)
        grey[0, 0] = 2**bits - 1
        alpha = np.full((5, 4, 1), 65535, np.uint16)
        samples = np.dstack({"RGB": [grey] * 3, "LA": [grey, alpha]}.get(mode, [grey] * 3 + [alpha]))
        path = tmp_path / ("x.png" if container == "PNG" else "x.tif")
        if container == "PNG":
            rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
            path.write_bytes(png(4, 5, 16, {"RGB": 2, "RGBA": 6, "LA": 4}[mode], rows))
        else:
            path.write_bytes(many_samples(samples, ">" if order else "<", 1 if mode == "RGBa" else None))
        image = read(path)
        assert np.array_equal(image.pixels, np.rint(grey[..., 0] / (2**bits - 1) * 255))
        assert f"uses {bits} of its 16 bits, so those are spread over all levels" in image.notes

    def test_the_transparent_colour_of_few_bits_is_told_from_its_neighbours(self, tmp_path: Path) -> None:
        values = np.arange(12).reshape(1, 4, 3) + 200
        key = (b"tRNS", struct.pack(">HHH", *values[0, 1]))
        (tmp_path / "x.png").write_bytes(png(4, 1, 16, 2, b"\0" + values.astype(">u2").tobytes(), key))
        shown = values.copy()
        shown[0, 1] = 0
        assert np.array_equal(read(tmp_path / "x.png").pixels, shown)

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_compressed_colour_of_few_bits_spreads_too(self, tmp_path: Path, order: Literal["<", ">"]) -> None:
        path = tmp_path / "x.tif"
        path.write_bytes(many_samples(np.dstack([chest().astype(np.uint16)] * 3), order, deflated=True))
        assert np.array_equal(read(path).pixels, chest())
