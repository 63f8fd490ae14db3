"""The training loop: right numbers, the best epoch kept, stops between batches, and a cache that changes only speed."""

import dataclasses
import errno
import functools
import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.events import Batch, Epoch, Event, Notice
from engine.base.runtime import make_repeatable, tensorflow
from engine.data.pixel_store import PixelStore
from engine.network.classifier import Classifier, build, preprocess
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, FitConfig, MachineConfig, NetworkConfig, TrainConfig
from engine.runs.summary import RunSummary
from engine.training import batches as sources
from engine.training import checkpoint, loop
from engine.training.augment import PLAIN
from engine.training.batches import FeatureSource, Images, PixelSource, choose
from engine.training.checkpoint import Keeper, Position
from engine.training.forward import score
from engine.training.phases import phases
from engine.training.schedule import learning_rate
from engine.training.step import Steps, class_weights
from tests.makers.extent import ALL
from tests.makers.small import SIDE

pytestmark = pytest.mark.usefixtures("small_pictures")

IMAGES, HELD_OUT, CLASSES = 10, 6, 2
PIXELS = np.random.default_rng(0).integers(0, 256, (IMAGES + HELD_OUT, 8, 8, 1), np.uint8)
PIXELS = PIXELS.repeat(SIDE // 8, 1).repeat(SIDE // 8, 2)
STORE = PixelStore(PIXELS, tuple(f"{n}.png" for n in range(len(PIXELS))), 1)


def images(rows: range) -> Images:
    return Images(np.array(rows), tuple(f"{n:064x}" for n in rows), np.array([n % CLASSES for n in rows], np.int32))


def recipe(**parts: Any) -> TrainConfig:
    return dataclasses.replace(
        TrainConfig(machine=MachineConfig(precision="float32", feature_dtype="float32")), **parts
    )


@functools.cache
def kernel(shape: tuple[int, ...]) -> np.ndarray:
    """Random weights as wide as ImageNet's."""
    random = np.random.default_rng(shape[2])
    return random.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape).astype(np.float32)


def widen(classifier: Classifier) -> None:
    """Weights of a backbone that was built blank, with which the signal lives through the layers, so that gradients are
    of a usual size.
    """
    for layer in classifier.model.layers:
        if "conv" in layer.name:
            layer.kernel.assign(kernel(tuple(layer.kernel.shape)))


def fitted(
    config: TrainConfig,
    cache: Path,
    on_event: Callable[[Event, Stop], None] = lambda *_: None,
    keeper: Keeper | None = None,
) -> tuple[Classifier, loop.Fitted, list[Event]]:
    """A training of the real network on a few random images, straight through the engine's own parts."""
    make_repeatable(0)
    classifier = build(plan(config.network), CLASSES, "float32", seed=0, blank=True)
    widen(classifier)
    told: list[Event] = []
    stop = Stop()

    def emit(event: Event) -> None:
        told.append(event)
        on_event(event, stop)

    train = PixelSource(images(range(IMAGES)), classifier, STORE, config)
    validation = PixelSource(images(range(IMAGES, IMAGES + HELD_OUT)), classifier, STORE, config)
    sources = choose(train, validation, "float32", cache, Context(emit, stop))
    stage = loop.Stage(phases(config)[-1], keeper=keeper)
    return classifier, loop.fit(classifier, *sources, config, Context(emit, stop), stage), told


@pytest.mark.parametrize(
    "unfreeze",
    [pytest.param("", marks=pytest.mark.slow), "block5", pytest.param("block4,block5", marks=pytest.mark.slow)],
)
def test_a_cache_changes_speed_and_never_results(unfreeze: str, tmp_path: Path) -> None:
    network = NetworkConfig(mode="partial", unfreeze=unfreeze) if unfreeze else NetworkConfig()
    weights, histories = [], []
    cached: Literal["on", "off"]
    for cached in ("on", "off"):
        config = recipe(
            network=network,
            augment=AugmentConfig(views="2"),
            fit=FitConfig(epochs=3 if ALL else 2, batch=4, lr=1e-3, patience=0),
            machine=MachineConfig(precision="float32", feature_dtype="float32", feature_cache=cached),
        )
        classifier, _, told = fitted(config, tmp_path)
        weights.append([v.numpy() for v in classifier.trainable_variables])
        histories.append([dataclasses.replace(e, seconds=0) for e in told if isinstance(e, Epoch)])
    for kept, whole in zip(*weights, strict=True):
        assert np.linalg.norm(kept - whole) <= 1e-5 * np.linalg.norm(whole)
    for kept_epoch, whole_epoch in zip(*histories, strict=True):
        assert dataclasses.astuple(kept_epoch) == pytest.approx(dataclasses.astuple(whole_epoch), rel=1e-4)


