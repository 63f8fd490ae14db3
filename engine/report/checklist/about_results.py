"""What a run says of its results: how they were measured, what they are, and what was not looked at."""

from collections.abc import Sequence

from engine.base.language import tr, trn
from engine.base.wording import counted, in_turn, listing
from engine.evaluation.headline import Headline, percent, percents
from engine.report.checklist.about_data import in_classes
from engine.report.checklist.item import Answer, Place, answered, in_part, lacking, section
from engine.report.facts import Facts

_RESULTS = section("Results on the test part")


def measures(facts: Facts) -> Answer:
    """Which measures are given."""
    text = tr(
        "Accuracy beside that of always naming the most frequent class; sensitivity, specificity, precision, F1, AUC "
        "and Matthews' coefficient of each class; calibration error; ROC, precision-recall and reliability curves."
    )
    return answered(text, section("Evaluation"), Place("test.json", ("classes",)), Place("test.json", ("baseline",)))


def uncertainty(facts: Facts) -> Answer:
    """How uncertainty is measured."""
    text = tr(
        "95% intervals: exact for shares (Clopper and Pearson), Newcombe's for AUC, simulated for Matthews' "
        "coefficient. They hold where images are independent."
    )
    return answered(text, section("Evaluation"), Place("test.json", ("accuracy_ci",)), Place("test.json", ("auc_ci",)))


def robustness(facts: Facts) -> Answer:
    """Was it looked at whether the result stands where something is changed?"""
    if facts.audit is None:
        text = tr(
            "No shortcut audit is reported: `covid-tui audit DATA`, then `report --audit FOLDER --checklist ...`."
        )
        return lacking(text, section("Shortcut audit"))
    text = tr("A shortcut audit: {verdict}", verdict=facts.audit.verdict)
    return answered(text, section("Shortcut audit"))


def explanation(facts: Facts) -> Answer:
    """Was it shown where the model looks?"""
    text = tr("The run keeps no explanations: `covid-tui explain --part test` says how much of the heat is lung.")
    return lacking(text)


def internal(facts: Facts) -> Answer:
    """The result on images of the same kind that the model never saw."""
    sentence = Headline.of(facts.test).sentence()
    text = tr("On the test part, opened once after training: {sentence}.", sentence=sentence)
    return answered(text, Place("test.json", ("accuracy",)), Place("test.json", ("correct",)), _RESULTS)


def external(facts: Facts) -> Answer:
    """The result on images from elsewhere."""
    if not facts.externals:
        text = tr("None was done: `covid-tui evaluate RUN --on FOLDER` does one, `covid-tui matrix` several.")
        return lacking(text, section("External tests"))
    told = [
        tr(
            "{folder}: {accuracy} ({interval}) of {n:,}",
            folder=one.folder,
            accuracy=percent(one.accuracy),
            interval=percents(one.accuracy_ci),
            n=one.n,
        )
        for one in facts.externals
    ]
    return answered(_sentence(told), section("External tests"))


def _sentence(clauses: Sequence[str]) -> str:
    return tr("{clauses}.", clauses=tr("; ").join(clauses))


def shift(facts: Facts) -> Answer:
    """How the images of the evaluation differ from those of the development."""
    apart = [one for one in facts.externals if one.shift]
    if not apart:
        if facts.config.data.split is None and not facts.published:
            text = tr("The test part was drawn at random from the training's folder, so it differs by chance alone.")
            return answered(text, Place("split.csv", ("part",)), section("Partitions"))
        text = tr("The test part is of the same folder as the training; how it was set apart is not in the run.")
        return in_part(text, Place("split.csv", ("part",)), section("Partitions"))
    told = [
        tr(
            "of {folder} {beyond} are unlike the training images (1% is usual)",
            folder=one.folder,
            beyond=percent(one.shift.features.beyond),
        )
        for one in apart
        if one.shift
    ]
    text = tr("The test part is of the training's folder; {clauses}.", clauses=tr("; ").join(told))
    return answered(text, section("External tests"))


def elsewhere_compared(facts: Facts) -> Answer:
    """How the images of an external evaluation compare with those of the training."""
    if not any(one.shift for one in facts.externals):
        text = tr("No external test with a comparison: `covid-tui evaluate RUN --on FOLDER` makes one.")
        return lacking(text, section("External tests"))
    return shift(facts)


def performance(facts: Facts) -> Answer:
    """The overall result with its uncertainty."""
    test = facts.test
    text = tr("Accuracy {sentence}.", sentence=Headline.of(test).sentence())
    places = [Place("test.json", ("accuracy",)), Place("test.json", ("accuracy_ci",))]
    if test.auc is not None:
        auc = tr("AUC {auc:.3f}.", auc=test.auc)
        if test.auc_ci:
            low, high = test.auc_ci
            auc = tr("AUC {auc:.3f} ({low:.3f} to {high:.3f}).", auc=test.auc, low=low, high=high)
        text = in_turn(text, auc)
        places.append(Place("test.json", ("auc",)))
    return answered(text, *places, _RESULTS)


