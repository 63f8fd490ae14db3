"""The table of formats: how each is written from one Keras model, and how its own runtime answers from the file."""

import contextlib
import importlib.util
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.base.errors import RunError
from engine.base.escape import escaped
from engine.base.language import tr
from engine.base.runtime import native_stderr_to, tensorflow
from engine.base.wording import listing
from engine.evaluation.calibration import LEAST
from engine.evaluation.prediction import NOT_FOR_DIAGNOSIS
from engine.evaluation.predictor import Predictor
from engine.export.contract import CALIBRATED, INPUT, KEY, NAME, OUTPUTS, PROBABILITIES, Contract
from engine.export.onnx_predictor import SUFFIX as ONNX
from engine.export.onnx_predictor import OnnxModel
from engine.network.classifier import with_preprocessing
from engine.network.keras_private import with_constants

OPSET = 17
"""ONNX's, of 2022: whatever has been released since reads it."""

Answers = Callable[[np.ndarray], dict[str, np.ndarray]]
"""From RGB pictures (n, size, size, 3) to the outputs by name, each (n, classes)."""


@dataclass(frozen=True)
class Format:
    """One format."""

    name: str
    suffix: str
    needs: tuple[str, ...]
    """Packages of the `export` extra."""
    write: Callable[[Any, Contract, Path], None]
    """Writes the Keras model, with its contract, to a path: a file, or into an empty folder."""
    open: Callable[[Path], Answers]
    """Loads what was written, by the runtime that its users will have."""
    folder: bool = False


def exportable(predictor: Predictor) -> Any:
    """The run's model as a Keras model from INPUT to both OUTPUTS, which are what `predict` says to a hair."""
    keras = tensorflow().keras
    base = with_preprocessing(predictor.network, predictor.plan)
    own = base.output
    outputs = {PROBABILITIES: own, CALIBRATED: keras.layers.Identity(name=CALIBRATED)(own)}
    if predictor.calibration:
        # As `at_temperature` has it, so that probabilities that float32 rounded to 0 become the same here.
        logits = keras.ops.log(keras.ops.maximum(own, LEAST)) / predictor.calibration.temperature
        outputs[CALIBRATED] = keras.layers.Softmax(name=CALIBRATED, dtype="float32")(logits)
    return keras.Model(base.input, outputs, name=predictor.backbone.name)


def missing(chosen: Format) -> list[str]:
    """The packages that this format needs and that are not installed."""
    return [package for package in chosen.needs if importlib.util.find_spec(package) is None]


def _write_keras(model: Any, contract: Contract, path: Path) -> None:
    model.save(path, overwrite=True)
    _append(path, {NAME: contract.to_json()})


def _open_keras(path: Path) -> Answers:
    model = tensorflow().keras.models.load_model(path, compile=False, safe_mode=True)
    return lambda inputs: {name: value.numpy() for name, value in model(inputs.astype(np.float32)).items()}


def _write_savedmodel(model: Any, contract: Contract, path: Path) -> None:
    tf = tensorflow()
    module = tf.Module()
    module.answer = _frozen(model)
    with tempfile.TemporaryDirectory() as folder:
        asset = Path(folder) / NAME
        asset.write_text(contract.to_json())
        module.contract = tf.saved_model.Asset(str(asset))
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        signatures = {"serving_default": module.answer}
        tf.saved_model.save(module, str(path), signatures=signatures, options=options)


def _open_savedmodel(path: Path) -> Answers:
    tf = tensorflow()
    loaded = tf.saved_model.load(str(path))
    answer = loaded.signatures["serving_default"]

    def answers(inputs: np.ndarray) -> dict[str, np.ndarray]:
        assert loaded  # the signature keeps no hold of the constants that it uses
        return {name: value.numpy() for name, value in answer(**{INPUT: tf.constant(inputs, tf.float32)}).items()}

    return answers


def _write_onnx(model: Any, contract: Contract, path: Path) -> None:
    import onnx
    import tf2onnx

    answer = _frozen(model)
    proto, _ = tf2onnx.convert.from_function(answer, input_signature=answer.input_signature, opset=OPSET)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    proto.producer_name, proto.producer_version = "covid-tui", contract.version
    proto.doc_string = NOT_FOR_DIAGNOSIS
    onnx.helper.set_model_props(proto, {KEY: contract.to_json()})
    path.write_bytes(proto.SerializeToString())


def _open_onnx(path: Path) -> Answers:
    return OnnxModel(path).answer


def _write_litert(model: Any, contract: Contract, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _write_savedmodel(model, contract, Path(folder))
        path.write_bytes(tensorflow().lite.TFLiteConverter.from_saved_model(folder).convert())
    # TensorFlow Lite's way to give a model files: as a zip archive behind it, which its runtime passes over.
    labels = "".join(f"{escaped(name)}\n" for name in contract.classes)
    _append(path, {NAME: contract.to_json(), "labels.txt": labels})


def _open_litert(path: Path) -> Answers:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    answer = interpreter.get_signature_runner("serving_default")

    def answers(inputs: np.ndarray) -> dict[str, np.ndarray]:
        rows = [answer(**{INPUT: picture[None].astype(np.float32)}) for picture in inputs]
        return {name: np.concatenate([row[name] for row in rows]) for name in OUTPUTS}

    return answers


def _append(path: Path, texts: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)


def _frozen(model: Any) -> Any:
    """The model as one `tf.function` of INPUT, its weights constants within the graph, as converters want them."""
    tf = tensorflow()
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name=INPUT)]
    traced = tf.function(lambda images: model(images, training=False), signature, autograph=False)
    graph = with_constants(traced.get_concrete_function())
    names = sorted(OUTPUTS)  # the order in which a dictionary of tensors is flattened

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator]
    def answer(rgb_0_to_255: Any) -> dict[str, Any]:
        return dict(zip(names, graph(rgb_0_to_255), strict=True))

    return answer


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Within the block, converters and runtimes keep their own remarks, in C++ and in Python, off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with native_stderr_to(Path(os.devnull)):
            yield
    finally:
        logging.disable(before)


FORMATS: dict[str, Format] = {
    chosen.name: chosen
    for chosen in (
        Format("keras", ".keras", (), _write_keras, _open_keras),
        Format("savedmodel", ".savedmodel", (), _write_savedmodel, _open_savedmodel, folder=True),
        Format("onnx", ONNX, ("onnx", "onnxruntime", "tf2onnx"), _write_onnx, _open_onnx),
        Format("litert", ".tflite", ("ai_edge_litert",), _write_litert, _open_litert),
    )
}


def require_installed(chosen: Format) -> None:
    """Raises RunError where the extra's packages for this format are not there."""
    absent = missing(chosen)
    if absent:
        raise RunError(
            tr(
                "{packages} is missing for {name}: run pip install 'covid-tui[export]'.",
                packages=listing(absent),
                name=chosen.name,
            )
        )
