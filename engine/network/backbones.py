"""The table of backbones: what each expects, and its layers with shapes, parameters and work. Needs no TensorFlow.

VGG's layers follow from a rule. The other networks have hundreds, whose table is a file under `tables`, written from
the networks that Keras builds by `python -m engine.network.tables`.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.wording import listing

_NUMBERED = re.compile(r"(input_layer|rescaling|normalization|zero_padding2d|max_pooling2d)(_\d+)?")
"""Names that Keras gives where keras.applications gives none."""


@dataclass(frozen=True)
class Layer:
    """One layer of a backbone. `index` counts as Keras does, the input being 0; `macs`: multiply-adds an image."""

    index: int
    name: str
    block: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    learnable: int
    """Those of the parameters that can train: the statistics of a normalisation never do."""
    macs: int
    cuttable: bool
    """Does the output of this layer alone go on to the layers after it, so that the network can be cut here?"""


Preprocessing = Literal["caffe", "torch", "tf", "inside"]


@dataclass(frozen=True)
class Backbone:
    """A pretrained network without its top."""

    name: str
    title: str
    size: int
    """Side of the square input, in pixels."""
    preprocessing: Preprocessing
    """What is done to intensities from 0 to 255: "caffe": blue-green-red order, less the ImageNet means, no scaling;
    "torch": from 0 to 1, less the means, over the deviations; "tf": from -1 to 1; "inside": the network does it."""
    looks_at: str
    """The layer whose activations Grad-CAM shows when none is named."""
    keras_builder: str
    """The function of keras.applications that builds it."""
    keras_file: str
    """Name of the ImageNet weights in Keras's cache."""
    keras_md5: str
    """MD5 of that file, as Keras publishes it; empty where Keras publishes none."""
    keras_address: tuple[str, str]
    """The module of keras.src.applications, and the name in it, that has the file's address or that of its folder."""
    depths: tuple[str, ...]
    """The layers or blocks from which on a sweep trains, besides the head alone and everything, nearest to it first."""
    ends: tuple[str, ...]
    """The last layers of its deepest stages, nearest to the head first; what a head that reads several depths reads."""
    convolutions: tuple[int, ...] = ()
    """VGG: how many each block has."""

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, the input first."""
        return _vgg(self.convolutions, self.size) if self.convolutions else _read_table(self.name)

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


def table_file(name: str) -> Path:
    """The file with the layers of a backbone that no rule gives."""
    return Path(__file__).parent / "tables" / f"{name}.csv"


def _read_table(name: str) -> tuple[Layer, ...]:
    with table_file(name).open(newline="", encoding="utf-8") as file:
        return tuple(
            Layer(
                index=index,
                name=row["name"],
                block=row["block"],
                kind=row["kind"],
                shape=tuple(map(int, row["shape"].split("x"))),
                parameters=int(row["parameters"]),
                learnable=int(row["learnable"]),
                macs=int(row["macs"]),
                cuttable=row["cuttable"] == "yes",
            )
            for index, row in enumerate(csv.DictReader(file))
        )


def _vgg(convolutions: tuple[int, ...], size: int) -> tuple[Layer, ...]:
    """VGG's layers: blocks of 3x3 convolutions, each block closed by a 2x2 max pooling."""
    layers = [Layer(0, "input_layer", "", "Input", (size, size, 3), 0, 0, 0, True)]
    side, depth = size, 3
    for block, (count, width) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=True), start=1):
        for number in range(1, count + 1):
            parameters = 9 * depth * width + width
            macs = side * side * 9 * depth * width
            name = f"block{block}_conv{number}"
            shape = (side, side, width)
            layers.append(
                Layer(len(layers), name, f"block{block}", "Conv2D", shape, parameters, parameters, macs, True)
            )
            depth = width
        side //= 2
        shape = (side, side, depth)
        layers.append(Layer(len(layers), f"block{block}_pool", f"block{block}", "MaxPooling2D", shape, 0, 0, 0, True))
    return tuple(layers)


