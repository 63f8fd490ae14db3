"""How a whole batch differs from what the model learnt from, in words."""

from engine.base.batch_result import Drift
from engine.base.language import tr
from engine.base.wording import listing
from tui.words.numbers import as_number, as_share


def drift_lines(drift: Drift) -> list[str]:
    """Are the images others, how frequent is each class by estimate, and what that does to an answer."""
    lines = []
    if drift.mmd is not None and drift.p is not None:
        told = (
            tr(
                "batch: together the {n:,} images differ from the training images (maximum mean discrepancy {mmd}, "
                "permutation p = {p:.2g}; other shares of the classes make them differ too)"
            )
            if drift.differs
            else tr(
                "batch: together the {n:,} images are not shown to differ from the training images (maximum mean "
                "discrepancy {mmd}, permutation p = {p:.2g}; other shares of the classes make them differ too)"
            )
        )
        lines.append(told.format(n=drift.n, mmd=as_number(drift.mmd), p=drift.p))
    if drift.unlike:
        share = as_share(drift.unlike.share, drift.unlike.share_ci)
        lines.append(tr("{share} of them are unlike anything that the model learnt from (1% is usual)", share=share))
    if drift.strange:
        lines.append(
            tr("so the shares of the classes can't be estimated, and what an answer is worth there is not known")
        )
    if drift.classes:
        shares = listing(f"{name} {as_share(one.share, one.share_ci)}" for name, one in drift.classes.items())
        lines.append(tr("estimated shares, if images of each class look as in training: {shares}", shares=shares))
    before, here = drift.worth_before, drift.worth_here
    if before and here:
        ppv, was = as_share(here.ppv, here.ppv_ci), as_share(before.ppv, before.ppv_ci)
        lines.append(
            tr(
                "by that estimate the threshold's {name} is right there in {ppv} (PPV), on the test in {was}",
                name=here.positive,
                ppv=ppv,
                was=was,
            )
        )
    return lines
