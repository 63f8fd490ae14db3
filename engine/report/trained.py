"""The card's sections on the model and how it was trained: by epochs, or rung by rung of the recipe "auto"."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.auto.curve import LearningCurve
from engine.base.events import Finished, Rung, Skipped
from engine.base.language import tr
from engine.base.wording import counted
from engine.evaluation.headline import percent, percents
from engine.recipe.config import to_dict
from engine.report.document import Block, Paragraph, Plots, Table
from engine.report.facts import Facts
from engine.report.figures import epoch_plots, learning_plot
from engine.report.names import ENDS

_UNTOLD = ("out", "name", "split", "labels")  # paths of the machine, and the name, which is the title


def model(facts: Facts) -> list[Block]:
    """The network, and how much of it trains."""
    started = facts.started
    if started is None:
        return [Paragraph(f"{facts.config.network.backbone}, {tr(facts.config.way)}.")]
    return [
        Paragraph(
            tr(
                "{backbone} without its top, global average pooling, a dense layer, and a logit a class. "
                "{trainable:,} of {all:,} parameters train ({mode}). Input: the whole image squashed to the network's "
                "size, grey in three equal channels.",
                backbone=facts.config.network.backbone,
                trainable=started.trainable,
                all=started.trainable + started.frozen,
                mode=tr(started.mode),
            )
        )
    ]


def training(facts: Facts) -> list[Block]:
    """How it went, and every setting."""
    values = to_dict(facts.config)
    weights = values["network"]["weights"]
    values["network"]["weights"] = Path(weights).name
    rows = [
        (part, name.replace("_", " "), _text(value))
        for part, own in values.items()
        for name, value in own.items()
        if name not in _UNTOLD
    ]
    blocks: list[Block] = [Paragraph(_ended(facts.end))] if facts.end else []
    blocks += [_ladder(facts.rungs, facts.skipped)] if facts.rungs else []
    blocks += _more_images(facts.curve) if facts.curve else []
    blocks += [Plots(epoch_plots(facts.epochs))] if facts.epochs else []
    return [*blocks, Table((tr("part"), tr("setting"), tr("value")), rows)]


def _ended(end: Finished) -> str:
    """How long it took, why it ended, and which weights are kept."""
    if end.unit == "rung":
        return tr(
            "{rungs} in {seconds:,.0f} s ({ended}); the model of rung {best}, chosen out of fold, is kept.",
            rungs=counted(end.epochs, "rung"),
            seconds=end.seconds,
            ended=tr(ENDS[end.ended]),
            best=end.best_epoch,
        )
    return tr(
        "{epochs} in {seconds:,.0f} s ({ended}); the weights of epoch {best}, the best on validation, are kept.",
        epochs=counted(end.epochs, "epoch"),
        seconds=end.seconds,
        ended=tr(ENDS[end.ended]),
        best=end.best_epoch,
    )


def _ladder(rungs: Sequence[Rung], skipped: Sequence[Skipped]) -> Block:
    """What each rung of the recipe "auto" gave, out of fold on the images of training and validation."""
    header = (
        tr("rung"), tr("right"), tr("accuracy"), tr("95% interval"), tr("on the best before"), tr("95% interval"),
        tr("loss"), tr("kept"), tr("time"),
    )  # fmt: skip
    rows: list[tuple[str, ...]] = [
        (
            f"{rung.number} {tr(rung.name)}",
            tr("{correct} of {n}", correct=rung.correct, n=rung.n),
            percent(rung.accuracy),
            percents(rung.accuracy_ci),
            "" if rung.gain is None else f"{rung.gain:+.1%}",
            "" if rung.gain_ci is None else percents(rung.gain_ci),
            f"{rung.loss:.4f}",
            tr("yes") if rung.taken else tr("no"),
            f"{rung.seconds:,.0f} s",
        )
        for rung in rungs
    ]
    rows += [
        (
            f"{rung.number} {tr(rung.name)}",
            *("" for _ in range(6)),
            tr("left out: --budget {needed}", needed=rung.needed),
            "",
        )
        for rung in skipped
    ]
    return Table(header, rows)


def _more_images(curve: LearningCurve) -> list[Block]:
    """What more images to learn from would bring."""
    caption = tr("Accuracy out of fold by the number of images, with an 80% band")
    text = tr("How many more images? {sentence} {doubts}", sentence=curve.sentence, doubts=curve.doubts)
    return [Paragraph(text), Plots([(caption, learning_plot(curve))])]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    return "-" if value in ("", None) else str(value)
