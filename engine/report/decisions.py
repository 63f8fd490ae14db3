"""The card's sections on what an answer is worth where it is used, and on when the model had better not answer."""

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
        return [Paragraph("This run has no threshold, so nothing is said of what its answers are worth.")]
    own = test.classes[at.positive].n / test.n
    rows = []
    for prevalence in sorted({*TOLD, own}):
        one = at_prevalence(rates, at.positive, prevalence)
        name = percent(prevalence) + (", as in the test" if prevalence == own else "")
        rows.append((name, percent(one.told), _within(one.ppv, one.ppv_ci), _within(one.npv, one.npv_ci)))
    blocks: list[Block] = [
        Paragraph(
            f"Of those told {at.positive} by the threshold, how many have it (PPV), and of those told not, how many do "
            "not (NPV), by how frequent it is where the model is asked. Intervals are at least 95%: exact limits of "
            "sensitivity and specificity that hold together are carried through. The other images are taken to be "
            "mixed as in the test."
        ),
        Table((f"have {at.positive}", "told so", "PPV (95% interval)", "NPV (95% interval)"), rows),
    ]
    if curve := facts.decisions:
        between = "The threshold's decision is nowhere better than acting on everyone or on nobody."
        if curve.useful:
            low, high = map(percent, curve.useful)
            between = f"The threshold's decision is better than both from a risk of {low} up to one of {high}."
        caption = "Decision curve: net benefit, true positives for each person, by the risk from which on one acts"
        blocks += [Paragraph(f"At the test's own share of {curve.positive}: {between}")]
        blocks += [Plots([(caption, decision_plot(curve))])]
    return blocks


def refusals(facts: Facts) -> list[Block]:
    """Coverage of the sets of possible classes, and what is refused for the sake of fewer wrong answers."""
    test = facts.test
    blocks: list[Block] = [Paragraph(facts.promise)]
    if test.sets:
        sized = [f"{size} possible" for size in range(len(test.classes) + 1)]
        rows = [
            (
                percent(row.level) + (f" (too few images of {', '.join(row.short)})" if row.short else ""),
                _within(row.every.coverage, row.every.coverage_ci),
                *(_within(one.coverage, one.coverage_ci) for one in row.classes.values()),
                *(f"{count:,}" for count in row.sizes),
            )
            for row in test.sets
        ]
        blocks += [
            Paragraph("How often the true class was among the possible ones on the test, and how many were possible:"),
            Table(("promised", "all", *test.classes, *sized), rows),
        ]
    if test.refusals:
        told = [
            (
                percent(row.risk),
                "nothing can be promised" if row.threshold is None else f"below {row.threshold:.3f}",
                f"{row.n - row.answered:,} of {row.n:,}",
                _within(row.accuracy, row.accuracy_ci),
            )
            for row in test.refusals
        ]
        header = ("at most so many wrong", "refused where its probability is", "refused", "accuracy of the answered")
        blocks.append(Table(header, told))
    if facts.refusals:
        caption = "Accuracy of what is answered, by the share of the test that is refused"
        blocks.append(Plots([(caption, refusal_plot(facts.refusals))]))
    return blocks


def _within(value: float | None, ends: Ends | None) -> str:
    return "-" if value is None or ends is None else f"{percent(value)} ({points(ends)})"
