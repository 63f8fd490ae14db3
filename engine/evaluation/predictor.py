"""One contract from an image file to probabilities, for evaluation as for prediction.

Both go through `Predictor`, in float32 on any machine, so that a file gets the same answer in either.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta

from engine.base.batch_result import Drift
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.engines import AskedEngine
from engine.base.errors import ConfigError, RunError
from engine.base.files import write_json
from engine.base.language import tr
from engine.base.typed_files import Positive, UnfitError, plain, typed
from engine.data.image.formats import PIXEL_RULES, known_pixel_rules
from engine.data.image.reader import ImageError
from engine.evaluation.alike import most_alike, rows_of
from engine.evaluation.batch_drift import Batch, drift
from engine.evaluation.calibration import at_temperature, read_calibration, softmax
from engine.evaluation.level_likeness import Measure, likeness
from engine.evaluation.prediction import Input, Prediction, decide, read_inputs
from engine.evaluation.promised import AS_USUAL, Asked, Promised, read_promised
from engine.evaluation.refusal import RefusalRule
from engine.evaluation.result_files import read_test, was_tested
from engine.evaluation.run_network import RunNetwork
from engine.evaluation.training_reference import read_reference
from engine.network.backbones import backbone
from engine.network.freezing import plan
from engine.network.heads import REPORT, Head
from engine.recipe.config import BACKBONE_NAMES
from engine.runs.directory import CONFIG, WEIGHTS, Run

if TYPE_CHECKING:
    from engine.network.classifier import Classifier

MODEL = "model.json"
DELIVERABLE = "model.keras"


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
    measures: dict[Measure, float]
    """How the file looks; empty where cautions were not asked for."""


@dataclass(frozen=True)
class Model:
    """What model.json holds: class names in the order of the answers, and the network."""

    classes: Annotated[tuple[str, ...], Meta(min_length=2, max_length=1000)]
    backbone: str
    reading: Positive = 1
    """The rules by which files became pixels."""
    head: Head = REPORT

    def __post_init__(self) -> None:
        """Raises UnfitError where the classes are not different ones, or the backbone is none."""
        if len(set(self.classes)) < len(self.classes):
            raise UnfitError(tr('its "classes" name one twice'))
        if self.backbone not in BACKBONE_NAMES:
            raise UnfitError(tr('its "backbone" is unknown'))
        layers = [layer.name for layer in backbone(self.backbone).layers]
        reads = self.head.reads
        if reads and (reads[-1] != layers[-1] or list(reads) != [name for name in layers if name in reads]):
            raise UnfitError(tr('its "head.reads" are not layers of the backbone, in order, the last one among them'))


def read_model(run: Run) -> Model:
    """What the run's model.json holds. Raises RunError where it is missing or damaged."""
    return typed(run.path / MODEL, Model)


def save_contract(run: Run, classes: tuple[str, ...], classifier: "Classifier", reading: int = PIXEL_RULES) -> None:
    """Write what a prediction needs into the run: class names, input, reading, preprocessing, and the weights."""
    from engine.network.classifier import in_float32

    base = classifier.plan.backbone
    contract = {
        "classes": list(classes),
        "backbone": base.name,
        "input": [base.size, base.size, 3],
        "reading": reading,
        "preprocessing": base.preprocessing,
        "head": plain(classifier.plan.head),
    }
    write_json(run.path / MODEL, contract)
    classifier.save_weights(run.path / WEIGHTS)
    in_float32(classifier).save_model(run.path / DELIVERABLE)


