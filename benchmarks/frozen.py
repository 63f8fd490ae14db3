"""The frozen layers: Keras and ncnn through their own classes, beside what the machine can do at all.

    python -m benchmarks.frozen [--part speed error tiles large] [--processors 1 2] [--images 32] [--repeats 5]
                                [--precision float32 bfloat16] [--large 5000] [--engine ncnn] [--mode transfer]

speed: images a second (the clock's) and processor time an image, turn about, on one processor and on all, each in a
    process of its own. The limit is a matrix product in float32, at whose speed no direct convolution can compute more.
error: how far each block's end is from Keras, and from the same sums in float64.
tiles: what sizes of Winograd's tiles cost and err in each block; `engine.network.ncnn_network.settle` follows it.
large: a pass over many images as a training fills its cache, and the memory on the way; only where --large is given.
"""

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.forward import pytorch
from benchmarks.frozen_parts import (
    TILES,
    allocated,
    block_ends,
    blocks,
    bound,
    exact,
    gigaflops,
    in_a_process,
    instructions,
    megabytes,
    spread,
    tell,
    tiled,
    wrong_by,
)
from benchmarks.timing import ROOT, report, scratch, table
from engine.base.context import Context
from engine.base.events import Event, Progress
from engine.base.runtime import cpu, processors, tensorflow
from engine.base.wording import counted
from engine.data.pixel_store import PixelStore, open_store
from engine.data.scan import scan
from engine.network.backbones import BACKBONES
from engine.network.classifier import Classifier, preprocessing, with_first_weights
from engine.network.freezing import FreezePlan, plan
from engine.network.frozen_engines import KerasEngine, NcnnEngine
from engine.network.heads import POOL, REPORT
from engine.network.ncnn_network import NcnnNetwork
from engine.recipe.config import AugmentConfig, NetworkConfig, TrainConfig
from engine.training.augment import PLAIN
from engine.training.batches import PREFIX_BATCH, Images, PixelSource, choose

VGG16 = BACKBONES["vgg16"]
DISTINCT = 256
"""So many of the pictures of a large pass are drawn; their names differ, so each is computed as often as it comes."""
MATMUL = "matrix product"


def network(precision: str, mode: str = "transfer") -> Classifier:
    """VGG16 with ImageNet's weights, frozen as `mode` has it."""
    chosen: FreezePlan = plan(NetworkConfig(mode=mode))  # type: ignore[arg-type]
    return with_first_weights(chosen, "imagenet", 2, precision, 0, Context())


