"""The door for image files: what comes in comes out as Pillow alone would have it, and nothing else comes in."""

import io
import json
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
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageFile

from engine.base.errors import DataError
from engine.data.image.inspect import inspect
from engine.data.image.reader import Header, ImageError, XrayImage, peek, pixel_hash, read, resize, to_input

ROOT = Path(__file__).resolve().parents[4]
BLACK = (0, 0, 0, 255)


def chest(height: int = 40, width: int = 30, seed: int = 0) -> np.ndarray:
    """A small grey picture with structure and noise, uint8 (height, width)."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(seed).integers(0, 60, (height, width))
    pixels: np.ndarray = (90 + 60 * np.sin(x / 5) * np.cos(y / 7) + noise).astype(np.uint8)
    return pixels


def coloured(height: int = 40, width: int = 30) -> np.ndarray:
    return np.stack([chest(height, width, seed) for seed in range(3)], axis=2)


def saved(path: Path, image: Image.Image | np.ndarray, **options: Any) -> Path:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    return path


def tiff(width: int, height: int, bits: int, photometric: int, data: bytes, sample_format: int = 1) -> bytes:
    """A little-endian uncompressed TIFF of one sample a pixel, for kinds that Pillow doesn't write."""
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, height)]
    tags += [(279, len(data)), (339, sample_format)]
    entries = b"".join(struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def many_samples(
    samples: np.ndarray, order: Literal["<", ">"], extra: int | None = None, deflated: bool = False
) -> bytes:
    """A TIFF in RGB, uint8 or uint16 (height, width, n), in an order of bytes; `extra` says what a fourth sample is:
    0 nothing, 1 an alpha that the colours are multiplied with, 2 an alpha.
    """
    height, width, count = samples.shape
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if deflated else data
    tags: list[tuple[int, int, int, int]] = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, count, 0)]
    tags += [(259, 3, 1, 8 if deflated else 1), (262, 3, 1, 2), (273, 4, 1, 1), (277, 3, 1, count)]
    tags += [(278, 3, 1, height), (279, 4, 1, len(data)), *([(338, 3, 1, extra)] if extra is not None else [])]
    end = 8 + 2 + 12 * len(tags) + 4
    places = {258: end, 273: end + 2 * count}
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, number)
        + struct.pack(f"{order}I" if kind == 4 or number > 1 else f"{order}Hxx", places.get(tag, value))
        for tag, kind, number, value in tags
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    return head + entries + bytes(4) + struct.pack(f"{order}{count}H", *[8 * samples.itemsize] * count) + data


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG made by hand; `rows` are unfiltered and each begins with a zero byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


class TestFormats:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("x.png", {}),
            ("x.bmp", {}),
            ("x.tif", {}),
            ("x.tiff", {"compression": "tiff_lzw"}),
            ("x.tif", {"compression": "tiff_adobe_deflate"}),
            ("x.webp", {"lossless": True}),
        ],
    )
    @pytest.mark.parametrize("array", [chest(), coloured()], ids=["grey", "rgb"])
    def test_a_lossless_file_gives_its_pixels(self, tmp_path: Path, name: str, options: Any, array: np.ndarray) -> None:
        image = read(saved(tmp_path / name, array, **options))
        assert image.pixels.dtype == np.uint8
        assert np.array_equal(image.pixels, array)
        assert image.facts.colour == (array.ndim == 3)
        assert image.facts.format == {"png": "PNG", "bmp": "BMP", "webp": "WEBP"}.get(name[2:], "TIFF")

    @pytest.mark.parametrize("array", [chest(), coloured()], ids=["grey", "rgb"])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_a_jpeg_gives_what_pillow_decodes(self, tmp_path: Path, array: np.ndarray, progressive: bool) -> None:
        path = saved(tmp_path / "x.jpg", array, quality=80, progressive=progressive)
        with Image.open(path) as image:
            assert np.array_equal(read(path).pixels, np.asarray(image))

    def test_the_content_decides_and_a_wrong_suffix_is_noted(self, tmp_path: Path) -> None:
        facts = read(saved(tmp_path / "x.png", chest(), format="JPEG")).facts
        assert facts.format == "JPEG"
        assert any("JPEG" in note and ".png" in note for note in facts.notes)
        assert read(saved(tmp_path / "y.png", chest())).notes == ()

    def test_a_cameras_mpo_is_a_jpeg_of_which_the_first_picture_is_read(self, tmp_path: Path) -> None:
        second = Image.fromarray(chest(seed=9))
        path = saved(tmp_path / "x.jpg", chest(), format="MPO", save_all=True, append_images=[second])
        image = read(path)
        with Image.open(path) as reference:
            assert reference.format == "MPO"
            assert np.array_equal(image.pixels, np.asarray(reference))
        assert image.facts.format == "JPEG"
        assert any("first" in note for note in image.notes)

    def test_all_real_xrays_read_as_pillow_reads_them(self, xray: Path) -> None:
        paths = sorted(xray.glob("*/images/*.png"))
        assert len(paths) == 317
        for path in paths:
            with Image.open(path) as reference:
                assert np.array_equal(read(path).pixels, np.asarray(reference))


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