@pytest.mark.parametrize("unfreeze", [pytest.param("", marks=pytest.mark.slow), "block5_conv3"])
def test_a_training_leaves_nothing_of_its_network_behind(unfreeze: str, tmp_path: Path) -> None:
    network = NetworkConfig(mode="partial", unfreeze=unfreeze) if unfreeze else NetworkConfig()
    config = recipe(network=network, augment=AugmentConfig(augment="none"), fit=FitConfig(epochs=1, batch=5))
    model = weakref.ref(fitted(config, tmp_path)[0].model)
    gc.collect()
    graphs = tensorflow().__internal__.FuncGraph
    assert model() is None
    assert not [graph for graph in gc.get_objects() if isinstance(graph, graphs) and "step" in graph.name]


@pytest.fixture(scope="module")
def untaught(
    small_pictures: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Classifier, loop.Fitted, list[Event]]:
    """A training that learns nothing."""
    config = recipe(augment=AugmentConfig(augment="none"), fit=FitConfig(epochs=1, batch=4, lr=1e-30))
    return fitted(config, tmp_path_factory.mktemp("untaught"))


def test_training_metrics_are_what_keras_evaluates_when_nothing_is_learnt(
    untaught: tuple[Classifier, loop.Fitted, list[Event]],
) -> None:
    classifier, result, told = untaught
    epoch = next(e for e in told if isinstance(e, Epoch))
    keras = tensorflow().keras
    classifier.model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    for part, ours in (
        (range(IMAGES), (epoch.loss, epoch.accuracy)),
        (range(IMAGES, IMAGES + HELD_OUT), (epoch.val_loss, epoch.val_accuracy)),
    ):
        inputs = preprocess(PIXELS[list(part)], classifier.plan.backbone)
        assert ours == pytest.approx(classifier.model.evaluate(inputs, images(part).labels, verbose=0), rel=1e-4)
    assert score(result.logits, images(range(IMAGES, IMAGES + HELD_OUT)).labels)[0] == epoch.val_loss


def test_a_step_is_the_step_that_keras_takes(
    untaught: tuple[Classifier, loop.Fitted, list[Event]], tmp_path: Path
) -> None:
    config = recipe(
        augment=AugmentConfig(augment="none"), fit=FitConfig(epochs=1, batch=IMAGES, lr=1e-3, class_weight="balanced")
    )
    ours, _, _ = fitted(config, tmp_path)
    theirs = untaught[0]
    before = theirs.model.get_weights()
    keras = tensorflow().keras
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    theirs.model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    inputs, labels = preprocess(PIXELS[:IMAGES], theirs.plan.backbone), images(range(IMAGES)).labels
    theirs.model.fit(inputs, labels, batch_size=IMAGES, epochs=1, verbose=0, class_weight={0: 1.0, 1: 1.0})
    for a, b in zip(ours.trainable_variables, theirs.trainable_variables, strict=True):
        assert np.abs(a.numpy() - b.numpy()).max() < 1e-5
    theirs.model.set_weights(before)


