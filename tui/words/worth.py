"""What an answer is worth at a prevalence, and how a threshold was chosen, in words."""

from typing import TYPE_CHECKING

from engine.base.language import tr
from engine.recipe.config import JudgeConfig
from tui.words.numbers import as_share

if TYPE_CHECKING:
    from engine.base.batch_result import AtPrevalence
    from engine.evaluation.decision_curve import DecisionCurve


def worth_lines(worth: "AtPrevalence") -> list[str]:
    """A sentence on each of the two answers: of those who get it, how many it is true of."""
    name = worth.positive
    lines = [
        tr(
            "where {prevalence} have {name}, the threshold says so of {told}",
            prevalence=as_share(worth.prevalence),
            name=name,
            told=as_share(worth.told),
        )
    ]
    if worth.ppv is not None:
        ppv = as_share(worth.ppv, worth.ppv_ci)
        lines.append(tr("of those told {name}, {ppv} have it (PPV, 95% interval)", name=name, ppv=ppv))
    if worth.npv is not None:
        npv = as_share(worth.npv, worth.npv_ci)
        lines.append(tr("of those told not {name}, {npv} do not have it (NPV, 95% interval)", name=name, npv=npv))
    return lines


def worth_line(worth: "AtPrevalence") -> str:
    """The same in a line: at 2.0% COVID: PPV 31.2% (12.0 to 60.1), NPV 99.9% (99.5 to 100.0)."""
    ppv, npv = as_share(worth.ppv, worth.ppv_ci), as_share(worth.npv, worth.npv_ci)
    return tr(
        "at {prevalence} {name}: PPV {ppv}, NPV {npv}",
        prevalence=as_share(worth.prevalence),
        name=worth.positive,
        ppv=ppv,
        npv=npv,
    )


def useful(curve: "DecisionCurve") -> str:
    """From and up to which risk the decision serves whoever acts on it."""
    if curve.useful is None:
        return tr("The threshold's decision is nowhere better than acting on everyone or on nobody.")
    low, high = map(as_share, curve.useful)
    return tr(
        "The threshold's decision is better than both for whoever acts from a risk between {low} and {high}.",
        low=low,
        high=high,
    )


def rule_words(rule: str) -> str:
    """How a threshold was chosen, `rule` being a `JudgeConfig.threshold`, whose "youden" is a name that few know."""
    kind, number = JudgeConfig(threshold=rule).rule
    match kind:
        case "youden":
            return tr("sensitivity and specificity together best (Youden)")
        case "sensitivity":
            return tr("sensitivity at least {share:.1%}", share=number)
        case "specificity":
            return tr("specificity at least {share:.1%}", share=number)
        case "cost":
            if where := rule.partition("@")[2]:
                return tr(
                    "a miss costs {number:g} false alarms, {share:.1%} having it", number=number, share=float(where)
                )
            return tr("a miss costs {number:g} false alarms", number=number)
        case _:
            return tr("as the recipe says")
