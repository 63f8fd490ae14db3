"""The backbone as a Keras model: VGG as a chain from its table, the others as keras.applications builds them.

Keras numbers layers that it names itself through a whole process, draws first weights without a seed, and has dropout
in EfficientNet. Here each network is built again from Keras's own layers with names that are always the same, first
weights that follow from a seed, and dropout that drops nothing: a backbone always runs in inference mode.
"""

from typing import Any

import numpy as np

from engine.base.runtime import tensorflow
from engine.network.backbones import Backbone, steady_names

IMAGENET_MEANS = (0.485, 0.456, 0.406)
"""ImageNet's mean red, green and blue, from 0 to 1."""
IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)


def network(backbone: Backbone, seed: int | None) -> Any:
    """The backbone without its top, weights drawn from `seed`; without one, kernels are zero, for whoever sets them."""
    return _chain(backbone, seed) if backbone.convolutions else _from_keras(backbone, seed)


def settle(layer: Any) -> None:
    """Let a layer whose weights were set take them up: a Normalization computes with constants made of them."""
    if isinstance(layer, tensorflow().keras.layers.Normalization):
        layer.finalize_state()


def _chain(backbone: Backbone, seed: int | None) -> Any:
    """VGG: a chain of 3x3 convolutions with ReLU and 2x2 max poolings."""
    keras = tensorflow().keras
    first = keras.Input(backbone.layers[0].shape, name=backbone.layers[0].name)
    output = first
    for layer in backbone.layers[1:]:
        if layer.kind == "Conv2D":
            start = "zeros" if seed is None else keras.initializers.GlorotUniform(seed=seed + 100 + layer.index)
            convolution = keras.layers.Conv2D(
                layer.shape[-1], 3, padding="same", activation="relu", kernel_initializer=start, name=layer.name
            )
            output = convolution(output)
        else:
            output = keras.layers.MaxPooling2D(name=layer.name)(output)
    return keras.Model(first, output, name=backbone.name)


def _from_keras(backbone: Backbone, seed: int | None) -> Any:
    keras = tensorflow().keras
    shape = (backbone.size, backbone.size, 3)
    theirs = getattr(keras.applications, backbone.keras_builder)(weights=None, include_top=False, input_shape=shape)
    own = [layer.name for layer in theirs.layers]
    places = {name: (number, steady) for number, (name, steady) in enumerate(zip(own, steady_names(own), strict=True))}

    def again(layer: Any) -> Any:
        number, name = places[layer.name]
        return type(layer).from_config(_config(layer, name, None if seed is None else seed + 100 + number))

    def call(layer: Any, *arguments: Any, **named: Any) -> Any:
        output = layer(*arguments, **named)
        if not isinstance(layer, keras.layers.Normalization):
            return output
        # What EfficientNet divides by is its file's variance under a root; Keras divides by that root once more, but
        # builds the layer for it only together with ImageNet's weights.
        scale = [deviation**-0.5 for deviation in IMAGENET_DEVIATIONS]
        return keras.layers.Rescaling(scale, name="rescaling_1", dtype="float32")(output)

    first = keras.Input(shape, name="input_layer")
    ours = keras.models.clone_model(theirs, first, clone_function=again, call_function=call)
    for layer in ours.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.set_weights([np.array(IMAGENET_MEANS), np.array(IMAGENET_DEVIATIONS), np.array(0)])
            settle(layer)
    return keras.Model(ours.input, ours.output, name=backbone.name)


def _config(layer: Any, name: str, seed: int | None) -> dict[str, Any]:
    """What makes the layer again, under `name`, its kernel drawn from `seed` or zero."""
    keras = tensorflow().keras
    config: dict[str, Any] = {**layer.get_config(), "name": name}
    for key in ("kernel_initializer", "depthwise_initializer"):
        start = config.get(key)
        if start:
            seeded = {**start, "config": {**start["config"], "seed": seed}}
            config[key] = "zeros" if seed is None else seeded
    if isinstance(layer, keras.layers.Dropout):
        config["rate"] = 0.0
    if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
        config["dtype"] = "float32"  # intensities from 0 to 255 don't fit into eight bits of precision
    return config
