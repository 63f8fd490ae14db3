"""What the device that TensorFlow finds, a GPU or the processor, gives of its peak: forward pass, head and fine-tuning.

    python -m benchmarks.device [--batch 64] [--peak 989]

The peak is what one large convolution reaches here at the same precision, measured in the same run; --peak gives the
maker's figure in TFLOP/s beside it. An image's work is counted as two operations a multiply-add: forward once, and in
training, whose step back costs two forward, three times for the layers that train.
"""

import argparse
from collections.abc import Callable

import numpy as np

from benchmarks.timing import report, seconds_of, table
from engine.base.runtime import choose_precision, device, tensorflow
from engine.data.pixel_store import PixelStore
from engine.network.classifier import Classifier, build
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, FitConfig, NetworkConfig, TrainConfig
from engine.training.batches import Images, PixelSource
from engine.training.phases import phases
from engine.training.step import Steps, new_optimizer

IMAGES = 256
CONVOLUTION = (64, 28, 28, 512)


def peak(precision: str) -> float:
    """Operations a second of a 3x3 convolution with as many channels out as in."""
    tf = tensorflow()
    batch, height, width, depth = CONVOLUTION
    inputs = tf.cast(tf.random.stateless_uniform(CONVOLUTION, (0, 0)), precision)
    kernel = tf.cast(tf.random.stateless_uniform((3, 3, depth, depth), (0, 1)), precision)
    convolve = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"))
    seconds = seconds_of(lambda: convolve(inputs)[0, 0, 0, 0].numpy(), 5)  # the number waits for the device
    return 2.0 * batch * height * width * 9 * depth * depth / seconds


def images(count: int) -> Images:
    """`count` images that no cache knows, of two classes."""
    shas = tuple(f"{number:064x}" for number in range(count))
    return Images(np.arange(count), shas, np.arange(count, dtype=np.int32) % 2)


def forward(mode: str, precision: str, batch: int) -> tuple[Callable[[], object], float]:
    """A pass of the frozen layers of `mode` over the images, pixels in store to activations in memory; its operations
    an image.
    """
    tf = tensorflow()
    source, classifier = feed(mode, precision)
    assert classifier.prefix
    prefix = classifier.prefix
    run = tf.function(lambda x: tf.cast(prefix(x, training=False), tf.float32))
    order = np.arange(IMAGES)
    work = sum(layer.macs for layer in classifier.plan.backbone.layers[: classifier.plan.cut])
    return lambda: [run(inputs).numpy() for inputs, _ in source.batches(order, 0, batch)], 2.0 * work


def training(mode: str, precision: str, batch: int) -> tuple[Callable[[], object], float]:
    """An epoch of training steps through the whole network, augmented; its operations an image."""
    source, classifier = feed(mode, precision)
    config = source.config
    steps = Steps(
        classifier, source.network, config.fit, source.images.labels, new_optimizer(classifier, phases(config)[0])
    )
    steps.optimizer.learning_rate = 1e-5
    order = np.arange(IMAGES)
    layers, cut = classifier.plan.backbone.layers, classifier.plan.cut
    work = sum(layer.macs for layer in layers) + 2 * sum(layer.macs for layer in layers[cut:])
    return lambda: [steps.take([bundle]) for bundle in source.batches(order, 0, batch)], 2.0 * work


def feed(mode: str, precision: str) -> tuple[PixelSource, Classifier]:
    """Noise in a pixel store, augmented as the report does, and the network to train in `mode`."""
    config = TrainConfig(network=NetworkConfig(mode=mode), augment=AugmentConfig(), fit=FitConfig())  # type: ignore[arg-type]
    classifier = build(plan(config.network), 2, precision, seed=0)
    size = classifier.plan.backbone.size
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, size, size, 1), np.uint8)
    store = PixelStore(pixels, tuple(map(str, range(IMAGES))), 1)
    return PixelSource(images(IMAGES), classifier, store, config), classifier


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--peak", type=float, help="the device's peak in TFLOP/s, by its maker")
    args = parser.parse_args()
    precision = choose_precision("auto").precision
    measured = peak(precision)
    cases = (
        ("transfer: frozen layers, augmented view", *forward("transfer", precision, args.batch)),
        ("partial: block5's training, through the whole network", *training("partial", precision, args.batch)),
        ("finetune: a training step", *training("finetune", precision, args.batch)),
    )
    rows: list[tuple[str, ...]] = []
    for name, call, work in cases:
        speed = IMAGES / seconds_of(call, 3)
        got = speed * work
        stated = f"{got / args.peak / 1e12:.0%}" if args.peak else ""
        rows.append((name, f"{speed:,.1f}", f"{got / 1e12:.2f}", f"{got / measured:.0%}", stated))
    one = f"of one convolution's {measured / 1e12:.2f} TFLOP/s"
    header = ("", "images/s", "TFLOP/s", one, "of the maker's peak")
    report(f"{device()}, {precision}, batch {args.batch}", table(header, rows))


if __name__ == "__main__":
    main()
