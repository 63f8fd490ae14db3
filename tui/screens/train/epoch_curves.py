"""The curves of a training: training and validation by epoch as lines, its steps faint behind them, the best epoch."""

from engine.base.language import tr
from engine.runs.watch import RunView
from tui.widgets.curves import Curve
from tui.words.glyphs import Glyphs

STEPS = "·"


def by_epoch(view: RunView, name: str, glyphs: Glyphs) -> list[Curve]:
    """The curves of "loss" or "accuracy", those in front last."""
    ends = [float(epoch.epoch) for epoch in view.epochs]
    training = [getattr(epoch, name) for epoch in view.epochs]
    validation = [getattr(epoch, f"val_{name}") for epoch in view.epochs]
    curves = [
        Curve(tr("batch"), view.points.x, getattr(view.points, name), STEPS, "foreground-muted", joined=False),
        Curve(tr("train"), ends, training, "hd", "primary", mark=glyphs.train_mark),
        Curve(tr("val"), ends, validation, glyphs.val_line, "warning", mark=glyphs.val_mark),
    ]
    if best := view.best:
        at = [float(best.epoch)], [getattr(best, f"val_{name}")]
        curves.append(Curve(tr("best"), *at, glyphs.best, "success", joined=False, mark=glyphs.best))
    return curves
