"""Where a model looks: class activation maps of any layer, checked by mirroring and by covering, against the lungs.

HiResCAM (Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural
networks", section 3.2) is activation times gradient, summed over the channels: what the activations at a place add to
a class, to first order, so that between two classes the whole map adds up to the answer less its biases. Grad-CAM
(Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", eqs. 1 and
2) takes the gradient's mean over all places first, which can heat places that the answer does not depend on. Where only
the pooling and the head follow, both are the same. They show where, never why.

The answer is the class's log-odds, not its logit: what speaks for all classes alike cancels. The map is the mean of
those of the image and of its mirror image, spread before the ReLU, so that what speaks for and against the class in
neighbouring cells cancels too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.base.context import Context
from engine.base.errors import ConfigError, Stopped
from engine.base.events import Progress
from engine.base.language import tr
from engine.base.runtime import compiled, tensorflow
from engine.base.wording import listing
from engine.data.image.reader import Pixels, seen
from engine.data.masks import Mask, region_of
from engine.evaluation.calibration import at_temperature, softmax
from engine.evaluation.evidence import Evidence
from engine.evaluation.heat_colours import Heat
from engine.evaluation.predictor import Predictor
from engine.network.classifier import preprocess
from engine.network.frozen_engines import served_by

Method = Literal["hirescam", "gradcam"]
TITLES: dict[Method, str] = {"hirescam": "HiResCAM", "gradcam": "Grad-CAM"}
FINE = {"vgg16": "block4_conv3", "vgg19": "block4_conv4"}
"""By backbone, the layer that HiResCAM shows when none is named, where it is not the last one.

