"""The forward pass as covid-tui runs it against the same Keras model in a bare loop, and PyTorch where it is installed.

python -m benchmarks.forward [--images 256] [--repeats 5]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.timing import report, table
from engine.base.runtime import choose_precision, processors, tensorflow
from engine.data.pixel_store import PixelStore
from engine.network.classifier import build, preprocess
from engine.network.freezing import plan
from engine.recipe.config import NetworkConfig, TrainConfig
from engine.training.batches import Images, PixelSource
from engine.training.forward import Pass

BATCH = 64


def ours(pixels: np.ndarray, precision: str) -> Callable[[], object]:
    """Pixel store, preprocessing and network, as validation runs them without kept activations."""
    config = TrainConfig()
    classifier = build(plan(config.network), 2, precision, seed=0)
    store = PixelStore(pixels, tuple(map(str, range(len(pixels)))), 1)
    images = Images(
        np.arange(len(pixels)), tuple(f"{n:064x}" for n in range(len(pixels))), np.zeros(len(pixels), np.int32)
    )
    whole = Pass(PixelSource(images, classifier, store, config))
    return lambda: whole.logits(BATCH)


def bare_keras(pixels: np.ndarray, precision: str) -> Callable[[], object]:
    """The same model called on batches that are ready in memory."""
    model = build(plan(NetworkConfig()), 2, precision, seed=0)
    batches = [preprocess(pixels[start : start + BATCH], model.plan.backbone) for start in range(0, len(pixels), BATCH)]
    call = tensorflow().function(lambda x: model.model(x, training=False))
    return lambda: [call(batch).numpy() for batch in batches]


def pytorch(pixels: np.ndarray, precision: str = "bfloat16") -> Callable[[], object] | None:
    """VGG16's convolutions in PyTorch, channels last, on all processors; None where torch is absent."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(processors())
    dtype = getattr(torch, precision)
    layers: list[torch.nn.Module] = []
    depth = 3
    for count, width in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            layers += [torch.nn.Conv2d(depth, width, 3, padding=1), torch.nn.ReLU(inplace=True)]
            depth = width
        layers.append(torch.nn.MaxPool2d(2))
    model = torch.nn.Sequential(*layers).eval().to(dtype).to(memory_format=torch.channels_last)
    images = torch.from_numpy(np.repeat(pixels.transpose(0, 3, 1, 2), 3, 1)).to(dtype)
    batches = [b.contiguous(memory_format=torch.channels_last) for b in images.split(BATCH)]

    def call() -> object:
        with torch.inference_mode():
            return [model(batch) for batch in batches]

    return call


def main() -> None:
    """Print the table; the contestants take turns, so that a slow moment of the machine strikes all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    pixels = np.random.default_rng(0).integers(0, 256, (args.images, 224, 224, 1), np.uint8)
    precision = choose_precision("auto").precision
    contestants = {
        f"covid-tui, {precision}": ours(pixels, precision),
        f"bare Keras loop, {precision}": bare_keras(pixels, precision),
    }
    torch = pytorch(pixels)
    if torch:
        contestants["PyTorch, bfloat16, channels last"] = torch
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(args.repeats + 1):
        for name, call in contestants.items():
            start = time.perf_counter()
            call()
            if number:  # the first round compiles
                taken[name].append(args.images / (time.perf_counter() - start))
    base = statistics.median(taken[f"bare Keras loop, {precision}"])
    rows = [(name, f"{statistics.median(t):.1f}", f"{statistics.median(t) / base:.2f}") for name, t in taken.items()]
    report(f"Forward pass, {args.images} images", table(("", "images/s", "against bare Keras"), rows))


if __name__ == "__main__":
    main()
