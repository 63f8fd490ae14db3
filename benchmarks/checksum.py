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
from engine.base import checked_rows
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.events import Epoch, Event
from engine.base.runtime import choose_precision
from engine.data.pixel_store import PixelStore
from engine.network.classifier import build
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, FitConfig, NetworkConfig, TrainConfig
from engine.training import feature_store, loop
from engine.training.batches import FeatureSource, Images, PixelSource
from engine.training.feature_file import Origin
from engine.training.feature_store import FeatureStore

ROWS = {
    "head, float32": 2048,
    "pixels, grey": 224 * 224,
    "block5, two bytes": 14 * 14 * 512 * 2,
    "float32": 14**2 * 2048,
}
Checksum = Callable[[memoryview], Any]
EPOCHS = {"transfer": 61, "partial": 13}


def candidates() -> dict[str, Checksum]:
    """The checksums that this machine has."""
    found: dict[str, Checksum] = {
        "xxh3_64 (used)": xxhash.xxh3_64_intdigest,
        "zlib.crc32": zlib.crc32,
    }
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

            def every(raw: memoryview = raw, length: int = length, count: int = count, digest: Any = digest) -> None:
                for k in range(count):
                    digest(raw[k * length : (k + 1) * length])

            line.append(f"{count * length / seconds_of(every, 5) / 1e9:.1f}")
        rows.append(line)
    return rows


class Digest:
    """Takes the place of xxh3 in a process, and can be made to trust: then it says 0, as `sums` must too."""

    def __init__(self) -> None:
        self.real, self.trusts = xxhash.xxh3_64_intdigest, False

    def __call__(self, row: memoryview, seed: int) -> int:
        return 0 if self.trusts else self.real(row, seed)

    def trust(self, file: checked_rows.RowFile, sums: checked_rows.Sums, yes: bool) -> None:
        """Read the rows of `file` as ever, but compute their checksums no more, or again."""
        self.trusts = yes
        file.sums = np.zeros_like(sums) if yes else sums


def filled(mode: str, images: int) -> tuple[TrainConfig, FeatureStore, Images]:
    """A recipe, and a store with random activations of so many images for it."""
    precision = choose_precision("auto").precision
    config = TrainConfig(
        network=NetworkConfig(mode=mode),  # type: ignore[arg-type]
        fit=FitConfig(epochs=EPOCHS[mode], patience=0),
        augment=AugmentConfig(augment="none"),
    )
    freeze = plan(config.network)
    origin = Origin("p", "c", 224, precision, "keras", None, freeze.kept_format("auto", precision), freeze.kept_shape)
    store, shas = FeatureStore(scratch(), origin), tuple(f"{n:064x}" for n in range(images))
    random = np.random.default_rng(0)
    with store.filling(Context()) as append:
        for start in range(0, images, 100):
            own = [(sha, -1) for sha in shas[start : start + 100]]
            append(own, random.uniform(0, 1, (len(own), *origin.shape)).astype(np.float32))
    return config, store, Images(np.arange(images), shas, random.integers(0, 2, images).astype(np.int32))


def epochs(mode: str, images: int) -> tuple[float, float]:
    """Median seconds of the epochs of one training that verify each row at each reading, and of those between them."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    digest = Digest()
    with mock.patch.object(feature_store, "HELD", 0), mock.patch.object(xxhash, "xxh3_64_intdigest", digest):
        config, store, some = filled(mode, images)
        classifier = build(plan(config.network), 2, store.origin.precision, seed=0)
        pixels = PixelSource(some, classifier, PixelStore(np.zeros((1, 1, 1, 1), np.uint8), ("",), 1), config)
        train = FeatureSource(pixels, store, store, Context())
        few = Images(some.rows[: images // 10], some.shas[: images // 10], some.labels[: images // 10])
        validation = dataclasses.replace(train, pixels=dataclasses.replace(pixels, images=few))
        file = store._file
        assert file
        sums = file.sums

        def emit(event: Event) -> None:
            if isinstance(event, Epoch):
                if event.epoch > 1:  # the first one compiles
                    seconds[not digest.trusts].append(event.seconds)
                digest.trust(file, sums, not digest.trusts)

        loop.fit(classifier, train, validation, config, Context(emit, Stop()))
    return statistics.median(seconds[True]), statistics.median(seconds[False])


def reading(length: int, images: int) -> tuple[float, float]:
    """Microseconds of reading a row from a file in the system's cache, with and without its checksum."""
    path = scratch() / "rows"
    rows = np.random.default_rng(0).integers(0, 256, (images, length), np.uint8)
    path.write_bytes(rows.tobytes())
    sums, order, digest = checked_rows.checksums(rows), np.arange(images), Digest()
    file = checked_rows.RowFile(path, length, sums)

    def every() -> None:
        for start in range(0, images, 64):
            file.read(order[start : start + 64])

    with mock.patch.object(xxhash, "xxh3_64_intdigest", digest):
        whole = seconds_of(every, 9)
        digest.trust(file, sums, True)
        bare = seconds_of(every, 9)
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
    for title, mode, images in (("head, 5,000 images", "transfer", 5000), ("block5, 192 images", "partial", 192)):
        with_it, without = epochs(mode, images)
        rows.append([title, f"{with_it * 1e3:.1f} ms", f"{without * 1e3:.1f} ms", f"{with_it / without - 1:+.1%}"])
    report(
        "An epoch where every row is read from the disk and verified; a store below 256 MB is read and verified once",
        table(("", "verified", "not", "cost"), rows),
    )


if __name__ == "__main__":
    main()
