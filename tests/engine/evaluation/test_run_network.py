"""What a VGG run says by ncnn: what it says by Keras, the same bits in any company, and Keras where ncnn can't."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.base.context import Context
from engine.base.errors import WeightsError
from engine.base.events import Event, Notice
from engine.evaluation.predictor import Predictor
from engine.network import ncnn_network
from engine.network.backbones import BACKBONES
from engine.network.classifier import preprocess
from engine.network.ncnn_network import RefusedError
from engine.network.preprocessing import caffe
from engine.runs.directory import WEIGHTS, Run
from tests.conftest import SAMPLE
from tests.makers.processors import on_one_and_on_two
from tests.makers.vgg_run import drawn, vgg_run, write_weights

OF_A_PROBABILITY, OF_THE_LARGEST = 1e-4, 1e-5
"""By how much both may differ."""
IMAGES = sorted((SAMPLE / "COVID" / "images").iterdir())[:3]


@pytest.fixture(scope="module")
def run(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A VGG16 run of drawn weights."""
    return vgg_run(tmp_path_factory.mktemp("runs"), "one", few)


def inputs(count: int) -> np.ndarray:
    """Network inputs with every level in them."""
    return np.random.default_rng(3).integers(0, 256, (count, 224, 224, 3), np.uint8)


def copied(run: Run, to: Path) -> Run:
    shutil.copytree(run.path, to)
    return Run(to)


def largest_differences(run: Run, files: Sequence[Path]) -> tuple[float, float]:
    """Of a probability, and of a feature as a share of its largest value; the labels are the same."""
    by_ncnn, by_keras = Predictor(run), Predictor(run, asked="keras")
    shares = features = 0.0
    for mine, theirs in zip(by_ncnn.answers(files), by_keras.answers(files), strict=True):
        assert isinstance(mine, type(theirs)) and mine.file == theirs.file  # type: ignore[union-attr]
        assert mine.probabilities.argmax() == theirs.probabilities.argmax()  # type: ignore[union-attr]
        assert mine.probabilities.dtype == mine.features.dtype == np.float32  # type: ignore[union-attr]
        shares = max(shares, float(abs(mine.probabilities - theirs.probabilities).max()))  # type: ignore[union-attr]
        apart = abs(mine.features - theirs.features).max() / abs(theirs.features).max()  # type: ignore[union-attr]
        features = max(features, float(apart))
    return shares, features


def test_numpy_prepares_pictures_to_the_bit_as_keras_does() -> None:
    assert np.array_equal(caffe(inputs(2)), np.asarray(preprocess(inputs(2), BACKBONES["vgg16"])))


def test_a_trained_run_answers_as_by_keras(trained: dict[str, Any]) -> None:
    files = [file for label in ("COVID", "Viral Pneumonia") for file in sorted((SAMPLE / label / "images").iterdir())]
    shares, features = largest_differences(Run(trained["run"]), files[::10])
    assert shares <= OF_A_PROBABILITY and features <= OF_THE_LARGEST


@pytest.mark.slow
def test_it_does_on_every_picture_there_is(trained: dict[str, Any], xray: Path, record_property: Any) -> None:
    files = [file for folder in (SAMPLE, xray) for file in sorted(folder.glob("*/images/*"))]
    assert len(files) > 300
    shares, features = largest_differences(Run(trained["run"]), files)
    record_property("largest differences", f"{len(files)} files: probability {shares:.2g}, feature {features:.2g}")
    assert shares <= OF_A_PROBABILITY and features <= OF_THE_LARGEST


@pytest.mark.slow
def test_a_run_of_vgg19_does(few: Path, tmp_path: Path) -> None:
    shares, features = largest_differences(vgg_run(tmp_path, "deeper", few, "vgg19"), IMAGES)
    assert shares <= OF_A_PROBABILITY and features <= OF_THE_LARGEST


def test_neither_order_nor_company_nor_what_is_kept_in_memory_changes_a_bit(run: Run) -> None:
    together = [vars(answer) for answer in Predictor(run).answers(IMAGES)]
    backwards = [vars(answer) for answer in Predictor(run).answers(IMAGES[::-1])][::-1]
    few = Predictor(run, few=True)
    alone = [vars(answer) for file in IMAGES for answer in few.answers([file])]
    for one, *others in zip(together, backwards, alone, strict=True):
        for other in others:
            assert one["probabilities"].tobytes() == other["probabilities"].tobytes()
            assert one["features"].tobytes() == other["features"].tobytes()


def test_one_processor_says_to_the_bit_what_two_say(run: Run) -> None:
    code = "from tui.cli import run; sys.exit(run(sys.argv[2:]))"
    answers = on_one_and_on_two(code, "predict", *IMAGES, "--run", run.path, "--json")
    assert answers[0] == answers[1] and len(answers[0].splitlines()) == len(IMAGES)
    assert json.loads(answers[0].splitlines()[0])["distance"] > 0


