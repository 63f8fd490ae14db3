"""What a run says of its model: what it is, how it was trained and chosen, and what is kept of it."""

from collections import Counter
from pathlib import Path

from engine.auto.ladder import LADDER_FILE
from engine.base.events import Finished
from engine.base.language import tr
from engine.base.wording import counted, in_turn, listing
from engine.data.warnings import UNEQUAL
from engine.evaluation.training_reference import REFERENCE
from engine.recipe.config import TrainConfig
from engine.report.checklist.about_data import in_classes
from engine.report.checklist.item import Answer, Place, State, answered, in_part, lacking, section
from engine.report.facts import Facts

_BACKBONE = Place("config.json", ("network", "backbone"))
_MODE = Place("config.json", ("network", "mode"))
_RECIPE = Place("config.json", ("choice", "recipe"))


def _way(config: TrainConfig) -> Place:
    return _RECIPE if config.way == "auto" else _MODE


def technique(facts: Facts) -> Answer:
    """Which kind of model it is."""
    config = facts.config
    text = tr(
        "A convolutional neural network: {backbone}, {way}; supervised, one label an image.",
        backbone=config.network.backbone,
        way=config.way,
    )
    return answered(text, _BACKBONE, _way(config), section("Model"))


def architecture(facts: Facts) -> Answer:
    """The model in detail: input, layers, output."""
    network = facts.config.network.backbone
    text = tr("{network} without its top, then a head with a logit for each class.", network=network)
    places = [Place("model.json", (key,)) for key in ("backbone", "input", "classes")]
    if facts.started:
        trainable, frozen = facts.started.trainable, facts.started.frozen
        train = tr("{trainable:,} of {count:,} parameters train.", trainable=trainable, count=trainable + frozen)
        text = in_turn(text, train)
        places.append(Place("events.jsonl", ("started", "trainable")))
    return answered(text, *places, section("Model"))


def libraries(facts: Facts) -> Answer:
    """Software and versions."""
    if not facts.environment.versions:
        return lacking(tr("The run has no environment.json with versions."))
    names = listing(f"{name} {version}" for name, version in list(facts.environment.versions.items())[:5])
    text = tr("{names} and others.", names=names)
    return answered(text, Place("environment.json", ("versions",)), section("Environment and hashes"))


def first_weights(facts: Facts) -> Answer:
    """Where the weights begin."""
    weights, seed = Path(facts.config.network.weights).name, facts.config.machine.seed
    if weights == "none":
        text = tr(
            "The backbone begins with drawn at random; the head's first weights are drawn with seed {seed}.", seed=seed
        )
    else:
        text = tr(
            "The backbone begins with {weights} weights; the head's first weights are drawn with seed {seed}.",
            weights=weights,
            seed=seed,
        )
    return answered(text, Place("config.json", ("network", "weights")), Place("config.json", ("machine", "seed")))


def training(facts: Facts) -> Answer:
    """How it was trained."""
    config, end = facts.config, facts.end
    took = tr("It took {units} and {seconds:,.0f} s.", units=_units(end), seconds=end.seconds) if end else ""
    if facts.rungs:
        rungs = counted(len(facts.rungs), "rung")
        text = tr("By the recipe that chooses by itself: {rungs}, each judged out of fold.", rungs=rungs)
        return answered(in_turn(text, took), _RECIPE, Place(LADDER_FILE, ("rungs",)), section("Training"))
    fit = config.fit
    text = tr(
        "Mode {mode}; up to {epochs} in batches of {batch}, learning rate {lr}, patience {patience}; augmentation "
        "{augment}.",
        mode=config.network.mode,
        epochs=counted(fit.epochs, "epoch"),
        batch=fit.batch,
        lr=fit.lr,
        patience=fit.patience,
        augment=config.augment.augment,
    )
    settings = [Place("config.json", ("fit", name)) for name in ("epochs", "batch", "lr", "patience")]
    augmented = Place("config.json", ("augment", "augment"))
    history = Place("history.csv", ("val_accuracy",))
    return answered(in_turn(text, took), *settings, augmented, history, section("Training"))


def _units(end: Finished) -> str:
    return counted(end.epochs, "rung" if end.unit == "rung" else "epoch")


def selection(facts: Facts) -> Answer:
    """How the model that is kept was chosen among those tried."""
    if facts.end is None:
        return lacking(tr("The run does not say how its training ended."))
    kept, best = Place("events.jsonl", ("finished", "best_epoch")), facts.end.best_epoch
    if facts.end.unit == "rung":
        text = tr("Rung {best}, chosen by its loss out of fold on the images of training and validation.", best=best)
        return answered(text, kept, Place(LADDER_FILE, ("chosen",)), section("Training"))
    text = tr("The weights of epoch {best}, the best on validation.", best=best)
    return answered(text, kept, Place("history.csv", ("val_loss",)))


def building(facts: Facts) -> Answer:
    """Type of model, how it was built, tuned and validated inside."""
    parts = (technique(facts), training(facts), selection(facts))
    places = tuple(dict.fromkeys(place for part in parts for place in part.places))
    state: State = "answered" if all(part.state == "answered" for part in parts) else "in part"
    return Answer(in_turn(*(part.text for part in parts)), places, state)


def ensembling(facts: Facts) -> Answer:
    """Is more than one model asked?"""
    text = tr("One network answers; no models are put together.")
    mirrored = next((rung.mirror for rung in facts.rungs if facts.end and rung.number == facts.end.best_epoch), False)
    if mirrored:
        text = in_turn(text, tr("Its answers to the image and to its mirror image are averaged."))
    return answered(text, Place("model.json", ("head",)))