def transparent(folder: Path, kind: str, alpha: np.ndarray) -> tuple[Path, np.ndarray]:
    """A file of `chest()` under an alpha channel, uint8 (40, 30), and what is to be seen where that is ignored."""
    grey, container = chest(), kind.split()[0]
    path = folder / f"x.{container.lower()}"
    if kind in ("PNG RGBA", "WEBP", "PNG LA"):
        image = Image.fromarray(np.dstack([grey, grey, grey, alpha]))
        image = image.convert("LA") if kind == "PNG LA" else image
        saved(path, image, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    elif kind == "PNG P":
        saved(path, Image.fromarray(grey).convert("P"), transparency=bytes([int(alpha[0, 0])] * 256))
    elif kind == "PNG 16":
        samples = np.dstack([grey, grey, grey, alpha]).astype(">u2") * 257
        path.write_bytes(png(30, 40, 16, 6, b"".join(b"\0" + row.tobytes() for row in samples)))
        return path, grey
    elif kind == "BMP":
        masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
        head = struct.pack("<IiiHHIIiiII", 56, 30, -40, 1, 32, 3, 4 * 1200, 0, 0, 0, 0) + masks
        body = np.dstack([grey, grey, grey, alpha]).tobytes()
        path.write_bytes(b"BM" + struct.pack("<IHHI", 14 + 56 + len(body), 0, 0, 14 + 56) + head + body)
    else:
        path.write_bytes(many_samples(np.dstack([grey, grey, grey, alpha]), "<", int(kind[-1])))
    return path, grey


class TestModes:
    def test_one_bit_is_black_and_white(self, tmp_path: Path) -> None:
        mask = chest() > 120
        for name in ("x.png", "x.bmp", "x.tif"):
            image = read(saved(tmp_path / name, mask))
            assert np.array_equal(image.pixels, mask * np.uint8(255))
        assert image.facts.bit_depth == 1

    def test_a_palette_gives_its_colours(self, tmp_path: Path) -> None:
        image = Image.fromarray(coloured()).quantize(50)
        assert np.array_equal(read(saved(tmp_path / "x.png", image)).pixels, np.asarray(image.convert("RGB")))

    def test_a_palette_of_greys_is_grey(self, tmp_path: Path) -> None:
        image = Image.fromarray(chest()).convert("P")
        found = read(saved(tmp_path / "x.png", image))
        assert np.array_equal(found.pixels, chest())
        assert (found.facts.mode, found.facts.bit_depth) == ("P", 8)
        assert read(saved(tmp_path / "four.png", image.quantize(4))).facts.bit_depth == 8

    @pytest.mark.parametrize("transparency", [7, bytes(range(0, 250, 5))], ids=["one colour", "alpha a colour"])
    def test_a_transparent_palette_lies_on_black(self, tmp_path: Path, transparency: int | bytes) -> None:
        path = saved(tmp_path / "x.png", Image.fromarray(coloured()).quantize(50), transparency=transparency)
        with Image.open(path) as image:
            reference = Image.new("RGBA", image.size, BLACK)
            reference.alpha_composite(image.convert("RGBA"))
        found = read(path)
        assert np.array_equal(found.pixels, np.asarray(reference.convert("RGB")))
        assert any("black" in note for note in found.notes)

    @pytest.mark.parametrize("kind", ["LA", "RGBA"])
    def test_alpha_lies_on_black(self, tmp_path: Path, kind: str) -> None:
        values, alphas = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
        colours = [values] if kind == "LA" else [values, values[::-1, ::-1], values]
        image = Image.merge(kind, [Image.fromarray(np.ascontiguousarray(band)) for band in (*colours, alphas)])
        reference = Image.new("RGBA", image.size, BLACK)
        reference.alpha_composite(image.convert("RGBA"))
        found = read(saved(tmp_path / "x.png", image)).pixels
        assert np.array_equal(found, np.asarray(reference)[..., 0] if kind == "LA" else np.asarray(reference)[..., :3])

    def test_an_alpha_channel_that_hides_nothing_changes_nothing(self, tmp_path: Path) -> None:
        image = Image.fromarray(chest()).convert("RGBA")
        found = read(saved(tmp_path / "x.png", image))
        assert np.array_equal(found.pixels, chest())
        assert pixel_hash(found.pixels) == pixel_hash(chest())

    @pytest.mark.parametrize("alpha", [0, 1, 128])
    @pytest.mark.parametrize("kind", ["PNG RGBA", "PNG LA", "PNG P", "PNG 16", "BMP", "TIFF 1", "TIFF 2", "WEBP"])
    def test_an_alpha_that_is_the_same_everywhere_hides_nothing_of_the_picture(
        self, tmp_path: Path, kind: str, alpha: int
    ) -> None:
        path, seen = transparent(tmp_path, kind, np.full((40, 30), alpha, np.uint8))
        image = read(path)
        assert np.array_equal(image.pixels, seen)
        words = "that is the same everywhere" if alpha == 128 else "that hides all of it"
        assert image.notes[-1] == f"has an alpha channel {words}, which is ignored"

    @pytest.mark.parametrize("kind", ["PNG RGBA", "PNG LA", "PNG 16", "BMP", "TIFF 1", "TIFF 2", "WEBP"])
    def test_an_alpha_that_hides_nearly_everything_is_ignored_too(self, tmp_path: Path, kind: str) -> None:
        alpha = np.zeros((40, 30), np.uint8)
        alpha[0, :12] = 255  # a hundredth of the picture, as a cursor or a line of text leaves
        path, seen = transparent(tmp_path, kind, alpha)
        image = read(path)
        assert np.array_equal(image.pixels, seen)
        assert image.notes[-1] == "has an alpha channel that hides 99% of it or more, which is ignored"
        alpha[0, :13] = 255
        cut_out = read(transparent(tmp_path, kind, alpha)[0])
        assert cut_out.notes[-1] == "has transparent parts, which are laid on black"
        assert np.array_equal(cut_out.pixels[0, :13], seen[0, :13])
        assert kind == "TIFF 1" or not cut_out.pixels[1:].any()

    def test_a_transparent_grey_that_is_the_only_one_hides_nothing(self, tmp_path: Path) -> None:
        for depth, value in ((8, 77), (16, 77 * 257)):
            row = b"\0" + (bytes([77]) if depth == 8 else struct.pack(">H", value)) * 5
            (tmp_path / "x.png").write_bytes(png(5, 2, depth, 0, row * 2, (b"tRNS", struct.pack(">H", value))))
            image = read(tmp_path / "x.png")
            assert set(image.pixels.flat) == {77}
            assert "has an alpha channel that hides all of it, which is ignored" in image.notes

    def test_a_run_from_before_takes_an_alpha_at_its_word(self, tmp_path: Path) -> None:
        path, _ = transparent(tmp_path, "PNG RGBA", np.zeros((40, 30), np.uint8))
        assert not read(path, pixel_rules=1).pixels.any()

    @pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
    def test_a_greys_transparent_value_lies_on_black(self, tmp_path: Path, depth: int) -> None:
        samples = np.random.default_rng(depth).integers(0, 2**depth, 64).astype(np.uint16)
        samples[:2] = (0, 2**depth - 1)
        key = int(samples[1])
        if depth == 16:
            rows = samples.astype(">u2").tobytes()
        else:
            bits = (samples[:, None] >> np.arange(depth)[::-1]) & 1
            rows = np.packbits(bits.astype(np.uint8)).tobytes()
        (tmp_path / "x.png").write_bytes(png(64, 1, depth, 0, b"\0" + rows, (b"tRNS", struct.pack(">H", key))))
        levels = np.rint(samples / (2**depth - 1) * 255)
        found = read(tmp_path / "x.png")
        assert found.pixels.tolist() == [np.where(samples == key, 0, levels).tolist()]
        assert found.facts.bit_depth == depth

    def test_cmyk_is_read_as_pillow_converts_it(self, tmp_path: Path) -> None:
        image = Image.fromarray(coloured()).convert("CMYK")
        for name in ("x.tif", "x.jpg"):
            path = saved(tmp_path / name, image)
            with Image.open(path) as reference:
                assert reference.mode == "CMYK"
                assert np.array_equal(read(path).pixels, np.asarray(reference.convert("RGB")))

    def test_rgb_with_equal_channels_is_the_same_as_grey(self, tmp_path: Path) -> None:
        three = np.repeat(chest()[..., None], 3, axis=2)
        grey, rgb = read(saved(tmp_path / "g.png", chest())), read(saved(tmp_path / "c.bmp", three))
        assert rgb.pixels.shape == (40, 30)
        assert not rgb.facts.colour
        assert pixel_hash(grey.pixels) == pixel_hash(rgb.pixels)

    @pytest.mark.parametrize("channel", [0, 1, 2])
    def test_one_coloured_pixel_makes_it_colour(self, tmp_path: Path, channel: int) -> None:
        three = np.repeat(chest()[..., None], 3, axis=2)
        three[20, 10, channel] ^= 1
        found = read(saved(tmp_path / "x.png", three))
        assert np.array_equal(found.pixels, three)
        assert "has a faint tint" in found.notes
        assert any("in colour" in note for note in read(saved(tmp_path / "y.png", coloured())).notes)


UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


class TestOrientation:
    @pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif", "x.webp"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_the_picture_is_turned_upright(self, tmp_path: Path, name: str, orientation: int) -> None:
        exif = Image.Exif()
        exif[274] = orientation
        options: dict[str, Any] = {"lossless": True} if name == "x.webp" else {}
        path = saved(tmp_path / name, chest(40, 30), exif=exif, **options)
        stored = chest(40, 30)
        if name == "x.jpg":
            with Image.open(path) as image:
                stored = np.asarray(image)
        found, header = read(path), peek(path)
        assert np.array_equal(found.pixels, UPRIGHT[orientation](stored))
        height, width = (40, 30) if orientation < 5 else (30, 40)
        assert (found.facts.height, found.facts.width, found.facts.orientation) == (height, width, orientation)
        assert (header.height, header.width, header.orientation) == (height, width, orientation)

    def test_a_png_may_tell_its_orientation_after_its_pixels(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[274] = 6
        body = io.BytesIO()
        Image.fromarray(chest()).save(body, "PNG")
        data = exif.tobytes()[6:]
        chunk = struct.pack(">I", len(data)) + b"eXIf" + data + struct.pack(">I", zlib.crc32(b"eXIf" + data))
        (tmp_path / "x.png").write_bytes(body.getvalue()[:-12] + chunk + body.getvalue()[-12:])
        found = read(tmp_path / "x.png")
        assert np.array_equal(found.pixels, np.rot90(chest(), -1))
        assert (found.facts.orientation, found.facts.width, found.facts.height) == (6, 40, 30)

    def test_damaged_exif_leaves_the_picture_as_it_is(self, tmp_path: Path) -> None:
        raw = (b"tEXt", b"Raw profile type exif\0a\nb\nc\nthese are no hexadecimal digits")
        (tmp_path / "x.png").write_bytes(png(2, 1, 8, 0, b"\0\x07\x39", raw))
        found = read(tmp_path / "x.png")
        assert found.pixels.tolist() == [[7, 57]]
        assert found.facts.orientation == 1


def cut(name: str, share: float = 0.6, **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = saved(folder / name, chest(200, 200), **options)
        os.truncate(path, int(path.stat().st_size * share))
        return path

    return make


def holding(data: bytes, name: str = "x.png") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

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


pictures = hnp.arrays(
    np.uint8,
    st.one_of(
        st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))
    ),
)


class TestPixels:
    @settings(deadline=None, max_examples=60)
    @given(pictures, st.integers(1, 50))
    def test_resizing_is_pillows_antialiased_bilinear(self, pixels: np.ndarray, size: int) -> None:
        reference = np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))
        assert np.array_equal(resize(pixels, size), reference)
        seen = to_input(pixels, size)
        assert seen.shape == (size, size, 3) and seen.dtype == np.uint8
        assert np.array_equal(seen, reference if pixels.ndim == 3 else np.stack([reference] * 3, axis=2))

    @settings(deadline=None, max_examples=40)
    @given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))), st.integers(1, 50))
    def test_grey_and_its_rgb_copy_look_alike_to_the_network(self, pixels: np.ndarray, size: int) -> None:
        assert np.array_equal(to_input(pixels, size), to_input(np.repeat(pixels[..., None], 3, axis=2), size))

    @settings(deadline=None, max_examples=60)
    @given(pictures)
    def test_the_hash_depends_on_every_pixel_and_on_the_shape(self, pixels: np.ndarray) -> None:
        assert pixel_hash(pixels) == pixel_hash(np.asfortranarray(pixels))
        other = pixels.copy()
        other.flat[-1] ^= 1
        assert pixel_hash(other) != pixel_hash(pixels)
        if pixels.shape[0] != pixels.shape[1]:
            assert pixel_hash(pixels.reshape(pixels.shape[1], pixels.shape[0], *pixels.shape[2:])) != pixel_hash(pixels)

    @settings(deadline=None, max_examples=40)
    @given(pictures)
    def test_facts_agree_with_numpy(self, pixels: np.ndarray) -> None:
        facts = XrayImage(pixels, header_of(pixels), ()).facts
        assert (facts.minimum, facts.maximum) == (pixels.min(), pixels.max())
        assert facts.mean == pytest.approx(pixels.mean())
        assert facts.std == pytest.approx(pixels.std(), abs=1e-5)

    def test_facts_of_a_large_bright_picture_do_not_overflow(self) -> None:
        pixels = np.full((4500, 4500), 255, np.uint8)
        pixels[0] = 0
        facts = XrayImage(pixels, header_of(pixels), ()).facts
        assert facts.mean == pytest.approx(255 * 4499 / 4500)
        assert facts.std == pytest.approx(255 * (4499 / 4500 / 4500) ** 0.5)