_EVERY = (
    Backbone(
        name="vgg16",
        title="VGG16",
        size=224,
        preprocessing="caffe",
        looks_at="block5_conv3",
        keras_builder="VGG16",
        keras_file="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        keras_md5="6d6bbae143d832006294945121d1f1fc",
        keras_address=("vgg16", "WEIGHTS_PATH_NO_TOP"),
        depths=("block5_conv3", "block5", "block4", "block3"),
        ends=("block5_pool", "block4_pool", "block3_pool", "block2_pool"),
        convolutions=(2, 2, 3, 3, 3),
    ),
    Backbone(
        name="vgg19",
        title="VGG19",
        size=224,
        preprocessing="caffe",
        looks_at="block5_conv4",
        keras_builder="VGG19",
        keras_file="vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        keras_md5="253f8cb515780f3b799900260a226db6",
        keras_address=("vgg19", "WEIGHTS_PATH_NO_TOP"),
        depths=("block5_conv4", "block5", "block4", "block3"),
        ends=("block5_pool", "block4_pool", "block3_pool", "block2_pool"),
        convolutions=(2, 2, 4, 4, 4),
    ),
    Backbone(
        name="efficientnetb1",
        title="EfficientNetB1",
        size=240,
        preprocessing="inside",
        looks_at="top_activation",
        keras_builder="EfficientNetB1",
        keras_file="efficientnetb1_notop.h5",
        keras_md5="74c4e6b3e1f6a1eea24c589628592432",
        keras_address=("efficientnet", "BASE_WEIGHTS_PATH"),
        depths=("top", "block7", "block6", "block4"),
        ends=("top_activation", "block6a_expand_activation", "block4a_expand_activation", "block3a_expand_activation"),
    ),
    Backbone(
        name="resnet50v2",
        title="ResNet50V2",
        size=224,
        preprocessing="tf",
        looks_at="post_relu",
        keras_builder="ResNet50V2",
        keras_file="resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        keras_md5="fac2f116257151a9d068a22e544a4917",
        keras_address=("resnet", "BASE_WEIGHTS_PATH"),
        depths=("conv5_block3_preact_bn", "conv5", "conv4", "conv3"),
        ends=("post_relu", "conv4_block5_out", "conv3_block3_out", "conv2_block2_out"),
    ),
    Backbone(
        name="mobilenetv2",
        title="MobileNetV2",
        size=224,
        preprocessing="tf",
        looks_at="out_relu",
        keras_builder="MobileNetV2",
        keras_file="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        keras_md5="",
        keras_address=("mobilenet_v2", "BASE_WEIGHT_PATH"),
        depths=("top", "block_16", "block_13", "block_6"),
        ends=("out_relu", "block_13_expand_relu", "block_6_expand_relu", "block_3_expand_relu"),
    ),
    Backbone(
        name="densenet121",
        title="DenseNet121",
        size=224,
        preprocessing="torch",
        looks_at="relu",
        keras_builder="DenseNet121",
        keras_file="densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        keras_md5="30ee3e1110167f948a6b9946edeeb738",
        keras_address=("densenet", "DENSENET121_WEIGHT_PATH_NO_TOP"),
        depths=("conv5_block16_0_bn", "conv5", "conv4", "conv3"),
        ends=("relu", "pool4_conv", "pool3_conv", "pool2_conv"),
    ),
)

BACKBONES: dict[str, Backbone] = {one.name: one for one in _EVERY}


def backbone(name: str) -> Backbone:
    """The backbone called `name`. Raises ConfigError where there is none."""
    if name not in BACKBONES:
        raise ConfigError(
            tr('There is no backbone "{name}": choose one of {backbones}.', name=name, backbones=listing(BACKBONES))
        )
    return BACKBONES[name]


def steady_names(names: Iterable[str]) -> list[str]:
    """Keras's names of a network's layers as they are where it is the first network of the process."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        numbered = _NUMBERED.fullmatch(name)
        if numbered:
            count = seen[numbered[1]] = seen.get(numbered[1], -1) + 1
            name = f"{numbered[1]}_{count}" if count else numbered[1]
        found.append(name)
    return found
