"""Thousands of mutated images, read under a memory limit: each is read or refused with path and reason, in time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SECONDS_A_FILE = 3.0
MEGABYTES = 600
"""Address space beyond what the libraries take: two pictures of the largest size, and their copies."""

FUZZ = """
import io, json, resource, sys, time
from pathlib import Path
import numpy as np
from PIL import Image
from engine.data.image.reader import ImageError, read

count, room, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
noise = np.random.default_rng(0).integers(0, 256, (60, 50, 4), np.uint8)
grey, rgb = Image.fromarray(noise[..., 0]), Image.fromarray(noise[..., :3])
palette = rgb.convert("P")
palette.info["transparency"] = 3
exif = Image.Exif()
exif[274] = 6
KINDS = [
    (grey, "PNG", {}),
    (Image.fromarray(noise[..., 0].astype(np.uint16) * 257), "PNG", {}),
    (palette, "PNG", {}),
    (Image.fromarray(noise), "PNG", {"exif": exif}),
    (grey.convert("1"), "PNG", {}),
    (grey, "JPEG", {"exif": exif}),
    (rgb.convert("CMYK"), "JPEG", {}),
    (rgb, "JPEG", {"progressive": True}),
    *((image, "TIFF", {"compression": how}) for image in (grey, rgb)
      for how in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")),
    (rgb, "TIFF", {"compression": "jpeg"}),
    (grey.convert("1"), "TIFF", {"compression": "group4"}),
    (grey, "BMP", {}),
    (rgb, "BMP", {}),
    (rgb, "WEBP", {"lossless": True}),
    (Image.fromarray(noise), "WEBP", {}),
]
bodies = []
for image, kind, options in KINDS:
    body = io.BytesIO()
    image.save(body, kind, **options)
    bodies.append((kind, body.getvalue()))
EDGES = [bytes.fromhex(edge) for edge in ("0000", "ffff", "ffffffff", "7fffffff", "80000000", "000186a0")]

def mutated(data, dice):
    data = bytearray(data)
    for _ in range(int(dice.integers(1, 3))):
        at = int(dice.integers(0, min(len(data), dice.choice([40, 400, len(data)]))))
        match int(dice.integers(0, 6)):
            case 0:
                data[at] ^= 1 << int(dice.integers(0, 8))
            case 1:
                edge = EDGES[int(dice.integers(0, len(EDGES)))]
                data[at:at + len(edge)] = edge
            case 2:
                del data[at:at + int(dice.integers(1, 30))]
            case 3:
                data[at:at] = dice.bytes(int(dice.integers(1, 30)))
            case 4:
                data[at:at] = data[at:at + int(dice.integers(1, 200))]
            case 5:
                del data[max(at, 1):]
        if not data:
            data = bytearray(b"x")
    return bytes(data)

read_in, refused, slowest = 0, 0, ("", 0.0)
(folder / "warm.png").write_bytes(bodies[0][1])
read(folder / "warm.png")
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + room * 2**20,) * 2)
for number in range(count):
    kind, body = bodies[number % len(bodies)]
    path = folder / f"{number}.{kind.lower()}"
    path.write_bytes(mutated(body, np.random.default_rng([7, number])))
    print(number, file=sys.stderr)
    began = time.perf_counter()
    try:
        pixels = read(path).pixels
        assert pixels.dtype == np.uint8 and pixels.size and (pixels.ndim == 2 or pixels.shape[2:] == (3,))
        read_in += 1
    except ImageError as error:
        assert error.path == path and error.reason.strip() and str(error) == f"{path}: {error.reason}."
        refused += 1
    took = time.perf_counter() - began
    slowest = max(slowest, (path.name, took), key=lambda item: item[1])
    path.unlink()
print(json.dumps({"read": read_in, "refused": refused, "slowest": slowest}))
"""


def fuzz(count: int, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, str(count), str(MEGABYTES), str(folder)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60 + count * SECONDS_A_FILE / 10,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["read"] + found["refused"] == count
    assert found["read"] > count / 10 and found["refused"] > count / 10, found
    assert found["slowest"][1] < SECONDS_A_FILE, found


def test_two_thousand_mutated_images_crash_nothing(tmp_path: Path) -> None:
    fuzz(2000, tmp_path)


@pytest.mark.slow
def test_fifty_thousand_mutated_images_crash_nothing(tmp_path: Path) -> None:
    fuzz(50_000, tmp_path)
