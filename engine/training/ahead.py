"""What a training has before it: images that must pass the frozen layers in each epoch, and the work of the epochs."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.base.events import Ahead, EpochsAhead
from engine.training.augment import PLAIN, view_of
from engine.training.batches import FeatureSource, PixelSource, Source, kept_before
from engine.training.phases import Phase
from engine.training.resolved import Resolved

UNIT = 1e9
"""Multiply-adds that work is told in."""
MOST_LOOKED_AT = 500
"""Training images that pass the trained layers once more in the end, so that unlike ones are known by them."""
BY_KERAS = 2
"""Keras, which computes that, takes so many times as long as the usual engine of the frozen layers."""
BACKWARD = 2
"""Going back through a layer costs so many times as much as going forward."""


@dataclass(frozen=True)
class Counts:
    """Images of each part; of the test those that are tested in the end."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class ToKeep:
    """What of a phase's kept activations is still to be computed, in images."""

    train: dict[int, int] | None
    """By view; None where those of the training images are not kept."""
    validation: int


def ahead(recipe: Resolved, counts: Counts, kept: Sequence[ToKeep | None], begin: int = 1) -> Ahead:
    """What lies before a training whose next epoch is `begin`; `kept` has for each phase what is still to be computed,
    None where nothing is kept. Phases that are over are among them, as their epochs tell the pace of the others.
    """
    phases = zip(recipe.phases, kept, strict=True)
    found = [_phase(recipe, phase, counts, missing, max(begin, phase.first)) for phase, missing in phases]
    last = recipe.phases[-1].plan
    whole = sum(layer.macs for layer in last.backbone.layers)
    repeated = whole * last.repeated_share if kept[-1] and kept[-1].train is not None else whole
    looked_at = min(counts.train, MOST_LOOKED_AT)
    return Ahead(tuple(found), (counts.test * whole + looked_at * repeated * BY_KERAS) / UNIT)


def _phase(recipe: Resolved, phase: Phase, counts: Counts, missing: ToKeep | None, begin: int) -> EpochsAhead:
    whole = sum(layer.macs for layer in phase.plan.backbone.layers)
    trains = whole * phase.plan.repeated_share
    below = whole - trains
    passes = [0] * (begin - phase.first)
    if missing and begin <= phase.last:
        left = dict(missing.train or {})
        views = (view_of(recipe.config.augment, epoch) for epoch in range(begin, phase.last + 1))
        passes += [left.pop(view, 0) for view in views]
        passes[begin - phase.first] += missing.validation
    each = trains * (1 + BACKWARD) + (0 if missing and missing.train is not None else below)
    judged = trains if missing else whole
    return EpochsAhead(
        first=phase.first,
        last=phase.last,
        passes=tuple(itertools.dropwhile(lambda count: not count, reversed(passes)))[::-1],
        frozen=below / UNIT,
        work=(counts.train * each + counts.validation * judged) / UNIT,
    )


def missing_of(train: Source, validation: Source) -> ToKeep | None:
    """What is to be computed for the sources that a phase has chosen."""
    if not isinstance(validation, FeatureSource):
        return None
    views = validation.pixels.config.augment.kept_views
    own = train.missing_of(views) if isinstance(train, FeatureSource) and views else None
    return ToKeep(own, validation.missing(1))


def expected(train: PixelSource, validation: PixelSource, precision: str, cache: Path) -> ToKeep | None:
    """The same of a phase that has not begun. Raises nothing: what can't be looked at counts as not kept yet."""
    try:
        decided, own, other = kept_before(train, validation, precision, cache)
    except OSError:
        return None
    if train.classifier.prefix is None or decided.reason in ("first layer", "off", "no room"):
        return None
    if own is None or other is None:
        return unseen(decided.views, Counts(len(train.images), len(validation.images), 0))
    return missing_of(own if decided.views else train, other)


def unseen(views: int | None, counts: Counts) -> ToKeep:
    """What is to be computed where nothing of it is kept yet, in so many views."""
    train = None if views is None else dict.fromkeys(range(PLAIN, PLAIN + views), counts.train)
    return ToKeep(train, counts.validation)
