"""What the field's terms mean, in plain words: the help of a screen explains those that stand on it."""

import re

TERMS = {
    "accuracy": "The share of images that are answered rightly.",
    "always": "What always naming the most frequent class would get: an accuracy near it means that little was learnt.",
    "AUC": "Area under the curve: how often the model ranks an image of the class above one that is not of it; "
    "50% is chance, 100% perfect. No threshold is needed for it.",
    "augment": "Images are turned, moved and mirrored a little, so that the network can't learn single pictures "
    "by heart.",
    "backbone": "The network whose layers read the image, here one that has learnt on ImageNet.",
    "batch": "The images that are looked at together in a step of the training.",
    "before calibration": "The probability that the network gives by itself, usually too sure.",
    "block": "Layers of the network that belong together; the last ones see the largest shapes.",
    "calibrated": "Set right by the validation images, so that of answers with 80% about 80% are right.",
    "classes": "The kinds that the model tells apart; a folder each.",
    "distance": "How far an image lies from the most alike training images, in what the network sees: 0 is the "
    "same. An image that is farther than usual is unlike anything that the model has learnt from.",
    "epoch": "Once through all training images.",
    "equal": "Files with the same picture. They stay in one part, else the test would be of pictures already seen.",
    "folds": "The images are divided so many times that each is tested once, by a model that has not learnt from it.",
    "frontier": "The recipes that no other one beats in both time and accuracy (Pareto front).",
    "frozen": "Layers that keep what they learnt before. They compute the same at each epoch, so it is kept.",
    "head": "The last, small part of the network, which turns what is seen into classes. It always trains.",
    "heat": "Where in the image the answer comes from: light is more.",
    "interval": "Where the true value may well lie, as so few images were looked at: right in 95 of 100 cases.",
    "learning rate": "How far the weights are moved in a step. Too large, and the loss jumps; too small, and "
    "nothing moves.",
    "level": "How bright a pixel is, from 0, black, to 255, white.",
    "logits": "The head's raw numbers, one a class, from which probabilities are made.",
    "loss": "How wrong the model is and how sure of it, over all images: less is better, and 0 is perfect.",
    "mask": "A drawing of where the lungs are, as some sets have it.",
    "McNemar": "A test of two models on the same images: p says how likely so large a difference is by chance alone.",
    "NPV": "Negative predictive value: of the images that are called negative, the share that truly are.",
    "out of fold": "By a model that had not learnt from the image.",
    "parameters": "The numbers that a layer has learnt, or is to learn.",
    "patience": "Epochs without a better one after which the training ends.",
    "PPV": "Positive predictive value: of the images that are called positive, the share that truly are.",
    "prevalence": "How many of those who are examined have it. The rarer it is, the more alarms are false.",
    "rate": "The learning rate: how far the weights are moved in a step.",
    "rung": "A step of the ladder that the recipe auto climbs: one more thing that it tries.",
    "sd": "Standard deviation: how far the values spread about their mean.",
    "seed": "The number from which all chance is drawn. The same seed gives the same split and the same training.",
    "sensitivity": "Of the images of a class, the share that is found.",
    "shortcut": "Something beside the lungs that tells the classes apart, such as a mark, a border or the machine.",
    "specificity": "Of the images that are not of a class, the share that is not taken for it.",
    "spread": "How far the levels lie about their mean (standard deviation): a flat picture has little.",
    "threshold": "The probability from which on the answer is yes. It was chosen on validation images.",
    "train": "The images that the model learns from.",
    "unfreeze": "Let layers learn that were frozen.",
    "usual range": "Within three standard deviations of the mean of the training images.",
    "validation": "Images that the model does not learn from; they choose the best epoch.",
    "variants": "The images with something taken away, to see what the model lives on.",
    "views": "Versions of an image that the frozen layers see, the plain one among them.",
    "Youden": "The threshold at which sensitivity and specificity are largest together.",
}
"""By term, as it stands on a screen, what it means. Capitals count where the term has any."""


def terms_in(text: str) -> list[tuple[str, str]]:
    """The terms that stand in the text, in alphabetical order, each with what it means."""
    return [(term, meaning) for term, meaning in TERMS.items() if _pattern(term).search(text)]


def _pattern(term: str) -> re.Pattern[str]:
    flags = 0 if term != term.lower() else re.IGNORECASE
    ending = "" if len(term) == 1 or term.isupper() else "(?:s|es|d)?"
    return re.compile(rf"(?<![\w./-]){re.escape(term)}{ending}(?![\w./-])", flags)
