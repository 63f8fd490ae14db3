"""Feeding the network: reading the pixel store, first decoding, augmentation, and the loop's own overhead.

python -m benchmarks.feeding [--images 2000]
"""

import argparse
import dataclasses
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.timing import report, scratch, seconds_of, table
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.events import Epoch
from engine.base.runtime import processors, tensorflow
from engine.data.pixel_store import PixelStore, open_store
from engine.data.scan import scan
from engine.network.classifier import build
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, FitConfig, TrainConfig
from engine.training import loop
from engine.training.augment import apply, draw, transforms
from engine.training.batches import FeatureSource, Images, PixelSource
from engine.training.feature_file import Origin
from engine.training.feature_store import FeatureStore
from sample_data.generate import write_dataset
from sample_data.phantom import Disease

BATCH = 64


def made(count: int) -> Path:
    """A folder of `count` phantoms in two classes."""
    root = scratch() / "data"
    write_dataset(root, per_class=count // 2, diseases=(Disease.COVID, Disease.NORMAL))
    return root


def decoding(root: Path) -> tuple[float, float, float]:
    """Images a second of a scan, of the first filling of the pixel store, and of a bare Pillow loop over the cores that
    decodes and resizes.
    """
    started = time.perf_counter()
    found = scan(root)
    scanned = len(found.records) / (time.perf_counter() - started)
    started = time.perf_counter()
    open_store(root, found.records, 224, scratch())
    stored = len(found.records) / (time.perf_counter() - started)
    files = [root / record.file for record in found.records]

    def bare(file: Path) -> np.ndarray:
        with Image.open(file) as image:
            return np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR))

    started = time.perf_counter()
    with ThreadPoolExecutor(processors()) as pool:
        for _ in pool.map(bare, files):
            pass
    return scanned, stored, len(files) / (time.perf_counter() - started)


def reading(store: PixelStore) -> float:
    """Images a second read from the store in random batches, on one core."""
    mask = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mask)})
    order = np.random.default_rng(0).permutation(len(store.files))
    try:
        taken = seconds_of(lambda: [store.rows(order[i : i + BATCH]) for i in range(0, len(order), BATCH)], 5)
    finally:
        os.sched_setaffinity(0, mask)
    return len(order) / taken


def augmenting(store: PixelStore) -> float:
    """Images a second that the augmentation step gives, its draws included."""
    tf, policy = tensorflow(), AugmentConfig()
    pixels = tf.cast(store.rows(np.arange(BATCH)), tf.float32)

    def step() -> None:
        draws = [draw(policy, 0, f"{n:064x}", 0) for n in range(BATCH)]
        apply(pixels, transforms(draws, 224)).numpy()

    return BATCH / seconds_of(step, 10)


def head_loop(vectors: int = 5000, epochs: int = 20) -> float:
    """Seconds of `epochs` epochs of the head on kept vectors, compilation aside."""
    config = TrainConfig(fit=FitConfig(epochs=epochs + 1, patience=0), augment=AugmentConfig(augment="none"))
    classifier = build(plan(config.network), 2, "float32", seed=0)
    random = np.random.default_rng(0)
    shas = tuple(f"{n:064x}" for n in range(vectors))
    images = Images(np.arange(vectors), shas, random.integers(0, 2, vectors).astype(np.int32))
    stop, cache = Stop(), scratch()
    kept = FeatureStore(cache, Origin("p", "caffe", 224, "float32", "keras", None, "float16", (512,)))
    with kept.filling(Context(stop=stop)) as append:
        append([(sha, -1) for sha in shas], random.uniform(0, 1, (vectors, 512)).astype(np.float32))
    nothing = PixelStore(np.zeros((1, 1, 1, 1), np.uint8), ("",), 1)
    train = FeatureSource(PixelSource(images, classifier, nothing, config), kept, kept, Context(stop=stop))
    few = Images(images.rows[:500], shas[:500], images.labels[:500])
    validation = dataclasses.replace(train, pixels=dataclasses.replace(train.pixels, images=few))
    seconds: list[float] = []
    emit = lambda event: seconds.append(event.seconds) if isinstance(event, Epoch) else None  # noqa: E731
    loop.fit(classifier, train, validation, config, Context(emit, stop))
    return sum(seconds[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    args = parser.parse_args()
    root = made(args.images)
    found = scan(root)
    store, _ = open_store(root, found.records, 224, scratch())
    runs = [decoding(root) for _ in range(3)]
    scan_share, store_share = (statistics.median(run[2] / run[part] for run in runs) for part in (0, 1))
    rows = [
        ("reading the pixel store, one core", f"{reading(store):,.0f} images/s", "8,000"),
        ("scan", f"{runs[-1][0]:,.0f} images/s", f"bare Pillow loop: {runs[-1][2]:,.0f}"),
        ("  time against the bare loop", f"{scan_share:.2f}", ""),
        ("decode and store at first", f"{runs[-1][1]:,.0f} images/s", f"bare Pillow loop: {runs[-1][2]:,.0f}"),
        ("  time against the bare loop", f"{store_share:.2f}", "1.2"),
        ("augmentation alone", f"{augmenting(store):,.0f} images/s", "10 times the training step"),
        ("20 epochs of the head, 5,000 vectors", f"{head_loop():.2f} s", "2 s"),
    ]
    report(f"Feeding, {args.images} images", table(("", "measured", "wanted or compared"), rows))


if __name__ == "__main__":
    main()
