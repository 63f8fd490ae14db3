"""The words of the Predict screen: what the model says about an image, and what there is to know of its file."""

from typing import TYPE_CHECKING

from textual.content import Content

from engine.base.wording import counted
from engine.evaluation.level_likeness import UNCHECKED
from tui.screens.predict.questions import Answered, Wanted
from tui.services.read_picture import Picture
from tui.widgets.bars import bars
from tui.widgets.safe_cells import content, lines
from tui.words.glyphs import Glyphs
from tui.words.image_words import measure_word, mode_word
from tui.words.numbers import histogram_line
from tui.words.worth import rule_words

if TYPE_CHECKING:
    from engine.evaluation.alike import Alike
    from engine.evaluation.level_likeness import Likeness
    from engine.evaluation.prediction import Prediction

ALIKE = "Within what they have; only gross differences show here."


def answer_text(answered: Answered, wanted: Wanted, glyphs: Glyphs, width: int, heat: str = "") -> Content:
    """A bar a class, what to beware of, what the image may be, the details, its heat, and what is promised."""
    prediction = answered.prediction
    rows = [content(f"The model says {prediction.label}", "bold")]
    rows += bars(prediction.shares, prediction.label, glyphs, width)
    rows += [content(f"{glyphs.beware} It {caution}.", "bold $warning") for caution in prediction.cautions]
    rows += [Content(""), *_possible(prediction, wanted.level, glyphs), *_refused(answered, wanted.risk, glyphs)]
    rows += [*_decided(prediction), *([content(heat)] if heat else []), *_promise(answered, wanted)]
    rows.append(content(f"run {answered.run.name}", "$foreground-muted"))
    return lines(rows)


def alike_title(count: int, kept: int) -> str:
    """What stands beside an image: so many of the training images that the run keeps."""
    if not count:
        return "The run's list of images names none of its training images any more."
    which = f"Of {counted(kept, 'training image')} that the run keeps, the {count} that the network sees most alike."
    return f"{which} How far off: 0 is the same to the network, 2 the most there is."


def asked_text(label: str, name: str) -> Content:
    """The image that the model is asked about: what it says, and the file's name."""
    return lines([content(label, "bold"), content("says the model"), content(name, "$foreground-muted")])


def alike_text(one: "Alike", label: str, readable: bool) -> Content:
    """A training image: its label, marked where the model says another one, how far off it is, and its name."""
    rows = [content(one.label, "bold" if one.label == label else "bold $warning")]
    rows.append(content(f"{one.distance:.2f} off"))
    if not readable:
        rows.append(content("its file can't be read any more", "$warning"))
    return lines([*rows, content(one.file.rpartition("/")[2], "$foreground-muted")])


def _possible(prediction: "Prediction", level: float | None, glyphs: Glyphs) -> list[Content]:
    """The classes that can't be ruled out, or that none of them fits, and whether that is promised of this image."""
    possible = prediction.possible
    if possible is None:
        return []
    possible = possible.at(level or possible.level)
    says = f"may be, at {possible.level:.0%}: {possible.says}"
    rows = [content(says, "bold") if possible.classes else content(f"{glyphs.beware} {says}", "bold $warning")]
    if possible.short:
        few = ", ".join(f"{name} ({count})" for name, count in possible.short.items())
        rows.append(content(f"not promised: too few calibration images of {few}", "$warning"))
    elif prediction.cautions:
        rows.append(content("not promised of an image that is unlike the calibration images", "$warning"))
    return rows


def _refused(answered: Answered, risk: float | None, glyphs: Glyphs) -> list[Content]:
    """Whether the answer is given or refused, where so few of those given are to be wrong."""
    if risk is None or answered.terms is None:
        return []
    if answered.terms.rules[risk].refuses(answered.prediction.sure):
        return [content(f"{glyphs.beware} refused, for at most {risk:.0%} wrong: not sure enough", "bold $warning")]
    return [content(f"answered, for at most {risk:.0%} wrong: sure enough", "bold")]


def _promise(answered: Answered, wanted: Wanted) -> list[Content]:
    """What is promised and for whom, in the engine's sentences."""
    from engine.evaluation.promised import UNPROMISED  # NumPy comes with it, and is there once a model has answered

    possible, terms = answered.prediction.possible, answered.terms
    texts = [UNPROMISED] if terms is None or possible is None else terms.sentences(
        wanted.level or possible.level, wanted.risk
    )  # fmt: skip
    return [Content(""), *(content(text, "$foreground-muted") for text in texts)]


def _decided(prediction: "Prediction") -> list[Content]:
    """What validation makes of the probabilities: the network's own before it, the decision, and the distance."""
    if prediction.calibrated is None or prediction.decision is None:
        return [content("The network's own probabilities, not calibrated.", "$foreground-muted")]
    decision, own = prediction.decision, prediction.probabilities[prediction.label]
    place = f"from {decision.threshold:.1%} on for {decision.positive}; {rule_words(decision.rule)}"
    rows = [
        content(f"threshold decides: {decision.says} ({place})"),
        content(f"before calibration: {prediction.label} {own:.1%}", "$foreground-muted"),
    ]
    if prediction.distance is not None and prediction.distance_limit is not None:
        far = f"distance to the training images {prediction.distance:.2f}, usual up to {prediction.distance_limit:.2f}"
        rows.append(content(far))
    return rows


def facts_text(picture: Picture, prediction: "Prediction | None", glyphs: Glyphs) -> Content:
    """Format, size, levels, warnings, and the comparison with the training images once the model has answered."""
    facts = picture.facts
    rows = [content(picture.path.name, "bold")]
    size = f"{facts.bytes / 1000:,.0f} kB" if facts.bytes >= 1000 else f"{facts.bytes} bytes"
    kind = f"{facts.format} {facts.width}x{facts.height}, {mode_word(facts.mode)}, {facts.bit_depth} bit"
    rows.append(content(f"{kind}, {size}"))
    rows.append(content(f"levels {facts.minimum} to {facts.maximum}, mean {facts.mean:.0f}, spread {facts.std:.0f}"))
    rows.append(content(f"black {histogram_line(picture.histogram)} white", "$foreground-muted"))
    rows += [content(line) for line in (facts.dicom.told if facts.dicom else ())]
    rows += [content(f"{glyphs.beware} {note}", "$warning") for note in picture.notes]
    if prediction:
        alike = prediction.likeness
        rows += _likeness(alike, glyphs) if alike else [content(UNCHECKED, "$foreground-muted")]
    return lines(rows)


def _likeness(found: "Likeness", glyphs: Glyphs) -> list[Content]:
    rows = [content(f"{found.images} training images, usual range", "$foreground-muted")]
    for one in found.measures:
        (value, usual), sign = one.shown, glyphs.beware if one.unlike else " "
        text = f"{sign} {measure_word(one.measure):<13}{value:>5}  {usual}"
        rows.append(content(text, "bold $warning" if one.unlike else ""))
    unchecked = [f"  {measure_word(name):<13}not kept of this run" for name in found.unchecked]
    rows += [content(text, "$foreground-muted") for text in unchecked]
    return rows if found.unlike else [*rows, content(ALIKE, "$foreground-muted")]
