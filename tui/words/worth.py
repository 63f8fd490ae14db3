"""What an answer is worth at a prevalence, in words."""

from typing import TYPE_CHECKING

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
