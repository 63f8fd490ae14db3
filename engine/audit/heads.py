"""The recipe "auto" on each variant: one linear head, chosen on whole images, fitted anew to each variant.

The head and its strength are what the ladder finds on the whole images that a fold learns from; every variant of that
fold gets the same. So nothing is chosen on an image that is tested, and only what is shown differs.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from engine.audit.learner import STOPPED, Answers, Learner
from engine.audit.material import Ints, Material
from engine.audit.variants import Variant
from engine.audit.verdict import FoldHead
from engine.auto.features import Features
from engine.auto.ladder import best_of
from engine.auto.reading import planned
from engine.auto.rungs import LADDER, Judge, Judged
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Event, Progress, Rung
from engine.base.language import tr
from engine.recipe.config import Weighting
from engine.training.resolved import Resolved


class Heads(Learner):
    """Chooses a head for each fold with the first variant, that of whole images, and fits it to all."""

    def __init__(self, material: Material, recipe: Resolved, context: Context) -> None:
        plan, config = planned(recipe.config)
        super().__init__(material, config, plan, context)
        self._chosen: list[tuple[Judged, Weighting]] = []
        self._whole: Features | None = None

    @property
    def heads(self) -> tuple[FoldHead, ...]:
        """As in `Learner`."""
        backbone = self.network.plan.backbone
        return tuple(
            FoldHead(
                reads=one.seeing.head(backbone).reads,
                places=one.seeing.places,
                mirror=one.seeing.mirror,
                strength=one.strength,
            )
            for one, _ in self._chosen
        )

    def answers(self, variant: Variant) -> Iterator[Answers]:
        """As in `Learner`."""
        features = self._features(variant)
        for number, fold in enumerate(self.material.folds):
            learnt = np.concatenate([fold["train"], fold["validation"]])
            if len(self._chosen) == number:
                self._chosen.append(self._choice(features, learnt, variant, number))
            self.require_go_on()
            head, weighting = self._chosen[number]
            shown = self._lots(features, learnt, number) if variant.shuffled else features
            judge = self._judge(shown, np.arange(len(shown.labels)), weighting)
            kernel, bias = judge.network(head.seeing, judge.chosen(head, learnt))
            yield Answers(judge.given(head.seeing, fold["test"]) @ kernel + bias)

    def _choice(self, features: Features, learnt: Ints, variant: Variant, number: int) -> tuple[Judged, Weighting]:
        """What the ladder finds on the images that a fold learns from, and whether their classes count alike."""
        title = variant.titled(self.material.region)

        def tell(event: Event) -> None:
            if isinstance(event, Rung):
                task = tr("{title}: rungs of fold {number}", title=title, number=number + 1)
                self.context.emit(Progress(task, event.number, len(LADDER)))

        judge = self._judge(features.some(learnt), learnt, self.config.fit.class_weight)
        try:
            return best_of(judge, self.context.heard_by(tell))[0], judge.weighting
        except Stopped as error:
            raise Stopped(STOPPED) from error

    def _judge(self, features: Features, places: Ints, weighting: Weighting) -> Judge:
        groups = [self.material.groups[place] for place in places]
        return Judge(features, groups, len(self.material.classes), self.config.machine.seed, weighting)

    def _features(self, variant: Variant) -> Features:
        if variant.shuffled and self._whole:
            return self._whole
        source = self.source(variant)
        records = tuple(self.material.records)
        features = Features(records, self.material.labels, (source,), self.network, self.heard(variant))
        self._whole = self._whole or features
        return features

    def _lots(self, features: Features, learnt: Ints, number: int) -> Features:
        """The same with the labels drawn by lot among the images that are learnt from."""
        labels = features.labels.copy()
        random = np.random.default_rng([self.config.machine.seed, number])
        labels[learnt] = random.permutation(labels[learnt])
        return dataclasses.replace(features, labels=labels, among=(features, np.arange(len(labels))))
