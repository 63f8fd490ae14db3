"""The tables of a test result and of a shift, as `evaluate` and repeated trainings show them."""

from typing import TYPE_CHECKING

from engine.base.result import Judged, Recalibrated, Shift, Tested
from engine.base.wording import whole_percent
from tui.cli.console import put, put_table
from tui.words.numbers import NOTHING, as_interval, as_number, as_number_within, as_share
from tui.words.worth import useful, worth_lines

if TYPE_CHECKING:
    from engine.base.batch_result import AtPrevalence
    from engine.evaluation.decision_curve import DecisionCurve
    from engine.evaluation.subgroups import Subgroups

ACTING = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Risks from which on one acts, of those that a decision curve has, that are put in a table."""


def put_result(name: str, result: Judged) -> None:
    """Put a test's result on stdout, under the `name` of what was tested: the whole, each class, the threshold."""
    from engine.evaluation.headline import Headline
    from engine.evaluation.metrics import one_sided

    put(f"{name}: {Headline.of(result).sentence()}; AUC {as_number(result.auc)}; loss {result.loss:.4f}")
    if text := one_sided(result, "images"):
        put(f"warning: {text}")
    put()
    put_table([("truth \\ said", *result.classes, "sensitivity", "95% interval", "specificity", "95% interval")] + [
        (name, *map(str, counts), as_share(c.sensitivity), as_interval(c.sensitivity_ci),
         as_share(c.specificity), as_interval(c.specificity_ci))
        for (name, c), counts in zip(result.classes.items(), result.confusion, strict=True)
    ])  # fmt: skip
    put()
    put_table([("95% interval in brackets", "precision", "F1", "AUC", "MCC")] + [
        (name, *(as_number_within(*measures.measured(key)) for key in ("precision", "f1", "auc", "mcc")))
        for name, measures in {**result.classes, "mean of classes": result.macro}.items()
    ])  # fmt: skip
    if not isinstance(result, Tested):
        return
    if known := result.by_patient:
        put()
        ends = as_interval(known.accuracy_ci)
        put(f"of {known.patients:,} patients, each counted once however many images: accuracy's 95% interval {ends}")
    if after := result.calibrated:
        put()
        put(
            f"calibration: error {result.ece:.3f}, at temperature {after.temperature:.2f} {after.ece:.3f}; "
            f"loss {result.loss:.4f}, at that temperature {after.loss:.4f}"
        )
    if at := result.operating:
        put(
            f"threshold: {at.positive} from {at.threshold:.3f} on (chosen without the test images: {at.rule}): "
            f"sensitivity {as_number_within(at.sensitivity, at.sensitivity_ci)}, "
            f"specificity {as_number_within(at.specificity, at.specificity_ci)}"
        )
    _put_promised(result)


def _put_promised(result: Tested) -> None:
    """What became of what the calibration images promise: the sets' coverage by level, the refusals by risk."""
    if result.sets:
        put()
        put_table([("promised", "true class possible", "95% interval", "by class", "none", "one", "more", "")] + [
            (as_share(row.level), as_share(row.every.coverage), as_interval(row.every.coverage_ci),
             ", ".join(f"{name} {as_share(one.coverage)}" for name, one in row.classes.items()),
             *map(str, (*row.sizes[:2], sum(row.sizes[2:]))), f"too few of {', '.join(row.short)}" if row.short else "")
            for row in result.sets
        ])  # fmt: skip
    if result.refusals:
        put()
        put_table([("wrong at most", "refused", "right of the answered", "accuracy", "95% interval")] + [
            (as_share(row.risk), f"{row.n - row.answered}/{row.n}", f"{row.correct}/{row.answered}",
             as_share(row.accuracy), as_interval(row.accuracy_ci))
            for row in result.refusals
        ])  # fmt: skip