def test_balanced_class_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0] * 7 + [1] * 2 + [2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert class_weights(labels, 3, "balanced") == pytest.approx(expected)
    assert class_weights(labels, 3, "none") == pytest.approx([1, 1, 1])


def test_the_best_epoch_is_kept_and_patience_counts_from_it(tmp_path: Path) -> None:
    config = recipe(fit=FitConfig(epochs=40, batch=4, lr=3e-2, patience=2), augment=AugmentConfig(views="2"))
    classifier, result, told = fitted(config, tmp_path)
    epochs = [e for e in told if isinstance(e, Epoch)]
    best = max(epochs, key=lambda e: (e.val_accuracy, -e.val_loss))
    assert result.best == best and result.ended == "patience"
    assert len(epochs) == result.epochs == best.epoch + 2
    why = [e.text for e in told if isinstance(e, Notice) and "--patience" in e.text]
    assert why == [
        f"Training ends after epoch {result.epochs} of 40: 2 epochs without a better validation result than epoch "
        f"{best.epoch} (--patience 2; 0 trains all epochs)."
    ]
    held_out = range(IMAGES, IMAGES + HELD_OUT)
    logits = classifier.model(preprocess(PIXELS[list(held_out)], classifier.plan.backbone)).numpy()
    assert score(logits, images(held_out).labels) == pytest.approx((best.val_loss, best.val_accuracy), rel=1e-4)


def test_of_epochs_with_equal_accuracies_the_one_with_the_lower_loss_is_kept(tmp_path: Path) -> None:
    """By the weights that are left, and by the fold of the events that every front end shows."""
    fit = FitConfig(epochs=6, batch=5, lr=2e-4, patience=0)
    for seed in range(8):  # rounding differs by processor, so one seed may not give what is looked for
        machine = MachineConfig(seed=seed, precision="float32", feature_dtype="float32")
        chosen = recipe(fit=fit, augment=AugmentConfig(augment="none"), machine=machine)
        (tmp_path / str(seed)).mkdir()
        classifier, result, told = fitted(chosen, tmp_path / str(seed))
        epochs = [event for event in told if isinstance(event, Epoch)]
        first = max(epochs, key=lambda one: one.val_accuracy)
        same = [one for one in epochs if one.val_accuracy == first.val_accuracy]
        if min(one.val_loss for one in same) < first.val_loss:
            break
    else:
        pytest.fail("in each of these trainings the first of equals would be kept too")
    summary = RunSummary()
    for event in told:
        summary.fold(event)
    assert result.best == summary.best != first
    held_out = range(IMAGES, IMAGES + HELD_OUT)
    logits = classifier.model(preprocess(PIXELS[list(held_out)], classifier.plan.backbone)).numpy()
    assert score(logits, images(held_out).labels)[0] == pytest.approx(min(one.val_loss for one in same), rel=1e-4)


def test_each_epoch_sees_each_image_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    orders: list[list[int]] = []

    class Watched(FeatureSource):
        def batches(self, order: np.ndarray, view: int, batch: int) -> Any:
            orders.append(order.tolist())
            return super().batches(order, view, batch)

    config = recipe(fit=FitConfig(epochs=3, batch=3, patience=0), augment=AugmentConfig(augment="none"))
    classifier = build(plan(config.network), CLASSES, "float32", seed=0, blank=True)
    sources = []
    for part in (range(IMAGES), range(IMAGES, IMAGES + HELD_OUT)):
        pixels = PixelSource(images(part), classifier, STORE, config)
        kept = choose(pixels, pixels, "float32", tmp_path, Context())[0]
        assert isinstance(kept, FeatureSource)
        sources.append(Watched(**vars(kept)))
    loop.fit(classifier, sources[0], sources[1], config, Context())
    training = [order for order in orders if len(order) == IMAGES]
    assert all(sorted(order) == list(range(IMAGES)) for order in training)
    assert len({tuple(order) for order in training}) == 3


def test_a_stop_comes_between_two_batches_and_keeps_the_best(tmp_path: Path) -> None:
    def stop_in_epoch_2(event: Event, stop: Stop) -> None:
        if isinstance(event, Epoch):
            stop.request("keep")

    config = recipe(fit=FitConfig(epochs=9, batch=1), augment=AugmentConfig(augment="none"))
    _, result, told = fitted(config, tmp_path, stop_in_epoch_2)
    assert (result.ended, result.epochs) == ("stopped", 1) and result.best is not None
    assert sum(isinstance(e, Batch) and e.epoch == 2 for e in told) <= 1


def test_no_resume_point_is_written_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Position] = []
    monkeypatch.setattr(checkpoint, "write", lambda folder, point: written.append(point.position))
    config = recipe(fit=FitConfig(epochs=2, batch=5), augment=AugmentConfig(augment="none"))
    fitted(config, tmp_path, keeper=Keeper(tmp_path, minutes=0))
    assert len(set(written)) == len(written) > 2 and written[-1] == Position(3)


def test_a_stop_while_a_later_view_is_computed_keeps_the_epochs_before_it(tmp_path: Path) -> None:
    def stop_after_epoch_1(event: Event, stop: Stop) -> None:
        if isinstance(event, Epoch):
            stop.request("now")

    config = recipe(fit=FitConfig(epochs=4, batch=5), augment=AugmentConfig(views="1"))
    _, result, told = fitted(config, tmp_path, stop_after_epoch_1)
    assert (result.ended, result.epochs) == ("stopped", 1) and result.best is not None
    assert not any(isinstance(e, Batch) and e.epoch == 2 for e in told)


