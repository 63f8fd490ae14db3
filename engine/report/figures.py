"""The plots of a model card, drawn from a run's numbers; each is (caption, SVG)."""

from collections.abc import Sequence

from engine.audit.verdict import Audit
from engine.auto.curve import LearningCurve
from engine.base.events import Epoch
from engine.base.language import tr
from engine.base.result import Drawn, Judged
from engine.evaluation.decision_curve import DecisionCurve
from engine.report.names import measure_name
from engine.report.svg import Axis, Series, cut, intervals, lines

Figure = tuple[str, str]
_SHARE = ("sensitivity", "specificity", "precision", "f1", "auc")


def epoch_plots(epochs: Sequence[Epoch]) -> list[Figure]:
    """Loss and accuracy by epoch, of training and validation."""
    x = Axis(tr("epoch"), 1, max(2, epochs[-1].epoch))
    top = max(max(epoch.loss, epoch.val_loss) for epoch in epochs)
    scales = {
        "loss": (tr("Loss by epoch"), Axis(tr("loss, nats"), 0, top or 1)),
        "accuracy": (tr("Accuracy by epoch"), Axis(tr("accuracy"), 0, 1)),
    }
    found = []
    for name, (caption, y) in scales.items():
        pairs = [(tr("training"), name), (tr("validation"), f"val_{name}")]
        series = [Series(part, [(e.epoch, getattr(e, field)) for e in epochs], marked=True) for part, field in pairs]
        found.append((caption, lines(series, x, y)))
    return found


def learning_plot(curve: LearningCurve) -> str:
    """Accuracy by the number of images: what was measured, and the law with its band."""
    law = curve.law
    series = [
        Series(tr("expected"), [(one.images, one.accuracy) for one in law]),
        Series(tr("80% band, low end"), [(one.images, one.band[0]) for one in law]),
        Series(tr("80% band, high end"), [(one.images, one.band[1]) for one in law]),
        Series(tr("measured"), [(one.images, one.accuracy) for one in curve.measured], marked=True),
    ]
    least = min([one.band[0] for one in law] + [one.accuracy for one in curve.measured])
    first = min(law[0].images, curve.measured[0].images)
    x = Axis(tr("images to learn from"), first, law[-1].images, log=True)
    return lines(series, x, Axis(tr("accuracy"), max(0.0, least - 0.02), 1))


def curve_plots(test: Drawn) -> list[Figure]:
    """ROC and precision-recall curves by class and the reliability diagram, as far as test.json has them."""
    own, found = test.class_curves, []
    if own:
        roc = [Series(name, curve.roc) for name, curve in own.items()]
        rates = Axis(tr("1 - specificity"), 0, 1), Axis(tr("sensitivity"), 0, 1)
        found.append((tr("ROC curves, each class against the rest"), lines(roc, *rates, diagonal=True)))
        recall = [
            Series(
                tr("{name} (average precision {precision:.3f})", name=name, precision=curve.average_precision),
                curve.precision_recall,
            )
            for name, curve in own.items()
        ]
        shares = Axis(tr("recall"), 0, 1), Axis(tr("precision"), 0, 1)
        found.append((tr("Precision-recall curves"), lines(recall, *shares)))
    if test.reliability:
        points = [(row.confidence, row.accuracy) for row in test.reliability]
        axes = Axis(tr("confidence, at the temperature"), 0, 1), Axis(tr("accuracy"), 0, 1)
        diagram = lines([Series(tr("test images in ten bins"), points, marked=True)], *axes, diagonal=True)
        found.append((tr("Reliability diagram"), diagram))
    return found


def decision_plot(curve: DecisionCurve) -> str:
    """Net benefit by the risk from which on one acts: by the model's probability, its threshold, on all, on nobody."""
    series = [
        Series(tr("by the probability"), [(one.threshold, one.model) for one in curve.points]),
        Series(tr("by the threshold"), [(one.threshold, one.decision) for one in curve.points]),
        Series(tr("on everyone"), [(one.threshold, one.everyone) for one in curve.points]),
        Series(tr("on nobody"), [(one.threshold, 0.0) for one in curve.points]),
    ]
    low = -curve.prevalence / 4  # below it lies nothing worth doing
    inside = [Series(one.name, [point for point in one.points if point[1] >= low]) for one in series]
    top = max(curve.prevalence, 0.01)
    return lines([one for one in inside if one.points], Axis(tr("risk from which on one acts"), 0, 1),
                 Axis(tr("net benefit"), low, top))  # fmt: skip


def refusal_plot(points: Sequence[tuple[float, float]]) -> str:
    """Accuracy of what is answered, by the share that is refused, the least sure first."""
    low = min(accuracy for _, accuracy in points)
    series = [Series(tr("the least sure are refused"), points)]
    return lines(series, Axis(tr("refused share"), 0, 1), Axis(tr("accuracy of the answered"), max(0.0, low - 0.05), 1))


def interval_plot(test: Judged) -> str:
    """A row for each class's measure with its interval."""
    rows = [
        (f"{cut(label, 12)} {measure_name(name)}", ends[0], value, ends[1])
        for label, own in test.classes.items()
        for name, (value, ends) in ((name, own.measured(name)) for name in _SHARE)
        if value is not None and ends
    ]
    low, high = test.accuracy_ci
    return intervals([(tr("accuracy"), low, test.accuracy, high), *rows],
                     Axis(tr("dashed: baseline accuracy"), 0, 1), test.baseline)  # fmt: skip


def variant_plot(audit: Audit) -> str:
    """A row for each variant's accuracy with its interval."""
    rows = [(cut(one.title, 24), one.accuracy_ci[0], one.accuracy, one.accuracy_ci[1]) for one in audit.variants]
    return intervals(rows, Axis(tr("accuracy"), 0, 1), audit.baseline)