The last convolution's cells are 16 pixels wide and each sees some 200: on phantoms whose only sign is a known square,
its heat lies on the square to 0.3 (of 32 pixels a side) to 0.7 (of 64). Those of block 4 are 8 pixels wide.
"""
CELLS = 7
"""The covering check hides each of CELLS x CELLS squares in turn; mirrored heat is compared by the same squares."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where the model looks for one class in one image."""

    file: Path
    label: str
    """The class with the largest probability."""
    target: str
    """The class that the heat is for."""
    probabilities: dict[str, float]
    layer: str
    method: Method
    heat: Heat
    """At the network's input size."""
    region: str
    """"lung mask", or "central rectangle" where the file has no mask."""
    inside: float | None
    """Share of the heat inside the region, 0 to 1; None where nothing speaks for the class."""
    area: float
    """Share of the picture that the region takes: what heat spread evenly would have inside."""
    mirrored: float | None
    """Correlation (-1 to 1) of the image's own heat with that of its mirror image, mirrored back, by the CELLS x CELLS
    squares; None where one is flat."""
    covered: float | None = None
    """Correlation of the heat with what covering a place costs the class; None where one is flat, or not asked for."""
    calibrated: dict[str, float] | None = None
    """The probabilities at the temperature that validation taught, where it taught one."""

    @property
    def shares(self) -> dict[str, float]:
        """The probabilities that are stood by, as `Prediction.shares`."""
        return self.calibrated or self.probabilities

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, without the heat itself."""
        return {name: str(v) if isinstance(v, Path) else v for name, v in vars(self).items() if name != "heat"}


class Explainer:
    """A run's model, watched at one of its backbone's layers. Computes in float32, as the predictor does."""

    def __init__(self, predictor: Predictor, layer: str = "", method: Method = "hirescam") -> None:
        """`layer` is a name in the backbone; when empty, that of FINE for HiResCAM, else its last convolution or
        activation, as in the papers. Of a linear head HiResCAM then shows all layers that it reads, see `Evidence`.
        Raises ConfigError.
        """
        base = predictor.backbone
        names = [one.name for one in base.layers if one.index > 0 and len(one.shape) == 3 and one.shape[0] > 1]
        self._evidence = None
        if not layer and method == "hirescam" and predictor.plan.head.reads:
            self._evidence = Evidence(predictor)
        layer = layer or (FINE.get(base.name, "") if method == "hirescam" else "") or base.looks_at
        if layer not in names:
            raise ConfigError(
                tr(
                    '{title} has no map called "{layer}": choose one of {names}.',
                    title=base.title,
                    layer=layer,
                    names=listing(names),
                )
            )
        self.predictor, self.classes, self.size = predictor, predictor.classes, base.size
        self.layer = ", ".join(predictor.plan.head.reads) if self._evidence else layer
        self.method: Method = method
        if self._evidence:
            return
        tf, model = tensorflow(), predictor.network
        at = model.get_layer(layer).output
        self._watched = tf.keras.Model(model.input, [at, model.output])
        self._heats = compiled(self._through_all)
        # ncnn serves networks alone that are one chain of layers, which can be taken up at any of them, unless the head
        # reads a layer before it too.
        below = any(base.by_name[name].index < base.by_name[layer].index for name in predictor.plan.head.reads)
        self._rest = tf.keras.Model(at, model.output) if "ncnn" in served_by(base) and not below else None
        self._heats_of = compiled(self._from_layer)

    def target(self, name: str) -> int | None:
        """The number of the class `name`; None when it is empty. Raises ConfigError where there is no such class."""
        if name and name not in self.classes:
            raise ConfigError(
                tr(
                    'The run knows no class "{name}": choose one of {classes}.',
                    name=name,
                    classes=listing(self.classes),
                )
            )
        return self.classes.index(name) if name else None

    def maps(self, inputs: Pixels, targets: Sequence[int] | None = None) -> tuple[Heat, npt.NDArray[np.float32]]:
        """Class maps, float32 (n, h, w) at the layer's own size, and logits, float32 (n, classes).

        A map is above 0 where the place speaks for the class and below 0 where against it. `inputs` are network
        inputs, uint8 (n, size, size, 3); each map is for its class in `targets`, or for the one that the model says.
        """
        chosen = np.full(len(inputs), -1) if targets is None else np.asarray(targets)
        if self._evidence:
            return self._evidence.maps(inputs, chosen)
        activations = self.predictor.maps(self.layer, inputs) if self._rest else None
        heats, given = (self._heats, inputs) if activations is None else (self._heats_of, activations)
        maps, logits = heats(given, chosen.astype(np.int32))
        return maps.numpy(), logits.numpy()

    def logits(self, inputs: Pixels) -> npt.NDArray[np.float32]:
        """Logits, float32 (n, classes), of network inputs, uint8 (n, size, size, 3)."""
        return self.predictor.logits(inputs)

    def _through_all(self, inputs: Any, targets: Any) -> Any:
        tf = tensorflow()
        images = preprocess(inputs, self.predictor.backbone)
        with tf.GradientTape() as tape:
            tape.watch(images)
            activations, logits = self._watched(images, training=False)
            odds = self._odds(logits, targets)
        return self._weighted(activations, tape.gradient(odds, activations)), logits

    def _from_layer(self, activations: Any, targets: Any) -> Any:
        """The same from the layer's activations on, which ncnn has computed."""
        tf = tensorflow()
        assert self._rest
        with tf.GradientTape() as tape:
            tape.watch(activations)
            logits = self._rest(activations, training=False)
            odds = self._odds(logits, targets)
        return self._weighted(activations, tape.gradient(odds, activations)), logits

    def _odds(self, logits: Any, targets: Any) -> Any:
        """The log-odds (n,) of each target, or where it is below 0, of the class that the model says."""
        tf = tensorflow()
        said = tf.argmax(logits, axis=1, output_type=tf.int32)
        own = tf.one_hot(tf.where(targets < 0, said, targets), len(self.classes), on_value=True, off_value=False)
        others = tf.where(own, -np.inf, logits)
        return tf.reduce_sum(tf.where(own, logits, 0.0), axis=1) - tf.reduce_logsumexp(others, axis=1)

    def _weighted(self, activations: Any, slopes: Any) -> Any:
        """The maps (n, h, w) from activations and their gradients, by the method."""
        tf = tensorflow()
        if self.method == "gradcam":
            slopes = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)
        return tf.reduce_sum(activations * slopes, axis=-1)


