"""The headline of a result: how many are right, how sure that is, and what it must beat, with one way of rounding."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.base.language import tr
from engine.base.result import Judged, Validated


def percent(share: float) -> str:
    """A share, 0 to 1, as a headline gives it: 98.4%."""
    return f"{share:.1%}"


def percents(ends: Sequence[float]) -> str:
    """The two ends of a share's interval, 0 to 1: 96.8% to 99.3%."""
    return tr("{low} to {high}", low=percent(ends[0]), high=percent(ends[1]))


def points(ends: Sequence[float], digits: int = 1, between: str = tr(" to ")) -> str:
    """The same in a few characters, behind a percentage: 96.8 to 99.3; narrow tables have no `digits`."""
    return between.join(f"{100 * end:.{digits}f}" for end in ends)


@dataclass(frozen=True)
class Headline:
    """The numbers of a result on some images, as far as they are known; shares are from 0 to 1."""

    accuracy: float
    ends: tuple[float, float] | None = None
    """Of the accuracy's exact 95% interval."""
    correct: int | None = None
    n: int | None = None
    baseline: float | None = None
    """What always answering `baseline_class`, the most frequent class, gets."""
    baseline_class: str = ""

    @classmethod
    def of(cls, result: Judged | Validated) -> "Headline":
        """That of a result."""
        return cls(
            accuracy=result.accuracy,
            ends=result.accuracy_ci,
            correct=result.correct,
            n=result.n,
            baseline=result.baseline,
            baseline_class=result.baseline_class or "",
        )

    @property
    def right(self) -> str:
        """How many are right and which share: 487/495 = 98.4%."""
        of = "" if self.correct is None or self.n is None else f"{self.correct:,}/{self.n:,} = "
        return f"{of}{percent(self.accuracy)}"

    @property
    def beats_baseline(self) -> bool:
        """Is it shown to be better than always giving the most frequent class? Not where its interval reaches there."""
        return self.ends is not None and self.baseline is not None and self.ends[0] > self.baseline

    def sentence(self) -> str:
        """487/495 = 98.4% (95% interval 96.8% to 99.3%); always saying COVID: 72.9%."""
        ends = tr(" (95% interval {ends})", ends=percents(self.ends)) if self.ends else ""
        if self.baseline is None:
            return f"{self.right}{ends}"
        usual = tr("; always saying {name}: {share}", name=self.baseline_class, share=percent(self.baseline))
        return f"{self.right}{ends}{usual}"
