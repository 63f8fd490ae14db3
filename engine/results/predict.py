"""One contract from an image file to probabilities, for evaluation as for prediction.

Both go through `Predictor`, in float32 on any machine, so that a file gets the same answer in either.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engine.dataset.formats import IMAGE_SUFFIXES
from engine.dataset.images import ImageError, read, to_input
from engine.errors import RunError, Stopped
from engine.files import write_json
from engine.network.backbones import backbone
from engine.network.classifier import Classifier, load, preprocess
from engine.network.freezing import plan
from engine.runs import WEIGHTS, Run
from engine.runtime import processors, tensorflow
from engine.stopping import Stop

BATCH = 32
MODEL = "model.json"
DELIVERABLE = "model.keras"
NOT_FOR_DIAGNOSIS = "For research and teaching only, not for diagnosis."


@dataclass(frozen=True)
class Prediction:
    """What a model says about one file: probabilities by class, which add up to 1, and the class with the largest."""

    file: Path
    label: str
    probabilities: dict[str, float]
    notes: tuple[str, ...] = ()


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
        network = load(run.path / WEIGHTS, plan(run.config().network), len(self.classes)).model
        tf = tensorflow()

        @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
        def forward(images: Any) -> Any:
            return tf.nn.softmax(network(preprocess(images, self.backbone), training=False))

        self._forward = forward

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (n, classes), of network inputs, uint8 (n, size, size, 3)."""
        return np.asarray(self._forward(inputs).numpy())

    def predict(self, files: Iterable[Path], stop: Stop | None = None) -> Iterator[Prediction | ImageError]:
        """A prediction for each file in turn, or the error that its image gave. Raises Stopped if `stop` says "now"."""
        waiting = iter(files)
        with ThreadPoolExecutor(processors()) as pool:
            while chunk := list(islice(waiting, BATCH)):
                if stop and stop.now:
                    raise Stopped("The prediction was stopped.")
                read_in = list(pool.map(self._input, chunk))
                yield from self._answers(chunk, read_in)

    def _input(self, file: Path) -> tuple[np.ndarray, tuple[str, ...]] | ImageError:
        try:
            image = read(file)
        except ImageError as error:
            return error
        return to_input(image.pixels, self.backbone.size), image.notes

    def _answers(self, files: list[Path], read_in: list[Any]) -> Iterator[Prediction | ImageError]:
        good = [item[0] for item in read_in if not isinstance(item, ImageError)]
        rows = iter(self.probabilities(np.stack(good)) if good else ())
        for file, item in zip(files, read_in, strict=True):
            if isinstance(item, ImageError):
                yield item
                continue
            row = next(rows)
            shares = {name: float(p) for name, p in zip(self.classes, row, strict=True)}
            yield Prediction(file, self.classes[int(row.argmax())], shares, item[1])


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