def test_a_missing_ncnn_leaves_it_to_keras_and_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[Event]()
    monkeypatch.setattr("engine.evaluation.run_network.ncnn_fault", lambda: "ncnn is not installed")
    predictor = Predictor(run, Context(told.append))
    assert Notice("info", "ncnn is not installed. TensorFlow answers instead.") in told
    assert np.array_equal(predictor.probabilities(inputs(1)), Predictor(run, asked="keras").probabilities(inputs(1)))


def test_so_does_one_that_refuses_the_network(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Any:
        raise RefusedError("ncnn 9 does not take the structure of block1.")

    told = list[Event]()
    monkeypatch.setattr(ncnn_network, "loaded", refuse)
    for few in (False, True):
        predictor = Predictor(run, Context(told.append), few=few)
        answers = [predictor.probabilities(inputs(1)) for _ in range(2)]
        assert np.array_equal(answers[0], answers[1])
        assert np.array_equal(answers[0], Predictor(run, asked="keras").probabilities(inputs(1)))
        notices = [event.text for event in told if isinstance(event, Notice) and "instead" in event.text]
        assert notices == ["ncnn 9 does not take the structure of block1. TensorFlow answers instead."]
        told.clear()


def test_a_recipe_that_asks_for_keras_gets_it_without_a_word(run: Run, tmp_path: Path) -> None:
    told = list[Event]()
    asking = copied(run, tmp_path / "asking")
    config = json.loads((asking.path / "config.json").read_text())
    config["machine"]["frozen_engine"] = "keras"
    (asking.path / "config.json").write_text(json.dumps(config))
    found = Predictor(asking, Context(told.append)).probabilities(inputs(2))
    assert not any("instead" in str(event) for event in told)
    assert np.array_equal(found, Predictor(run, asked="keras").probabilities(inputs(2)))


@pytest.mark.parametrize("layer", ["block4_conv2", "dense"])
def test_damaged_weights_meet_the_same_sentence_either_way(run: Run, tmp_path: Path, layer: str) -> None:
    weights = {name: [array.copy() for array in arrays] for name, arrays in drawn("vgg16", 2).items()}
    weights[layer][0][..., 1] = np.nan
    damaged = copied(run, tmp_path / "damaged")
    said = []
    for change in (lambda: None, lambda: weights.pop(layer), lambda: weights.update(other=[np.zeros(2, np.float32)])):
        change()
        write_weights(damaged.path / WEIGHTS, weights)
        for asked in ("ncnn", "keras"):
            with pytest.raises(WeightsError) as caught:
                Predictor(damaged, asked=asked).probabilities(inputs(1))
            said.append(str(caught.value))
    assert said[::2] == said[1::2] and len(set(said)) == 3


def test_a_training_that_replaces_the_weights_is_never_half_heard(run: Run, tmp_path: Path) -> None:
    live = copied(run, tmp_path / "live")
    before = Predictor(run).probabilities(inputs(1))
    for few in (True, False):
        write_weights(tmp_path / "old", drawn("vgg16", 2))
        (tmp_path / "old").replace(live.path / WEIGHTS)
        predictor = Predictor(live, few=few)
        write_weights(tmp_path / "better", drawn("vgg16", 2, seed=1))
        (tmp_path / "better").replace(live.path / WEIGHTS)  # as an epoch does that is better
        assert np.array_equal(predictor.probabilities(inputs(1)), before)
        if few:  # which keeps nothing in memory
            with pytest.raises(WeightsError, match="was changed while it was read"):
                predictor.probabilities(inputs(1))
        else:
            assert np.array_equal(predictor.probabilities(inputs(1)), before)
    after = Predictor(live, asked="keras").probabilities(inputs(1))
    assert abs(after - before).max() > 0.01
    logits = predictor.network(caffe(inputs(1)), training=False).numpy()  # as the heat asks, of the new weights
    shares = np.exp(logits) / np.exp(logits).sum()
    assert abs(shares - after).max() < OF_A_PROBABILITY
    assert np.array_equal(predictor.probabilities(inputs(1)), after), "heat and answer are of one epoch"


def test_weights_that_are_written_over_in_place_are_noticed(run: Run, tmp_path: Path) -> None:
    live = copied(run, tmp_path / "live")
    predictor = Predictor(live)
    data = (live.path / WEIGHTS).read_bytes()
    with (live.path / WEIGHTS).open("r+b") as file:
        file.write(data)
    os.utime(live.path / WEIGHTS, ns=(0, 1))
    with pytest.raises(WeightsError, match=r"best\.weights\.h5 was changed while it was read: ask again"):
        predictor.probabilities(inputs(1))


@pytest.mark.parametrize("kept", [True, False])
def test_nothing_is_left_open_once_it_has_answered(run: Run, kept: bool) -> None:
    predictor = Predictor(run, few=not kept)
    assert str(run.path / WEIGHTS) in _open_files()
    first = predictor.probabilities(inputs(1))
    assert str(run.path / WEIGHTS) not in _open_files()
    assert np.array_equal(predictor.probabilities(inputs(1)), first)


def _open_files() -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return found
