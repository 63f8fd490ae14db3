"""VGG's layers computed by ncnn: 3x3 convolutions by Winograd's algorithm on any processor, without TensorFlow.

Lavin and Gray 2016, "Fast algorithms for convolutional neural networks": F(4x4, 3x3) takes a quarter of the
multiplications of a direct convolution, F(2x2, 3x3) four ninths. Everything is float32; ncnn's shorter formats, which
it uses by itself where a processor has them, are off. A picture is computed by one thread, so that its numbers do not
depend on how many pictures are computed beside it or how many processors there are.
"""

import contextlib
import os
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from engine.base.cancel import Stop
from engine.base.errors import RunError, Stopped
from engine.base.language import tr
from engine.base.runtime import processors
from engine.network.backbones import Backbone, Layer
from engine.network.heads import Head, grid


class RefusedError(RunError):
    """ncnn does not take the network, so that another must compute it."""


Weights = Callable[[str], Sequence[np.ndarray]]
"""Gives kernel (3, 3, in, out) and bias (out,) of a convolution by its name, as Keras has them."""
KINDS = ("Input", "Conv2D", "MaxPooling2D")
"""The kinds of layers that a network must be made of to be computed here."""
INPUT = "input"
SHORT = ("use_fp16", "use_bf16", "use_int8")
"""How the names of those options begin that would let ncnn compute or keep numbers in a shorter format."""
SMALL = 32
"""From this side on, in pixels, what tiles of 4 reach beyond the maps does not matter."""
AT_ONCE = 3
"""So many blocks are in memory, the first ones of which are small, where none is kept."""
_MAGIC = "7767517"
_RAW_FLOAT32 = struct.pack("<I", 0)
"""Stands before a layer's weights that are neither shortened nor packed."""


def serves(backbone: Backbone) -> bool:
    """Is the backbone made of layers that ncnn computes here?"""
    return all(layer.kind in KINDS for layer in backbone.layers)


def shapes(backbone: Backbone) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of kernel and bias of each of its convolutions, by layer name."""
    found, depth = {}, 3
    for layer in backbone.layers:
        if layer.kind == "Conv2D":
            found[layer.name] = [(3, 3, depth, layer.shape[-1]), (layer.shape[-1],)]
            depth = layer.shape[-1]
    return found


def graph(layers: Sequence[Layer], before: Layer) -> str:
    """The text in which ncnn reads the structure of `layers`, whose input is the output of the layer `before`.

    Each layer's output has the layer's name. Raises ValueError for a kind of layer that is not in KINDS.
    """
    side, depth = before.shape[0], before.shape[-1]
    lines = [f"Input {INPUT} 0 1 {INPUT} 0={side} 1={side} 2={depth}"]
    last = INPUT
    for layer in layers:
        head = f"{layer.name} 1 1 {last} {layer.name}"
        match layer.kind:
            case "Conv2D":  # 3x3, padded by one, with ReLU
                width = layer.shape[-1]
                lines.append(f"Convolution {head} 0={width} 1=3 4=1 5=1 6={9 * depth * width} 9=1")
                depth = width
            case "MaxPooling2D":
                lines.append(f"Pooling {head} 0=0 1=2 2=2")
            case other:
                raise ValueError(f"{layer.name} is of the kind {other}")
        last = layer.name
    return f"{_MAGIC}\n{len(lines)} {len(lines)}\n" + "\n".join(lines) + "\n"


def weight_bytes(layers: Sequence[Layer], weights: Weights) -> Iterator[Any]:
    """What ncnn reads as the weights of `layers`, in their order: (out, in, 3, 3) and bias, float32."""
    for layer in layers:
        if layer.kind == "Conv2D":
            kernel, bias = weights(layer.name)
            yield _RAW_FLOAT32
            planes = np.empty((*kernel.shape[:1:-1], 9), "<f4")
            for place, plane in enumerate(kernel.reshape(9, *kernel.shape[2:])):  # all in one go takes longer
                planes[:, :, place] = plane.T
            yield planes.data
            yield np.ascontiguousarray(bias, "<f4").data


@dataclass(eq=False)
class _Block:
    """A block of the backbone: its layers, the layer before them, and ncnn's network of them while it is loaded."""

    layers: tuple[Layer, ...]
    before: Layer
    net: "Future[Any] | None" = field(default=None)

    @property
    def last(self) -> str:
        """The name of its last layer."""
        return self.layers[-1].name

    def has(self, names: Sequence[str]) -> bool:
        """Is one of `names` that of a layer of the block?"""
        return any(layer.name in names for layer in self.layers)

    def wanted(self, names: Sequence[str], final: "_Block") -> list[str]:
        """Those of its layers whose output is asked for, or the next block's input; `final` is the last block used."""
        goes_on = {self.last} if self is not final else set()
        return [layer.name for layer in self.layers if layer.name in goes_on or layer.name in names]


