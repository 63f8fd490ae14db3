"""A cheap hint at the layers worth training: how large their gradients are beside their weights, after a linear probe.

The relative gradient norm of Lee et al. (2023, "Surgical fine-tuning improves adaptation to distribution shifts"): the
layers that the new images pull at hardest, for their size, are those to train first. It is a guide, not a measurement.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Event, Notice, Progress
from engine.base.language import tr
from engine.base.runtime import compiled, tensorflow
from engine.base.wording import counted
from engine.network.classifier import Classifier, with_first_weights
from engine.network.freezing import plan
from engine.recipe.config import FitConfig, TrainConfig
from engine.training import loop
from engine.training.augment import PLAIN
from engine.training.batches import PixelSource, Source

MOST = 256
"""Training images that the gradients are taken over."""
BATCH = 16
PROBE = FitConfig(epochs=30, batch=16, lr=1e-3, patience=5)


@dataclass(frozen=True)
class BlockPull:
    """A block: the norm of its mean gradient over that of its weights."""

    block: str
    relative: float
    parameters: int


@dataclass(frozen=True)
class Guide:
    """The blocks, input side first, after a probe with this validation accuracy, over so many training images."""

    blocks: tuple[BlockPull, ...]
    probe_accuracy: float
    images: int

    @property
    def hardest(self) -> BlockPull:
        """The block pulled at hardest; of equals the one nearest to the head, which is cheaper to train."""
        return max(reversed(self.blocks), key=lambda block: block.relative)

    @property
    def sentence(self) -> str:
        """What it suggests."""
        own, rest = self.hardest, sorted((b.relative for b in self.blocks if b is not self.hardest), reverse=True)
        if rest and rest[0] > 0:
            hardest = tr(
                "{block} is pulled at hardest for its size, {times:.1f} times the next",
                block=own.block,
                times=own.relative / rest[0],
            )
        else:
            hardest = tr("{block} is pulled at hardest for its size", block=own.block)
        return tr(
            "{hardest}: try --mode partial --unfreeze {block} first. A guide from one pass over {images} after a probe "
            "that is right for {accuracy:.1%} of validation; a sweep measures.",
            hardest=hardest,
            block=own.block,
            images=counted(self.images, "image"),
            accuracy=self.probe_accuracy,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {**dataclasses.asdict(self), "suggested": self.hardest.block, "sentence": self.sentence}


def probed(classifier: Classifier, sources: tuple[Source, Source], config: TrainConfig, context: Context) -> float:
    """Train the head alone, in seconds on what is kept of the images; the best epoch's validation accuracy.

    Raises Stopped.
    """

    def tell(event: Event) -> None:
        if isinstance(event, Progress | Notice):
            context.emit(event)

    context.emit(
        Notice("info", tr("A linear probe first: the head alone, up to {epochs} epochs.", epochs=PROBE.epochs))
    )
    fitted = loop.fit(classifier, *sources, dataclasses.replace(config, fit=PROBE), context.heard_by(tell))
    if context.stop.is_set() or fitted.best is None:
        raise Stopped(tr("Stopped before the gradients were measured."))
    return fitted.best.val_accuracy


def pulls(probe: Classifier, pixels: PixelSource, precision: str, context: Context) -> tuple[BlockPull, ...]:
    """The relative gradient norm of each block, all layers trainable, with the weights that `probe` has.

    Over up to MOST of the images in `pixels`, evenly spread, as they are. Raises Stopped.
    """
    tf = tensorflow()
    network = dataclasses.replace(pixels.config.network, mode="finetune", unfreeze="", weights="none")
    seed = pixels.config.machine.seed
    classes, silent = probe.model.output_shape[-1], Context(stop=context.stop)
    whole = with_first_weights(plan(network), network.weights, classes, precision, seed, silent)
    whole.load({layer.name: layer.get_weights() for layer in probe.model.layers if layer.weights})
    variables = whole.trainable_variables

    @compiled
    def gradients(inputs: Any, answers: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = whole.model(inputs, training=False)
            loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits))
        return tape.gradient(loss, variables)

    count = len(pixels.images)
    chosen = np.unique(np.linspace(0, count - 1, min(MOST, count)).round().astype(int))
    source = dataclasses.replace(pixels, classifier=whole)
    sums, done = [np.zeros(variable.shape) for variable in variables], 0
    for inputs, answers in source.batches(chosen, PLAIN, BATCH):
        for total, gradient in zip(sums, gradients(inputs, answers), strict=True):
            total += np.asarray(gradient, np.float64)
        done += len(answers)
        context.emit(Progress(tr("gradients by block"), done, len(chosen)))
        if context.stop.is_set():
            raise Stopped(tr("Stopped while the gradients were measured."))
    squares = {
        id(variable): (float((total**2).sum()) / len(chosen) ** 2, float((variable.numpy().astype(float) ** 2).sum()))
        for variable, total in zip(variables, sums, strict=True)
    }
    found = []
    for block in whole.plan.backbone.blocks:
        own = [layer for layer in whole.plan.backbone.layers if layer.block == block and layer.learnable]
        pairs = [squares[id(v)] for layer in own for v in whole.model.get_layer(layer.name).trainable_weights]
        if pairs:
            gradient, weight = (float(np.sqrt(sum(column))) for column in zip(*pairs, strict=True))
            found.append(BlockPull(block, gradient / weight if weight else 0.0, sum(one.learnable for one in own)))
    return tuple(found)