def pictures(folder: str, count: int) -> np.ndarray:
    """The first pictures of a folder, again from the start where it has fewer, preprocessed as VGG16 wants them."""
    records = scan(Path(folder)).records
    few = records[:: max(1, len(records) // count)][:count]
    store, _ = open_store(Path(folder), few, VGG16.size, scratch())
    return np.array(preprocessing(VGG16)(store.rows(np.resize(np.arange(len(few)), count))))


def contestants(images: np.ndarray, formats: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each way through the frozen layers, up to the pooled vector, by name."""
    tf = tensorflow()
    inputs = tf.constant(images)
    noise = np.random.default_rng(0).integers(0, 256, (len(images), VGG16.size, VGG16.size, 1), np.uint8)
    for number, precision in enumerate(formats):
        classifier = network(precision)
        model = classifier.prefix
        assert model
        yield f"Keras, {precision}", partial(KerasEngine(classifier).activations, inputs)
        if not number:
            yield "ncnn, float32", partial(NcnnEngine(classifier).activations, inputs)
        yield f"bare call, {precision}", partial(called, tf.function(partial(model, training=False)), inputs)
        yield f"predict, {precision}", partial(model.predict, images, batch_size=PREFIX_BATCH, verbose=0)
        if torch := pytorch(noise, precision):
            yield f"PyTorch, {precision}, channels last", torch
        elif not number:
            print("PyTorch is not installed.", file=sys.stderr)


def called(function: Any, inputs: Any) -> np.ndarray:
    """What a compiled function gives, at hand."""
    return np.asarray(function(inputs).numpy())


def speed(folder: str, count: int, repeats: int, formats: list[str]) -> None:
    """Tell of each round of each contestant, and of the matrix product, how long it took."""
    images = pictures(folder, count)
    product = gigaflops()
    ways = dict(contestants(images, formats))
    for number in range(repeats + 1):  # the first round makes ready
        tell(name=MATMUL, gigaflops=product())
        for name, call in ways.items():
            began, spent = time.perf_counter(), time.process_time()
            call()
            took = time.perf_counter() - began, time.process_time() - spent
            if number:
                tell(name=name, rate=count / took[0], milliseconds=1000 * took[1] / count)


def speed_rows(facts: list[dict[str, Any]], used: int) -> list[tuple[str, ...]]:
    """The rows of the table, from what `speed` told."""
    best = max(fact["gigaflops"] for fact in facts if fact["name"] == MATMUL)
    most = bound(best)
    rows: list[tuple[str, ...]] = [
        (str(used), f"direct convolution at the {MATMUL}'s {best:,.0f} GFLOP/s", f"{most:.2f}", "", "100%", "")
    ]
    names = dict.fromkeys(fact["name"] for fact in facts if fact["name"] != MATMUL)
    rates = {name: [fact["rate"] for fact in facts if fact["name"] == name] for name in names}
    usual = float(np.median(next(iter(rates.values()))))
    for name, own in rates.items():
        milliseconds = [fact["milliseconds"] for fact in facts if fact["name"] == name]
        median = float(np.median(own))
        share, times = f"{median / most:.0%}", f"{median / usual:.2f}"
        rows.append((str(used), name, spread(own, ".2f"), spread(milliseconds, ".0f"), share, times))
    return rows


def error(folder: str, count: int, formats: list[str]) -> None:
    """Tell how far from Keras in float32, and from float64, each engine is at each block's end."""
    tf = tensorflow()
    images = pictures(folder, count)
    models = {precision: network(precision) for precision in dict.fromkeys(["float32", *formats])}
    base = models["float32"].model

    def weights(name: str) -> list[np.ndarray]:
        return list(base.get_layer(name).get_weights())

    def keras(classifier: Classifier, end: str) -> np.ndarray:
        model = classifier.model
        prefix = tf.keras.Model(model.input, model.get_layer(end).output)
        return KerasEngine(dataclasses.replace(classifier, prefix=prefix)).activations(tf.constant(images))

    truth = images.astype(np.float64)
    for block, end in zip([*blocks(VGG16), ()], [*block_ends(VGG16), POOL], strict=True):
        truth = np.stack([exact(block, one, weights) for one in truth]) if block else truth.mean(axis=(1, 2))
        found = {f"Keras, {precision}": keras(classifier, end) for precision, classifier in models.items()}
        last = VGG16.layers[-1].name if end == POOL else end
        ours = NcnnNetwork(VGG16, weights, last)
        found["ncnn, float32"] = ours.means(REPORT, images) if end == POOL else ours.activations(images)
        for name, values in found.items():
            near = wrong_by(values, found["Keras, float32"])
            tell(end=end, name=name, keras=near, float64=wrong_by(values, truth))


def tiles(folder: str, repeats: int) -> None:
    """Tell of each size of tiles in each block: milliseconds of processor time, error against float64, megabytes
    that its weights take."""
    base = network("float32").model

    def weights(name: str) -> list[np.ndarray]:
        return list(base.get_layer(name).get_weights())

    maps = pictures(folder, 1)[0]
    before = VGG16.layers[0]
    for layers in blocks(VGG16):
        truth = exact(layers, maps.astype(np.float64), weights)
        sizes = {}
        for size in TILES:
            held = allocated()
            sizes[size] = tiled(layers, before, weights, size)
            held = allocated() - held
            error = wrong_by(sizes[size](maps)[None], truth[None])
            tell(block=layers[0].block, size=size, error=error, megabytes=held)
        for _ in range(repeats):
            for size, call in sizes.items():
                began = time.process_time()
                call(maps)
                tell(block=layers[0].block, size=size, milliseconds=1000 * (time.process_time() - began))
        maps, before = truth.astype(np.float32), layers[-1]


def large(engine: str, count: int, mode: str, precision: str) -> None:
    """Tell at each tenth of the pass how many images a second there were since the last, and the memory."""
    config = TrainConfig(network=NetworkConfig(mode=mode), augment=AugmentConfig(augment="none"))  # type: ignore[arg-type]
    classifier = dataclasses.replace(network(precision, mode), engine=engine)  # type: ignore[arg-type]
    drawn = np.random.default_rng(0).integers(0, 256, (DISTINCT, VGG16.size, VGG16.size, 1), np.uint8)
    names = tuple(f"{number:064x}" for number in range(count))
    images = Images(np.arange(count) % DISTINCT, names, np.zeros(count, np.int32))
    store = PixelStore(drawn, tuple(map(str, range(DISTINCT))), 1)
    last = [0, time.perf_counter(), time.process_time()]

    def heard(event: Event) -> None:
        if not isinstance(event, Progress) or not event.total:
            return
        if event.done * 10 // count == last[0] * 10 // count and event.done != count:
            return
        now = [event.done, time.perf_counter(), time.process_time()]
        fresh, seconds, spent = (new - old for new, old in zip(now, last, strict=True))
        last[:] = now
        tell(done=event.done, rate=fresh / seconds, milliseconds=1000 * spent / fresh,
             now=megabytes("VmRSS"), peak=megabytes("VmHWM"))  # fmt: skip

    pixels = PixelSource(images, classifier, store, config)
    source, _ = choose(pixels, pixels, precision, scratch(), Context(heard))
    last[1:] = time.perf_counter(), time.process_time()
    source.prepare(PLAIN)


def shown(title: str, header: tuple[str, ...], rows: Sequence[Sequence[str]], loads: list[float]) -> None:
    """Print a part's table with all that says how far to trust it."""
    load = f"load average {loads[0]:.2f} when it began, {os.getloadavg()[0]:.2f} at its end"
    report(title, f"{instructions()}; {load}.\n\n{table(header, rows)}")


def show_speed(args: argparse.Namespace) -> None:
    """Measure and print, for each number of processors."""
    for used in args.processors:
        loads = [os.getloadavg()[0]]
        told = in_a_process("speed", used, args.data, args.images, args.repeats, args.precision)
        header = ("processors", "", "images/s, median (least to most)", "processor ms an image", "of the direct limit",
                  "times Keras")  # fmt: skip
        shown(f"Frozen layers, {counted(args.images, 'image')}", header, speed_rows(list(told), used), loads)


def show_error(args: argparse.Namespace) -> None:
    """Measure and print."""
    loads = [os.getloadavg()[0]]
    told = list(in_a_process("error", processors(), args.data, args.pictures, args.precision))
    cells: dict[str, list[str]] = {}
    for fact in told:
        cells.setdefault(fact["end"], []).append(f"{fact['keras']:.1e}, {fact['float64']:.1e}")
    header = ("after", *dict.fromkeys(fact["name"] for fact in told))
    title = "Largest error, from Keras in float32 and from float64, as a share of the largest value"
    shown(f"{title}, {counted(args.pictures, 'picture')}", header, [(end, *row) for end, row in cells.items()], loads)


def show_tiles(args: argparse.Namespace) -> None:
    """Measure and print."""
    loads = [os.getloadavg()[0]]
    told = list(in_a_process("tiles", 1, args.data, args.repeats))
    rows = []
    for name in dict.fromkeys(fact["block"] for fact in told):
        of_block = [fact for fact in told if fact["block"] == name]
        rows.append((name, *(tile_cell([fact for fact in of_block if fact["size"] == size]) for size in TILES)))
    names = [f"tiles of {size}" if size else "no tiles" for size in TILES]
    shown("Winograd's tiles: processor ms, error, MB of weights", ("", *names), rows, loads)


def tile_cell(facts: list[dict[str, Any]]) -> str:
    """What a size of tiles is like in a block."""
    made = next(fact for fact in facts if "error" in fact)
    median = np.median([fact["milliseconds"] for fact in facts if "milliseconds" in fact])
    return f"{median:.1f}, {made['error']:.1e}, {made['megabytes']:.0f}"


def show_large(args: argparse.Namespace) -> None:
    """Measure and print; each tenth is written to stderr as it is done."""
    loads, rows = [os.getloadavg()[0]], []
    for fact in in_a_process("large", processors(), args.engine, args.large, args.mode, args.precision[0]):
        rows.append((f"{fact['done']:,}", f"{fact['rate']:.2f}", f"{fact['milliseconds']:.0f}", f"{fact['now']:,.0f}",
                     f"{fact['peak']:,.0f}"))  # fmt: skip
        print(*rows[-1], file=sys.stderr, flush=True)
    header = ("images", "images/s", "processor ms an image", "MB now", "MB at most")
    shown(f"{args.large:,} images through {args.engine}, {args.mode}", header, rows, loads)


PARTS = {"speed": show_speed, "error": show_error, "tiles": show_tiles, "large": show_large}


def main() -> None:
    """Print the tables."""
    has = cpu()[1] & {"avx512_bf16", "amx_bf16"}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=list(PARTS), help="all but large, unless --large is given alone")
    parser.add_argument("--images", type=int, default=PREFIX_BATCH, help="of a round of speed")
    parser.add_argument("--pictures", type=int, default=4, help="whose error is measured")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--processors", type=int, nargs="+", default=sorted({1, processors()}))
    parser.add_argument("--precision", nargs="+", choices=["float32", "bfloat16"], help="that Keras computes in",
                        default=["float32", "bfloat16"] if has else ["float32"])  # fmt: skip
    parser.add_argument("--data", default=str(ROOT / "sample_data"), help="a folder of X-rays")
    parser.add_argument("--large", type=int, default=0, help="the number of images of a large pass")
    parser.add_argument("--engine", choices=["ncnn", "keras"], default="ncnn", help="of a large pass")
    parser.add_argument("--mode", choices=["transfer", "partial"], default="transfer", help="of a large pass")
    args = parser.parse_args()
    for part in args.part or (["large"] if args.large else ["speed", "error", "tiles"]):
        PARTS[part](args)


if __name__ == "__main__":
    main()
