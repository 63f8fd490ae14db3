"""What a run says of its results: how they were measured, what they are, and what was not looked at."""

from engine.base.wording import counted, noun
from engine.evaluation.headline import Headline, percent, percents
from engine.report.checklist.item import Answer, Place, answered, in_part, lacking, section
from engine.report.facts import Facts

_RESULTS = section("Results on the test part")


def measures(facts: Facts) -> Answer:
    """Which measures are given."""
    text = (
        "Accuracy beside that of always naming the most frequent class; sensitivity, specificity, precision, F1, AUC "
        "and Matthews' coefficient of each class; calibration error; ROC, precision-recall and reliability curves."
    )
    return answered(text, section("Evaluation"), Place("test.json", ("classes",)), Place("test.json", ("baseline",)))


def uncertainty(facts: Facts) -> Answer:
    """How uncertainty is measured."""
    text = (
        "95% intervals: exact for shares (Clopper and Pearson), Newcombe's for AUC, simulated for Matthews' "
        "coefficient. They hold where images are independent."
    )
    return answered(text, section("Evaluation"), Place("test.json", ("accuracy_ci",)), Place("test.json", ("auc_ci",)))


def robustness(facts: Facts) -> Answer:
    """Was it looked at whether the result stands where something is changed?"""
    if facts.audit is None:
        text = "No shortcut audit is reported: `covid-tui audit DATA`, then `report --audit FOLDER --checklist ...`."
        return lacking(text, section("Shortcut audit"))
    return answered(f"A shortcut audit: {facts.audit.verdict}", section("Shortcut audit"))


def explanation(facts: Facts) -> Answer:
    """Was it shown where the model looks?"""
    text = "The run keeps no explanations: `covid-tui explain --part test` says how much of the heat is lung."
    return lacking(text)


def internal(facts: Facts) -> Answer:
    """The result on images of the same kind that the model never saw."""
    text = f"On the test part, opened once after training: {Headline.of(facts.test).sentence()}."
    return answered(text, Place("test.json", ("accuracy",)), Place("test.json", ("correct",)), _RESULTS)


def external(facts: Facts) -> Answer:
    """The result on images from elsewhere."""
    if not facts.externals:
        text = "None was done: `covid-tui evaluate RUN --on FOLDER` does one, `covid-tui matrix` several."
        return lacking(text, section("External tests"))
    told = [f"{one.folder}: {percent(one.accuracy)} ({percents(one.accuracy_ci)}) of {one.n:,}"
            for one in facts.externals]  # fmt: skip
    return answered(f"{'; '.join(told)}.", section("External tests"))


def shift(facts: Facts) -> Answer:
    """How the images of the evaluation differ from those of the development."""
    apart = [one for one in facts.externals if one.shift]
    if not apart:
        if facts.config.data.split is None and not facts.published:
            text = "The test part was drawn at random from the training's folder, so it differs by chance alone."
            return answered(text, Place("split.csv", ("part",)), section("Partitions"))
        text = "The test part is of the same folder as the training; how it was set apart is not in the run."
        return in_part(text, Place("split.csv", ("part",)), section("Partitions"))
    told = [
        f"of {one.folder} {percent(one.shift.features.beyond)} are unlike the training images (1% is usual)"
        for one in apart
        if one.shift
    ]
    return answered(f"The test part is of the training's folder; {'; '.join(told)}.", section("External tests"))


def elsewhere_compared(facts: Facts) -> Answer:
    """How the images of an external evaluation compare with those of the training."""
    if not any(one.shift for one in facts.externals):
        return lacking("No external test with a comparison: `covid-tui evaluate RUN --on FOLDER` makes one.",
                       section("External tests"))  # fmt: skip
    return shift(facts)


def performance(facts: Facts) -> Answer:
    """The overall result with its uncertainty."""
    test = facts.test
    text = f"Accuracy {Headline.of(test).sentence()}."
    places = [Place("test.json", ("accuracy",)), Place("test.json", ("accuracy_ci",))]
    if test.auc is not None:
        text += f" AUC {test.auc:.3f}" + (f" ({test.auc_ci[0]:.3f} to {test.auc_ci[1]:.3f})." if test.auc_ci else ".")
        places.append(Place("test.json", ("auc",)))
    return answered(text, *places, _RESULTS)