def header_of(pixels: np.ndarray) -> Header:
    height, width = pixels.shape[:2]
    return Header("PNG", "L", 8, width, height, bytes=1, orientation=1)


class TestInspect:
    def test_it_tells_everything_as_json(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.tif", chest(300, 280))
        facts = json.loads(json.dumps(inspect(path)))
        assert list(facts) == [
            *("file", "width", "height", "mode", "bit_depth", "format", "bytes", "orientation", "colour", "minimum"),
            *("maximum", "mean", "std", "histogram", "dicom", "notes", "network_input"),
        ]
        assert (facts["file"], facts["width"], facts["height"]) == (str(path), 280, 300)
        assert (facts["format"], facts["mode"], facts["bit_depth"], facts["orientation"]) == ("TIFF", "L", 8, 1)
        assert facts["bytes"] == path.stat().st_size
        assert facts["histogram"] == np.histogram(chest(300, 280), bins=32, range=(0, 256))[0].tolist()
        seen = to_input(chest(300, 280), 224)
        assert facts["network_input"] == {
            "size": [224, 224],
            "channels": 3,
            "minimum": int(seen.min()),
            "maximum": int(seen.max()),
            "mean": pytest.approx(seen.mean(), abs=1e-3),
        }
        assert facts["notes"] == []

    def test_it_notes_what_the_network_will_not_see_well(self, tmp_path: Path) -> None:
        notes = " ".join(inspect(saved(tmp_path / "x.png", chest(100, 300)))["notes"])
        assert "smaller than the 224x224" in notes
        assert "squashed" in notes
        assert "one flat grey" in " ".join(inspect(saved(tmp_path / "y.png", np.zeros((9, 9), np.uint8)))["notes"])
        assert "one flat grey" not in " ".join(inspect(saved(tmp_path / "z.png", np.eye(9, dtype=np.uint8)))["notes"])

    def test_it_refuses_what_reading_refuses(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="empty"):
            inspect(holding(b"")(tmp_path))
