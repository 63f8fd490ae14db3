"""A ladder whose last rung trains layers: one model whatever happened on the way, used as every other."""

import csv
import time
from pathlib import Path

import numpy as np
import pytest

from engine.auto.ladder import LADDER_FILE, Ladder
from engine.auto.rungs import LADDER
from engine.auto.tuning import FOLDER
from engine.base.context import Context
from engine.base.typed_files import typed
from engine.evaluation.evidence import Evidence
from engine.evaluation.predictor import Predictor, read_model
from engine.export.job import export
from engine.jobs import train as jobs
from engine.network.classifier import preprocess
from engine.recipe.config import ChoiceConfig, DataConfig, MachineConfig, OutputConfig, TrainConfig
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Cli, Start
from tests.makers.trainings import weights_sha

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_pictures")]
RECIPE = ("--train", SAMPLE, "--classes", "COVID,Viral Pneumonia", "--test-share", "0.2", "--budget", "10h",
          "--precision", "float32", "--frozen-engine", "ncnn")  # fmt: skip


def rungs_of(run: Run) -> list[dict[str, object]]:
    """What is kept of the rungs, but for the clock's."""
    return [dict(vars(rung), seconds=0) for rung in typed(run.path / LADDER_FILE, Ladder).rungs]


def test_killed_between_two_folds_it_repeats_none_and_ends_in_the_same_model(
    cli: Cli, start: Start, tmp_path: Path
) -> None:
    assert cli(*RECIPE, "--out", tmp_path, "--name", "whole").returncode == 0
    whole, killed = Run(tmp_path / "whole"), Run(tmp_path / "killed")
    assert rungs_of(whole)[-1]["name"] == "fine-tuning" and len(rungs_of(whole)) == len(LADDER) + 1
    first, third = (killed.path / FOLDER / f"fold-{number}.json" for number in (1, 3))
    with start(*RECIPE, "--out", tmp_path, "--name", "killed") as process:
        end = time.monotonic() + 900
        while not first.is_file() and time.monotonic() < end:
            time.sleep(0.02)
        process.kill()
        process.communicate()
    assert first.is_file() and not third.is_file()
    written = first.stat().st_mtime_ns
    done = cli("--train", "--resume", killed.path)
    assert done.returncode == 0, done.stderr
    assert first.stat().st_mtime_ns == written
    assert weights_sha(killed.path) == weights_sha(whole.path) and rungs_of(killed) == rungs_of(whole)
    for name in ("predictions.csv", "validation.csv", "calibration.json"):
        assert (killed.path / name).read_bytes() == (whole.path / name).read_bytes()


@pytest.fixture(scope="module")
def run(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose trained layers are taken, whatever they are worth on twenty pictures."""
    config = TrainConfig(
        choice=ChoiceConfig("auto", "10h"),
        data=DataConfig(val_share=0.2, test_share=0.2),
        machine=MachineConfig(precision="float32", frozen_engine="ncnn"),
        output=OutputConfig(out=tmp_path_factory.mktemp("tuned"), name="run"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.auto.last_rung.fall", lambda *_: (1.0, 0.0))
        jobs.train(few, config, Context())
    return Run(config.output.out / "run")


def test_prediction_is_the_evaluation_by_both_engines(run: Run, few: Path) -> None:
    chosen = typed(run.path / LADDER_FILE, Ladder).rungs[-1]
    assert chosen.taken and chosen.trains == tuple(f"block5_conv{number}" for number in (1, 2, 3)) and chosen.epochs
    assert read_model(run).head.reads == chosen.reads
    with (run.path / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for predictor, far in ((Predictor(run, asked="ncnn"), 1e-5), (Predictor(run, asked="keras"), 1e-4)):
        for row, answer in zip(rows, predictor.answers([few / row["file"] for row in rows]), strict=True):
            assert not isinstance(answer, Exception)
            for name, share in zip(predictor.classes, answer.probabilities, strict=True):
                assert float(row[name]) == pytest.approx(float(share), abs=far)
    assert predictor.reference and predictor.reference.features.shape[1] == read_model(run).head.width(
        predictor.backbone
    )


def test_its_heat_is_of_its_own_answers_and_its_exports_answer_alike(run: Run) -> None:
    predictor, keras = Predictor(run), Predictor(run, asked="keras")
    pictures = np.random.default_rng(0).integers(0, 256, (2, *[predictor.backbone.size] * 2, 3), np.uint8)
    _, logits = Evidence(predictor).maps(pictures, np.array([0, 1]))
    made = list(export(run, "litert,keras", None, False, Context()))  # each is compared with the run's own answers
    assert [one.format for one in made] == ["litert", "keras"]
    as_is = keras.network(preprocess(pictures, keras.backbone), training=False).numpy()
    assert logits == pytest.approx(as_is, rel=1e-3, abs=1e-3)
