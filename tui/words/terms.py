"""What the field's terms mean, in plain words: the help of a screen explains those that stand on it."""

import re
from functools import cache

from engine.base.language import marked, tr
from tui.words.cells import cells

_LETTER = r"[0-9A-Za-z_\u00c0-\u024f./-]"
"""What no word borders on: letters of alphabets, and what joins the parts of a path."""

TERMS = {
    marked("accuracy"): marked("The share of images that are answered rightly."),
    marked("always"): marked(
        "What always naming the most frequent class would get: an accuracy near it means that little was learnt."
    ),
    marked("AUC"): marked(
        "Area under the curve: how often the model ranks an image of the class above one that is not of it; "
        "50% is chance, 100% perfect. No threshold is needed for it."
    ),
    marked("augment"): marked(
        "Images are turned, moved and mirrored a little, so that the network can't learn single pictures by heart."
    ),
    marked("backbone"): marked("The network whose layers read the image, here one that has learnt on ImageNet."),
    marked("batch"): marked("The images that are looked at together in a step of the training."),
    marked("before calibration"): marked("The probability that the network gives by itself, usually too sure."),
    marked("block"): marked("Layers of the network that belong together; the last ones see the largest shapes."),
    marked("calibrated"): marked(
        "Set right by the validation images, so that of answers with 80% about 80% are right."
    ),
    marked("classes"): marked("The kinds that the model tells apart; a folder each."),
    marked("distance"): marked(
        "How far an image lies from the most alike training images, in what the network sees: 0 is the same. "
        "An image that is farther than usual is unlike anything that the model has learnt from."
    ),
    marked("epoch"): marked("Once through all training images."),
    marked("equal"): marked(
        "Files with the same picture. They stay in one part, else the test would be of pictures already seen."
    ),
    marked("folds"): marked(
        "The images are divided so many times that each is tested once, by a model that has not learnt from it."
    ),
    marked("frontier"): marked("The recipes that no other one beats in both time and accuracy (Pareto front)."),
    marked("frozen"): marked(
        "Layers that keep what they learnt before. They compute the same at each epoch, so it is kept."
    ),
    marked("head"): marked(
        "The last, small part of the network, which turns what is seen into classes. It always trains."
    ),
    marked("heat"): marked("Where in the image the answer comes from: light is more."),
    marked("interval"): marked(
        "Where the true value may well lie, as so few images were looked at: right in 95 of 100 cases."
    ),
    marked("learning rate"): marked(
        "How far the weights are moved in a step. Too large, and the loss jumps; too small, and nothing moves."
    ),
    marked("level"): marked("How bright a pixel is, from 0, black, to 255, white."),
    marked("logits"): marked("The head's raw numbers, one a class, from which probabilities are made."),
    marked("loss"): marked(
        "How wrong the model is and how sure of it, over all images: less is better, and 0 is perfect."
    ),
    marked("mask"): marked("A drawing of where the lungs are, as some sets have it."),
    marked("McNemar"): marked(
        "A test of two models on the same images: p says how likely so large a difference is by chance alone."
    ),
    marked("NPV"): marked(
        "Negative predictive value: of the images that are called negative, the share that truly are."
    ),
    marked("out of fold"): marked("By a model that had not learnt from the image."),
    marked("parameters"): marked("The numbers that a layer has learnt, or is to learn."),
    marked("patience"): marked("Epochs without a better one after which the training ends."),
    marked("PPV"): marked(
        "Positive predictive value: of the images that are called positive, the share that truly are."
    ),
    marked("prevalence"): marked(
        "How many of those who are examined have it. The rarer it is, the more alarms are false."
    ),
    marked("rate"): marked("The learning rate: how far the weights are moved in a step."),
    marked("rung"): marked("A step of the ladder that the recipe auto climbs: one more thing that it tries."),
    marked("sd"): marked("Standard deviation: how far the values spread about their mean."),
    marked("seed"): marked(
        "The number from which all chance is drawn. The same seed gives the same split and the same training."
    ),
    marked("sensitivity"): marked("Of the images of a class, the share that is found."),
    marked("shortcut"): marked(
        "Something beside the lungs that tells the classes apart, such as a mark, a border or the machine."
    ),
    marked("specificity"): marked("Of the images that are not of a class, the share that is not taken for it."),
    marked("spread"): marked(
        "How far the levels lie about their mean (standard deviation): a flat picture has little."
    ),
    marked("threshold"): marked("The probability from which on the answer is yes. It was chosen on validation images."),
    marked("train"): marked("The images that the model learns from."),
    marked("unfreeze"): marked("Let layers learn that were frozen."),
    marked("usual range"): marked("Within three standard deviations of the mean of the training images."),
    marked("validation"): marked("Images that the model does not learn from; they choose the best epoch."),
    marked("variants"): marked("The images with something taken away, to see what the model lives on."),
    marked("views"): marked("Versions of an image that the frozen layers see, the plain one among them."),
    marked("Youden"): marked("The threshold at which sensitivity and specificity are largest together."),
}
"""By term, as it stands on a screen, what it means. Capitals count where a term has nothing else."""


def terms_in(text: str) -> list[tuple[str, str]]:
    """The terms that stand in the text, translated or not, in the alphabetical order of English, each with what it
    means.
    """
    wide = set(translated_terms().findall(text))
    found = {
        tr(term): tr(meaning)
        for term, meaning in TERMS.items()
        if tr(term) in wide or any(_pattern(name).search(text) for name in {term, tr(term)} if not _is_wide(name))
    }
    return list(found.items())


@cache
def _pattern(term: str) -> re.Pattern[str]:
    """Finds the term as a word: Chinese may follow it at once, another letter not."""
    flags = 0 if term.isupper() else re.IGNORECASE
    ending = "" if len(term) == 1 or term.isupper() else "(?:s|es|d)?"
    return re.compile(rf"(?<!{_LETTER}){re.escape(term)}{ending}(?!{_LETTER})", flags)


@cache
def translated_terms() -> re.Pattern[str]:
    """Finds the terms of a script that puts no spaces between words; of several at one place the longest."""
    names = sorted(filter(_is_wide, map(tr, TERMS)), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names)) or "(?!)")


def _is_wide(name: str) -> bool:
    return cells(name) > len(name)
