"""The tables of a test result and of a shift, as `evaluate` and repeated trainings show them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.base.language import tr
from engine.base.result import Judged, Recalibrated, Shift, Tested
from engine.base.wording import in_turn, listing, whole_percent
from tui.cli.console import put, put_table
from tui.words.numbers import NOTHING, as_interval, as_number, as_number_within, as_share
from tui.words.worth import useful, worth_lines

if TYPE_CHECKING:
    from engine.base.batch_result import AtPrevalence
    from engine.evaluation.decision_curve import DecisionCurve
    from engine.evaluation.subgroups import Group, Subgroups

ACTING = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Risks from which on one acts, of those that a decision curve has, that are put in a table."""
_WORDS = {
    "accuracy": tr("accuracy"), "sensitivity": tr("sensitivity"), "specificity": tr("specificity"),
    "precision": tr("precision"), "macro sensitivity": tr("macro sensitivity"), "macro F1": tr("macro F1"),
    "mean level": tr("mean level"), "width": tr("width"), "height": tr("height"),
    "age": tr("age"), "sex": tr("sex"), "view": tr("view"), "source": tr("source"), "machine": tr("machine"),
}  # fmt: skip
"""Measures, facts of images and fields of groups as they are shown."""


def put_result(name: str, result: Judged) -> None:
    """Put a test's result on stdout, under the `name` of what was tested: the whole, each class, the threshold."""
    from engine.evaluation.headline import Headline
    from engine.evaluation.metrics import one_sided

    put(
        tr(
            "{name}: {headline}; AUC {auc}; loss {loss:.4f}",
            name=name,
            headline=Headline.of(result).sentence(),
            auc=as_number(result.auc),
            loss=result.loss,
        )
    )
    if text := one_sided(result, tr("images")):
        put(tr("warning: {text}", text=text))
    put()
    interval = tr("95% interval")
    put_table([
        (tr("truth \\ said"), *result.classes, tr("sensitivity"), interval, tr("specificity"), interval)
    ] + [
        (name, *map(str, counts), as_share(c.sensitivity), as_interval(c.sensitivity_ci),
         as_share(c.specificity), as_interval(c.specificity_ci))
        for (name, c), counts in zip(result.classes.items(), result.confusion, strict=True)
    ])  # fmt: skip
    put()
    put_table([(tr("95% interval in brackets"), tr("precision"), "F1", "AUC", "MCC")] + [
        (name, *(as_number_within(*measures.measured(key)) for key in ("precision", "f1", "auc", "mcc")))
        for name, measures in {**result.classes, tr("mean of classes"): result.macro}.items()
    ])  # fmt: skip
    if not isinstance(result, Tested):
        return
    if known := result.by_patient:
        put()
        ends = as_interval(known.accuracy_ci)
        put(
            tr(
                "of {patients:,} patients, each counted once however many images: accuracy's 95% interval {ends}",
                patients=known.patients,
                ends=ends,
            )
        )
    if after := result.calibrated:
        put()
        put(
            tr(
                "calibration: error {error:.3f}, at temperature {temperature:.2f} {error_after:.3f}; loss {loss:.4f}, "
                "at that temperature {loss_after:.4f}",
                error=result.ece,
                temperature=after.temperature,
                error_after=after.ece,
                loss=result.loss,
                loss_after=after.loss,
            )
        )
    if at := result.operating:
        put(
            tr(
                "threshold: {name} from {threshold:.3f} on (chosen without the test images: {rule}): sensitivity "
                "{sensitivity}, specificity {specificity}",
                name=at.positive,
                threshold=at.threshold,
                rule=at.rule,
                sensitivity=as_number_within(at.sensitivity, at.sensitivity_ci),
                specificity=as_number_within(at.specificity, at.specificity_ci),
            )
        )
    _put_promised(result)


def _put_promised(result: Tested) -> None:
    """What became of what the calibration images promise: the sets' coverage by level, the refusals by risk."""
    if result.sets:
        put()
        put_table([(
            tr("promised"), tr("true class possible"), tr("95% interval"), tr("by class"), tr("none"), tr("one"),
            tr("more"), "",
        )] + [
            (as_share(row.level), as_share(row.every.coverage), as_interval(row.every.coverage_ci),
             listing(f"{name} {as_share(one.coverage)}" for name, one in row.classes.items()),
             *map(str, (*row.sizes[:2], sum(row.sizes[2:]))),
             tr("too few of {classes}", classes=listing(row.short)) if row.short else "")
            for row in result.sets
        ])  # fmt: skip
    if result.refusals:
        put()
        put_table([
            (tr("wrong at most"), tr("refused"), tr("right of the answered"), tr("accuracy"), tr("95% interval"))
        ] + [
            (as_share(row.risk), f"{row.n - row.answered}/{row.n}", f"{row.correct}/{row.answered}",
             as_share(row.accuracy), as_interval(row.accuracy_ci))
            for row in result.refusals
        ])  # fmt: skip


