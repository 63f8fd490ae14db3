"""The learning-rate range test: the losses are Keras's, the weights come back, and what it finds is what trains."""

import dataclasses
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, RunError, Stopped
from engine.base.events import Event, Progress
from engine.base.runtime import make_repeatable, tensorflow
from engine.data.pixel_store import PixelStore
from engine.network.classifier import Classifier, build
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, FitConfig
from engine.training import lr_range_test
from engine.training.batches import FeatureSource, PixelSource, choose
from engine.training.resolved import resolve
from engine.training.step import values_of
from tests.conftest import SAMPLE, Cli
from tests.engine.training.test_loop import CLASSES, HELD_OUT, IMAGES, images, recipe, widen
from tests.makers.small import shrink
from tests.makers.trainings import history, weights_sha
from tui.words.plot import range_test

PIXELS = np.random.default_rng(0).integers(0, 256, (IMAGES + HELD_OUT, 7, 7, 1), np.uint8).repeat(32, 1).repeat(32, 2)
STORE = PixelStore(PIXELS, tuple(f"{n}.png" for n in range(len(PIXELS))), 1)
FLAGS = ("--augment", "none", "--batch", "8")
RATES = lr_range_test.Range().rates()


def bowl(at: float, depth: float = 2.0) -> list[float]:
    """Losses over RATES with one lowest place, near the rate `at`."""
    return [float(1 + depth * (np.log10(rate) - np.log10(at)) ** 2 / 64) for rate in RATES]


@given(st.floats(1e-4, 1e-1), st.floats(0.1, 10), st.integers(1, 5))
def test_the_suggestion_lies_below_the_rate_of_the_lowest_loss(at: float, depth: float, orders: int) -> None:
    found = lr_range_test.read(RATES, [bowl(at, depth)] * orders)
    assert found.rate == pytest.approx(at / lr_range_test.BELOW, rel=0.25)  # the rates stand 1.2 apart
    assert float(f"{found.rate:.2g}") == found.rate
    assert {sweep.rate for sweep in found.sweeps} == {found.rate}


@given(st.floats(1e-3, 1e3), st.floats(0.1, 10), st.floats(0, 5))
def test_other_units_of_rate_and_loss_change_nothing(factor: float, scale: float, offset: float) -> None:
    usual = lr_range_test.read(RATES, [bowl(1e-2)])
    lowest = usual.rates[int(np.argmin(usual.loss))]
    other = lr_range_test.read([rate * factor for rate in RATES], [[scale * loss + offset for loss in bowl(1e-2)]]).rate
    assert other == float(f"{lowest * factor / lr_range_test.BELOW:.2g}")


def test_losses_that_never_fall_give_no_rate() -> None:
    with pytest.raises(RunError, match="No learning rate"):
        lr_range_test.read(RATES, [[1.0 + rate for rate in RATES]])
    with pytest.raises(RunError, match="No learning rate"):
        lr_range_test.read(RATES, [[]])


