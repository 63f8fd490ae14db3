"""Backbone and head as a Keras model, and its cut into a frozen prefix and a trainable suffix."""

import contextlib
import functools
import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.base.context import Context
from engine.base.engines import EngineName
from engine.base.files import replacing_path
from engine.base.runtime import tensorflow
from engine.network import keras_graphs
from engine.network.backbones import Backbone
from engine.network.freezing import FreezePlan
from engine.network.hdf5_reader import read_weights
from engine.network.heads import HEAD_UNITS, POOL, grid
from engine.network.preprocessing import CAFFE_MEANS
from engine.network.pretrained import pretrained

Arrays = Mapping[str, Sequence[np.ndarray]]


@dataclass(frozen=True)
class Classifier:
    """The network: float32 images (b, size, size, 3), preprocessed, in; float32 logits (b, classes) out.

    `model`, `prefix` and `suffix` share their weights. `prefix` gives what the plan keeps of an image and is None
    where no layer before the head is frozen from the input on; `suffix` takes it to the logits.
    """

    plan: FreezePlan
    model: Any
    prefix: Any | None
    suffix: Any
    engine: EngineName = "keras"
    """What computes the prefix where its activations are kept; see `engine.network.frozen_engines`."""

    @property
    def compute_dtype(self) -> str:
        """The number format in which all of it computes but the means and the logits."""
        name = self.plan.backbone.layers[-1].name if self.plan.head.reads else "dense"
        return str(self.model.get_layer(name).compute_dtype)

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that train, input side first."""
        return list(self.model.trainable_variables)

    @property
    def frozen_variables(self) -> list[Any]:
        """The variables that do not train, input side first."""
        return list(self.model.non_trainable_variables)

    def with_head(self, plan: FreezePlan, classes: int, linear: tuple[np.ndarray, np.ndarray]) -> "Classifier":
        """The same backbone under the plan's linear head, with its kernel (width, classes) and bias (classes,)."""
        other = build(plan, classes, self.compute_dtype, seed=0, blank=True)
        kept = (layer for layer in self.model.layers if layer.weights and layer.name in plan.backbone.by_name)
        other.load({"logits": linear, **{layer.name: layer.get_weights() for layer in kept}})
        return replace(other, engine=self.engine)

    def load(self, arrays: Arrays) -> None:
        """Set the weights of the layers named in `arrays`, whose shapes must fit."""
        for name, values in arrays.items():
            layer = self.model.get_layer(name)
            layer.set_weights(list(values))
            keras_graphs.settle(layer)

    def save_weights(self, path: Path) -> None:
        """Write all weights to a Keras .weights.h5, whole or not at all."""
        with replacing_path(path) as part:
            self.model.save_weights(part, overwrite=True)

    def save_model(self, path: Path) -> None:
        """Write a .keras file for use without covid-tui: RGB images from 0 to 255 in, probabilities out."""
        with replacing_path(path) as part:
            with_preprocessing(self.model, self.plan).save(part, overwrite=True)

    def prefix_hash(self) -> str:
        """SHA-256 of what decides what the frozen prefix gives: its weights, and what a linear head reads of them."""
        digest = hashlib.sha256()
        if self.plan.head.reads:
            digest.update(f"{self.plan.head.reads} {self.plan.head.cells}".encode())
        for layer in self.prefix.layers if self.prefix else ():
            for variable in layer.weights:
                digest.update(f"{variable.path} {variable.shape}".encode())
                digest.update(np.ascontiguousarray(variable.numpy(), np.float32).tobytes())
        return digest.hexdigest()


def with_first_weights(
    plan: FreezePlan, weights: str, classes: int, precision: str, seed: int, context: Context
) -> Classifier:
    """The network of a plan, with the `weights` that a training of it starts from. Raises WeightsError."""
    classifier = build(plan, classes, precision, seed, blank=weights != "none")
    classifier.load(pretrained(weights, plan.backbone, backbone_shapes(classifier), context))
    return classifier


