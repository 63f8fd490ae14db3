"""The rung that trains layers: it begins as the probe, follows from the seed, repeats nothing, becomes a network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.auto.features import gathered
from engine.auto.outlook import Outlook
from engine.auto.reading import mirrored, widest
from engine.auto.rungs import Judge, Judged, Seeing
from engine.auto.tuner import Start
from engine.auto.tuning import FOLDER, Tuning
from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.runtime import make_repeatable
from engine.network.backbones import BACKBONES
from engine.network.classifier import with_first_weights
from engine.network.freezing import FreezePlan
from engine.recipe.config import DataConfig, MachineConfig, TrainConfig
from engine.training.batches import PixelSource
from engine.training.data import pixel_sources, scanned
from engine.training.forward import score
from tests.makers.extent import ALL

pytestmark = pytest.mark.usefixtures("small_pictures")
MACHINE = MachineConfig(seed=1, precision="float32", frozen_engine="keras")


@pytest.fixture(scope="module")
def pixels(few: Path, cache: Path) -> tuple[PixelSource, PixelSource]:
    """Twenty small pictures, and a network whose weights are drawn."""
    config = mirrored(TrainConfig(data=DataConfig(val_share=0.2, test_share=0.2), machine=MACHINE))
    data = scanned(few, config, Context())
    make_repeatable(1)
    backbone = BACKBONES["vgg16"]
    plan = FreezePlan(backbone, frozenset(), widest(backbone))
    return pixel_sources(data, with_first_weights(plan, "none", 2, "float32", 1, Context()), config, Context())


@pytest.fixture(scope="module")
def judge(pixels: tuple[PixelSource, PixelSource], few: Path) -> Judge:
    data = scanned(few, pixels[0].config, Context())
    records = [*data.records("train"), *data.records("validation")]
    features = gathered(records, pixels, "float32", Context())
    return Judge(features, [record.sha for record in features.records], 2, seed=1)


@pytest.fixture(scope="module")
def best(judge: Judge) -> Judged:
    return judge.judged(Seeing(2, places=True, mirror=True))


@pytest.fixture
def tuning(judge: Judge, best: Judged, pixels: tuple[PixelSource, PixelSource], tmp_path: Path) -> Callable[[], Tuning]:
    """The rung of one run, as it is begun each time anew."""
    return lambda: Tuning(judge, best, pixels, tmp_path, Outlook(Context()))


@pytest.fixture(scope="module")
def compiled(
    judge: Judge, best: Judged, pixels: tuple[PixelSource, PixelSource], tmp_path_factory: pytest.TempPathFactory
) -> Tuning:
    """One whose network is compiled, which takes longer than what most tests do with it."""
    one = Tuning(judge, best, pixels, tmp_path_factory.mktemp("compiled"), Outlook(Context()))
    one.kept.prepare()
    assert one.tuner
    return one


@pytest.fixture
def quick(tuning: Callable[[], Tuning], compiled: Tuning) -> Callable[[], Tuning]:
    """As `tuning`, with the network of `compiled`, which begins each training from the same weights."""

    def begun() -> Tuning:
        one = tuning()
        vars(one).update(kept=compiled.kept, tuner=compiled.tuner)
        return one

    return begun


def start_of(judge: Judge, tuning: Tuning, learnt: np.ndarray) -> Start:
    (linear,) = judge.fitted(tuning.seeing, learnt, (0.1,))
    head, rows = tuning.plan.head, judge.both(tuning.seeing, learnt)
    layers = [head.width_of(judge.backbone, name) for name in head.reads]
    return Start.of(judge.network(tuning.seeing, linear), 0.1, rows, layers)


def test_it_begins_as_the_probe_and_learns(judge: Judge, quick: Callable[[], Tuning]) -> None:
    one, every = quick(), np.arange(len(judge.features.labels))
    start = start_of(judge, one, every)
    one.tuner.begin(start, every)
    rows = judge.given(one.seeing, every)
    first = one.tuner.logits(every)
    assert first == pytest.approx(rows @ start.kernel + start.bias, abs=0.02)  # feature maps are kept in two bytes
    assert one.tuner.given(every) == pytest.approx(rows, rel=1e-2, abs=1e-2)
    weak, labels, losses = (
        replace(start, kernel=start.kernel * np.float32(0.01), bias=start.bias * np.float32(0)),
        judge.features.labels,
        [],
    )
    for _ in zip(range(3), one.tuner.epochs(weak, every, [1]), strict=False):
        losses.append(score(one.tuner.logits(every), labels)[0])
    assert losses == sorted(losses, reverse=True) and losses[0] < np.log(2)


def test_the_same_seed_is_the_same_to_the_bit_and_another_is_not(
    judge: Judge, quick: Callable[[], Tuning], tuning: Callable[[], Tuning]
) -> None:
    one, every = quick(), np.arange(len(judge.features.labels))
    start = start_of(judge, one, every)

    def trained(tuner_of: Tuning, seed: int) -> list[bytes]:
        next(tuner_of.tuner.epochs(start, every, [seed]))
        return [array.tobytes() for arrays in tuner_of.tuner.weights().values() for array in arrays]

    assert trained(one, 1) == trained(one, 1) == trained(tuning(), 1)
    assert trained(one, 1) != trained(one, 2)


def test_what_a_fold_gave_is_kept_and_not_computed_again(
    quick: Callable[[], Tuning], tuning: Callable[[], Tuning], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = 2 if ALL else 1
    monkeypatch.setattr("engine.auto.tuning.EPOCHS", epochs)
    first = quick().judged()
    assert sorted(first.answered) == list(range(len(first.labels)))
    assert first.losses.shape == (len(first.logits), len(first.labels)) and 1 <= len(first.logits) <= epochs
    files = sorted((tmp_path / FOLDER).iterdir())
    assert [file.name for file in files] == [f"fold-{number}.json" for number in range(1, 6)]
    kept = [file.read_bytes() for file in files]
    files[1].unlink()
    files[3].write_bytes(kept[3][:-40])
    files[4].write_bytes(kept[2])  # another fold's
    again = quick().judged()
    assert np.array_equal(again.logits, first.logits) and [file.read_bytes() for file in files] == kept
    monkeypatch.setattr(Tuning, "tuner", None)
    assert np.array_equal(tuning().judged().logits, first.logits)


def test_a_stop_ends_it_between_two_steps(judge: Judge, tuning: Callable[[], Tuning]) -> None:
    one, every, stop = tuning(), np.arange(len(judge.features.labels)), Stop()
    one.kept.prepare()
    steps = one.tuner.epochs(start_of(judge, one, every), every, [1])
    next(steps)
    object.__setattr__(one.kept, "context", Context(stop=stop))
    stop.request("now")
    with pytest.raises(Stopped):
        next(steps)


def test_it_becomes_a_network_whose_last_stage_alone_is_another(judge: Judge, quick: Callable[[], Tuning]) -> None:
    one, every = quick(), np.arange(len(judge.features.labels))
    classifier, given = one.fitted(2)
    wide = judge.features.classifier
    changed = {
        layer.name
        for layer in judge.backbone.layers
        if layer.learnable
        and not np.array_equal(*(each.model.get_layer(layer.name).get_weights()[0] for each in (wide, classifier)))
    }
    assert changed == one.plan.trainable == {f"block5_conv{number}" for number in (1, 2, 3)}
    kernel, bias = classifier.model.get_layer("logits").get_weights()
    assert given @ kernel + bias == pytest.approx(one.tuner.logits(every), abs=1e-4)


def test_its_time_is_told_before_it_begins(tuning: Callable[[], Tuning]) -> None:
    one = tuning()
    least = one.least_seconds()
    assert least > 0
    assert "kept" not in vars(one), "what the multiply-adds say costs nothing"
    assert one.seconds() > 0
