"""The rung that trains layers: the last stage of the backbone with the chosen head, judged on the ladder's own folds.

Where images are few, all folds are answered; where they are many, one or two are enough to tell a gain from noise. Each
fold's answers are kept in the run directory as soon as they are there, so that a run which goes on repeats none.
"""

import dataclasses
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.auto.activations import Activations, activations
from engine.auto.features import MIRRORED, Rows
from engine.auto.folds import Ints
from engine.auto.linear import STRENGTHS, Floats
from engine.auto.outlook import Outlook
from engine.auto.rungs import Judge, Judged, Seeing
from engine.auto.tuner import BATCH, RATE, Images, Start, Tuner, quickest
from engine.base.errors import RunError
from engine.base.events import Progress
from engine.base.files import private_dir, write_json
from engine.base.language import marked, tr
from engine.base.typed_files import Number, plain, typed
from engine.network.classifier import Classifier
from engine.network.freezing import parse_from
from engine.network.frozen_engines import engine_of
from engine.training.augment import PLAIN
from engine.training.batches import PixelSource
from engine.training.checkpoint import digest
from engine.training.forward import cross_entropies

FOLDER = "tuning"
TASK = marked("fine-tuning")
TIMED = 8
"""Images, where the pace of the frozen layers is not known."""
EPOCHS = 8
"""At most; the first fold says how many the others take, which is where it has not become better for PATIENCE."""
PATIENCE = 2
FEW, MANY = 2000, 8000
"""Up to FEW images all folds are answered, up to MANY two, else one."""


@dataclass(frozen=True)
class FoldAnswers:
    """What tuning/fold-N.json holds: the logits of the images of a fold after each epoch."""

    key: str
    """A hash of all that they follow from."""
    logits: tuple[tuple[tuple[Number, ...], ...], ...]
    """(epochs, images, classes)"""


@dataclass(frozen=True, eq=False)
class Tuned:
    """The trained layers, judged out of fold after each epoch, on the images at `answered`, (n,)."""

    seeing: Seeing
    answered: Ints
    logits: Floats
    """(epochs, n, classes)"""
    losses: Floats
    """(epochs, n)"""
    labels: np.ndarray
    """(n,)"""

    @property
    def best(self) -> int:
        """The place of the epoch with the least loss; the first of equals."""
        return int(self.losses.mean(axis=1).argmin())

    @property
    def right(self) -> np.ndarray:
        """Is the answer to each of `answered` right, after the best epoch?"""
        return np.asarray(self.logits[self.best].argmax(axis=1) == self.labels)