def overfitting(facts: Facts) -> Answer:
    """What was done against overfitting."""
    if facts.rungs:
        text = tr(
            "A penalised linear head; its strength and every rung were judged out of fold, with groups kept whole."
        )
        return answered(text, Place(LADDER_FILE, ("folds",)), Place(LADDER_FILE, ("rungs",)), section("Training"))
    patience, augment = facts.config.fit.patience, facts.config.augment.augment
    if patience:
        text = tr(
            "The weights of the best epoch on validation are kept; training ends after {epochs} without a better one; "
            "augmentation {augment}.",
            epochs=counted(patience, "epoch"),
            augment=augment,
        )
    else:
        text = tr(
            "The weights of the best epoch on validation are kept; no early end; augmentation {augment}.",
            augment=augment,
        )
    places = (Place("config.json", ("fit", "patience")), Place("config.json", ("augment", "augment")))
    return answered(text, *places, Place("history.csv", ("val_loss",)))


def _counts_alike(facts: Facts) -> bool:
    """Was each class made to count alike in the fit?"""
    weighting = facts.config.fit.class_weight
    counts = Counter(row.label for row in facts.rows if row.part != "test").values()
    own = weighting == "auto" and facts.config.way == "auto" and max(counts) >= UNEQUAL * min(counts)
    return weighting == "balanced" or own


def imbalance(facts: Facts) -> Answer:
    """How unequal classes were handled."""
    counts = Counter(row.label for row in facts.rows if row.part != "test")
    told = tr("Images to learn from: {counts}.", counts=in_classes(counts))
    how = tr("Each class was made to count alike." if _counts_alike(facts) else "Classes were not made to count alike.")
    where = (Place("config.json", ("fit", "class_weight")), Place("split.csv", ("class",)), section("Partitions"))
    return answered(in_turn(told, how), *where)


def recalibrated(facts: Facts) -> Answer:
    """Were the probabilities recalibrated after classes were made to count alike?"""
    before = imbalance(facts)
    if not _counts_alike(facts):
        return answered(in_turn(before.text, tr("So nothing had to be recalibrated for it.")), *before.places)
    if facts.calibration is None:
        return lacking(in_turn(before.text, tr("The run has no calibration.")), *before.places)
    text = tr(
        "A temperature ({temperature:.3f}) was then sought on {images} outside of the test part. It changes how sure "
        "the model is, not how frequent it takes a class to be.",
        temperature=facts.calibration.temperature,
        images=counted(facts.calibration.n, "image"),
    )
    return in_part(in_turn(before.text, text), Place("calibration.json", ("temperature",)), *before.places)


def output(facts: Facts) -> Answer:
    """What the model says, and how its threshold was chosen."""
    if facts.calibration is None:
        text = tr("A probability for each class, and the most probable class; the run has no threshold.")
        return in_part(text, Place("model.json", ("classes",)))
    own = facts.calibration.operating
    text = tr(
        "A probability for each class. {positive} is said from {threshold:.3f} on (rule: {rule}), chosen on {images} "
        "outside of the test part.",
        positive=own.positive,
        threshold=own.threshold,
        rule=own.rule,
        images=counted(facts.calibration.n, "image"),
    )
    places = [Place("calibration.json", ("operating", key)) for key in ("threshold", "rule", "positive")]
    return answered(text, *places, section("Calibration and operating point"))


def whole_model(facts: Facts) -> Answer:
    """Is the model there, whole, so that others can use it?"""
    text = tr(
        "Weights, classes, input and preprocessing are in the run, each file with its SHA-256 on the card; model.keras "
        "can be used without this program."
    )
    places = (Place("best.weights.h5"), Place("model.json", ("preprocessing",)), Place("model.keras"))
    return answered(text, *places, section("Environment and hashes"))


def predicting(facts: Facts) -> Answer:
    """How an answer is computed from an image."""
    text = tr("The image is prepared as in training and passed through the kept weights; `covid-tui predict` does it.")
    places = (Place("model.json", ("preprocessing",)), Place("best.weights.h5"))
    return answered(text, *places, Place("predictions.csv", ("said",)))


def updating(facts: Facts) -> Answer:
    """Was the model changed after it was tested?"""
    text = tr(
        "No: the weights are those of the training, and what was learnt after it is a temperature and a threshold, "
        "before the test part was opened."
        if facts.calibration
        else "No: the weights are those of the training, and what was learnt after it is a temperature and a "
        "threshold: the run has neither."
    )
    places = (Place("best.weights.h5"), Place("calibration.json", ("temperature",)), section("Environment and hashes"))
    return answered(text, *places)


def unlike(facts: Facts) -> Answer:
    """What happens to an image of poor quality, or unlike those of the training?"""
    if REFERENCE not in facts.hashes:
        return lacking(
            tr("The run has no {file}, so it can't tell when an image is unlike the training images.", file=REFERENCE)
        )
    text = tr(
        "A prediction warns of an image that lies farther from the training images than 99% of these lie from each "
        "other, or that is laid the wrong way; one that can't be read is refused with its reason."
    )
    return answered(text, Place(REFERENCE))


def details(facts: Facts) -> Answer:
    """Where all technical details are."""
    text = tr("Recipe, split, events, versions and hashes are in the run directory.")
    return answered(text, Place("config.json"), Place("split.csv"), Place("events.jsonl"),
                    section("Environment and hashes"))  # fmt: skip