def explain(
    explainer: Explainer,
    file: Path,
    target: str = "",
    covering: bool = False,
    context: Context | None = None,
) -> Explanation:
    """Where the model looks in the image file for the class `target`, or for the one that it says when empty.

    `covering` adds the check by covering, CELLS x CELLS passes more. Raises ImageError, ConfigError for a class that
    the run does not know, Stopped when the stop is set meanwhile.
    """
    context, wanted = context or Context(), explainer.target(target)
    pixels = seen(file, explainer.size, explainer.predictor.pixel_rules)
    logits = explainer.logits(pixels[None])[0]
    number = int(logits.argmax()) if wanted is None else wanted
    (as_is, mirrored), _ = explainer.maps(np.stack([pixels, pixels[:, ::-1]]), [number, number])
    back = mirrored[:, ::-1]
    heat = spread((as_is + back) / 2, explainer.size)
    region, mask = region_of(file, explainer.size)
    shares, taught = softmax(logits[None])[0], explainer.predictor.calibration
    return Explanation(
        file=file,
        label=explainer.classes[int(logits.argmax())],
        target=explainer.classes[number],
        probabilities=_by_class(explainer, shares),
        layer=explainer.layer,
        method=explainer.method,
        heat=heat,
        region=region,
        inside=mass_inside(heat, mask),
        area=float(mask.mean()),
        mirrored=correlation(*(_squares(spread(one, explainer.size)) for one in (as_is, back))),
        covered=_covered(explainer, pixels, number, heat, context) if covering else None,
        calibrated=_by_class(explainer, at_temperature(shares[None], taught.temperature)[0]) if taught else None,
    )


def _by_class(explainer: Explainer, shares: npt.NDArray[np.float64]) -> dict[str, float]:
    return {name: float(share) for name, share in zip(explainer.classes, shares, strict=True)}


def spread(small: Heat, size: int) -> Heat:
    """A map, (h, w), as heat of (size, size): bilinear, what is below 0 set to 0, its maximum scaled to 1."""
    wide = np.asarray(Image.fromarray(small.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR))
    top = float(wide.max())
    return np.maximum(wide / np.float32(top), np.float32(0)) if top > 0 else np.zeros_like(wide)


def mass_inside(heat: Heat, mask: Mask) -> float | None:
    """Share (0 to 1) of the heat that lies inside the mask of the same shape; None where there is no heat."""
    total = float(heat.sum(dtype=np.float64))
    return float(heat[mask].sum(dtype=np.float64)) / total if total > 0 else None


def correlation(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float | None:
    """Pearson's correlation of two maps of the same shape; None where one is flat."""
    a, b = (np.asarray(x, np.float64).ravel() - np.mean(x, dtype=np.float64) for x in (one, other))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else None


def cost_of_covering(
    explainer: Explainer, pixels: Pixels, target: int, context: Context | None = None
) -> npt.NDArray[np.float32]:
    """What the class's log-odds lose, (CELLS, CELLS), when a square is covered in the image's mean grey, each in turn.

    After Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2. `pixels` are a
    network input, uint8 (size, size, 3). Raises Stopped.
    """
    context = context or Context()
    edges = np.linspace(0, explainer.size, CELLS + 1).round().astype(int)
    whole = float(_log_odds(explainer.logits(pixels[None]), target)[0])
    grey = np.uint8(round(float(pixels.mean())))
    costs = np.zeros((CELLS, CELLS), np.float32)
    for row in range(CELLS):
        if context.stop.is_set():
            raise Stopped(tr("The check by covering was stopped."))
        covered = np.repeat(pixels[None], CELLS, axis=0)
        for column in range(CELLS):
            covered[column, edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = grey
        costs[row] = whole - _log_odds(explainer.logits(covered), target)
        context.emit(Progress(tr("covering"), row + 1, CELLS))
    return costs


def _covered(explainer: Explainer, pixels: Pixels, target: int, heat: Heat, context: Context) -> float | None:
    return correlation(_squares(heat), cost_of_covering(explainer, pixels, target, context))


def _squares(heat: Heat) -> Heat:
    return np.asarray(Image.fromarray(heat).resize((CELLS, CELLS), Image.Resampling.BOX))


def _log_odds(logits: npt.NDArray[np.float32], target: int) -> npt.NDArray[np.float32]:
    others = np.delete(logits, target, axis=1)
    return np.asarray(logits[:, target] - np.logaddexp.reduce(others, axis=1))