def performance_by_group(facts: Facts) -> Answer:
    """The overall result, and that of groups of people."""
    found = performance(facts)
    if facts.subgroups is None:
        text = (
            f"{found.text} Results by age, sex, view or machine are not in the run: `covid-tui evaluate --by` does it."
        )
        return in_part(text, *found.places)
    names = ", ".join(one.field for one in facts.subgroups.fields)
    return answered(f"{found.text} By {names}: on the card.", *found.places, section("Results by groups"))


def by_class(facts: Facts) -> Answer:
    """Sensitivity and specificity of each class with their uncertainty."""
    told, places = [], list[Place]()
    for label, own in facts.test.classes.items():
        if own.sensitivity is None or own.specificity is None or not own.sensitivity_ci or not own.specificity_ci:
            continue
        told.append(
            f"{label}: sensitivity {percent(own.sensitivity)} ({percents(own.sensitivity_ci)}), specificity "
            f"{percent(own.specificity)} ({percents(own.specificity_ci)})"
        )
        places += [Place("test.json", ("classes", label, name)) for name in ("sensitivity", "specificity")]
    if not told:
        return lacking("The test part has images of one class alone.", _RESULTS)
    return answered(f"{'; '.join(told)}.", *places, _RESULTS)


def failures(facts: Facts) -> Answer:
    """Which images are answered wrongly, and how."""
    test, names = facts.test, list(facts.test.classes)
    wrong = test.n - test.correct
    pairs = [(n, names[i], names[j]) for i, row in enumerate(test.confusion) for j, n in enumerate(row) if n and i != j]
    told = ", ".join(f"{n:,} {truth} taken for {said}" for n, truth, said in sorted(pairs, reverse=True)[:3])
    text = f"{wrong:,} of {test.n:,} {noun(test.n, 'is', 'are')} wrong" + (f": {told}" if told else "")
    text += ". Each test image with its answer is listed. What the wrong ones have in common was not looked at."
    return in_part(text, Place("test.json", ("confusion",)), Place("predictions.csv", ("said",)), _RESULTS)


def limitations(facts: Facts) -> Answer:
    """What a reader should doubt."""
    text = f"The card lists what the run itself gives to doubt; {counted(len(facts.warnings), 'warning')} of the "
    return in_part(f"{text}training {noun(len(facts.warnings), 'is', 'are')} among it.", section("Limits"))


def not_apparent(facts: Facts) -> Answer:
    """Was the result measured on images that the model did not learn from?"""
    text = f"Yes: {counted(facts.test.n, 'image')} of a test part that was shut until the training was over."
    return answered(text, Place("test.json", ("n",)), Place("split.csv", ("part",)), _RESULTS)


def as_drawn(facts: Facts) -> Answer:
    """Was the test made on images as frequent as they are in the folder?"""
    counts = ", ".join(f"{own.n:,} {label}" for label, own in facts.test.classes.items())
    text = f"Yes: no test image was repeated or left out to even the classes ({counts})."
    return answered(text, *(Place("test.json", ("classes", label, "n")) for label in facts.test.classes))


def resampling(facts: Facts) -> Answer:
    """Where images were drawn again and again, was everything done anew each time?"""
    text = "The result is of a test part apart, not of resampling."
    if facts.rungs:
        text += " Folds chose the rung alone; their accuracy is not given as the model's."
    return answered(text, Place("split.csv", ("part",)), section("Training"))


def appropriate(facts: Facts) -> Answer:
    """Were discrimination, calibration and use all looked at?"""
    text = "Discrimination: AUC, sensitivity and specificity with intervals."
    places = [Place("test.json", ("auc",)), _RESULTS]
    if facts.test.calibrated:
        before, after = facts.test.ece or 0.0, facts.test.calibrated.ece
        text += f" Calibration: expected error {before:.3f}, {after:.3f} at the temperature."
        places += [Place("test.json", ("calibrated", "ece")), section("Calibration and operating point")]
    if facts.decisions is None:
        return in_part(f"{text} The run has no threshold to tell net benefit from.", *places)
    text += " Use: a decision curve with its net benefit, and predictive values by how frequent the class is."
    return answered(text, *places, section("What an answer is worth"))


def by_source(facts: Facts) -> Answer:
    """Does the result differ between hospitals or sources?"""
    if not facts.externals:
        return lacking("Results by source are not in the run, and there is no test on images from elsewhere.",
                       section("External tests"))  # fmt: skip
    found = external(facts)
    return in_part(f"Own test {percent(facts.test.accuracy)}. {found.text}", Place("test.json", ("accuracy",)),
                   *found.places)  # fmt: skip
