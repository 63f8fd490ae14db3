"""Write the tables from the networks that Keras builds: `python -m engine.network.tables`."""

import csv
import io
import math
import re
from typing import Any

from engine.base.files import replacing
from engine.network import keras_graphs
from engine.network.backbones import BACKBONES, Backbone, table_file

COLUMNS = ("name", "block", "kind", "shape", "parameters", "learnable", "macs", "cuttable")
_BLOCKS: dict[str, tuple[tuple[str, str], ...]] = {
    "efficientnetb1": ((r"(block\d)[a-z]_.*", r"\1"), (r"top_.*", "top"), (r".*", "stem")),
    "resnet50v2": ((r"(conv[2-5])_.*", r"\1"), (r"max_pooling2d", "conv2"), (r"max_pooling2d_1", "conv3"),
                   (r"max_pooling2d_2", "conv4"), (r"post_.*", "conv5"), (r".*", "stem")),
    "mobilenetv2": ((r"(block_\d+)_.*", r"\1"), (r"expanded_conv_.*", "block_0"), (r"Conv_1.*|out_relu", "top"),
                    (r".*", "stem")),
    "densenet121": ((r"(conv[2-5])_.*", r"\1"), (r"pool([2-4])_.*", r"conv\1"), (r"bn|relu", "conv5"), (r".*", "stem")),
}  # fmt: skip
"""The block of a layer by its name: the first pattern that fits decides."""


def main() -> None:
    """Write every table."""
    for backbone in BACKBONES.values():
        if not backbone.convolutions:
            with replacing(table_file(backbone.name)) as file:
                file.write(text(backbone).encode())


def text(backbone: Backbone) -> str:
    """The table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    model = keras_graphs.network(backbone, seed=None)
    cuts = _cuts(model)
    for layer in model.layers:
        shape = layer.output.shape[1:]
        counted = [math.prod(weight.shape) for weight in layer.trainable_weights]
        writer.writerow((
            layer.name, block_of(layer.name, backbone), type(layer).__name__.removesuffix("Layer"),
            "x".join(map(str, shape)), layer.count_params(), sum(counted), _macs(layer),
            "yes" if layer.name in cuts else "no",
        ))  # fmt: skip
    return out.getvalue()


def block_of(name: str, backbone: Backbone) -> str:
    """The block that a layer belongs to; the input belongs to none."""
    if name == "input_layer":
        return ""
    patterns = _BLOCKS[backbone.name]
    return next(match.expand(block) for pattern, block in patterns if (match := re.fullmatch(pattern, name)))


def _macs(layer: Any) -> int:
    """Multiply-adds of a convolution: every output is a sum over its kernel's window."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    *window, channels, width = kernel.shape
    per_place = math.prod(window) * channels * width  # a depthwise kernel is (h, w, channels, 1)
    return int(math.prod(layer.output.shape[1:3]) * per_place)


def _cuts(model: Any) -> set[str]:
    """The layers after which one tensor alone goes on."""
    place = {layer.name: number for number, layer in enumerate(model.layers)}
    last_use = dict.fromkeys(place, -1)
    for layer in model.layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        for tensor in inputs:
            source = tensor._keras_history.operation.name
            last_use[source] = max(last_use[source], place[layer.name])
    ends, found = -1, set()
    for name, number in place.items():
        if ends <= number:  # nothing before this layer is used after it
            found.add(name)
        ends = max(ends, last_use[name])
    return found


if __name__ == "__main__":
    main()
