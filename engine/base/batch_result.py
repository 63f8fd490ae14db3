"""What is said of a whole batch, and of an answer's worth at a prevalence: the form in which it is kept and told."""

from dataclasses import dataclass, field

from engine.base.typed_files import Amount, Count, Ends, Positive, Share


@dataclass(frozen=True)
class AtPrevalence:
    """What the decision for the class `positive` is worth where a share `prevalence` of those asked about has it.

    The others are taken to be mixed as in the test. None where nobody would be told so.
    """

    positive: str
    prevalence: Share
    told: Share
    """The share that is told to have it."""
    ppv: Share | None
    """Of those told to have it, the share that does."""
    ppv_ci: Ends | None
    npv: Share | None
    """Of those told not to have it, the share that does not."""
    npv_ci: Ends | None


@dataclass(frozen=True)
class Estimated:
    """The estimated share of a class in a batch whose labels nobody knows, and how many images were called so."""

    share: Share
    share_ci: Ends
    said: Count


@dataclass(frozen=True)
class Unlike:
    """Of `n` images, how many are unlike anything that the model learnt from: 1% is usual."""

    n: Positive
    count: Count
    share: Share
    share_ci: Ends


@dataclass(frozen=True)
class Drift:
    """How a batch as a whole differs from what the model learnt from; None for what is not known."""

    n: Positive
    mmd: Amount | None
    """Maximum mean discrepancy from the training images as the network sees them: 0 for none."""
    p: Share | None
    """The chance of one as large if all came from one place."""
    unlike: Unlike | None
    strange: bool
    """Are so many of them unlike anything seen that nothing can be estimated from the answers?"""
    classes: dict[str, Estimated] = field(default_factory=dict)
    """Right only where images of each class look as in training; empty where that can't be so, or is not known."""
    worth_before: AtPrevalence | None = None
    """Of the threshold's decision, at the test's own prevalence."""
    worth_here: AtPrevalence | None = None
    """At the prevalence that was estimated here."""

    @property
    def differs(self) -> bool:
        """Are the images shown to be others?"""
        return self.p is not None and self.p < 0.05
