"""Small pictures with structure, and files of kinds that Pillow does not write."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

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


def holding(data: bytes, name: str = "x.png") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make
