"""The card's section on groups: how good the test is by age band, sex or what else was asked for."""

from engine.base.typed_files import Ends
from engine.evaluation.subgroups import Subgroups
from engine.report.document import Block, Paragraph, Table


def by_groups(found: Subgroups | None) -> list[Block]:
    """The test by age band, sex or what else was asked for, and how far the worst group lies behind."""
    if found is None:
        return [Paragraph("Not measured: `covid-tui evaluate RUN --by sex,age` does it, where a table tells them.")]
    blocks: list[Block] = []
    for one in found.fields:
        blocks.append(Paragraph(f"By {one.field}, from {one.told_by}."))
        rows = [
            (group.value, f"{group.n:,}", measured(group.accuracy, group.accuracy_ci), label,
             *(measured(*own.measured(name)) for name in ("sensitivity", "specificity", "auc")))
            for group in one.groups
            for label, own in group.classes.items()
        ]  # fmt: skip
        blocks.append(Table((one.field, "images", "accuracy", "class", "sensitivity", "specificity", "AUC"), rows))
        if one.gaps:
            header = ("measure", "worst group", "there", "in the others", "gap (95% interval for all groups together)")
            gaps = [
                (gap.measure, gap.worst, f"{gap.value:.3f}", f"{gap.others:.3f}",
                 f"{gap.gap:+.3f} ({gap.gap_ci[0]:+.3f} to {gap.gap_ci[1]:+.3f})")
                for gap in one.gaps
            ]  # fmt: skip
            blocks.append(Table(header, gaps))
        blocks += [Paragraph(text, warning=True) for text in one.warnings]
    return blocks


def measured(value: float | None, ends: Ends | None) -> str:
    """A measure with its interval, or a dash where nothing can be said."""
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else "")
