"""The plots of a run's test: ROC curves, reliability, and what more images would bring."""

import math

from engine.auto.curve import LearningCurve, read_curve
from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.base.result import Drawn
from engine.evaluation.result_files import read_test
from engine.runs.directory import Run
from tui.widgets.charts import class_curve
from tui.widgets.curves import Curve, Plot

FAINT = "foreground-muted"
DIAGONAL = Curve("", (0.0, 1.0), (0.0, 1.0), "·", FAINT)
UNIT = (0.0, 1.0)


def plots_of(run: Run) -> list[Plot]:
    """The plots that the run's files have something for. Raises RunError where its test.json is damaged."""
    found = of_test(read_test(run))
    try:
        curve = read_curve(run)
    except CovidTuiError:
        curve = None  # what is damaged of it is told by the table of more images
    return found + ([of_more_images(curve)] if curve else [])


def of_test(test: Drawn) -> list[Plot]:
    """ROC curves of each class against the rest, and the reliability diagram."""
    found = []
    if test.class_curves:
        lines = [
            class_curve(name, place, [x for x, _ in curve.roc], [y for _, y in curve.roc])
            for place, (name, curve) in enumerate(test.class_curves.items())
        ]
        found.append(Plot(tr("ROC: sensitivity"), tr("1 - specificity"), (DIAGONAL, *lines), UNIT, UNIT))
    if test.reliability:
        sure, right = [row.confidence for row in test.reliability], [row.accuracy for row in test.reliability]
        bins = Curve(tr("test images in ten bins"), sure, right, "hd", "primary", mark="o")
        found.append(Plot(tr("reliability: accuracy"), tr("how sure the model was"), (DIAGONAL, bins), UNIT, UNIT))
    return found


def of_more_images(curve: LearningCurve) -> Plot:
    """Accuracy by the number of images, which grows by factors of two along the axis."""
    x = [math.log2(one.images) for one in curve.law]
    curves = (
        Curve(tr("80% band"), x, [one.band[0] for one in curve.law], "·", FAINT),
        Curve("", x, [one.band[1] for one in curve.law], "·", FAINT),
        Curve(tr("expected"), x, [one.accuracy for one in curve.law], "hd", "primary"),
        Curve(
            tr("measured"),
            [math.log2(one.images) for one in curve.measured],
            [one.accuracy for one in curve.measured],
            "x",
            "warning",
            joined=False,
            mark="x",
        ),
    )
    ends = min(x[0], curves[-1].x[0]), x[-1]
    return Plot(
        tr("learning curve: accuracy"),
        tr("images"),
        curves,
        ends,
        (None, 1.0),
        x_base=2,
    )