class NcnnNetwork:
    """The first layers of a backbone, up to one by name.

    It is not for several threads at once, as it takes all processors itself.
    """

    def __init__(self, backbone: Backbone, weights: Weights, last: str, keep: bool = True) -> None:
        """`last` is the name of the last layer that is computed.

        A block is loaded while those before it compute. Unless they are kept, each is let go of once it is used, which
        takes a third off the memory and costs a third of a second at the next use.
        """
        self._backbone, self._last, self._weights, self._keep = backbone, last, weights, keep
        self._pool, self._loader = ThreadPoolExecutor(processors(), "ncnn"), ThreadPoolExecutor(1, "load")
        end = backbone.by_name[last].index + 1
        self._blocks: list[_Block] = []
        before = backbone.layers[0]
        for name in backbone.blocks:
            layers = tuple(layer for layer in backbone.layers[1:end] if layer.block == name)
            if layers:
                self._blocks.append(_Block(layers, before))
                before = layers[-1]

    def begin(self) -> None:
        """Begin to load, while the caller does something else."""
        for block in self._blocks if self._keep else self._blocks[:AT_ONCE]:
            self._begun(block)

    def activations(self, images: np.ndarray, stop: Stop | None = None) -> np.ndarray:
        """What the last layer gives for preprocessed images (n, size, size, 3); see `at`."""
        return self.at((self._last,), images, stop)[self._last]

    def at(self, layers: Sequence[str], images: np.ndarray, stop: Stop | None = None) -> dict[str, np.ndarray]:
        """What each of `layers`, up to the last one, gives for preprocessed images (n, size, size, 3), float32:
        (n, side, side, channels). What lies behind all of them is not computed.

        Raises Stopped between two pictures, RefusedError, RunError where memory is lacking.
        """
        found = self._passed(layers, images, stop)
        return {name: np.stack([one[name].transpose(1, 2, 0) for one in found]) for name in layers}

    def means(self, head: Head, images: np.ndarray, stop: Stop | None = None) -> np.ndarray:
        """What a head gets of preprocessed images: float32 (n, width). Raises as `at` does."""
        names = head.layers_read(self._backbone)
        found = self._passed(names, images, stop)
        return np.stack([np.concatenate([means(one[name], head.cells) for name in names]) for one in found])

    def _passed(self, layers: Sequence[str], images: np.ndarray, stop: Stop | None) -> list[dict[str, np.ndarray]]:
        """What each of `layers` gives for each image, (channels, side, side)."""
        maps = [np.ascontiguousarray(image.transpose(2, 0, 1), np.float32) for image in images]
        blocks = self._blocks[: 1 + max(place for place, block in enumerate(self._blocks) if block.has(layers))]
        self.begin()
        passed = self._passed_at_once if self._keep else self._passed_by_block
        return passed(blocks, layers, maps, stop)

    def _passed_at_once(
        self, blocks: list[_Block], names: Sequence[str], pictures: list[np.ndarray], stop: Stop | None
    ) -> list[dict[str, np.ndarray]]:
        """What the layers `names` give for each picture, each picture on its own way through the blocks."""

        def passed(maps: np.ndarray) -> dict[str, np.ndarray]:
            found: dict[str, np.ndarray] = {}
            for block in blocks:
                gave = _through(self._begun(block).result(), block.wanted(names, blocks[-1]), stop, maps)
                found, maps = found | gave, gave.get(block.last, maps)
            return found

        return list(self._pool.map(passed, pictures))

    def _passed_by_block(
        self, blocks: list[_Block], names: Sequence[str], pictures: list[np.ndarray], stop: Stop | None
    ) -> list[dict[str, np.ndarray]]:
        """The same, all pictures through one block after the other, of which AT_ONCE at most are in memory."""
        found: list[dict[str, np.ndarray]] = [{} for _ in pictures]
        for block, later in zip_longest(blocks, blocks[AT_ONCE:]):
            net = self._begun(block).result()
            gave = list(self._pool.map(partial(_through, net, block.wanted(names, blocks[-1]), stop), pictures))
            del net
            block.net = None
            if later:
                self._begun(later)
            found = [before | {name: one[name] for name in names if name in one}
                     for before, one in zip(found, gave, strict=True)]  # fmt: skip
            pictures = [one.get(block.last, maps) for one, maps in zip(gave, pictures, strict=True)]
        return found

    def _begun(self, block: _Block) -> "Future[Any]":
        """The block's network, which is being loaded at least; once more where that failed before."""
        if block.net is None or (block.net.done() and block.net.exception()):
            block.net = self._loader.submit(loaded, block.layers, block.before, self._weights)
        return block.net


