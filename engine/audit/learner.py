"""What learns each variant anew, fold by fold, always by the same network on the same images."""

import abc
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.audit.material import Ints, Material
from engine.audit.variants import Variant, VariantStore
from engine.audit.verdict import FoldHead
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Event, Notice, Progress
from engine.base.language import tr
from engine.base.runtime import cache_dir, make_repeatable
from engine.network.classifier import with_first_weights
from engine.network.freezing import FreezePlan
from engine.recipe.config import TrainConfig
from engine.training.arithmetic import fastest
from engine.training.batches import FeatureSource, Images, PixelSource, Source, choose

STOPPED = tr("The audit was stopped; the activations computed so far are kept.")


@dataclass(frozen=True, eq=False)
class Answers:
    """What a fold's test images got: `logits` (n, classes), and the epochs that it took; None without epochs."""

    logits: npt.NDArray[np.floating]
    epochs: int | None = None


class Learner(abc.ABC):
    """A network under a plan, whose frozen activations of each variant are computed in one go and kept."""

    def __init__(self, material: Material, config: TrainConfig, plan: FreezePlan, context: Context) -> None:
        self.material, self.config, self.context = material, config, context
        machine, classes = config.machine, len(material.classes)
        make_repeatable(machine.seed)
        chosen = fastest(machine, [plan], context.emit)
        self.precision = chosen.precision
        network = with_first_weights(plan, config.network.weights, classes, self.precision, machine.seed, context)
        self.network = dataclasses.replace(network, engine=chosen.engine)
        self._told = False

    @property
    def heads(self) -> tuple[FoldHead, ...]:
        """By fold, the head that was chosen; none where nothing is chosen."""
        return ()

    @abc.abstractmethod
    def answers(self, variant: Variant) -> Iterator[Answers]:
        """Those of each fold in turn. Raises Stopped."""

    def require_go_on(self) -> None:
        """Raises Stopped when the stop is set."""
        if self.context.stop.is_set():
            raise Stopped(STOPPED)

    def source(self, variant: Variant) -> Source:
        """All images in the variant, with their frozen activations kept where there is room."""
        material = self.material
        seen = VariantStore.of(material.store, variant, material.regions)
        rows = np.array([seen.index[record.file] for record in material.records])
        pairs = zip(material.records, rows, strict=True)
        shas = tuple(seen.identity(record.sha, int(row)) for record, row in pairs)
        pixels = PixelSource(Images(rows, shas, material.labels), self.network, seen, self.config)
        fold = material.folds[0]
        rest = np.concatenate([fold["validation"], fold["test"]])
        first, others = taken(pixels, fold["train"]), taken(pixels, rest)
        assert isinstance(first, PixelSource) and isinstance(others, PixelSource)
        kept, _ = choose(first, others, self.precision, cache_dir(), self.heard(variant))
        self._told = True
        return dataclasses.replace(kept, pixels=pixels) if isinstance(kept, FeatureSource) else pixels

    def heard(self, variant: Variant) -> Context:
        """The events of learning as those of one variant: epochs only pass by, and choices are told once."""

        def tell(event: Event) -> None:
            if isinstance(event, Progress):
                task = tr("{title}: {task}", title=variant.titled(self.material.region), task=event.title)
                self.context.emit(Progress(task, event.done, event.total))
            elif isinstance(event, Notice) and not self._told:
                self.context.emit(event)

        return self.context.heard_by(tell)


def taken(source: Source, chosen: Ints) -> Source:
    """The source of the images numbered `chosen` alone."""
    own = source.images
    return with_images(
        source, Images(own.rows[chosen], tuple(own.shas[number] for number in chosen), own.labels[chosen])
    )


def with_images(source: Source, images: Images) -> Source:
    """The same source with other images."""
    if isinstance(source, FeatureSource):
        return dataclasses.replace(source, pixels=dataclasses.replace(source.pixels, images=images))
    assert isinstance(source, PixelSource)
    return dataclasses.replace(source, images=images)