@pytest.mark.parametrize(
    "values", [{"low": 0.0}, {"low": 1.0, "high": 0.1}, {"high": float("inf")}, {"steps": 3}, {"orders": -1}]
)
def test_nonsense_is_refused_with_its_flag_named(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--"):
        lr_range_test.Range(**values)


class Watched(FeatureSource):
    """Kept activations that remember what was asked of them."""

    def batches(self, order: np.ndarray, view: int, batch: int) -> Any:
        for inputs, labels in super().batches(order, view, batch):
            SEEN.append((inputs, labels))
            yield inputs, labels


SEEN: list[tuple[np.ndarray, np.ndarray]] = []
CONFIG = recipe(augment=AugmentConfig(augment="none"), fit=FitConfig(batch=4, lr="auto"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Classifier, Watched]:
    """The real network, and its training images with their activations kept."""
    make_repeatable(0)
    classifier = build(plan(CONFIG.network), CLASSES, "float32", seed=0, blank=True)
    widen(classifier)
    parts = [
        PixelSource(images(rows), classifier, STORE, CONFIG)
        for rows in (range(IMAGES), range(IMAGES, IMAGES + HELD_OUT))
    ]
    kept = choose(parts[0], parts[1], "float32", tmp_path_factory.mktemp("cache"), Context())[0]
    assert isinstance(kept, FeatureSource)
    return classifier, Watched(**vars(kept))


def test_each_step_is_the_step_that_keras_takes_at_that_rate(prepared: tuple[Classifier, Watched]) -> None:
    classifier, train = prepared
    first = values_of(classifier.trainable_variables)
    SEEN.clear()
    wanted = lr_range_test.Range(1e-5, 1e-2, 10, orders=2)
    found = lr_range_test.range_test(classifier, train, resolve(CONFIG), Context(), wanted)
    for before, after in zip(first, values_of(classifier.trainable_variables), strict=True):
        assert np.array_equal(before, after)
    keras = tensorflow().keras
    assert len(SEEN) == 20 and not np.array_equal(SEEN[0][0], SEEN[10][0])
    for order, sweep in enumerate(found.sweeps):
        head = keras.models.clone_model(classifier.suffix)
        head.set_weights(first)
        head.compile(keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        losses = []
        for rate, (inputs, labels) in zip(wanted.rates(), SEEN[10 * order :], strict=False):
            head.optimizer.learning_rate = rate
            losses.append(float(head.train_on_batch(inputs.astype(np.float32), labels)))
            head.reset_metrics()
        assert sweep.losses == pytest.approx(losses, rel=1e-4)


def test_a_stop_puts_the_weights_back(prepared: tuple[Classifier, Watched]) -> None:
    classifier, train = prepared
    first, stop = values_of(classifier.trainable_variables), Stop()

    def emit(event: Event) -> None:
        if isinstance(event, Progress) and event.task.startswith("learning-rate"):
            stop.request("now")

    with pytest.raises(Stopped):
        lr_range_test.range_test(classifier, train, resolve(CONFIG), Context(emit, stop))
    for before, after in zip(first, values_of(classifier.trainable_variables), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.slow
def test_a_training_that_found_a_rate_is_one_that_was_given_it(cli: Cli, few: Path, tmp_path: Path) -> None:
    recipe_flags = (few, *FLAGS, "--epochs", "3", "--patience", "0", "--out", tmp_path)
    found = cli("train", *recipe_flags, "--lr", "auto", "--name", "auto")
    assert found.returncode == 0, found.stderr
    rate = json.loads((tmp_path / "auto" / "config.json").read_text())["fit"]["lr"]
    assert f"Learning rate {rate:g}" in found.stderr and rate != 1e-4
    given = cli("train", *recipe_flags, "--lr", rate, "--name", "given")
    assert given.returncode == 0, given.stderr
    assert weights_sha(tmp_path / "auto") == weights_sha(tmp_path / "given")
    assert history(tmp_path / "auto") == history(tmp_path / "given")
    more = cli("train", "--resume", tmp_path / "auto", "--epochs", "4")
    assert more.returncode == 0 and "Learning rate" not in more.stderr, more.stderr
    assert float(history(tmp_path / "auto")[3]["learning_rate"]) < rate


def test_the_verb_finds_what_a_training_finds(
    cli: Cli, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink(monkeypatch)
    done = cli("lr-find", few, *FLAGS, "--plot", tmp_path / "rates.svg", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["sweeps"]) == lr_range_test.ORDERS and found["points"][0][0] == 1e-7
    usual = lr_range_test.read(RATES, [sweep["losses"] for sweep in found["sweeps"]])
    assert found["rate"] == usual.rate and 1e-7 < usual.rate < 1
    picture = ElementTree.parse(tmp_path / "rates.svg").getroot()
    assert f"suggested: {found['rate']:g}" in "".join(picture.itertext())
    told = cli("--lr-find", few, *FLAGS)
    assert f"Learning rate: {found['rate']:g}" in told.stdout, told.stderr


def test_a_plot_is_an_svg(cli: Cli) -> None:
    refused = cli("lr-find", SAMPLE, *FLAGS, "--plot", "rates.gif")
    assert refused.returncode == 2 and ".svg" in refused.stderr


def test_the_plot_in_the_terminal_is_characters_alone_however_few_the_rates() -> None:
    for few in (RATES, [rate for rate in RATES if 2e-4 < rate < 8e-4]):  # the latter without a power of ten
        found = lr_range_test.read(few, [list(np.linspace(1, 0.5, len(few)))])
        plot = range_test(found, 78)
        assert "\x1b" not in plot and "learning rate" in plot


def test_the_recipe_with_a_rate_to_be_found_has_no_number(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="auto"):
        _ = CONFIG.fit.peak
    assert dataclasses.replace(CONFIG.fit, lr=0.5).peak == 0.5