def loaded(layers: Sequence[Layer], before: Layer, weights: Weights) -> Any:
    """ncnn's network of these layers. Raises RefusedError."""
    import ncnn

    net = ncnn.Net()
    settle(net.opt, before.shape[0])
    if net.load_param_mem(graph(layers, before)):
        raise RefusedError(
            tr(
                "ncnn {version} does not take the structure of {block}.",
                version=ncnn.__version__,
                block=layers[0].block,
            )
        )
    with _file(weight_bytes(layers, weights)) as path:
        if net.load_model(path):
            raise RefusedError(
                tr(
                    "ncnn {version} does not take the weights of {block}.",
                    version=ncnn.__version__,
                    block=layers[0].block,
                )
            )
    return net


def settle(options: Any, side: int) -> None:
    """Set ncnn's options: one thread, float32 throughout, and one size of Winograd's tiles for maps of `side` pixels.

    Tiles of 4 are fastest, but where they cover much more than the maps: 16 pixels for 14. Then tiles of 2 are, which
    take less than half the memory. See benchmarks/frozen.py.
    """
    for name in dir(options):
        if name.startswith(SHORT):
            setattr(options, name, False)
    options.num_threads = 1
    options.use_vulkan_compute = False
    small = side % 4 != 0 and side < SMALL
    options.use_winograd23_convolution = small
    options.use_winograd43_convolution = not small
    options.use_winograd63_convolution = False


def _through(net: Any, names: Sequence[str], stop: Stop | None, maps: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs (channels, side, side) of layers of one block, in their order, for that of the block before."""
    import ncnn

    if stop and stop.is_set():
        raise Stopped(tr("Stopped while the frozen layers were computed."))
    extractor = net.create_extractor()
    extractor.input(INPUT, ncnn.Mat(maps))  # which does not hold `maps`: they must outlive it
    found = {}
    for name in names:
        failed, output = extractor.extract(name)
        if failed:
            raise RunError(tr("ncnn could not compute {name}: the memory of this machine may be too small.", name=name))
        found[name] = np.array(output)
    return found


def means(maps: np.ndarray, cells: int) -> np.ndarray:
    """What a head reads of one layer's activations (channels, side, side), cell by cell: float32 (width,)."""
    parts = [maps[:, top:bottom, left:right] for top, bottom, left, right in grid(maps.shape[-1], cells)]
    return np.concatenate([part.reshape(len(part), -1).mean(axis=1, dtype=np.float32) for part in parts])


@contextlib.contextmanager
def _file(parts: Iterator[Any]) -> Iterator[str]:
    """A path at which the bytes lie for the time being, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("weights")
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.writelines(parts)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.TemporaryDirectory(prefix="covid-tui-") as folder:
        path = Path(folder) / "weights"
        with path.open("wb") as file:
            file.writelines(parts)
        yield str(path)