class Tuning:
    """The rung for one way to see, on the folds of `judge`; nothing is computed before it is asked for."""

    def __init__(
        self, judge: Judge, best: Judged, pixels: tuple[PixelSource, PixelSource], path: Path, outlook: Outlook
    ) -> None:
        """`path` is the run's directory."""
        self.judge, self._best, self._path, self._outlook = judge, best, path, outlook
        wide = judge.features.classifier
        backbone, head = judge.backbone, best.seeing.head(judge.backbone)
        trainable = parse_from(backbone.depths[1], backbone)
        self.plan = dataclasses.replace(wide.plan, head=head, trainable=trainable)
        self._pixels = pixels
        self._count = count = len(judge.features.labels)
        self.folds = judge.folds if count <= FEW else judge.folds[: 2 if count <= MANY else 1]

    @cached_property
    def kept(self) -> Activations:
        """What the layers that train begin with."""
        judge, wide = self.judge, self.judge.features.classifier
        width = self.plan.head.width(judge.backbone)
        blank = np.zeros((width, judge.classes), np.float32), np.zeros(judge.classes, np.float32)
        classifier = wide.with_head(self.plan, judge.classes, blank)
        return activations(classifier, self._pixels, judge.features.context)

    @cached_property
    def tuner(self) -> Tuner:
        """The network that is trained, of the one size."""
        judge = self.judge
        return Tuner(Images(self.kept, judge.features.labels, judge.classes, judge.weighting, self._answer))

    @property
    def _answer(self) -> tuple[int, ...]:
        """The views over which an answer is averaged; both are learnt from in any case."""
        return (PLAIN, MIRRORED) if self.seeing.mirror else (PLAIN,)

    @property
    def seeing(self) -> Seeing:
        """What the head sees, as the best rung before has it."""
        return self._best.seeing

    def least_seconds(self) -> float:
        """What the rung takes at least, by its multiply-adds, at the pace that the frozen layers have here."""
        share, pace = self.plan.repeated_share, self._pace()
        trained, answered = self._work()
        return pace * (2 * self._count * (1 - share) + share * BATCH * (3 * trained + answered))

    def seconds(self) -> float:
        """The same, by a few timed steps."""
        step, answer = self.tuner.seconds(BATCH)
        trained, answered = self._work()
        return self.kept.missing() * self._pace() * (1 - self.plan.repeated_share) + step * trained + answer * answered

    def _work(self) -> tuple[int, int]:
        """Training steps, and passes of BATCH images through the layers that train, of all that is still to do."""
        views = len(self._answer)
        left = [pair for number, pair in enumerate(self.folds) if self._read(number, *pair) is None]
        steps = sum(_batches(len(learnt)) for learnt, _ in left) + _batches(self._count)
        answers = sum(_batches(len(answered)) for _, answered in left) * views
        return EPOCHS * steps, EPOCHS * answers + _batches(self._count) * views

    def _pace(self) -> float:
        """Seconds of an image in all frozen layers: as this run has them, or where all was kept, of a few."""
        if self._outlook.images.known is not None:
            return self._outlook.images.known
        source, engine = self._pixels[0], engine_of(self.judge.features.classifier)
        inputs = source.input(np.arange(min(TIMED, len(source.images))), PLAIN)
        return quickest(lambda: engine.activations(inputs)) / len(inputs)

    def judged(self) -> Tuned:
        """Out of fold. Raises Stopped."""
        self.kept.prepare()
        folds, epochs = [], EPOCHS
        self._outlook.steps.left = EPOCHS * (len(self.folds) + 1)
        for number, (learnt, answered) in enumerate(self.folds):
            found = self._read(number, learnt, answered)
            if found is None:
                found = self._answers(number, learnt, answered, epochs)
                self._write(number, learnt, answered, found)
            epochs = min(epochs, len(found))
            self._outlook.steps.left = epochs * (len(self.folds) - number)
            folds.append(found)
        places = np.concatenate([answered for _, answered in self.folds])
        logits = np.concatenate([one[:epochs] for one in folds], axis=1)
        labels = self.judge.features.labels[places]
        losses = np.stack([self._losses(one, labels) for one in logits])
        return Tuned(self.seeing, places, logits, losses, labels)

    def fitted(self, epochs: int) -> tuple[Classifier, Rows]:
        """The network trained so long on all images, and what its head gets of each, (n, width). Raises Stopped."""
        every = np.arange(self._count)
        for _ in self._epochs(every, len(self.judge.folds), tr("all images"), epochs):
            pass
        wide, weights = self.judge.features.classifier, self.tuner.weights()
        kernel, bias = weights.pop("logits")
        plan = dataclasses.replace(wide.plan, head=self.plan.head)
        classifier = wide.with_head(plan, self.judge.classes, (kernel, bias))
        classifier.load(weights)
        return classifier, self.tuner.given(every)

    def _answers(self, fold: int, learnt: Ints, answered: Ints, most: int) -> Floats:
        """The logits after each epoch, of `most` at most, in the first fold until patience ends it."""
        found: list[Floats] = []
        losses: list[float] = []
        labels = self.judge.features.labels[answered]
        name = tr("fold {number} of {folds}", number=fold + 1, folds=len(self.folds))
        for number in self._epochs(learnt, fold, name, most):
            found.append(self.tuner.logits(answered))
            losses.append(float(self._losses(found[-1], labels).mean()))
            if fold == 0 and number - 1 - int(np.argmin(losses)) >= PATIENCE:
                break
        return np.stack(found)

    def _losses(self, logits: Floats, labels: np.ndarray) -> Floats:
        """Of each image, as the other rungs are judged: (n,)."""
        return np.asarray(self.judge.counts[labels] * cross_entropies(logits, labels))

    def _epochs(self, learnt: Ints, fold: int, name: str, most: int) -> Iterator[int]:
        """Train so many epochs on the images at `learnt`, the caller looking at each, and tell how far that is."""
        context, work = self.judge.features.context, self._outlook.steps
        task = tr("{task}, {name}", task=tr(TASK), name=name)
        context.emit(Progress(task, 0, most))
        began = time.monotonic()
        for number in self.tuner.epochs(self._head(learnt), learnt, [self._pixels[0].config.machine.seed, fold]):
            yield number
            now = time.monotonic()
            work.did(1, now - began)
            began = now
            context.emit(Progress(task, number, most))
            self._outlook.tell()
            if number == most:
                return

    def _head(self, learnt: Ints) -> Start:
        """The head as the rungs before fit it, on the images at `learnt`."""
        judge, linear = self.judge, self.judge.chosen(self._best, learnt)
        head, backbone = self.plan.head, self.plan.backbone
        layers = [head.width_of(backbone, name) for name in head.reads]
        return Start.of(
            judge.network(self.seeing, linear), self._best.strength, judge.both(self.seeing, learnt), layers
        )

    def _file(self, fold: int) -> Path:
        return self._path / FOLDER / f"fold-{fold + 1}.json"

    @cached_property
    def _key(self) -> str:
        """A hash of all that the answers follow from, but for the division into folds."""
        features, strengths = self.judge.features, STRENGTHS[: self._best.best + 1]
        wide, config = features.classifier, self._pixels[0].config
        shas = [sha for part in self._pixels for sha in part.images.shas]
        network = [wide.prefix_hash(), wide.engine, wide.compute_dtype, sorted(self.plan.trainable)]
        images = [shas, features.labels.tolist(), config.machine.seed]
        parts = [*network, *images, self.seeing, strengths, self.judge.weighting, EPOCHS, PATIENCE, BATCH, RATE]
        return digest(json.dumps(plain(part)).encode() for part in parts)

    def _hash(self, learnt: Ints, answered: Ints) -> str:
        return digest(iter([self._key.encode(), learnt.tobytes(), answered.tobytes()]))

    def _read(self, fold: int, learnt: Ints, answered: Ints) -> Floats | None:
        """What is kept of a fold; None where there is nothing, or nothing that can be used."""
        file = self._file(fold)
        try:
            kept = typed(file, FoldAnswers)
            found = np.asarray(kept.logits, np.float64)
        except (RunError, OSError, ValueError):  # rows of several lengths among them
            return None
        whole = found.ndim == 3 and found.shape[1:] == (len(answered), self.judge.classes)
        return found if whole and kept.key == self._hash(learnt, answered) else None

    def _write(self, fold: int, learnt: Ints, answered: Ints, logits: Floats) -> None:
        file = self._file(fold)
        private_dir(file.parent, self._path)
        rows = tuple(tuple(tuple(row) for row in epoch) for epoch in logits.tolist())
        write_json(file, plain(FoldAnswers(self._hash(learnt, answered), rows)), self._path)


def _batches(count: int) -> int:
    return -(-count // BATCH)