class Predictor:
    """A run's model, ready to predict."""

    def __init__(
        self, run: Run, context: Context | None = None, asked: AskedEngine = "auto", few: bool = False
    ) -> None:
        """Raises RunError where the run has no model yet, WeightsError where its weights are damaged.

        `asked`, or else the run's recipe, says what computes: see `RunNetwork`, also for `few`.
        """
        if not (run.path / WEIGHTS).is_file():
            raise RunError(
                tr(
                    "{path} has no trained weights ({weights}): its training did not finish an epoch.",
                    path=run.path,
                    weights=WEIGHTS,
                )
            )
        contract, recipe = read_model(run), run.config()
        self.run, self.classes, self.backbone = run, contract.classes, backbone(contract.backbone)
        if contract.backbone != recipe.network.backbone:
            raise RunError(
                tr("{path} is damaged: its backbone is not that of the recipe beside it.", path=run.path / MODEL)
            )
        try:
            self.plan = dataclasses.replace(plan(recipe.network), head=contract.head)
        except ConfigError as error:
            raise RunError(tr("{path} is damaged: {error}", path=run.path / CONFIG, error=error)) from None
        self.pixel_rules = known_pixel_rules(contract.reading, run.path / MODEL)
        self.calibration = read_calibration(run, self.classes)
        self.reference = read_reference(run, contract.head.width(self.backbone))
        asked = recipe.machine.frozen_engine if asked == "auto" else asked
        emit = (context or Context()).emit
        self._network = RunNetwork(run.path / WEIGHTS, self.plan, len(self.classes), asked, few, emit)

    @property
    def network(self) -> Any:
        """The Keras model, preprocessed images to logits; it is loaded now unless it was asked for before."""
        return self._network.keras.model

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits, float32 (n, classes), of network inputs, uint8 (n, size, size, 3)."""
        return self._network.answer(inputs)[0]

    def maps(self, layer: str, inputs: np.ndarray) -> np.ndarray | None:
        """As `RunNetwork.maps`."""
        return self._network.maps(layer, inputs)

    def read(self, inputs: np.ndarray) -> list[np.ndarray]:
        """What each layer that the head reads gives for network inputs, float32 (n, side, side, channels) each."""
        return self._network.read(inputs)

    @property
    def linear(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernel (width, classes) and bias (classes,) of the last layer."""
        return self._network.linear

    @property
    def title(self) -> str:
        """What predicts, for people."""
        return tr("Run {name}", name=self.run.name)

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (n, classes), of network inputs, uint8 (n, size, size, 3)."""
        return self.answer(inputs)[0]

    def answer(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `probabilities`, and the means that the head gets, float32 (n, channels)."""
        logits, features = self._network.answer(inputs)
        probabilities = softmax(logits).astype(np.float32)
        if not np.isfinite(probabilities).all():
            raise RunError(
                tr("{path} is damaged: its weights give no probabilities; train anew.", path=self.run.path / WEIGHTS)
            )
        return probabilities, features

    @cached_property
    def promised(self) -> Promised | None:
        """What its calibration images allow to promise. Raises RunError where the file of their answers is damaged."""
        return read_promised(self.run, self.classes, self.calibration)

    def predict(
        self, files: Iterable[Path], stop: Stop | None = None, asked: Asked = AS_USUAL, batch: Batch | None = None
    ) -> Iterator[Prediction | ImageError]:
        """A prediction for each file in turn, or the error that its image gave; `batch` gathers what they are together.

        Raises Stopped if `stop` says "now", and where neighbours are asked for as `engine.evaluation.alike.rows_of`.
        """
        rows = rows_of(self.run, self.reference) if asked.neighbours else ()
        rule = self.promised.rule(asked.risk) if self.promised and asked.risk is not None else None
        for answer in self.answers(files, stop, with_cautions=True):
            if isinstance(answer, ImageError):
                yield answer
                continue
            if batch:
                batch.add(answer.probabilities, answer.features)
            said = self._prediction(answer, asked.level, rule)
            if asked.neighbours and self.reference:
                near = most_alike(rows, self.reference, answer.features, asked.neighbours)
                said = dataclasses.replace(said, neighbours=near)
            yield said

    def drift(self, batch: Batch) -> Drift | None:
        """How a batch differs from what the model learnt from, as far as the run knows."""
        answers = self.promised.answers if self.promised else None
        test = read_test(self.run) if was_tested(self.run) else None
        return drift(batch, self.reference, answers, test, self.classes)

    def answers(
        self, files: Iterable[Path], stop: Stop | None = None, with_cautions: bool = False, shas: Iterable[str] = ()
    ) -> Iterator[Answer | ImageError]:
        """As `predict`, the network's bare answers. Where `shas` are given, a file whose pixels have another hash, and
        not an empty one, is an error too.
        """
        for chunk in read_inputs(files, self.backbone.size, stop, with_cautions, shas, self.pixel_rules):
            good = [item.pixels for item in chunk if isinstance(item, Input)]
            rows = iter(zip(*self.answer(np.stack(good)), strict=True) if good else ())
            for item in chunk:
                if isinstance(item, Input):
                    yield Answer(item.file, *next(rows), item.notes, item.cautions, item.measures)
                else:
                    yield item

    def _prediction(self, answer: Answer, level: float, rule: RefusalRule | None) -> Prediction:
        row, found = answer.probabilities, list(answer.cautions)
        said = Prediction(answer.file, self.classes[int(row.argmax())], self._by_class(row), answer.notes)
        if self.reference:
            distance, limit = float(self.reference.distances(answer.features[None])[0]), self.reference.limit
            alike = likeness(answer.measures, self.reference.levels)
            said = dataclasses.replace(said, distance=distance, distance_limit=limit, likeness=alike)
            if alike.unlike:
                found.insert(0, alike.caution)
            if distance > limit:
                text = tr(
                    "is unlike anything that the model learnt from (distance {distance:.2f}, where 99% of the training "
                    "images lie within {limit:.2f})",
                    distance=distance,
                    limit=limit,
                )
                found.insert(0, text)
        if self.calibration:
            calibrated = at_temperature(row[None], self.calibration.temperature)[0]
            decision = decide(self.classes, calibrated, self.calibration.operating)
            said = dataclasses.replace(said, calibrated=self._by_class(calibrated), decision=decision)
        possible = self.promised.scores.possible(row, level) if self.promised else None
        refused = rule.refuses(max(said.shares.values())) if rule else None
        return dataclasses.replace(said, cautions=tuple(found), possible=possible, refused=refused)

    def _by_class(self, row: np.ndarray) -> dict[str, float]:
        return {name: float(p) for name, p in zip(self.classes, row, strict=True)}
