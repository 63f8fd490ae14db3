"""The card's sections on what an answer is worth where it is used, and on when the model had better not answer."""

from engine.base.language import tr
from engine.base.result import Covered
from engine.base.typed_files import Ends
from engine.evaluation.headline import percent, points
from engine.evaluation.prevalence import TOLD, at_prevalence, rates_of
from engine.report.document import Block, Paragraph, Plots, Table
from engine.report.facts import Facts
from engine.report.figures import decision_plot, refusal_plot


def worth(facts: Facts) -> list[Block]:
    """PPV and NPV of the threshold's decision by prevalence, and net benefit by the risk from which on one acts."""
    test = facts.test
    rates, at = rates_of(test), test.operating
    if rates is None or at is None:
        return [Paragraph(tr("This run has no threshold, so nothing is said of what its answers are worth."))]
    own = test.classes[at.positive].n / test.n
    rows = []
    for prevalence in sorted({*TOLD, own}):
        one = at_prevalence(rates, at.positive, prevalence)
        share = percent(prevalence)
        name = tr("{share}, as in the test", share=share) if prevalence == own else share
        rows.append((name, percent(one.told), _within(one.ppv, one.ppv_ci), _within(one.npv, one.npv_ci)))
    blocks: list[Block] = [
        Paragraph(
            tr(
                "Of those told {positive} by the threshold, how many have it (PPV), and of those told not, how many do "
                "not (NPV), by how frequent it is where the model is asked. Intervals are at least 95%: exact limits "
                "of sensitivity and specificity that hold together are carried through. The other images are taken to "
                "be mixed as in the test.",
                positive=at.positive,
            )
        ),
        Table(
            (
                tr("have {positive}", positive=at.positive),
                tr("told so"),
                tr("PPV (95% interval)"),
                tr("NPV (95% interval)"),
            ),
            rows,
        ),
    ]
    if curve := facts.decisions:
        between = tr("The threshold's decision is nowhere better than acting on everyone or on nobody.")
        if curve.useful:
            low, high = map(percent, curve.useful)
            between = tr(
                "The threshold's decision is better than both from a risk of {low} up to one of {high}.",
                low=low,
                high=high,
            )
        caption = tr("Decision curve: net benefit, true positives for each person, by the risk from which on one acts")
        text = tr("At the test's own share of {positive}: {between}", positive=curve.positive, between=between)
        blocks += [Paragraph(text)]
        blocks += [Plots([(caption, decision_plot(curve))])]
    return blocks


def refusals(facts: Facts) -> list[Block]:
    """Coverage of the sets of possible classes, and what is refused for the sake of fewer wrong answers."""
    test = facts.test
    blocks: list[Block] = [Paragraph(facts.promise)]
    if test.sets:
        sized = [tr("{size} possible", size=size) for size in range(len(test.classes) + 1)]
        rows = [
            (
                _level(row),
                _within(row.every.coverage, row.every.coverage_ci),
                *(_within(one.coverage, one.coverage_ci) for one in row.classes.values()),
                *(f"{count:,}" for count in row.sizes),
            )
            for row in test.sets
        ]
        blocks += [
            Paragraph(
                tr("How often the true class was among the possible ones on the test, and how many were possible:")
            ),
            Table((tr("promised"), tr("all"), *test.classes, *sized), rows),
        ]
    if test.refusals:
        told = [
            (
                percent(row.risk),
                _refused_below(row.threshold),
                tr("{part:,} of {whole:,}", part=row.n - row.answered, whole=row.n),
                _within(row.accuracy, row.accuracy_ci),
            )
            for row in test.refusals
        ]
        header = (
            tr("at most so many wrong"),
            tr("refused where its probability is"),
            tr("refused"),
            tr("accuracy of the answered"),
        )
        blocks.append(Table(header, told))
    if facts.refusals:
        caption = tr("Accuracy of what is answered, by the share of the test that is refused")
        blocks.append(Plots([(caption, refusal_plot(facts.refusals))]))
    return blocks


def _level(row: Covered) -> str:
    """What is promised, and for which classes it can't be."""
    if not row.short:
        return percent(row.level)
    return tr("{level} (too few images of {classes})", level=percent(row.level), classes=", ".join(row.short))


def _refused_below(threshold: float | None) -> str:
    if threshold is None:
        return tr("nothing can be promised")
    return tr("below {threshold:.3f}", threshold=threshold)


def _within(value: float | None, ends: Ends | None) -> str:
    return "-" if value is None or ends is None else f"{percent(value)} ({points(ends)})"
