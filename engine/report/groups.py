"""The card's section on groups: how good the test is by age band, sex or what else was asked for."""

from engine.base.language import tr
from engine.base.typed_files import Ends, SignedEnds
from engine.evaluation.subgroups import Subgroups, value_shown
from engine.report.document import Block, Paragraph, Table
from engine.report.names import measure_name


def by_groups(found: Subgroups | None) -> list[Block]:
    """The test by age band, sex or what else was asked for, and how far the worst group lies behind."""
    if found is None:
        return [Paragraph(tr("Not measured: `covid-tui evaluate RUN --by sex,age` does it, where a table tells them."))]
    blocks: list[Block] = []
    for one in found.fields:
        blocks.append(Paragraph(tr("By {field}, from {told_by}.", field=one.field, told_by=one.told_by)))
        rows = [
            (value_shown(group.value), f"{group.n:,}", measured(group.accuracy, group.accuracy_ci), label,
             *(measured(*own.measured(name)) for name in ("sensitivity", "specificity", "auc")))
            for group in one.groups
            for label, own in group.classes.items()
        ]  # fmt: skip
        names = tr("images"), tr("accuracy"), tr("class"), tr("sensitivity"), tr("specificity"), tr("AUC")
        blocks.append(Table((one.field, *names), rows))
        if one.gaps:
            header = (
                tr("measure"),
                tr("worst group"),
                tr("there"),
                tr("in the others"),
                tr("gap (95% interval for all groups together)"),
            )
            gaps = [
                (
                    measure_name(gap.measure),
                    value_shown(gap.worst),
                    f"{gap.value:.3f}",
                    f"{gap.others:.3f}",
                    difference(gap.gap, gap.gap_ci),
                )
                for gap in one.gaps
            ]
            blocks.append(Table(header, gaps))
        blocks += [Paragraph(text, warning=True) for text in one.warnings]
    return blocks


def measured(value: float | None, ends: Ends | None) -> str:
    """A measure with its interval, or a dash where nothing can be said."""
    if value is None:
        return "-"
    if not ends:
        return f"{value:.3f}"
    return tr("{value:.3f} ({low:.3f} to {high:.3f})", value=value, low=ends[0], high=ends[1])


def difference(value: float, ends: SignedEnds) -> str:
    """A difference of two measures with its interval."""
    return tr("{value:+.3f} ({low:+.3f} to {high:+.3f})", value=value, low=ends[0], high=ends[1])
