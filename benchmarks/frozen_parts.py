"""What `benchmarks.frozen` is made of: the same sums in float64, tiles of any size, the machine's limit, a process."""

import ctypes
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import threadpoolctl

from benchmarks.timing import ROOT
from engine.base.errors import RunError
from engine.network.backbones import BACKBONES, Backbone, Layer
from engine.network.ncnn_network import INPUT, Weights, graph, settle, weight_bytes

TILES = {2: "use_winograd23_convolution", 4: "use_winograd43_convolution", 0: ""}
"""ncnn's options by the side of Winograd's tiles; 0 is a convolution without."""
SIDE = 4096
"""Of the square matrices whose product is the machine's limit."""
CHILD = """
import json, os, sys
part, used, *given = json.loads(sys.argv[1])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:used])
from benchmarks import frozen
getattr(frozen, part)(*given)
"""
"""Libraries size their threads by the processors that they see when they are loaded, so those are chosen before."""


def in_a_process(part: str, used: int, *given: object) -> Iterator[dict[str, Any]]:
    """Run a function of `benchmarks.frozen` on so many processors; gives what it tells, when it does.

    Raises RuntimeError where it fails.
    """
    command = [sys.executable, "-c", CHILD, json.dumps([part, used, *given])]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        for line in child.stdout:
            if line.startswith("{"):
                yield json.loads(line)
    if child.returncode:
        raise RuntimeError(f"{part} ended with {child.returncode}.")


def tell(**facts: object) -> None:
    """A line for `in_a_process`."""
    print(json.dumps(facts), flush=True)


def blocks(backbone: Backbone) -> list[tuple[Layer, ...]]:
    """The layers of each block."""
    return [tuple(layer for layer in backbone.layers if layer.block == name) for name in backbone.blocks]


def block_ends(backbone: Backbone) -> list[str]:
    """The name of the last layer of each block."""
    return [layers[-1].name for layers in blocks(backbone)]


def exact(layers: Sequence[Layer], maps: np.ndarray, weights: Weights) -> np.ndarray:
    """What VGG's `layers` give for maps (height, width, channels), directly and in float64."""
    maps = maps.astype(np.float64)
    for layer in layers:
        height, width, depth = maps.shape
        if layer.kind == "MaxPooling2D":
            maps = maps.reshape(height // 2, 2, width // 2, 2, depth).max(axis=(1, 3))
            continue
        kernel, bias = (values.astype(np.float64) for values in weights(layer.name))
        padded = np.pad(maps, ((1, 1), (1, 1), (0, 0)))
        places = product(range(3), repeat=2)
        total = sum(padded[y : y + height, x : x + width].reshape(-1, depth) @ kernel[y, x] for y, x in places)
        maps = np.maximum(np.reshape(total, (height, width, -1)) + bias, 0)
    return maps


def wrong_by(found: np.ndarray, truth: np.ndarray) -> float:
    """The largest error of any image, as a share of its largest value; arrays (images, ...)."""
    axes = tuple(range(1, truth.ndim))
    return float((np.abs(found - truth.astype(np.float64)).max(axis=axes) / np.abs(truth).max(axis=axes)).max())


def tiled(layers: Sequence[Layer], before: Layer, weights: Weights, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """ncnn's way through `layers` with Winograd's tiles of one size, on one thread: maps (height, width, channels)."""
    import ncnn

    net = ncnn.Net()
    settle(net.opt, before.shape[0])
    net.opt.use_winograd_convolution = bool(size)
    for side, name in TILES.items():
        if name:
            setattr(net.opt, name, side == size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights"
        with path.open("wb") as file:
            file.writelines(weight_bytes(layers, weights))
        if net.load_param_mem(graph(layers, before)) or net.load_model(str(path)):
            raise RunError(f"ncnn does not take {layers[0].block}.")

    def call(maps: np.ndarray) -> np.ndarray:
        planes = np.ascontiguousarray(maps.transpose(2, 0, 1), np.float32)
        extractor = net.create_extractor()
        extractor.input(INPUT, ncnn.Mat(planes))  # which does not hold them
        return np.array(extractor.extract(layers[-1].name)[1]).transpose(1, 2, 0)

    return call


def gigaflops() -> Callable[[], float]:
    """Gives, whenever it is called, at how many GFLOP/s BLAS multiplies two large matrices in float32."""
    random = np.random.default_rng(0)
    one, other = (random.standard_normal((SIDE, SIDE), np.float32) for _ in range(2))
    out = np.empty_like(one)

    def call() -> float:
        began = time.perf_counter()
        np.matmul(one, other, out=out)
        return 2e-9 * SIDE**3 / (time.perf_counter() - began)

    return call


def bound(gigaflops: float, backbone: Backbone = BACKBONES["vgg16"]) -> float:
    """Images a second of a backbone at so many GFLOP/s, if each of its multiplications is done."""
    return gigaflops * 1e9 / (2 * sum(layer.macs for layer in backbone.layers))


def spread(values: Sequence[float], form: str) -> str:
    """The median, and the least and the most."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def instructions() -> str:
    """What NumPy sees of the processor and BLAS computes for: a virtual machine may hide instructions."""
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    blas = {one["architecture"] for one in threadpoolctl.threadpool_info() if "architecture" in one}
    return f"NumPy sees {found[-1] if found else 'none'}, BLAS computes for {', '.join(sorted(blas)) or 'any'}"


class _Counts(ctypes.Structure):
    """What glibc's mallinfo2 gives: bytes in use, those of large arrays apart."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_: ClassVar = [(name, ctypes.c_size_t) for name in _names.split()]


def allocated() -> float:
    """Megabytes that this process has allocated and not freed, whether or not the system has taken back the others.

    NaN where the C library does not count them.
    """
    count = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if count is None:
        return float("nan")
    count.restype = _Counts
    found = count()
    return float(found.hblkhd + found.uordblks) / 2**20


def megabytes(name: str) -> float:
    """This process's memory: "VmRSS" now, "VmHWM" at most. NaN where the system does not tell."""
    status = Path("/proc/self/status")
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text()) if os.path.exists(status) else None  # noqa: PTH110
    return int(found[1]) / 1024 if found else float("nan")
