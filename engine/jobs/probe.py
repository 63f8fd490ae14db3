"""What is learnt by trying a recipe on a folder without a run: a learning rate, a guide to the layers, what more images
would bring.
"""

import dataclasses
from pathlib import Path

from engine.auto.curve import LearningCurve
from engine.auto.features import gathered
from engine.auto.ladder import best_of
from engine.auto.reading import planned
from engine.auto.rungs import Judge
from engine.auto.subsets import learning_curve
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.language import tr
from engine.base.runtime import cache_dir, make_repeatable
from engine.data.groups import group_of
from engine.data.patients import patients
from engine.network import engine_choice, pretrained
from engine.network.classifier import Classifier, with_first_weights
from engine.network.freezing import FreezePlan, plan
from engine.recipe.config import ChoiceConfig, TrainConfig
from engine.training import distributed, lr_range_test
from engine.training.arithmetic import fastest
from engine.training.batches import PixelSource, Source, choose
from engine.training.cluster import one_process
from engine.training.data import Data, pixel_sources, scanned
from engine.training.distributed import ONE, Devices
from engine.training.layer_hints import MOST, Guide, probed, pulls
from engine.training.resolved import resolve


def find_rate(
    folder: Path, config: TrainConfig, context: Context, wanted: lr_range_test.Range | None = None
) -> lr_range_test.RangeTest:
    """The learning rate that a training of this recipe on this folder would find with --lr auto. Makes no run.

    Raises a CovidTuiError as `train` does, Stopped among them.
    """
    recipe = resolve(config)
    asked = one_process(config.machine.devices, tr("A range test"))
    distributed.require(asked)
    joined = distributed.opened(asked, context)
    classifier, _, sources, _ = _without_a_run(folder, config, recipe.phases[0].plan, context, joined)
    return lr_range_test.range_test(classifier, sources[0], recipe, context, wanted, joined)


def guide(folder: Path, config: TrainConfig, context: Context) -> Guide:
    """Which blocks of the recipe's backbone the folder's training images pull at hardest. Writes no run.

    Raises as `train` does, and Stopped.
    """
    network = dataclasses.replace(config.network, mode="transfer", unfreeze="")
    config = dataclasses.replace(config, network=network, augment=dataclasses.replace(config.augment, augment="none"))
    classifier, pixels, sources, precision = _without_a_run(folder, config, plan(network), context)
    accuracy = probed(classifier, sources, config, context)
    return Guide(pulls(classifier, pixels, precision, context), accuracy, min(MOST, len(pixels.images)))


def more_images(folder: Path, config: TrainConfig, context: Context) -> LearningCurve:
    """The learning curve of what the recipe "auto" would choose on the folder's training and validation images.

    The test part stays shut. Raises as `train` does, DataError where there are too few images to say anything, Stopped.
    """
    _, judge = judge_of_data(folder, config, context)
    best, _, stopped = best_of(judge, context)
    if stopped:
        raise Stopped(tr("Stopped before the learning curve was measured."))
    return learning_curve(judge, best, config.machine.seed, context)


def judge_of_data(folder: Path, config: TrainConfig, context: Context) -> tuple[Data, Judge]:
    """The folder's images, and what the recipe "auto" chooses by on those of training and validation. Raises as `train`
    does.
    """
    plan, config = planned(dataclasses.replace(config, choice=ChoiceConfig("auto")))
    data, _, pixels, precision = _opened(folder, config, plan, context)
    records = [*data.records("train"), *data.records("validation")]
    features = gathered(records, pixels, precision, context)
    group = group_of(data.scan, patients(data.scan, config.data.group_by).of)
    groups = [group(record) for record in features.records]
    return data, Judge(features, groups, len(data.classes), config.machine.seed, config.fit.class_weight)


def _without_a_run(
    folder: Path, config: TrainConfig, freeze: FreezePlan, context: Context, joined: Devices = ONE
) -> tuple[Classifier, PixelSource, tuple[Source, Source], str]:
    """What a training of the recipe would begin with, where none is to be kept.

    The network with `freeze`'s layers trainable, the training pixels, what trains and validates it, and the precision.
    """
    _, classifier, (training, validation), precision = _opened(folder, config, freeze, context, joined)
    sources = choose(training, validation, precision, cache_dir(), context)
    return classifier, training, sources, precision


def _opened(
    folder: Path, config: TrainConfig, freeze: FreezePlan, context: Context, joined: Devices = ONE
) -> tuple[Data, Classifier, tuple[PixelSource, PixelSource], str]:
    """The folder's images, the network, the pixels that train and validate it, and the precision."""
    engine_choice.require(config.machine.frozen_engine, freeze.backbone)
    pretrained.require(config.network.weights, freeze.backbone, context)
    data = scanned(folder, config, context)
    make_repeatable(config.machine.seed)
    chosen = fastest(config.machine, [freeze], context.emit)
    with joined.scope():
        classes, seed = len(data.classes), config.machine.seed
        classifier = with_first_weights(freeze, config.network.weights, classes, chosen.precision, seed, context)
    classifier = dataclasses.replace(classifier, engine=chosen.engine)
    return data, classifier, pixel_sources(data, classifier, config, context), chosen.precision
