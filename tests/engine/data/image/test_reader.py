"""The door for image files: what comes in comes out as Pillow alone would have it, and nothing else comes in."""

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from engine.data.image.inspect import inspect
from engine.data.image.reader import Header, ImageError, XrayImage, peek, pixel_hash, read, resize, to_input
from tests.makers.examples import examples
from tests.makers.pictures import BLACK, chest, coloured, holding, many_samples, png, saved

ROOT = Path(__file__).resolve().parents[4]


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


pictures = hnp.arrays(
    np.uint8,
    st.one_of(
        st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))
    ),
)


class TestPixels:
    @settings(deadline=None, max_examples=examples(60))
    @given(pictures, st.integers(1, 50))
    def test_resizing_is_pillows_antialiased_bilinear(self, pixels: np.ndarray, size: int) -> None:
        reference = np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))
        assert np.array_equal(resize(pixels, size), reference)
        seen = to_input(pixels, size)
        assert seen.shape == (size, size, 3) and seen.dtype == np.uint8
        assert np.array_equal(seen, reference if pixels.ndim == 3 else np.stack([reference] * 3, axis=2))

    @settings(deadline=None, max_examples=examples(40))
    @given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))), st.integers(1, 50))
    def test_grey_and_its_rgb_copy_look_alike_to_the_network(self, pixels: np.ndarray, size: int) -> None:
        assert np.array_equal(to_input(pixels, size), to_input(np.repeat(pixels[..., None], 3, axis=2), size))

    @settings(deadline=None, max_examples=examples(60))
    @given(pictures)
    def test_the_hash_depends_on_every_pixel_and_on_the_shape(self, pixels: np.ndarray) -> None:
        assert pixel_hash(pixels) == pixel_hash(np.asfortranarray(pixels))
        other = pixels.copy()
        other.flat[-1] ^= 1
        assert pixel_hash(other) != pixel_hash(pixels)
        if pixels.shape[0] != pixels.shape[1]:
            assert pixel_hash(pixels.reshape(pixels.shape[1], pixels.shape[0], *pixels.shape[2:])) != pixel_hash(pixels)

    @settings(deadline=None, max_examples=examples(40))
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
