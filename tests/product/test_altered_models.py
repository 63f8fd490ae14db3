"""A run's model, its contract or what was taught to it altered: predict, explain and export say why in one sentence."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from engine.base.files import write_json
from engine.runs.directory import Run
from tests.conftest import SAMPLE
from tests.makers import made
from tests.makers.altered import Alteration, alterations, altered
from tests.makers.examples import examples
from tests.product.test_altered_runs import CHECKS, ask, full_run, one_sentence, strict

pytestmark = pytest.mark.usefixtures("small_pictures")

FILES = ("best.weights.h5", "calibration.json", "config.json", "model.json", "reference.npz", "split.csv")
IMAGE = SAMPLE / "COVID" / "images" / "COVID-1.png"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run whose model answers, with all that a training leaves of it."""
    folder = tmp_path_factory.mktemp("models")
    run = made.model_run(folder, "one", SAMPLE)
    whole = full_run(folder / "elsewhere", "whole", SAMPLE)
    shutil.copy(whole.path / "calibration.json", run.path)
    features = np.random.default_rng(0).random((40, 512)).astype(np.float16)
    facts = {name: np.ones(40) for name in ("mean level", "width", "height")}
    np.savez_compressed(run.path / "reference.npz", features=features, **facts)  # type: ignore[arg-type]
    shutil.rmtree(folder / "elsewhere")
    return folder


def all_hold(out: Path, alteration: Alteration) -> None:
    with altered(out, alteration):
        answer = ask("predict", IMAGE, "--run", out / "one", "--json", "--out", out)
        one_sentence(answer, (0, 1))
        strict(answer.out)


def test_the_model_answers_as_it_is(out: Path) -> None:
    answer = ask("predict", IMAGE, "--run", out / "one", "--json", "--out", out)
    (line,) = strict(answer.out)
    assert answer.code == 0 and line["calibrated"] and line["distance"] is not None


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("model.json", {"classes": "COVID"}, '"classes" should be a list'),
        ("model.json", {"classes": ["COVID", "COVID"]}, "name one twice"),
        ("model.json", {"classes": ["COVID", 3]}, '"classes[1]" should be text, not a whole number'),
        ("model.json", {"backbone": "mobilenetv2"}, "not that of the recipe"),
        ("model.json", {"backbone": []}, '"backbone" should be text'),
        ("calibration.json", {"temperature": float("nan")}, '"temperature" is not a finite number'),
        ("calibration.json", {"temperature": 0}, '"temperature" should be a number'),
        ("calibration.json", {"n": "many"}, '"n" should be a whole number, not text'),
        ("calibration.json", {"operating": None}, '"operating" should be a group of keys'),
        ("config.json", {"network": {"mode": "partial", "unfreeze": "block99"}}, "block99"),
        ("config.json", {"fit": {"lr": None}}, "lr"),
        ("config.json", {"fit": {"lr": 10**400}}, "lr"),
        ("config.json", {"augment": {"rotation": float("inf")}}, "rotation"),
    ],
)
def test_a_field_of_another_kind_is_named_with_its_file(
    out: Path, file: str, change: dict[str, Any], words: str
) -> None:
    values = json.loads((out / "one" / file).read_text())
    for key, value in change.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    with altered(out, Alteration(f"one/{file}", str(change), json.dumps(values).encode())):
        answer = ask("predict", IMAGE, "--run", out / "one", "--json", "--out", out)
    one_sentence(answer, (1,))
    assert str(out / "one" / file) in answer.err and words in answer.err, answer.err


def test_weights_that_are_no_numbers_any_more_give_no_answer(out: Path) -> None:
    import h5py

    data = (out / "one" / "best.weights.h5").read_bytes()
    try:
        with h5py.File(out / "one" / "best.weights.h5", "r+") as file:
            file["layers/dense/vars/0"][...] = np.nan
        answer = ask("predict", IMAGE, "--run", out / "one", "--json", "--out", out)
    finally:
        (out / "one" / "best.weights.h5").write_bytes(data)
    one_sentence(answer, (1,))
    assert "not all finite numbers" in answer.err


def test_a_reference_that_unfolds_into_gigabytes_is_not_unfolded(out: Path) -> None:
    packed = out / "packed.npz"
    np.savez_compressed(packed, features=np.zeros((2**17, 512), np.float16))
    with altered(out, Alteration("one/reference.npz", "a bomb", packed.read_bytes())):
        answer = ask("predict", IMAGE, "--run", out / "one", "--json", "--out", out)
    one_sentence(answer, (1,))
    assert "unfolds into more" in answer.err


def test_explain_and_export_say_it_too(out: Path) -> None:
    write_json(out / "copy.json", {"classes": 3, "backbone": "vgg16"})
    with altered(out, Alteration("one/model.json", "classes = 3", (out / "copy.json").read_bytes())):
        for arguments in (("explain", IMAGE, "--run", out / "one"), ("export", out / "one", "--format", "keras")):
            answer = ask(*arguments, "--out", out)
            one_sentence(answer, (1,))
            assert '"classes" should be a list' in answer.err
    assert Run(out / "one").state() == "died"


@pytest.mark.slow
@settings(max_examples=examples(300), deadline=None, suppress_health_check=CHECKS)
@given(data=st.data())
def test_hundreds_of_altered_models_end_in_a_sentence_or_answer(out: Path, data: st.DataObject) -> None:
    alteration = data.draw(alterations(out, tuple(f"one/{name}" for name in FILES)))
    note(f"{alteration.file}: {alteration.how}")
    all_hold(out, alteration)
