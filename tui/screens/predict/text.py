"""The words of the Predict screen: what the model says about an image, and what there is to know of its file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from engine.base.language import tr
from engine.base.wording import counted, listing
from engine.evaluation.level_likeness import UNCHECKED
from tui.screens.predict.questions import Answered, Wanted
from tui.services.read_picture import Picture
from tui.widgets.bars import bars
from tui.widgets.safe_cells import content, lines
from tui.words.cells import padded
from tui.words.glyphs import Glyphs
from tui.words.image_words import measure_word, mode_word
from tui.words.numbers import histogram_line
from tui.words.worth import rule_words

if TYPE_CHECKING:
    from engine.evaluation.alike import Alike
    from engine.evaluation.level_likeness import Likeness
    from engine.evaluation.prediction import Prediction

ALIKE = tr("Within what they have; only gross differences show here.")
NAME = 13
"""Columns of the name of a measure."""


def answer_text(answered: Answered, wanted: Wanted, glyphs: Glyphs, width: int, heat: str = "") -> Content:
    """A bar a class, what to beware of, what the image may be, the details, its heat, and what is promised."""
    prediction = answered.prediction
    rows = [content(tr("The model says {label}", label=prediction.label), "bold")]
    rows += bars(prediction.shares, prediction.label, glyphs, width)
    rows += [
        content(f"{glyphs.beware} {tr('It {caution}.', caution=caution)}", "bold $warning")
        for caution in prediction.cautions
    ]
    rows += [Content(""), *_possible(prediction, wanted.level, glyphs), *_refused(answered, wanted.risk, glyphs)]
    rows += [*_decided(prediction), *([content(heat)] if heat else []), *_promise(answered, wanted)]
    return lines(rows)


def alike_title(count: int, kept: int) -> str:
    """What stands beside an image: so many of the training images that the run keeps."""
    if not count:
        return tr("The run's list of images names none of its training images any more.")
    return tr(
        "Of {images} that the run keeps, the {count} that the network sees most alike. How far off: 0 is the same to "
        "the network, 2 the most there is.",
        images=counted(kept, "training image"),
        count=count,
    )


def asked_text(label: str, name: str) -> Content:
    """The image that the model is asked about: what it says, and the file's name."""
    return lines([content(label, "bold"), content(tr("says the model")), content(name, "$foreground-muted")])


def alike_text(one: "Alike", label: str, readable: bool) -> Content:
    """A training image: its label, marked where the model says another one, how far off it is, and its name."""
    rows = [content(one.label, "bold" if one.label == label else "bold $warning")]
    rows.append(content(tr("{distance:.2f} off", distance=one.distance)))
    if not readable:
        rows.append(content(tr("its file can't be read any more"), "$warning"))
    return lines([*rows, content(one.file.rpartition("/")[2], "$foreground-muted")])


def _possible(prediction: "Prediction", level: float | None, glyphs: Glyphs) -> list[Content]:
    """The classes that can't be ruled out, or that none of them fits, and whether that is promised of this image."""
    possible = prediction.possible
    if possible is None:
        return []
    possible = possible.at(level or possible.level)
    says = tr("may be, at {level:.0%}: {says}", level=possible.level, says=possible.says)
    rows = [content(says, "bold") if possible.classes else content(f"{glyphs.beware} {says}", "bold $warning")]
    if possible.short:
        few = listing(f"{name} ({count})" for name, count in possible.short.items())
        rows.append(content(tr("not promised: too few calibration images of {classes}", classes=few), "$warning"))
    elif prediction.cautions:
        rows.append(content(tr("not promised of an image that is unlike the calibration images"), "$warning"))
    return rows


def _refused(answered: Answered, risk: float | None, glyphs: Glyphs) -> list[Content]:
    """Whether the answer is given or refused, where so few of those given are to be wrong."""
    if risk is None or answered.terms is None:
        return []
    if answered.terms.rules[risk].refuses(answered.prediction.sure):
        text = tr("refused, for at most {risk:.0%} wrong: not sure enough", risk=risk)
        return [content(f"{glyphs.beware} {text}", "bold $warning")]
    return [content(tr("answered, for at most {risk:.0%} wrong: sure enough", risk=risk), "bold")]


