"""Predictions from an exported ONNX file, on ONNX Runtime alone: no TensorFlow, no run directory."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.base.cancel import Stop
from engine.base.errors import ConfigError, RunError
from engine.base.language import tr
from engine.base.runtime import processors
from engine.base.typed_files import UnfitError
from engine.data.image.reader import ImageError
from engine.evaluation.batch_drift import Batch
from engine.evaluation.level_likeness import likeness
from engine.evaluation.prediction import Input, Prediction, decide, read_inputs
from engine.evaluation.promised import AS_USUAL, Asked
from engine.export.contract import CALIBRATED, INPUT, KEY, OUTPUTS, PROBABILITIES, Contract
from engine.export.onnx_guard import read_onnx

SUFFIX = ".onnx"
FATAL = 4
"""ONNX Runtime's severity of what it would write to the terminal all the same."""


class OnnxModel:
    """An exported file, ready to predict."""

    def __init__(self, path: Path) -> None:
        """Raises RunError where the file is not an export of ours, or ONNX Runtime is not installed."""
        self.path = path
        found = read_onnx(path)
        if KEY not in found.metadata:
            raise RunError(
                tr("{path} has no metadata of covid-tui: give a file that `covid-tui export` wrote.", path=path)
            )
        try:
            self.contract = Contract.from_json(found.metadata[KEY])
        except UnfitError as error:
            raise RunError(
                tr("{path} has damaged metadata: {error}; export the run again.", path=path, error=error)
            ) from None
        self.classes = self.contract.classes
        self._session = _session(path, found.data)
        self._check_form()

    def drift(self, batch: Batch) -> None:
        """Nothing is known of the training images as the network sees them: they stay in the run."""

    @property
    def title(self) -> str:
        """What predicts, for people."""
        return tr(
            "{name}, exported from run {run} (without distances to its training images)",
            name=self.path.name,
            run=self.contract.run,
        )

    def answer(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """The file's two outputs by name, float32 (n, classes), for RGB pictures (n, size, size, 3) from 0 to 255.

        Raises RunError where they are no probabilities.
        """
        try:
            rows = self._session.run(list(OUTPUTS), {INPUT: inputs.astype(np.float32)})
        except Exception as error:  # ONNX Runtime throws nearly any kind
            raise RunError(
                tr(
                    "{path} can't be run ({why}): export the run again.",
                    path=self.path,
                    why=_first_line(error),
                )
            ) from None
        for row in rows:
            whole = row.shape == (len(inputs), len(self.classes)) and bool(np.isfinite(row).all())
            if not whole or (row < 0).any() or abs(row.sum(axis=1) - 1).max() > 1e-3:
                raise RunError(
                    tr("{path} gives numbers that are no probabilities: export the run again.", path=self.path)
                )
        return dict(zip(OUTPUTS, rows, strict=True))

    promised: None = None
    """Its calibration images stay in the run, so it promises nothing."""

    def predict(
        self, files: Iterable[Path], stop: Stop | None = None, asked: Asked = AS_USUAL, batch: Batch | None = None
    ) -> Iterator[Prediction | ImageError]:
        """A prediction for each file in turn, or the error that its image gave. Raises Stopped if `stop` says "now",
        and ConfigError where neighbours are asked for.

        Nothing that is `asked` can be promised, and how far the image is from the training images as the network sees
        them can't be told, as what that takes stays in the run.
        """
        if asked.neighbours:
            raise ConfigError(tr("--neighbours needs a run: an ONNX file knows nothing of single training images."))
        for chunk in read_inputs(
            files, self.contract.size, stop, with_cautions=True, pixel_rules=self.contract.reading
        ):
            for item in chunk:
                yield self._prediction(item) if isinstance(item, Input) else item

    def _prediction(self, item: Input) -> Prediction:
        said = self.answer(item.pixels[None])
        own, calibrated = said[PROBABILITIES][0], said[CALIBRATED][0]
        chosen, taught = self.contract.operating, self.contract.temperature is not None
        levels = self.contract.levels
        alike = likeness(item.measures, levels) if levels else None
        return Prediction(
            file=item.file,
            label=self.classes[int(own.argmax())],
            probabilities=self._by_class(own),
            notes=item.notes,
            calibrated=self._by_class(calibrated) if taught else None,
            decision=decide(self.classes, calibrated, chosen) if chosen else None,
            cautions=(*([alike.caution] if alike and alike.unlike else ()), *item.cautions),
            likeness=alike,
        )

    def _by_class(self, row: np.ndarray) -> dict[str, float]:
        return {name: float(p) for name, p in zip(self.classes, row, strict=True)}

    def _check_form(self) -> None:
        """Raises RunError unless inputs and outputs are those that the contract promises."""
        size, classes = self.contract.size, len(self.classes)
        wanted = {INPUT: [size, size, 3], **{name: [classes] for name in OUTPUTS}}
        found = {
            item.name: list(item.shape[1:]) if item.type == "tensor(float)" else None
            for item in (*self._session.get_inputs(), *self._session.get_outputs())
        }
        if found != wanted or not isinstance(self._session.get_inputs()[0].shape[0], str):
            raise RunError(
                tr("{path} takes or gives something else than its metadata says: export the run again.", path=self.path)
            )


def _session(path: Path, data: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise RunError(tr("ONNX Runtime is missing: run pip install 'covid-tui[export]'.")) from None
    onnxruntime.set_default_logger_severity(FATAL)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.intra_op_num_threads = processors()
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime throws nearly any kind
        raise RunError(
            tr("{path} can't be used ({why}): export the run again.", path=path, why=_first_line(error))
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
