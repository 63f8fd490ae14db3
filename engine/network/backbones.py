"""The table of backbones: what each expects, and its layers with shapes, parameters and work. Needs no TensorFlow."""

from dataclasses import dataclass
from functools import cached_property

from engine.errors import ConfigError

HEAD_UNITS = 512
"""Width of the head's hidden layer, as in the student report."""


@dataclass(frozen=True)
class Layer:
    """One layer of a backbone. `index` counts as Keras does, the input being 0; `macs`: multiply-adds an image."""

    index: int
    name: str
    block: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    macs: int


@dataclass(frozen=True)
class Backbone:
    """A pretrained network without its top."""

    name: str
    title: str
    size: int
    """Side of the square input, in pixels."""
    preprocessing: str
    """"caffe": blue-green-red order, less the ImageNet means, no scaling."""
    layers: tuple[Layer, ...]
    keras_file: str
    """Name of the ImageNet weights in Keras's cache."""
    keras_md5: str

    @cached_property
    def by_name(self) -> dict[str, Layer]:
        """The layers by name."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        """The names of the blocks, input side first."""
        return tuple(dict.fromkeys(layer.block for layer in self.layers if layer.block))

    @property
    def width(self) -> int:
        """Channels of the last layer, and so the length of the pooled vector."""
        return self.layers[-1].shape[-1]


@dataclass(frozen=True)
class HeadLayer:
    """One layer of the head, which always trains."""

    name: str
    shape: tuple[int, ...]
    parameters: int


def head(backbone: Backbone, classes: int) -> tuple[HeadLayer, ...]:
    """The report's head: global average pooling, Dense 512 with ReLU, Dense `classes` (logits)."""
    return (
        HeadLayer("pool", (backbone.width,), 0),
        HeadLayer("dense", (HEAD_UNITS,), backbone.width * HEAD_UNITS + HEAD_UNITS),
        HeadLayer("logits", (classes,), HEAD_UNITS * classes + classes),
    )


def _vgg(convolutions: tuple[int, ...], size: int = 224) -> tuple[Layer, ...]:
    """VGG's layers: blocks of 3x3 convolutions, each block closed by a 2x2 max pooling."""
    layers = [Layer(0, "input_layer", "", "Input", (size, size, 3), 0, 0)]
    side, depth = size, 3
    for block, (count, width) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=True), start=1):
        for number in range(1, count + 1):
            parameters = 9 * depth * width + width
            macs = side * side * 9 * depth * width
            name = f"block{block}_conv{number}"
            layers.append(Layer(len(layers), name, f"block{block}", "Conv2D", (side, side, width), parameters, macs))
            depth = width
        side //= 2
        shape = (side, side, depth)
        layers.append(Layer(len(layers), f"block{block}_pool", f"block{block}", "MaxPooling2D", shape, 0, 0))
    return tuple(layers)


BACKBONES: dict[str, Backbone] = {
    "vgg16": Backbone(
        name="vgg16",
        title="VGG16",
        size=224,
        preprocessing="caffe",
        layers=_vgg((2, 2, 3, 3, 3)),
        keras_file="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        keras_md5="6d6bbae143d832006294945121d1f1fc",
    ),
}


def backbone(name: str) -> Backbone:
    """The backbone called `name`. Raises ConfigError where there is none."""
    if name not in BACKBONES:
        raise ConfigError(f'There is no backbone "{name}": choose one of {", ".join(BACKBONES)}.')
    return BACKBONES[name]
