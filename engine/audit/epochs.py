"""The report's recipe on each variant: a training by epochs from the same first weights, its best epoch chosen on
validation.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from engine.audit.learner import Answers, Learner, taken, with_images
from engine.audit.material import Material
from engine.audit.variants import Variant
from engine.base.context import Context
from engine.training import loop
from engine.training.augment import PLAIN
from engine.training.batches import FeatureSource, Source, prepared
from engine.training.forward import Pass
from engine.training.resolved import Resolved
from engine.training.step import assign, values_of


class Epochs(Learner):
    """Trains a recipe of one phase."""

    def __init__(self, material: Material, recipe: Resolved, context: Context) -> None:
        super().__init__(material, recipe.config, recipe.plan, context)
        self._stage = loop.Stage(recipe.phases[-1])
        self._start = values_of(self.network.trainable_variables)

    def answers(self, variant: Variant) -> Iterator[Answers]:
        """As in `Learner`."""
        every = self.source(variant)
        if isinstance(every, FeatureSource):
            every = prepared(every, PLAIN, self.context.emit)
        for number in range(len(self.material.folds)):
            yield self._fold(variant, every, number)

    def _fold(self, variant: Variant, every: Source, number: int) -> Answers:
        assign(self.network.trainable_variables, self._start)
        sources = {part: taken(every, chosen) for part, chosen in self.material.folds[number].items()}
        if variant.shuffled:
            random = np.random.default_rng([self.config.machine.seed, number])
            for part in ("train", "validation"):
                labels = sources[part].images.labels
                sources[part] = with_images(
                    sources[part], dataclasses.replace(sources[part].images, labels=random.permutation(labels))
                )
        parts = sources["train"], sources["validation"]
        fitted = loop.fit(self.network, *parts, self.config, self.heard(variant), self._stage)
        self.require_go_on()
        return Answers(Pass(sources["test"]).logits(stop=self.context.stop), fitted.epochs)
