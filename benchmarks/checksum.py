"""What it costs to verify the caches: an epoch with and without, side by side, and the checksums to choose from.

python -m benchmarks.checksum

Candidates beyond zlib and xxhash are timed where they are installed: google-crc32c, crc32c, isal, zlib-ng.
"""

import contextlib
import dataclasses
import importlib
import statistics
import zlib
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import xxhash

from benchmarks.timing import report, scratch, seconds_of, table
from engine import checkedrows
from engine.config import AugmentConfig, FitConfig, NetworkConfig, TrainConfig
from engine.dataset.pixels import PixelStore
from engine.events import Epoch
from engine.network.classifier import build
from engine.network.freezing import plan
from engine.runtime import choose_precision
from engine.stopping import Stop
from engine.training import features, loop
from engine.training.features import Context, FeatureStore
from engine.training.sources import FeatureSource, Images, PixelSource

ROWS = {
    "head, float32": 2048,
    "pixels, grey": 224 * 224,
    "block5, two bytes": 14 * 14 * 512 * 2,
    "float32": 14**2 * 2048,
}
PAIRS = 4
Digest = Callable[[memoryview], Any]


def candidates() -> dict[str, Digest]:
    """The checksums that this machine has."""
    found: dict[str, Digest] = {"xxh3_64 (used)": xxhash.xxh3_64_intdigest, "zlib.crc32": zlib.crc32}
    for module, name in (("crc32c", "crc32c"), ("isal.isal_zlib", "crc32"), ("zlib_ng.zlib_ng", "crc32")):
        with contextlib.suppress(ImportError):
            found[f"{module}.{name}"] = getattr(importlib.import_module(module), name)
    with contextlib.suppress(ImportError):
        value = importlib.import_module("google_crc32c").value
        found["google_crc32c.value"] = lambda row: value(bytes(row))
    return found


def speeds() -> list[list[str]]:
    """GB/s of each candidate on rows of each length, row by row as they are read."""
    rows = []
    for name, digest in candidates().items():
        line = [name]
        for length in ROWS.values():
            count = max(16, 2**24 // length)
            raw = np.random.default_rng(0).integers(0, 256, count * length, np.uint8).data

            def every(raw: memoryview = raw, length: int = length, count: int = count, digest: Digest = digest) -> None:
                for k in range(count):
                    digest(raw[k * length : (k + 1) * length])

            line.append(f"{count * length / seconds_of(every, 5) / 1e9:.1f}")
        rows.append(line)
    return rows


def trusting(file: checkedrows.RowFile | None) -> Any:
    """Within it, rows of the file are read as ever, but their checksums are not computed."""
    assert file
    file.sums = np.zeros_like(file.sums)
    return mock.patch.object(checkedrows.xxhash, "xxh3_64_intdigest", lambda *_: 0)


def epochs(mode: str, images: int, held: bool) -> tuple[float, float]:
    """Median seconds of an epoch with and without verification, of trainings taken in turn."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    precision = choose_precision("auto").precision
    config = TrainConfig(
        network=NetworkConfig(mode=mode),  # type: ignore[arg-type]
        fit=FitConfig(epochs=21 if mode == "transfer" else 3, patience=0),
        augment=AugmentConfig(augment="none"),
    )
    freeze = plan(config.network)
    context = Context("p", "c", 224, precision, None, freeze.kept_format("auto", precision), freeze.kept_shape)
    cache, shas = scratch(), tuple(f"{n:064x}" for n in range(images))
    random = np.random.default_rng(0)
    with FeatureStore(cache, context).filling(Stop()) as append:
        for start in range(0, images, 100):
            own = [(sha, -1) for sha in shas[start : start + 100]]
            append(own, random.uniform(0, 1, (len(own), *context.shape)).astype(np.float32))
    labels = random.integers(0, 2, images).astype(np.int32)
    some = Images(np.arange(images), shas, labels)
    few = Images(some.rows[: images // 10], shas[: images // 10], labels[: images // 10])
    nothing = PixelStore(np.zeros((1, 1, 1, 1), np.uint8), ("",), 1)
    for turn in range(2 * PAIRS):
        verified = turn % 2 == 0
        took: list[float] = []
        with mock.patch.object(features, "HELD", features.HELD if held else 0):
            classifier, store = build(freeze, 2, precision, seed=0), FeatureStore(cache, context)
        with contextlib.nullcontext() if verified else trusting(store._file):
            pixels = PixelSource(some, classifier, nothing, config)
            train = FeatureSource(pixels, store, store, lambda _: None, Stop())
            validation = dataclasses.replace(train, pixels=dataclasses.replace(pixels, images=few))
            emit = lambda event, took=took: took.append(event.seconds) if isinstance(event, Epoch) else None  # noqa: E731
            loop.fit(classifier, train, validation, config, emit, Stop())
        # The first epoch compiles; where rows are held in memory it is also the one that reads and verifies them.
        seconds[verified].append(statistics.mean(took[1:]))
    return statistics.median(seconds[True]), statistics.median(seconds[False])


def reading(length: int, images: int) -> tuple[float, float]:
    """Microseconds of reading a row from a file in the system's cache, with and without its checksum."""
    path = scratch() / "rows"
    rows = np.random.default_rng(0).integers(0, 256, (images, length), np.uint8)
    path.write_bytes(rows.tobytes())
    file, order = checkedrows.RowFile(path, length, checkedrows.checksums(rows)), np.arange(images)

    def every() -> None:
        for start in range(0, images, 64):
            file.read(order[start : start + 64])

    whole = seconds_of(every, 5)
    with trusting(file):
        bare = seconds_of(every, 5)
    return whole / images * 1e6, bare / images * 1e6


def main() -> None:
    """Print the tables."""
    report("Checksums, GB/s", table(("", *(f"{name} ({length:,} B)" for name, length in ROWS.items())), speeds()))
    rows = []
    for name, length in ROWS.items():
        whole, bare = reading(length, max(100, 2**25 // length))
        rows.append([name, f"{whole:.1f} us", f"{bare:.1f} us", f"{whole - bare:.1f} us"])
    report("Reading a row", table(("", "verified", "not", "checksum"), rows))
    rows = []
    for title, mode, images, held in (
        ("head, 5,000 images, rows held in memory once verified", "transfer", 5000, True),
        ("head, 5,000 images, verified at each reading", "transfer", 5000, False),
        ("block5, 192 images, verified at each reading", "partial", 192, False),
    ):
        with_it, without = epochs(mode, images, held)
        rows.append([title, f"{with_it * 1e3:.1f} ms", f"{without * 1e3:.1f} ms", f"{with_it / without - 1:+.1%}"])
    report("An epoch", table(("", "verified", "not", "cost"), rows))


if __name__ == "__main__":
    main()