def build(plan: FreezePlan, classes: int, precision: str, seed: int, blank: bool = False) -> Classifier:
    """The plan's network with its layers trainable, computing in `precision`, with logits in float32.

    All first weights come from `seed`. `blank` leaves the backbone's at zero, for whoever sets them at once: drawing
    fifteen million numbers takes half a second.
    """
    keras = tensorflow().keras
    with _policy("float32" if precision == "float32" else f"mixed_{precision}"):
        base = keras_graphs.network(plan.backbone, None if blank else seed)
        start = [keras.initializers.GlorotUniform(seed=seed + number) for number in range(2)]
        given = _given(base, plan)
        if not plan.head.reads:
            given = keras.layers.Dense(HEAD_UNITS, "relu", kernel_initializer=start[0], name="dense")(given)
        logits = keras.layers.Dense(classes, dtype="float32", kernel_initializer=start[1], name="logits")(given)
        model = keras.Model(base.input, logits, name=plan.backbone.name)
    return _cut(model, plan)


def _given(base: Any, plan: FreezePlan) -> Any:
    """What the plan's head gets of the layers of `base`: the tensor called POOL, float32 (b, width)."""
    layers, head = tensorflow().keras.layers, plan.head
    names = head.layers_read(plan.backbone)
    if len(names) == 1:
        return _means(base.get_layer(names[0]).output, head.cells, POOL)
    parts = [_means(base.get_layer(name).output, head.cells, _means_of(name)) for name in names]
    return layers.Concatenate(dtype="float32", name=POOL)(parts)


def _means(maps: Any, cells: int, name: str) -> Any:
    """The means of maps (b, side, side, channels) over each cell of a grid, as a tensor called `name`."""
    layers, side = tensorflow().keras.layers, maps.shape[1]
    if cells == 1:
        return layers.GlobalAveragePooling2D(dtype="float32", name=name)(maps)
    parts = []
    for top, bottom, left, right in grid(side, cells):
        part = layers.Cropping2D(((top, side - bottom), (left, side - right)))(maps)
        parts.append(layers.GlobalAveragePooling2D(dtype="float32")(part))
    return layers.Concatenate(dtype="float32", name=name)(parts)


def _means_of(name: str) -> str:
    """The name of the layer that gives the means of the layer `name`, where the head reads several or cells."""
    return f"{POOL}_{name}"


def under(classifier: Classifier, plan: FreezePlan) -> Classifier:
    """The same network, its weights as they are, with another plan's layers trainable; the one given is used up."""
    return replace(_cut(classifier.model, plan), engine=classifier.engine)


def in_float32(classifier: Classifier) -> Classifier:
    """The same network computing in float32: elsewhere a shorter format may be many times slower, or another answer."""
    if classifier.compute_dtype == "float32":
        return classifier
    same = build(classifier.plan, classifier.model.output_shape[-1], "float32", seed=0, blank=True)
    same.model.set_weights(classifier.model.get_weights())
    for layer in same.model.layers:
        keras_graphs.settle(layer)
    return same


def _cut(model: Any, plan: FreezePlan) -> Classifier:
    keras = tensorflow().keras
    for layer in plan.backbone.layers:
        if layer.learnable:
            model.get_layer(layer.name).trainable = plan.trains(layer)
    if plan.cut <= 1:
        return Classifier(plan, model, None, model)
    head_alone = plan.cut == len(plan.backbone.layers)
    at = model.get_layer(POOL if head_alone else plan.backbone.layers[plan.cut - 1].name).output
    if head_alone or not plan.read_below:
        return Classifier(plan, model, keras.Model(model.input, at), keras.Model(at, model.output))
    below = _below(model, plan)
    return Classifier(plan, model, _packed(model.input, at, below), _unpacked(at, below, model.output))


def _below(model: Any, plan: FreezePlan) -> list[Any]:
    """The means of what the head reads below the cut."""
    return [model.get_layer(_means_of(name)).output for name in plan.read_below]


def to_head(classifier: Classifier) -> Any:
    """Of a classifier that is cut below its head: the model from what is kept of an image to what the head gets."""
    model, plan = classifier.model, classifier.plan
    at, end = model.get_layer(plan.backbone.layers[plan.cut - 1].name).output, model.get_layer(POOL).output
    return _unpacked(at, _below(model, plan), end) if plan.read_below else tensorflow().keras.Model(at, end)