def _promise(answered: Answered, wanted: Wanted) -> list[Content]:
    """What is promised and for whom, in the engine's sentences."""
    from engine.evaluation.promised import UNPROMISED  # NumPy comes with it, and is there once a model has answered

    possible, terms = answered.prediction.possible, answered.terms
    texts = [UNPROMISED] if terms is None or possible is None else terms.sentences(
        wanted.level or possible.level, wanted.risk
    )  # fmt: skip
    return [content(text, "$foreground-muted") for text in texts]


def _decided(prediction: "Prediction") -> list[Content]:
    """What validation makes of the probabilities: the network's own before it, the decision, and the distance."""
    if prediction.calibrated is None or prediction.decision is None:
        return [content(tr("The network's own probabilities, not calibrated."), "$foreground-muted")]
    decision, own = prediction.decision, prediction.probabilities[prediction.label]
    decided = tr(
        "threshold decides: {says} (from {threshold:.1%} on for {positive}; {rule})",
        says=decision.says,
        threshold=decision.threshold,
        positive=decision.positive,
        rule=rule_words(decision.rule),
    )
    before = tr("before calibration: {label} {probability:.1%}", label=prediction.label, probability=own)
    rows = [content(decided), content(before, "$foreground-muted")]
    if prediction.distance is not None and prediction.distance_limit is not None:
        far = tr(
            "distance to the training images {distance:.2f}, usual up to {limit:.2f}",
            distance=prediction.distance,
            limit=prediction.distance_limit,
        )
        rows.append(content(far))
    return rows


def facts_text(picture: Picture, prediction: "Prediction | None", glyphs: Glyphs, width: int, height: int) -> Content:
    """Format, size, levels, warnings, and the comparison with the training images once the model has answered.

    Of what is not needed to read the rest so much is left out as makes it fit into `height` lines of `width` columns.
    """
    facts, alike = picture.facts, prediction.likeness if prediction else None
    size = f"{facts.bytes / 1000:,.0f} kB" if facts.bytes >= 1000 else tr("{count} bytes", count=facts.bytes)
    kind = tr("{mode}, {depth} bit", mode=mode_word(facts.mode), depth=facts.bit_depth)
    rows = [Row(content(f"{facts.format} {facts.width}x{facts.height}, {kind}, {size}"))]
    levels = tr("levels {minimum} to {maximum}", minimum=facts.minimum, maximum=facts.maximum)
    if not alike:  # else both stand below, each beside what is usual
        levels = tr("{levels}, mean {mean:.0f}, spread {spread:.0f}", levels=levels, mean=facts.mean, spread=facts.std)
    rows.append(Row(content(levels), leaves=2))
    shown = tr("black {levels} white", levels=histogram_line(picture.histogram))
    rows.append(Row(content(shown, "$foreground-muted"), leaves=3))
    rows += [Row(content(line), leaves=1) for line in (facts.dicom.told if facts.dicom else ())]
    rows += [Row(content(f"{glyphs.beware} {note}", "$warning")) for note in picture.notes]
    if prediction:
        rows += _likeness(alike, glyphs) if alike else [Row(content(UNCHECKED, "$foreground-muted"))]
    return lines([row.text for row in _fitting(rows, width, height)])


@dataclass(frozen=True)
class Row:
    """A line of a text; the greatest that `leaves` does so first where there is no room, 0 never."""

    text: Content
    leaves: int = 0


def _fitting(rows: list[Row], width: int, height: int) -> list[Row]:
    """Those rows that there is room for, as far as they may leave."""

    def tall() -> int:
        return sum(len(row.text.wrap(width)) for row in rows)

    while tall() > height and (least := max(rows, key=lambda row: row.leaves)).leaves:
        rows = [row for row in rows if row is not least]
    return rows


def _likeness(found: "Likeness", glyphs: Glyphs) -> list[Row]:
    rows = [Row(content(tr("{images} training images, usual range", images=found.images), "$foreground-muted"))]
    for one in found.measures:
        (value, usual), sign = one.shown, glyphs.beware if one.unlike else " "
        text = f"{sign} {padded(measure_word(one.measure), NAME)}{value:>5}  {usual}"
        rows.append(Row(content(text, "bold $warning" if one.unlike else "")))
    unchecked = [f"  {padded(measure_word(name), NAME)}{tr('not kept of this run')}" for name in found.unchecked]
    rows += [Row(content(text, "$foreground-muted")) for text in unchecked]
    return rows if found.unlike else [*rows, Row(content(ALIKE, "$foreground-muted"), leaves=4)]
