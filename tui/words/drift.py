"""How a whole batch differs from what the model learnt from, in words."""

from engine.base.batch_result import Drift
from tui.words.numbers import as_number, as_share


def drift_lines(drift: Drift) -> list[str]:
    """Are the images others, how frequent is each class by estimate, and what that does to an answer."""
    lines = []
    if drift.mmd is not None and drift.p is not None:
        told = "differ from" if drift.differs else "are not shown to differ from"
        lines.append(
            f"batch: together the {drift.n:,} images {told} the training images (maximum mean discrepancy "
            f"{as_number(drift.mmd)}, permutation p = {drift.p:.2g}; other shares of the classes make them differ too)"
        )
    if drift.unlike:
        share = as_share(drift.unlike.share, drift.unlike.share_ci)
        lines.append(f"{share} of them are unlike anything that the model learnt from (1% is usual)")
    if drift.strange:
        lines.append("so the shares of the classes can't be estimated, and what an answer is worth there is not known")
    if drift.classes:
        shares = ", ".join(f"{name} {as_share(one.share, one.share_ci)}" for name, one in drift.classes.items())
        lines.append(f"estimated shares, if images of each class look as in training: {shares}")
    before, here = drift.worth_before, drift.worth_here
    if before and here:
        ppv, was = as_share(here.ppv, here.ppv_ci), as_share(before.ppv, before.ppv_ci)
        lines.append(
            f"by that estimate the threshold's {here.positive} is right there in {ppv} (PPV), on the test in {was}"
        )
    return lines
