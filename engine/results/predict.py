"""One contract from an image file to probabilities, for evaluation as for prediction.

Both go through `Predictor`, in float32 on any machine, so that a file gets the same answer in either.
"""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from engine.dataset.formats import IMAGE_SUFFIXES
from engine.dataset.images import ImageError, pixel_hash, read, to_input
from engine.errors import RunError, Stopped
from engine.files import write_json
from engine.network.backbones import backbone
from engine.network.classifier import Classifier, load, preprocess
from engine.network.freezing import plan
from engine.results.calibration import Operating, at_temperature, read_calibration
from engine.results.caution import cautions
from engine.results.reference import read_reference
from engine.runs import WEIGHTS, Run
from engine.runtime import processors, tensorflow
from engine.stopping import Stop

BATCH = 32
MODEL = "model.json"
DELIVERABLE = "model.keras"
NOT_FOR_DIAGNOSIS = "For research and teaching only, not for diagnosis."


@dataclass(frozen=True)
class Decision:
    """The answer at the threshold that validation chose: is it the positive class?"""

    positive: str
    threshold: float
    rule: str
    yes: bool
    says: str
    """The positive class, or for two classes the other one, or "not" with the positive class."""


@dataclass(frozen=True)
class Prediction:
    """What a model says about one file: probabilities by class, which add up to 1, and the class with the largest.

    What a run lacks, as one from before there was any of it, is None.
    """

    file: Path
    label: str
    probabilities: dict[str, float]
    notes: tuple[str, ...] = ()
    calibrated: dict[str, float] | None = None
    """The probabilities at the temperature that validation taught."""
    decision: Decision | None = None
    distance: float | None = None
    """To the training images as the network sees them (`Reference.distances`)."""
    distance_limit: float | None = None
    """Beyond it the image is unlike anything seen."""
    cautions: tuple[str, ...] = ()
    """Why the answer may mean nothing, each a short sentence without its full stop."""

    @property
    def unlike(self) -> bool | None:
        """Is the image unlike anything that the model learnt from? None where that can't be told."""
        if self.distance is None or self.distance_limit is None:
            return None
        return self.distance > self.distance_limit

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {**dataclasses.asdict(self), "file": str(self.file), "unlike": self.unlike, "use": NOT_FOR_DIAGNOSIS}


@dataclass(frozen=True, eq=False)
class Answer:
    """A network's bare answer to one file: probabilities (classes,) and last activations before the head (channels,),
    float32, and what the reading of the file gave to say.
    """

    file: Path
    probabilities: np.ndarray
    features: np.ndarray
    notes: tuple[str, ...]
    cautions: tuple[str, ...]


def save_contract(run: Run, classes: tuple[str, ...], classifier: Classifier) -> None:
    """Write what a prediction needs into the run: class names, input, preprocessing, and the weights."""
    base = classifier.plan.backbone
    contract = {
        "classes": list(classes),
        "backbone": base.name,
        "input": [base.size, base.size, 3],
        "preprocessing": base.preprocessing,
    }
    write_json(run.path / MODEL, contract)
    classifier.save_weights(run.path / WEIGHTS)
    classifier.save_model(run.path / DELIVERABLE)