def performance_by_group(facts: Facts) -> Answer:
    """The overall result, and that of groups of people."""
    found = performance(facts)
    if facts.subgroups is None:
        text = tr("Results by age, sex, view or machine are not in the run: `covid-tui evaluate --by` does it.")
        return in_part(in_turn(found.text, text), *found.places)
    text = tr("By {names}: on the card.", names=listing(one.field for one in facts.subgroups.fields))
    return answered(in_turn(found.text, text), *found.places, section("Results by groups"))


def by_class(facts: Facts) -> Answer:
    """Sensitivity and specificity of each class with their uncertainty."""
    told, places = [], list[Place]()
    for label, own in facts.test.classes.items():
        if own.sensitivity is None or own.specificity is None or not own.sensitivity_ci or not own.specificity_ci:
            continue
        told.append(
            tr(
                "{label}: sensitivity {sensitivity} ({sensitivity_ci}), specificity {specificity} ({specificity_ci})",
                label=label,
                sensitivity=percent(own.sensitivity),
                sensitivity_ci=percents(own.sensitivity_ci),
                specificity=percent(own.specificity),
                specificity_ci=percents(own.specificity_ci),
            )
        )
        places += [Place("test.json", ("classes", label, name)) for name in ("sensitivity", "specificity")]
    if not told:
        return lacking(tr("The test part has images of one class alone."), _RESULTS)
    return answered(_sentence(told), *places, _RESULTS)


def failures(facts: Facts) -> Answer:
    """Which images are answered wrongly, and how."""
    test, names = facts.test, list(facts.test.classes)
    wrong = test.n - test.correct
    pairs = [(n, names[i], names[j]) for i, row in enumerate(test.confusion) for j, n in enumerate(row) if n and i != j]
    told = listing(
        tr("{n:,} {truth} taken for {said}", n=n, truth=truth, said=said)
        for n, truth, said in sorted(pairs, reverse=True)[:3]
    )
    if told:
        text = trn(
            "{wrong:,} of {number} is wrong: {told}.",
            "{wrong:,} of {number} are wrong: {told}.",
            test.n,
            wrong=wrong,
            told=told,
        )
    else:
        text = trn("{wrong:,} of {number} is wrong.", "{wrong:,} of {number} are wrong.", test.n, wrong=wrong)
    listed = tr("Each test image with its answer is listed. What the wrong ones have in common was not looked at.")
    return in_part(
        in_turn(text, listed), Place("test.json", ("confusion",)), Place("predictions.csv", ("said",)), _RESULTS
    )


def limitations(facts: Facts) -> Answer:
    """What a reader should doubt."""
    text = trn(
        "The card lists what the run itself gives to doubt; {number} warning of the training is among it.",
        "The card lists what the run itself gives to doubt; {number} warnings of the training are among it.",
        len(facts.warnings),
    )
    return in_part(text, section("Limits"))


def not_apparent(facts: Facts) -> Answer:
    """Was the result measured on images that the model did not learn from?"""
    images = counted(facts.test.n, "image")
    text = tr("Yes: {images} of a test part that was shut until the training was over.", images=images)
    return answered(text, Place("test.json", ("n",)), Place("split.csv", ("part",)), _RESULTS)


def as_drawn(facts: Facts) -> Answer:
    """Was the test made on images as frequent as they are in the folder?"""
    counts = in_classes({label: own.n for label, own in facts.test.classes.items()})
    text = tr("Yes: no test image was repeated or left out to even the classes ({counts}).", counts=counts)
    return answered(text, *(Place("test.json", ("classes", label, "n")) for label in facts.test.classes))


def resampling(facts: Facts) -> Answer:
    """Where images were drawn again and again, was everything done anew each time?"""
    text = tr("The result is of a test part apart, not of resampling.")
    if facts.rungs:
        text = in_turn(text, tr("Folds chose the rung alone; their accuracy is not given as the model's."))
    return answered(text, Place("split.csv", ("part",)), section("Training"))


def appropriate(facts: Facts) -> Answer:
    """Were discrimination, calibration and use all looked at?"""
    text = tr("Discrimination: AUC, sensitivity and specificity with intervals.")
    places = [Place("test.json", ("auc",)), _RESULTS]
    if facts.test.calibrated:
        before, after = facts.test.ece or 0.0, facts.test.calibrated.ece
        calibration = tr(
            "Calibration: expected error {before:.3f}, {after:.3f} at the temperature.", before=before, after=after
        )
        text = in_turn(text, calibration)
        places += [Place("test.json", ("calibrated", "ece")), section("Calibration and operating point")]
    if facts.decisions is None:
        return in_part(in_turn(text, tr("The run has no threshold to tell net benefit from.")), *places)
    use = tr("Use: a decision curve with its net benefit, and predictive values by how frequent the class is.")
    return answered(in_turn(text, use), *places, section("What an answer is worth"))


def by_source(facts: Facts) -> Answer:
    """Does the result differ between hospitals or sources?"""
    if not facts.externals:
        text = tr("Results by source are not in the run, and there is no test on images from elsewhere.")
        return lacking(text, section("External tests"))
    found = external(facts)
    own = tr("Own test {accuracy}.", accuracy=percent(facts.test.accuracy))
    return in_part(in_turn(own, found.text), Place("test.json", ("accuracy",)), *found.places)
