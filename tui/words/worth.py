"""What an answer is worth at a prevalence, and how a threshold was chosen, in words."""

from typing import TYPE_CHECKING

from engine.recipe.config import JudgeConfig
from tui.words.numbers import as_share

if TYPE_CHECKING:
    from engine.base.batch_result import AtPrevalence
    from engine.evaluation.decision_curve import DecisionCurve


def worth_lines(worth: "AtPrevalence") -> list[str]:
    """A sentence on each of the two answers: of those who get it, how many it is true of."""
    name = worth.positive
    lines = [f"where {as_share(worth.prevalence)} have {name}, the threshold says so of {as_share(worth.told)}"]
    if worth.ppv is not None:
        lines.append(f"of those told {name}, {as_share(worth.ppv, worth.ppv_ci)} have it (PPV, 95% interval)")
    if worth.npv is not None:
        lines.append(
            f"of those told not {name}, {as_share(worth.npv, worth.npv_ci)} do not have it (NPV, 95% interval)"
        )
    return lines


def worth_line(worth: "AtPrevalence") -> str:
    """The same in a line: at 2.0% COVID: PPV 31.2% (12.0 to 60.1), NPV 99.9% (99.5 to 100.0)."""
    ppv, npv = as_share(worth.ppv, worth.ppv_ci), as_share(worth.npv, worth.npv_ci)
    return f"at {as_share(worth.prevalence)} {worth.positive}: PPV {ppv}, NPV {npv}"


def useful(curve: "DecisionCurve") -> str:
    """From and up to which risk the decision serves whoever acts on it."""
    if curve.useful is None:
        return "The threshold's decision is nowhere better than acting on everyone or on nobody."
    low, high = map(as_share, curve.useful)
    return f"The threshold's decision is better than both for whoever acts from a risk between {low} and {high}."


def rule_words(rule: str) -> str:
    """How a threshold was chosen, `rule` being a `JudgeConfig.threshold`, whose "youden" is a name that few know."""
    kind, number = JudgeConfig(threshold=rule).rule
    match kind:
        case "youden":
            return "sensitivity and specificity together best (Youden)"
        case "sensitivity" | "specificity":
            return f"{kind} at least {number:.1%}"
        case "cost":
            where = rule.partition("@")[2]
            return f"a miss costs {number:g} false alarms" + (f", {float(where):.1%} having it" if where else "")
        case _:
            return "as the recipe says"