class Predictor:
    """A run's model, ready to predict."""

    def __init__(self, run: Run) -> None:
        """Raises RunError where the run has no model yet, WeightsError where its weights are damaged."""
        if not (run.path / WEIGHTS).is_file():
            raise RunError(f"{run.path} has no trained weights ({WEIGHTS}): its training did not finish an epoch.")
        contract = run.read_json(MODEL)
        self.run = run
        try:
            self.classes = tuple(map(str, contract["classes"]))
            self.backbone = backbone(contract["backbone"])
        except (KeyError, TypeError):
            raise RunError(f"{run.path / MODEL} is damaged: it lacks the classes or the backbone.") from None
        network = self.network = load(run.path / WEIGHTS, plan(run.config().network), len(self.classes)).model
        self.calibration = read_calibration(run, self.classes)
        self.reference = read_reference(run)
        tf = tensorflow()
        both = tf.keras.Model(network.input, [network.output, network.get_layer("pool").output])

        @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
        def forward(images: Any) -> Any:
            logits, features = both(preprocess(images, self.backbone), training=False)
            return tf.nn.softmax(logits), features

        self._forward = forward

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (n, classes), of network inputs, uint8 (n, size, size, 3)."""
        return self.answer(inputs)[0]

    def answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `probabilities`, and the last activations before the head, float32 (n, channels)."""
        probabilities, features = self._forward(inputs)
        return probabilities.numpy(), features.numpy()

    def predict(self, files: Iterable[Path], stop: Stop | None = None) -> Iterator[Prediction | ImageError]:
        """A prediction for each file in turn, or the error that its image gave. Raises Stopped if `stop` says "now"."""
        for answer in self.answers(files, stop, with_cautions=True):
            yield answer if isinstance(answer, ImageError) else self._prediction(answer)

    def answers(
        self, files: Iterable[Path], stop: Stop | None = None, with_cautions: bool = False, shas: Iterable[str] = ()
    ) -> Iterator[Answer | ImageError]:
        """As `predict`, the network's bare answers. Where `shas` are given, a file whose pixels have another hash, and
        not an empty one, is an error too.
        """
        waiting = zip(files, chain(shas, repeat("")), strict=False)
        with ThreadPoolExecutor(processors()) as pool:
            while chunk := list(islice(waiting, BATCH)):
                if stop and stop.now:
                    raise Stopped("The prediction was stopped.")
                read_in = list(pool.map(partial(self._input, with_cautions=with_cautions), *zip(*chunk, strict=True)))
                good = [item[0] for item in read_in if not isinstance(item, ImageError)]
                rows = iter(zip(*self.answer(np.stack(good)), strict=True) if good else ())
                for (file, _), item in zip(chunk, read_in, strict=True):
                    yield item if isinstance(item, ImageError) else Answer(file, *next(rows), *item[1:])

    def _input(
        self, file: Path, sha: str, with_cautions: bool
    ) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]] | ImageError:
        try:
            image = read(file)
        except ImageError as error:
            return error
        if sha and pixel_hash(image.pixels) != sha:
            return ImageError(file, "it got other pixels since the split")
        found = cautions(image.pixels, image.dicom) if with_cautions else ()
        return to_input(image.pixels, self.backbone.size), image.notes, found

    def _prediction(self, answer: Answer) -> Prediction:
        row, found = answer.probabilities, list(answer.cautions)
        said = Prediction(answer.file, self.classes[int(row.argmax())], self._by_class(row), answer.notes)
        if self.reference:
            distance, limit = float(self.reference.distances(answer.features[None])[0]), self.reference.limit
            said = dataclasses.replace(said, distance=distance, distance_limit=limit)
            if distance > limit:
                found.insert(0, f"is unlike anything that the model learnt from (distance {distance:.2f}, "
                                f"where 99% of the training images lie within {limit:.2f})")  # fmt: skip
        if self.calibration:
            calibrated = at_temperature(row[None], self.calibration.temperature)[0]
            decision = decide(self.classes, calibrated, self.calibration.operating)
            said = dataclasses.replace(said, calibrated=self._by_class(calibrated), decision=decision)
        return dataclasses.replace(said, cautions=tuple(found))

    def _by_class(self, row: np.ndarray) -> dict[str, float]:
        return {name: float(p) for name, p in zip(self.classes, row, strict=True)}


def decide(classes: Sequence[str], calibrated: np.ndarray, chosen: Operating) -> Decision:
    """The decision on one image from its calibrated probabilities (classes,)."""
    positive = classes.index(chosen.positive)
    yes = bool(calibrated[positive] >= chosen.threshold)
    other = classes[1 - positive] if len(classes) == 2 else f"not {chosen.positive}"
    return Decision(chosen.positive, chosen.threshold, chosen.rule, yes, chosen.positive if yes else other)


def image_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that `paths` name, whatever their suffix, and for a folder the image files below it, in order.

    Masks and hidden files are left aside.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if name != "masks" and not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                    yield Path(folder) / name