def put_recalibrated(found: Recalibrated) -> None:
    """Put the model as it was beside the one that local images recalibrated, both on the rest of the folder."""
    both = found.as_it_was, found.recalibrated
    put_table([
        (f"on the other {both[0].n:,} images", "as it was", f"recalibrated on {found.images:,}"),
        ("accuracy", *(as_share(one.accuracy, one.accuracy_ci) for one in both)),
        ("loss at the temperature", *(as_number(one.calibrated.loss if one.calibrated else None) for one in both)),
        ("calibration error at it", *(as_number(one.calibrated.ece if one.calibrated else None) for one in both)),
        *((f"{name} at the threshold", *(_at_threshold(one, name) for one in both))
          for name in ("sensitivity", "specificity")),
        *((f"true class possible, promised {level:.0%}", *(_coverage(one, level) for one in both))
          for level in sorted({row.level for row in found.recalibrated.sets})),
    ])  # fmt: skip
    low, high = found.gain_ci
    put(f"accuracy by recalibrating: {found.gain:+.1%} ({low:+.1%} to {high:+.1%}, the same images)")


def _at_threshold(result: Tested, name: str) -> str:
    at = result.operating
    return as_share(getattr(at, name), getattr(at, f"{name}_ci")) if at else NOTHING


def _coverage(result: Tested, level: float) -> str:
    found = next((row for row in result.sets if row.level == level), None)
    if found is None:
        return NOTHING
    few = " (too few)" if found.short else ""
    return as_share(found.every.coverage, found.every.coverage_ci) + few


def put_subgroups(found: "Subgroups") -> None:
    """Put how good the test is by groups, field after field, on stdout."""
    for one in found.fields:
        put()
        put(f"by {one.field}, from {one.told_by}:")
        put_table([(one.field, "images", "accuracy", "class", "sensitivity", "specificity", "AUC")] + [
            (f"{group.value}{' (few)' * group.small}" * first, f"{group.n:,}" * first,
             as_number_within(group.accuracy, group.accuracy_ci) * first, label,
             *(as_number_within(*own.measured(key)) for key in ("sensitivity", "specificity", "auc")))
            for group in one.groups
            for first, (label, own) in zip((True, *[False] * len(group.classes)), group.classes.items(), strict=False)
        ])  # fmt: skip
        if one.gaps:
            put_table([("measure", "worst", "there", "others", "gap", "95% interval")] + [
                (gap.measure, gap.worst, f"{gap.value:.3f}", f"{gap.others:.3f}", f"{gap.gap:+.3f}",
                 "{:+.3f} to {:+.3f}".format(*gap.gap_ci))
                for gap in one.gaps
            ])  # fmt: skip
        for text in one.warnings:
            put(f"warning: {text}")


def put_worth(at_prevalence: "AtPrevalence | None" = None, decision_curve: "DecisionCurve | None" = None) -> None:
    """Put what answers are worth at a prevalence, and the net benefits, on stdout; nothing where neither is known."""
    if at_prevalence:
        put()
        for line in worth_lines(at_prevalence):
            put(line)
    if decision_curve:
        put()
        put_table([("act from a risk of", "by the probability", "by the threshold", "on everyone", "on nobody")] + [
            (as_share(one.threshold), f"{one.model:+.4f}", f"{one.decision:+.4f}", f"{one.everyone:+.4f}", "0")
            for one in decision_curve.points if one.threshold in ACTING
        ])  # fmt: skip
        put(f"net benefit, true positives for each person asked about. {useful(decision_curve)}")


def shift_lines(shift: Shift) -> list[str]:
    """How far another folder lies from the training images, in a few lines."""
    lines = [
        f"{name}: {facts.here:.0f} here, {facts.training:.0f} in training "
        f"(Kolmogorov-Smirnov distance {facts.ks:.2f}, p = {facts.p:.2g})"
        for name, facts in shift.facts.items()
    ]
    there = shift.features
    low, high = map(whole_percent, there.beyond_ci)
    lines.append(
        f"features: {whole_percent(there.beyond)} ({low} to {high}) of the images are unlike anything seen in "
        f"training, where 1% is usual; median distance {there.median_distance:.2f}, in training "
        f"{there.usual_distance:.2f}"
    )
    if shift.told_apart is not None:
        lines.append(
            f"domain shift: a classifier tells these images from the training's with AUC {shift.told_apart:.2f} "
            "(0.5: no shift; 1: complete)"
        )
    return lines
