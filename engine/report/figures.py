"""The plots of a model card, drawn from a run's numbers; each is (caption, SVG)."""

from collections.abc import Sequence

from engine.audit.verdict import Audit
from engine.auto.curve import LearningCurve
from engine.base.events import Epoch
from engine.base.result import Drawn, Judged
from engine.evaluation.decision_curve import DecisionCurve
from engine.report.svg import Axis, Series, intervals, lines

Figure = tuple[str, str]
_SHARE = ("sensitivity", "specificity", "precision", "f1", "auc")


def epoch_plots(epochs: Sequence[Epoch]) -> list[Figure]:
    """Loss and accuracy by epoch, of training and validation."""
    x = Axis("epoch", 1, max(2, epochs[-1].epoch))
    top = max(max(epoch.loss, epoch.val_loss) for epoch in epochs)
    scales = {"loss": Axis("loss, nats", 0, top or 1), "accuracy": Axis("accuracy", 0, 1)}
    found = []
    for name, y in scales.items():
        pairs = [("training", name), ("validation", f"val_{name}")]
        series = [Series(part, [(e.epoch, getattr(e, field)) for e in epochs], marked=True) for part, field in pairs]
        found.append((f"{name.capitalize()} by epoch", lines(series, x, y)))
    return found


def learning_plot(curve: LearningCurve) -> str:
    """Accuracy by the number of images: what was measured, and the law with its band."""
    law = curve.law
    series = [
        Series("expected", [(one.images, one.accuracy) for one in law]),
        Series("80% band, low end", [(one.images, one.band[0]) for one in law]),
        Series("80% band, high end", [(one.images, one.band[1]) for one in law]),
        Series("measured", [(one.images, one.accuracy) for one in curve.measured], marked=True),
    ]
    least = min([one.band[0] for one in law] + [one.accuracy for one in curve.measured])
    first = min(law[0].images, curve.measured[0].images)
    x = Axis("images to learn from", first, law[-1].images, log=True)
    return lines(series, x, Axis("accuracy", max(0.0, least - 0.02), 1))


def curve_plots(test: Drawn) -> list[Figure]:
    """ROC and precision-recall curves by class and the reliability diagram, as far as test.json has them."""
    own, found = test.class_curves, []
    if own:
        roc = [Series(name, curve.roc) for name, curve in own.items()]
        rates = Axis("1 - specificity", 0, 1), Axis("sensitivity", 0, 1)
        found.append(("ROC curves, each class against the rest", lines(roc, *rates, diagonal=True)))
        recall = [
            Series(f"{name} (average precision {curve.average_precision:.3f})", curve.precision_recall)
            for name, curve in own.items()
        ]
        shares = Axis("recall", 0, 1), Axis("precision", 0, 1)
        found.append(("Precision-recall curves", lines(recall, *shares)))
    if test.reliability:
        points = [(row.confidence, row.accuracy) for row in test.reliability]
        axes = Axis("confidence, at the temperature", 0, 1), Axis("accuracy", 0, 1)
        diagram = lines([Series("test images in ten bins", points, marked=True)], *axes, diagonal=True)
        found.append(("Reliability diagram", diagram))
    return found


def decision_plot(curve: DecisionCurve) -> str:
    """Net benefit by the risk from which on one acts: by the model's probability, its threshold, on all, on nobody."""
    series = [
        Series("by the probability", [(one.threshold, one.model) for one in curve.points]),
        Series("by the threshold", [(one.threshold, one.decision) for one in curve.points]),
        Series("on everyone", [(one.threshold, one.everyone) for one in curve.points]),
        Series("on nobody", [(one.threshold, 0.0) for one in curve.points]),
    ]
    low = -curve.prevalence / 4  # below it lies nothing worth doing
    inside = [Series(one.name, [point for point in one.points if point[1] >= low]) for one in series]
    top = max(curve.prevalence, 0.01)
    return lines([one for one in inside if one.points], Axis("risk from which on one acts", 0, 1),
                 Axis("net benefit", low, top))  # fmt: skip


def refusal_plot(points: Sequence[tuple[float, float]]) -> str:
    """Accuracy of what is answered, by the share that is refused, the least sure first."""
    low = min(accuracy for _, accuracy in points)
    series = [Series("the least sure are refused", points)]
    return lines(series, Axis("refused share", 0, 1), Axis("accuracy of the answered", max(0.0, low - 0.05), 1))


def interval_plot(test: Judged) -> str:
    """A row for each class's measure with its interval."""
    rows = [
        (f"{label[:12]} {name}", ends[0], value, ends[1])
        for label, own in test.classes.items()
        for name, (value, ends) in ((name, own.measured(name)) for name in _SHARE)
        if value is not None and ends
    ]
    low, high = test.accuracy_ci
    return intervals([("accuracy", low, test.accuracy, high), *rows],
                     Axis("dashed: baseline accuracy", 0, 1), test.baseline)  # fmt: skip


def variant_plot(audit: Audit) -> str:
    """A row for each variant's accuracy with its interval."""
    rows = [(one.title[:24], one.accuracy_ci[0], one.accuracy, one.accuracy_ci[1]) for one in audit.variants]
    return intervals(rows, Axis("accuracy", 0, 1), audit.baseline)
