"""What an audit, a sweep and a range test found, as their verbs and the questions in lines put it."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.language import tr
from engine.base.wording import counted
from tui.cli.console import drawing, put, put_raw, put_table
from tui.words.numbers import as_interval, as_number, as_share
from tui.words.plot import frontier, letters, range_test

if TYPE_CHECKING:
    from engine.audit.verdict import Audit
    from engine.sweep.result import Swept
    from engine.training.lr_range_test import RangeTest

BAR = 40
"""Columns of a full bar."""
COLUMNS = 78
"""Most columns of a plot in the terminal."""


def put_audit(result: "Audit") -> None:
    """The variants, with bars where something may be drawn, and the verdict."""
    rows = [(tr("shown"), "", tr("accuracy"), tr("95% interval"), "AUC")]
    for variant in result.variants:
        shown = bar(variant.accuracy, result.baseline) if drawing() else ""
        ends = as_interval(variant.accuracy_ci)
        rows.append((variant.title, shown, as_share(variant.accuracy), ends, as_number(variant.auc)))
    put_table(rows)
    images = counted(sum(result.tested.values()), "test image")
    always = {"name": result.baseline_class, "share": result.baseline}
    put(
        tr(
            "{images}, {folds} folds, each image tested once; | always {name}: {share:.1%}",
            images=images,
            folds=result.folds,
            **always,
        )
        if result.folds > 1
        else tr("{images}, one split; | always {name}: {share:.1%}", images=images, **always)
    )
    put()
    put(result.verdict)


def bar(share: float, baseline: float, width: int = BAR) -> str:
    """A bar of block characters as long as the share (0 to 1) of `width`, with the baseline's place as "|"."""
    signs = list(("█" * round(share * width)).ljust(width, "·"))
    signs[min(width - 1, round(baseline * width))] = "|"
    return "".join(signs)


def put_sweep(result: "Swept", folder: Path) -> None:
    """The table, the frontier as a plot, the advice and the files."""
    from engine.sweep import store

    put(store.counts(result))
    if result.advice is None:
        return
    put()
    ordered = result.by_cost()
    lines = zip(letters(ordered), store.rows(result), strict=True)
    put_table([("", *store.HEADER), *((letter, *row) for letter, row in lines)])
    put()
    if drawing():
        put(tr("validation accuracy in percent by training seconds (logarithmic)"))
        for line in frontier(ordered).split("\n"):
            put(line)
    put(tr("* frontier: no other recipe is as accurate, as quick and as small; > recommended"))
    put()
    put(result.advice.sentence)
    put(store.tested(result))
    put()
    put(tr("sweep: {folder}", folder=folder))


def put_range_test(result: "RangeTest") -> None:
    """What each order of the images gave, a plot where one may be drawn, and the rate."""
    from engine.training.lr_range_test import RULE

    put_table([(tr("order"), tr("first loss"), tr("lowest loss"), tr("suggests"), tr("ended at"))] + [
        (str(number), as_number(sweep.losses[0], 4), as_number(min(sweep.losses), 4), f"{sweep.rate:g}",
         f"{sweep.ended_at:.1e}")
        for number, sweep in enumerate(result.sweeps, start=1)
    ])  # fmt: skip
    put()
    if sys.stdout.isatty() and drawing():
        put_raw(range_test(result, min(COLUMNS, shutil.get_terminal_size().columns)))
    put(tr("Learning rate: {rate:g} ({rule}; the orders' mean curve).", rate=result.rate, rule=RULE))
