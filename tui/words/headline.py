"""A result's headline where there is little room: numbers and rounding are the engine's, the words are short."""

from engine.base.language import tr
from engine.base.result import Judged, Validated
from engine.evaluation.headline import Headline, percent, points
from tui.words.numbers import NOTHING, as_share


def headline(part: str, result: Judged | Validated) -> str:
    """A part's result in a line: test 487/495 = 98.4% (96.8 to 99.3); always COVID 72.9%."""
    one = Headline.of(result)
    text = f"{tr(part)} {one.right}" + (f" ({points(one.ends)})" if one.ends else "")
    if one.baseline is None:
        return text
    return tr("{result}; always {name} {share}", result=text, name=one.baseline_class, share=percent(one.baseline))


def accuracy(result: Judged | Validated | None, between: str = tr(" to ")) -> str:
    """An accuracy for a table: 98.4% (96.8 to 99.3), or with what stands between the ends where there is less room.

    A dash where there is none.
    """
    return as_share(result.accuracy, result.accuracy_ci, between=between) if result else NOTHING