def put_recalibrated(found: Recalibrated) -> None:
    """Put the model as it was beside the one that local images recalibrated, both on the rest of the folder."""
    both = found.as_it_was, found.recalibrated
    put_table([
        (tr("on the other {count:,} images", count=both[0].n), tr("as it was"),
         tr("recalibrated on {count:,}", count=found.images)),
        (tr("accuracy"), *(as_share(one.accuracy, one.accuracy_ci) for one in both)),
        (tr("loss at the temperature"), *(as_number(one.calibrated.loss if one.calibrated else None) for one in both)),
        (tr("calibration error at it"), *(as_number(one.calibrated.ece if one.calibrated else None) for one in both)),
        *((title, *(_at_threshold(one, name) for one in both)) for name, title in (
            ("sensitivity", tr("sensitivity at the threshold")), ("specificity", tr("specificity at the threshold")),
        )),
        *((tr("true class possible, promised {level:.0%}", level=level), *(_coverage(one, level) for one in both))
          for level in sorted({row.level for row in found.recalibrated.sets})),
    ])  # fmt: skip
    low, high = found.gain_ci
    put(
        tr(
            "accuracy by recalibrating: {gain:+.1%} ({low:+.1%} to {high:+.1%}, the same images)",
            gain=found.gain,
            low=low,
            high=high,
        )
    )


def _at_threshold(result: Tested, name: str) -> str:
    at = result.operating
    return as_share(getattr(at, name), getattr(at, f"{name}_ci")) if at else NOTHING


def _coverage(result: Tested, level: float) -> str:
    found = next((row for row in result.sets if row.level == level), None)
    if found is None:
        return NOTHING
    share = as_share(found.every.coverage, found.every.coverage_ci)
    return tr("{share} (too few)", share=share) if found.short else share


def _group_name(group: "Group") -> str:
    """The group's value, and whether it has few images."""
    from engine.evaluation.subgroups import value_shown

    name = value_shown(group.value)
    return tr("{group} (few)", group=name) if group.small else name


def put_subgroups(found: "Subgroups") -> None:
    """Put how good the test is by groups, field after field, on stdout."""
    from engine.evaluation.subgroups import value_shown

    for one in found.fields:
        put()
        field = _WORDS.get(one.field, one.field)
        put(tr("by {field}, from {told_by}:", field=field, told_by=one.told_by))
        put_table([
            (field, tr("images"), tr("accuracy"), tr("class"), tr("sensitivity"), tr("specificity"), "AUC")
        ] + [
            (_group_name(group) * first, f"{group.n:,}" * first,
             as_number_within(group.accuracy, group.accuracy_ci) * first, label,
             *(as_number_within(*own.measured(key)) for key in ("sensitivity", "specificity", "auc")))
            for group in one.groups
            for first, (label, own) in zip((True, *[False] * len(group.classes)), group.classes.items(), strict=False)
        ])  # fmt: skip
        if one.gaps:
            put_table([(tr("measure"), tr("worst"), tr("there"), tr("others"), tr("gap"), tr("95% interval"))] + [
                (measure_words(gap.measure), value_shown(gap.worst), f"{gap.value:.3f}", f"{gap.others:.3f}",
                 f"{gap.gap:+.3f}", signed_interval(gap.gap_ci))
                for gap in one.gaps
            ])  # fmt: skip
        for text in one.warnings:
            put(tr("warning: {text}", text=text))


def put_worth(at_prevalence: "AtPrevalence | None" = None, decision_curve: "DecisionCurve | None" = None) -> None:
    """Put what answers are worth at a prevalence, and the net benefits, on stdout; nothing where neither is known."""
    if at_prevalence:
        put()
        for line in worth_lines(at_prevalence):
            put(line)
    if decision_curve:
        put()
        put_table([(
            tr("act from a risk of"), tr("by the probability"), tr("by the threshold"), tr("on everyone"),
            tr("on nobody"),
        )] + [
            (as_share(one.threshold), f"{one.model:+.4f}", f"{one.decision:+.4f}", f"{one.everyone:+.4f}", "0")
            for one in decision_curve.points if one.threshold in ACTING
        ])  # fmt: skip
        put(in_turn(tr("net benefit, true positives for each person asked about."), useful(decision_curve)))


def measure_words(measure: str) -> str:
    """A measure as it is shown; that of one class bears the class's name."""
    label, _, name = measure.rpartition(" ")
    if label and measure not in _WORDS:
        return f"{label} {_WORDS.get(name, name)}"
    return _WORDS.get(measure, measure)


def signed_interval(ends: Sequence[float]) -> str:
    """The ends of a difference's interval, each with its sign."""
    low, high = ends
    return tr("{low:+.3f} to {high:+.3f}", low=low, high=high)


def shift_lines(shift: Shift) -> list[str]:
    """How far another folder lies from the training images, in a few lines."""
    lines = [
        tr(
            "{name}: {here:.0f} here, {training:.0f} in training (Kolmogorov-Smirnov distance {distance:.2f}, p = "
            "{p:.2g})",
            name=_WORDS.get(name, name),
            here=facts.here,
            training=facts.training,
            distance=facts.ks,
            p=facts.p,
        )
        for name, facts in shift.facts.items()
    ]
    there = shift.features
    low, high = map(whole_percent, there.beyond_ci)
    lines.append(
        tr(
            "features: {share} ({low} to {high}) of the images are unlike anything seen in training, where 1% is "
            "usual; median distance {distance:.2f}, in training {usual:.2f}",
            share=whole_percent(there.beyond),
            low=low,
            high=high,
            distance=there.median_distance,
            usual=there.usual_distance,
        )
    )
    if shift.told_apart is not None:
        lines.append(
            tr(
                "domain shift: a classifier tells these images from the training's with AUC {auc:.2f} (0.5: no shift; "
                "1: complete)",
                auc=shift.told_apart,
            )
        )
    return lines