def test_weights_beyond_all_bounds_are_told_of_and_never_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Steps.take
    lost_from = 2

    def take(self: Steps, batches: Any) -> np.ndarray:
        sums = real(self, batches)
        if float(self.optimizer.learning_rate) < learning_rate(1e-4, lost_from) + 1e-9:
            self.optimizer._trainable_variables[-1].assign([np.nan] * CLASSES)
        return sums

    monkeypatch.setattr(Steps, "take", take)
    config = recipe(fit=FitConfig(epochs=3, batch=5), augment=AugmentConfig(augment="none"))
    classifier, result, told = fitted(config, tmp_path)
    assert result.best and result.best.epoch == 1 and result.epochs == 3
    assert all(np.isfinite(variable.numpy()).all() for variable in classifier.trainable_variables)
    warnings = [e.text for e in told if isinstance(e, Notice) and e.level == "warning"]
    assert len(warnings) == 2 and all("no longer a number" in text and "of epoch 1" in text for text in warnings)
    lost_from = 1
    with pytest.raises(RunError, match=r"after epoch 1.*lower --lr than 0\.0001"):
        fitted(config, tmp_path)


def test_what_a_training_finds_in_the_cache_makes_no_room_for_what_it_finds(tmp_path: Path) -> None:
    row = 4 * 512
    machine = MachineConfig(precision="float32", feature_dtype="float32", cache_limit=24 * row / 1e9)
    config = recipe(fit=FitConfig(epochs=1, batch=4), augment=AugmentConfig(augment="none"), machine=machine)
    classifier = build(plan(config.network), CLASSES, "float32", seed=0, blank=True)
    train = PixelSource(images(range(IMAGES)), classifier, STORE, config)
    validation = PixelSource(images(range(IMAGES, IMAGES + HELD_OUT)), classifier, STORE, config)
    left = []
    for _ in range(2):
        told: list[Event] = []
        kept = choose(train, validation, "float32", tmp_path, Context(told.append))
        left.append([source.missing(1) for source in kept if isinstance(source, FeatureSource)])
        for source in kept:
            source.prepare(PLAIN)
        del kept, source
        gc.collect()
    assert left == [[IMAGES, HELD_OUT], [0, 0]] and not any("removed" in getattr(e, "text", "") for e in told)


def test_pixels_that_are_made_in_another_way_find_nothing_of_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = recipe(augment=AugmentConfig(augment="none"))
    classifier = build(plan(config.network), CLASSES, "float32", seed=0, blank=True)
    pixels = PixelSource(images(range(4)), classifier, STORE, config)
    choose(pixels, pixels, "float32", tmp_path, Context())[0].prepare(PLAIN)
    monkeypatch.setattr(sources, "VERSION", "of a later release")
    later = choose(pixels, pixels, "float32", tmp_path, Context())[0]
    assert isinstance(later, FeatureSource) and later.missing(1) == 4


def test_a_full_disk_costs_the_cache_and_not_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    config = recipe(fit=FitConfig(epochs=2, batch=5), augment=AugmentConfig(augment="none"),
                    network=NetworkConfig(mode="partial"))  # fmt: skip
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = (1 << 20) * SIDE**2 // 224**2  # 1 MiB of activations of large pictures: a file may grow so far
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        _, result, told = fitted(config, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.epochs == 2
    assert any(getattr(e, "level", "") == "warning" and "without it" in e.text for e in told)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_point_after_the_cache_was_lost_says_that_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the cache again it would go on to other bits, which a resume warns of by this fact."""
    real, stored = FeatureSource.prepare, []

    def prepare(source: FeatureSource, view: int) -> None:
        if view == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, view)

    monkeypatch.setattr(FeatureSource, "prepare", prepare)
    monkeypatch.setattr(Keeper, "due", lambda *_, **__: True)
    monkeypatch.setattr(Keeper, "keep", lambda _, point: stored.append(point))
    config = recipe(fit=FitConfig(epochs=2, batch=5), augment=AugmentConfig(views="2"))
    fitted(config, tmp_path, keeper=Keeper(tmp_path / "run", 5))
    kept = [(point.position.epoch, point.facts["kept activations"]) for point in stored]
    assert kept[0] == (1, "float32") and (2, "float32") in kept and kept[-1] == (3, "none"), kept
