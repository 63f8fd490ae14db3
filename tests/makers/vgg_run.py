"""A VGG run with drawn weights and all that a prediction reads of it, made without TensorFlow."""

from functools import cache
from pathlib import Path

import h5py
import numpy as np

from engine.base.files import write_json
from engine.base.typed_files import plain
from engine.data.records import Row
from engine.data.split import Split
from engine.evaluation.calibration import CALIBRATION, calibrate
from engine.evaluation.predictor import MODEL
from engine.network.backbones import BACKBONES
from engine.network.heads import REPORT
from engine.network.ncnn_network import shapes
from engine.recipe.config import MachineConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs.directory import WEIGHTS, Run
from engine.runs.writer import create
from tests.makers import made


@cache
def drawn(backbone: str, classes: int, seed: int = 0) -> dict[str, list[np.ndarray]]:
    """Weights that keep the size of the activations from layer to layer (He et al. 2015), and small biases."""
    random, base = np.random.default_rng(seed), BACKBONES[backbone]
    return {
        layer: [
            random.standard_normal(kernel, dtype=np.float32) * np.float32(np.sqrt(2 / np.prod(kernel[:-1]))),
            random.normal(0, 0.1, bias).astype(np.float32),
        ]
        for layer, (kernel, bias) in {**shapes(base), **REPORT.shapes(base, classes)}.items()
    }


def write_weights(path: Path, weights: dict[str, list[np.ndarray]]) -> None:
    """A .weights.h5 as Keras 3 lays it out."""
    with h5py.File(path, "w") as file:
        for number, (name, arrays) in enumerate(weights.items()):
            group = file.create_group(f"layers/layer_{number}/vars")
            group.attrs["name"] = name
            for place, array in enumerate(arrays):
                group[str(place)] = array


def vgg_run(
    out: Path, name: str, folder: Path, backbone: str = "vgg16", tests: int = 4, frozen_engine: str = "auto"
) -> Run:
    """A run that learnt from the images of `folder`, with `tests` of each class for its test part, a calibration and a
    reference.
    """
    machine = MachineConfig(frozen_engine=frozen_engine)  # type: ignore[arg-type]
    network = NetworkConfig(backbone=backbone, weights="none")  # type: ignore[arg-type]
    config = TrainConfig(network=network, machine=machine, output=OutputConfig(out=out, name=name))
    with create(folder, config) as writer:
        run = writer.run
    seen = dict[str, int]()
    rows = []
    for file, label, _ in made.answers(folder):
        seen[label] = seen.get(label, 0) + 1
        rows.append(Row(file, label, "test" if seen[label] <= tests else "train"))
    Split(tuple(rows)).write(run.path / "split.csv")
    write_json(run.path / MODEL, {"classes": list(made.CLASSES), "backbone": backbone, "preprocessing": "caffe"})
    write_weights(run.path / WEIGHTS, drawn(backbone, len(made.CLASSES)))
    labels, logits = np.array([0, 1] * 8), np.random.default_rng(0).normal(size=(16, 2))
    write_json(run.path / CALIBRATION, plain(calibrate(labels, logits, made.CLASSES, config.judge)))
    made.keep_reference(run, folder, images=3)
    return run