def _packed(start: Any, at: Any, below: Sequence[Any]) -> Any:
    """The model from `start` to `at` and the means `below` it, as one row of numbers."""
    keras = tensorflow().keras
    row = keras.layers.Concatenate(dtype="float32")([keras.layers.Flatten(dtype="float32")(at), *below])
    return keras.Model(start, row)


def _unpacked(at: Any, below: Sequence[Any], end: Any) -> Any:
    """The model from what `_packed` gives to `end`."""
    keras = tensorflow().keras
    sizes = [math.prod(tensor.shape[1:]) for tensor in (at, *below)]
    row = keras.Input((sum(sizes),), dtype="float32")
    edges = list(itertools.accumulate(sizes, initial=0))
    parts = [row[:, first:last] for first, last in itertools.pairwise(edges)]
    given = [keras.layers.Reshape(at.shape[1:], dtype="float32")(parts[0]), *parts[1:]]
    return keras.Model(row, keras.Model([at, *below], end)(given))


def load(path: Path, plan: FreezePlan, classes: int) -> Classifier:
    """The network in float32 with the weights that `Classifier.save_weights` wrote. Raises WeightsError."""
    classifier = build(plan, classes, "float32", seed=0, blank=True)
    classifier.load(read_weights(path, shapes(classifier)))
    return classifier


def shapes(classifier: Classifier) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of each layer's weights, by layer name, for layers that have some."""
    return {layer.name: [tuple(w.shape) for w in layer.weights] for layer in classifier.model.layers if layer.weights}


def backbone_shapes(classifier: Classifier) -> dict[str, list[tuple[int, ...]]]:
    """As `shapes`, for the backbone alone."""
    return {name: s for name, s in shapes(classifier).items() if name in classifier.plan.backbone.by_name}


def preprocess(images: Any, backbone: Backbone) -> Any:
    """Turn (b, size, size, 1 or 3) intensities from 0 to 255 into what the backbone was trained on, float32.

    Of tensors as of a Keras model's symbols. Grey images become three equal channels. It is `preprocess_input` of the
    backbone's own Keras module.
    """
    ops = tensorflow().keras.ops
    images = ops.cast(images, "float32")
    if images.shape[-1] == 1:
        images = ops.repeat(images, 3, axis=-1)
    # No `match`: TensorFlow can't turn it into a graph.
    if backbone.preprocessing == "caffe":
        return images[..., ::-1] - np.array(CAFFE_MEANS, np.float32)
    if backbone.preprocessing == "torch":
        means, deviations = np.array([keras_graphs.IMAGENET_MEANS, keras_graphs.IMAGENET_DEVIATIONS], np.float32)
        return (images / 255.0 - means) / deviations
    return images / 127.5 - 1.0 if backbone.preprocessing == "tf" else images


@functools.cache
def preprocessing(backbone: Backbone) -> Any:
    """`preprocess` compiled into one loop over the pixels, which gives the same numbers 25 times as fast."""
    function = tensorflow().function
    return function(
        lambda images: preprocess(images, backbone), autograph=False, jit_compile=True, reduce_retracing=True
    )


def with_preprocessing(model: Any, plan: FreezePlan) -> Any:
    """A Keras model for use without covid-tui: RGB images from 0 to 255 in, probabilities out.

    `model` takes preprocessed images to logits; those of the mirror image are averaged in where the head does so.
    """
    keras = tensorflow().keras
    images = keras.Input((plan.backbone.size, plan.backbone.size, 3), name="rgb_0_to_255")
    ready = preprocess(images, plan.backbone)
    logits = model(ready)
    if plan.head.mirror:
        logits = keras.layers.Average(dtype="float32")([logits, model(ready[:, :, ::-1])])
    return keras.Model(images, keras.layers.Softmax(name="probabilities", dtype="float32")(logits))


@contextlib.contextmanager
def _policy(name: str) -> Iterator[None]:
    config = tensorflow().keras.config
    before = config.dtype_policy()
    config.set_dtype_policy(name)
    try:
        yield
    finally:
        config.set_dtype_policy(before)
