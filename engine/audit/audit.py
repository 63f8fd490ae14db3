"""Does a recipe learn from the lungs, or from shortcuts? The same learning on whole images and on parts of them.

Only what is shown differs: split, first weights, and epochs or head are the same for every variant.
"""

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.audit.epochs import Epochs
from engine.audit.heads import Heads
from engine.audit.learner import Learner
from engine.audit.material import gathered
from engine.audit.telling import compared
from engine.audit.variants import Variant, variants_of
from engine.audit.verdict import Audit, VariantResult, judge_variants, paired_gap
from engine.base.context import Context
from engine.base.errors import ConfigError
from engine.base.events import Audited
from engine.base.language import tr
from engine.base.wording import in_turn
from engine.evaluation.calibration import softmax
from engine.evaluation.intervals import exact_interval
from engine.evaluation.metrics import mean_auc
from engine.network import engine_choice, pretrained
from engine.recipe.config import TrainConfig, to_dict
from engine.recipe.plans import AuditConfig
from engine.training.resolved import Resolved, resolve


def audit(folder: Path, config: TrainConfig, context: Context, folds: int = AuditConfig.folds) -> Audit:
    """Learn and test each of `variants_of` the images in `folder` by the recipe, and say what the results mean.

    With `folds` above 1 it is cross-validated, so that every image is tested once; else the recipe's one split serves,
    as it does where the recipe names a split.csv or the folders publish a split. The recipe must not augment: views
    would multiply the work without changing what a variant hides. Raises a CovidTuiError whose sentence says what is
    wrong, Stopped when the stop is set.
    """
    recipe = _required(config)
    pretrained.require(config.network.weights, recipe.backbone, context)
    began = time.perf_counter()
    material = gathered(folder, config, recipe.backbone.size, 1 if config.data.split else folds, context)
    learner = (Heads if config.way == "auto" else Epochs)(material, recipe, context)
    results, rights = [], {}
    shown = variants_of(material.region)
    for variant in shown:
        context.emit(Audited(variant.name, variant.titled(material.region), 0, len(material.folds)))
    for variant in shown:
        result, rights[variant.name] = _tested(variant, learner)
        results.append(result)
    gap = paired_gap(rights["whole"], rights["without-lungs"])
    counts = np.bincount(material.labels[material.tested], minlength=len(material.classes))
    baseline, baseline_class = float(counts.max() / counts.sum()), material.classes[int(counts.argmax())]
    finding, verdict = judge_variants(results, gap, baseline, baseline_class, material.region)
    return Audit(
        folder=folder,
        tested=dict(zip(material.classes, counts.tolist(), strict=True)),
        folds=len(material.folds),
        region=material.region,
        baseline=baseline,
        baseline_class=baseline_class,
        variants=tuple(results),
        gap=gap,
        finding=finding,
        verdict=in_turn(verdict, compared(to_dict(config))),
        seconds=round(time.perf_counter() - began, 1),
        recipe=to_dict(config),
        heads=learner.heads,
    )


def _required(config: TrainConfig) -> Resolved:
    """The recipe, where it is one that an audit can do. Raises ConfigError."""
    if config.augment.augment != "none":
        raise ConfigError(tr("An audit does not augment: give it a recipe with --augment none."))
    recipe = resolve(config)
    if len(recipe.phases) > 1 and config.way != "auto":
        raise ConfigError(tr("An audit trains in one phase: give it --mode transfer, finetune or partial."))
    if config.machine.devices not in ("auto", "1"):
        raise ConfigError(tr("An audit trains on one device: leave --devices out."))
    engine_choice.require(config.machine.frozen_engine, recipe.backbone)
    return recipe


def _tested(variant: Variant, learner: Learner) -> tuple[VariantResult, npt.NDArray[np.bool_]]:
    """The variant's result, and whether each image was said right when it was tested, (n,) fold after fold."""
    began, material = time.perf_counter(), learner.material
    rights, areas, epochs = [], [], []
    for fold, answers in zip(material.folds, learner.answers(variant), strict=True):
        labels = material.labels[fold["test"]]
        rights.append(answers.logits.argmax(axis=1) == labels)
        areas.append(mean_auc(labels, softmax(answers.logits)))
        epochs += [answers.epochs] if answers.epochs is not None else []
        _tell(variant, len(rights), np.concatenate(rights), learner)
    right = np.concatenate(rights)
    n, correct = len(right), int(right.sum())
    known = [area for area in areas if area is not None]
    result = VariantResult(
        name=variant.name,
        title=variant.titled(material.region),
        n=n,
        correct=correct,
        accuracy=correct / n,
        accuracy_ci=exact_interval(correct, n),
        auc=float(np.mean(known)) if known else None,
        epochs=tuple(epochs),
        seconds=round(time.perf_counter() - began, 1),
    )
    return result, right


def _tell(variant: Variant, done: int, right: npt.NDArray[np.bool_], learner: Learner) -> None:
    material, n, correct = learner.material, len(right), int(right.sum())
    title, total = variant.titled(material.region), len(material.folds)
    learner.context.emit(Audited(variant.name, title, done, total, correct, n, exact_interval(correct, n)))
