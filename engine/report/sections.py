"""The model card of a run: what went in, what came out, how sure that is, and what nobody knows.

Its sections follow the order of the CLAIM checklist (Tejani et al. 2024, "Checklist for Artificial Intelligence in
Medical Imaging"). It holds plots and numbers alone: no image, no file's path.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.auto.curve import LearningCurve
from engine.base.errors import RunError
from engine.base.events import Rung, Skipped
from engine.base.files import replacing
from engine.base.language import marked
from engine.base.result import MEASURES, Drawn, Elsewhere
from engine.base.wording import counted, noun, unwritable, whole_percent
from engine.data.split import Split
from engine.evaluation import external
from engine.evaluation.headline import Headline, percent, percents
from engine.evaluation.metrics import one_sided
from engine.evaluation.result_files import CARDS
from engine.recipe.config import TrainConfig, to_dict
from engine.report.decisions import refusals, worth
from engine.report.document import Block, Paragraph, Plots, Points, Section, Table, markdown, page
from engine.report.facts import Facts, gather
from engine.report.figures import curve_plots, epoch_plots, interval_plot, learning_plot, variant_plot
from engine.report.groups import by_groups, measured
from engine.report.svg import grid
from engine.runs.directory import WEIGHTS, Run

FEW_TEST, FEW_VALIDATION = 200, 200
"""Fewer images than this are named among the limits."""
_UNTOLD = ("out", "name", "split", "labels")  # paths of the machine, and the name, which is the title


def write_card(run: Run, audit: Path | None = None) -> tuple[Path, Path]:
    """Write card.md and card.html into the run; their paths.

    `audit` is the folder of a shortcut audit or its audit.json. Raises RunError where the run was not tested yet, or
    where a file is damaged or can't be written.
    """
    facts = gather(run, audit)
    first, second = write_pages(run, CARDS, f"Model card: {facts.name}", card(facts))
    return first, second


def write_pages(run: Run, names: Sequence[str], title: str, sections: Sequence[Section]) -> list[Path]:
    """Write a document into the run, under each of `names` in the form that its suffix says; their paths.

    Raises RunError where one can't be written.
    """
    paths = [run.path / name for name in names]
    try:
        for path in paths:
            form = markdown if path.suffix == ".md" else page
            with replacing(path) as file:
                file.write(form(title, sections).encode())
    except OSError as error:
        raise RunError(unwritable(run.path, error)) from error
    return paths


def card(facts: Facts) -> list[Section]:
    """The card's sections, in CLAIM's order."""
    return [
        Section(marked("Summary"), _summary(facts)),
        Section(marked("Intended use"), [Paragraph(_USE)]),
        Section(marked("Data"), _data(facts)),
        Section(marked("Reference standard"), [Paragraph(_labels(facts.config))]),
        Section(marked("Partitions"), _partitions(facts)),
        Section(marked("Model"), _model(facts)),
        Section(marked("Training"), _training(facts)),
        Section(marked("Evaluation"), [Points(_METHODS)]),
        Section(marked("Results on the test part"), _results(facts.test)),
        Section(marked("Results by groups"), by_groups(facts.subgroups)),
        Section(marked("Calibration and operating point"), _calibration(facts)),
        Section(marked("What an answer is worth"), worth(facts)),
        Section(marked("When not to answer"), refusals(facts)),
        Section(marked("Shortcut audit"), _audited(facts)),
        Section(marked("External tests"), _external(facts.externals)),
        Section(marked("Limits"), [Points(limits(facts))]),
        Section(marked("Environment and hashes"), _environment(facts)),
    ]


_USE = (
    "Research and teaching: to learn what a network can tell apart in a given set of images, and how good a result is "
    "worth. It is not a diagnostic device and must not be used on patients."
)
_LABELS = (
    "Who gave the labels, and by what test, is not recorded here; nothing was checked against a reference standard."
)
_METHODS = (
    "The test part was opened once, after training; temperature and threshold come from validation alone.",
    "Shares (accuracy, sensitivity, specificity, precision) have exact 95% intervals (Clopper and Pearson), F1 the one "
    "that follows from them, AUC Newcombe's, Matthews' coefficient (MCC) a simulated one; means of classes have the "
    "mean of their limits.",
    "The intervals speak of other images of the same kind. They hold only where images are independent: of one "
    "patient several images make them too narrow. Where patients are known, the accuracy has one by patients (Korn and "
    "Graubard).",
    "The baseline is what always answering the most frequent class gets.",
)


def limits(facts: Facts) -> list[str]:
    """What a reader should doubt, as far as the run itself can tell; a sentence each."""
    test, found = facts.test, list[str]()
    low = test.accuracy_ci[0]
    if not Headline.of(test).beats_baseline:
        found.append("The accuracy is not shown to be better than the baseline: its interval reaches down to it.")
    if test.n < FEW_TEST:
        images = counted(test.n, "image")
        found.append(f"The test has only {images}: the true accuracy may be as low as {percent(low)}.")
    if facts.leaks:
        several = f"{counted(len(facts.leaks), 'picture')} {noun(len(facts.leaks), 'lies', 'lie')}"
        found.append(f"{several} in two parts, so the result looks better than it is.")
    if facts.calibration and facts.calibration.n < FEW_VALIDATION:
        found.append(f"Temperature and threshold come from only {counted(facts.calibration.n, 'validation image')}.")
    if not facts.sources:
        found.append("No metadata name the sources, so class and source may be the same thing, and nothing here shows.")
    elif facts.apart:
        found.append("No source has images of two classes: the model may tell sources apart, and not diseases.")
    found.append("Patients are known only as far as the split's groups tell; unknown ones may stand in two parts.")
    if not facts.audit:
        found.append("No shortcut audit is reported: whether the model reads lungs is not known.")
    if not facts.externals:
        found.append("It was not tested on images from elsewhere, where accuracy usually falls.")
    found += facts.mended.doubts
    found += [f"The training warned: {text}" for text in facts.warnings]
    if facts.subgroups:
        known = ", ".join(one.field for one in facts.subgroups.fields)
        found.append(f"The test was measured by {known}; by what else its images differ is not known here.")
    else:
        found.append("Age, sex, projection and scanner of the images are not known here and were not balanced.")
    return found


def _summary(facts: Facts) -> list[Block]:
    test, names = facts.test, list(facts.test.classes)
    told = f"{names[0]} from {names[1]}" if len(names) == 2 else f"{', '.join(names)} apart"
    return [
        Paragraph("For research and teaching only, not for diagnosis.", warning=True),
        Paragraph(
            f"A network ({facts.config.network.backbone}, {facts.config.way}) was trained to tell {told} in "
            f"chest X-rays. Of {counted(test.n, 'test image')} it gets right {Headline.of(test).sentence()}."
        ),
        *([Paragraph(text, warning=True)] if (text := one_sided(test, "test images")) else []),
    ]


def _data(facts: Facts) -> list[Block]:
    counts: dict[str, int] = {}
    for row in facts.rows:
        counts[row.label] = counts.get(row.label, 0) + 1
    rows = [
        (name, f"{n:,}", f"{len(facts.sources[name]):,}" if facts.sources.get(name) else "not known")
        for name, n in counts.items()
    ]
    blocks: list[Block] = [
        Paragraph(f"Folder {facts.folder}: {counted(len(facts.rows), 'image')}."),
        Table(("class", "images", "sources"), rows),
        *(Paragraph(text, warning=True) for text in facts.alarms),
        *([Paragraph(facts.mended.used)] if facts.mended.used else []),
    ]
    if facts.sources:
        every = sorted({source for own in facts.sources.values() for source in own})
        most = sorted(every, key=lambda s: -sum(own.get(s, 0) for own in facts.sources.values()))[:12]
        by_class = [(source, *(str(own.get(source, 0)) for own in facts.sources.values())) for source in most]
        blocks += [Paragraph("The largest sources by class:"), Table(("source", *facts.sources), by_class)]
        if facts.apart:
            text = "Classes and sources determine each other."
            if facts.sourced < len(facts.rows):
                text = f"Of the {facts.sourced:,} images whose source is known, no source has those of two classes."
            blocks.append(Paragraph(text, warning=True))
    return blocks


def _partitions(facts: Facts) -> list[Block]:
    counts = Split(facts.rows).counts()
    classes = list(next(iter(counts.values())))
    table = Table(("part", *classes), [(part, *(f"{own[c]:,}" for c in classes)) for part, own in counts.items()])
    how = f"Drawn by class with seed {facts.config.machine.seed}."
    if facts.config.data.split is not None:
        how = "A given split was reused."
    elif facts.published:
        how = "The test part is the one that the folders publish."
        if facts.untested:
            how = f"The folders publish no test part; it was drawn with seed {facts.config.machine.seed}."
    if facts.leaks:
        text = f"{counted(len(facts.leaks), 'group')} of images with the same pixels "
        text += f"{noun(len(facts.leaks), 'lies', 'lie')} in more than one part."
        return [table, Paragraph(how), Paragraph(text, warning=True)]
    return [table, Paragraph(f"{how} No two parts share an image with the same pixels.")]


def _model(facts: Facts) -> list[Block]:
    started = facts.started
    if started is None:
        return [Paragraph(f"{facts.config.network.backbone}, {facts.config.way}.")]
    return [
        Paragraph(
            f"{facts.config.network.backbone} without its top, global average pooling, a dense layer, and a logit a "
            f"class. {started.trainable:,} of {started.trainable + started.frozen:,} parameters train "
            f"({started.mode}). Input: the whole image squashed to the network's size, grey in three equal channels."
        )
    ]


def _training(facts: Facts) -> list[Block]:
    values = to_dict(facts.config)
    weights = values["network"]["weights"]
    values["network"]["weights"] = Path(weights).name
    rows = [
        (part, name.replace("_", " "), _text(value))
        for part, own in values.items()
        for name, value in own.items()
        if name not in _UNTOLD
    ]
    blocks: list[Block] = []
    if facts.end:
        by_ladder = facts.end.unit == "rung"
        ended = "all tried" if facts.end.ended == "ladder" else facts.end.ended
        how = f"{counted(facts.end.epochs, facts.end.unit)} in {facts.end.seconds:,.0f} s ({ended})"
        kept = f"the weights of epoch {facts.end.best_epoch}, the best on validation, are kept"
        chosen = f"the model of rung {facts.end.best_epoch}, chosen out of fold, is kept"
        blocks.append(Paragraph(f"{how}; {chosen if by_ladder else kept}."))
    blocks += [_ladder(facts.rungs, facts.skipped)] if facts.rungs else []
    blocks += _more_images(facts.curve) if facts.curve else []
    blocks += [Plots(epoch_plots(facts.epochs))] if facts.epochs else []
    return [*blocks, Table(("part", "setting", "value"), rows)]


def _ladder(rungs: Sequence[Rung], skipped: Sequence[Skipped]) -> Block:
    """What each rung of the recipe "auto" gave, out of fold on the images of training and validation."""
    header = ("rung", "right", "accuracy", "95% interval", "on the best before", "95% interval", "loss", "kept", "time")
    rows: list[tuple[str, ...]] = [
        (
            f"{rung.number} {rung.name}",
            f"{rung.correct} of {rung.n}",
            percent(rung.accuracy),
            percents(rung.accuracy_ci),
            "" if rung.gain is None else f"{rung.gain:+.1%}",
            "" if rung.gain_ci is None else percents(rung.gain_ci),
            f"{rung.loss:.4f}",
            "yes" if rung.taken else "no",
            f"{rung.seconds:,.0f} s",
        )
        for rung in rungs
    ]
    rows += [
        (f"{rung.number} {rung.name}", *("" for _ in range(6)), f"left out: --budget {rung.needed}", "")
        for rung in skipped
    ]
    return Table(header, rows)


def _more_images(curve: LearningCurve) -> list[Block]:
    """What more images to learn from would bring."""
    caption = "Accuracy out of fold by the number of images, with an 80% band"
    return [
        Paragraph(f"How many more images? {curve.sentence} {curve.doubts}"),
        Plots([(caption, learning_plot(curve))]),
    ]


def _results(test: Drawn) -> list[Block]:
    classes = test.classes
    rows = [
        (label, f"{own.n:,}", *(measured(*own.measured(name)) for name in MEASURES)) for label, own in classes.items()
    ]
    rows.append(("mean of classes", "", *(measured(*test.macro.measured(name)) for name in MEASURES)))
    header = ("class", "images", "sensitivity", "specificity", "precision", "F1", "AUC", "MCC")
    counts = [(name, *map(str, row)) for name, row in zip(classes, test.confusion, strict=True)]
    plots = [("Truth in rows, answers in columns", grid(list(classes), test.confusion))]
    plots += [("Each class's measures with 95% intervals", interval_plot(test)), *curve_plots(test)]
    return [
        Paragraph(
            f"Accuracy {Headline.of(test).sentence()}; AUC {measured(*test.measured('auc'))}; "
            f"MCC {measured(*test.measured('mcc'))}; loss {test.loss:.4f} nats."
        ),
        *_by_patient(test),
        Table(header, rows),
        Table(("truth \\ said", *classes), counts),
        Plots(plots),
    ]


def _by_patient(test: Drawn) -> list[Block]:
    if (known := test.by_patient) is None:
        return []
    text = f"The images are of {counted(known.patients, 'patient')}; the accuracy's interval by patients is "
    return [Paragraph(f"{text}{percents(known.accuracy_ci)}.")]


def _labels(config: TrainConfig) -> str:
    given = "what a table says of it (--labels)" if config.data.labels else "the folder that it lies in"
    return f"The class of an image is {given}. {_LABELS}"


def _calibration(facts: Facts) -> list[Block]:
    taught, test = facts.calibration, facts.test
    if taught is None or not (after := test.calibrated):
        return [Paragraph("This run has no calibration: its probabilities are the network's own.")]
    fitted = "fitted on" if taught.fitted else "left at 1, as all are right, by"
    rows = [
        ("expected calibration error", f"{test.ece:.3f}", f"{after.ece:.3f}"),
        ("loss, nats", f"{test.loss:.4f}", f"{after.loss:.4f}"),
    ]
    blocks: list[Block] = [
        Paragraph(
            f"Temperature {taught.temperature:.3f}, {fitted} {counted(taught.n, 'validation image')}. On the test:"
        ),
        Table(("", "as the network says", "at the temperature"), rows),
    ]
    for where, own in (("validation, which chose it", taught.operating), ("test", test.operating)):
        if own:
            blocks.append(
                Paragraph(
                    f"{own.positive} is said from a probability of {own.threshold:.3f} on (rule: {own.rule}); on "
                    f"{where}: sensitivity {measured(own.sensitivity, own.sensitivity_ci)}, specificity "
                    f"{measured(own.specificity, own.specificity_ci)}."
                )
            )
    return blocks


def _audited(facts: Facts) -> list[Block]:
    audit = facts.audit
    if audit is None:
        return [Paragraph("None is reported: `covid-tui audit` does one, and `report --audit` adds it.")]
    tested, folds = audit.tested, audit.folds
    counts = ", ".join(f"{n:,} {name}" for name, n in tested.items())
    how = f"{folds} folds, each image tested once" if folds > 1 else "one split"
    blocks: list[Block] = [
        Paragraph(
            f"Folder {audit.folder.name}: {counts} images tested, {how}; {audit.way}; the lungs by {audit.region}."
        )
    ]
    if set(tested) != set(facts.test.classes):
        blocks.append(Paragraph("That is an audit of other classes than this run tells apart.", warning=True))
    rows = [
        (one.title, f"{one.correct}/{one.n}", percent(one.accuracy), percents(one.accuracy_ci))
        for one in audit.variants
    ]
    return [
        *blocks,
        Paragraph(audit.verdict, warning=True),
        Table(("what is shown", "right", "accuracy", "95% interval"), rows),
        Plots([("Accuracy by what is shown; dashed: the baseline", variant_plot(audit))]),
    ]


def _external(tests: Sequence[Elsewhere]) -> list[Block]:
    if not tests:
        return [Paragraph("None: `covid-tui evaluate --on` does one.")]
    blocks: list[Block] = []
    for one in tests:
        text = f"{one.folder}: accuracy {percent(one.accuracy)} ({percents(one.accuracy_ci)})"
        text += f" on {counted(one.n, 'image')}."
        renamed = [f"{theirs} as {ours}" for theirs, ours in one.mapping.items() if theirs != ours]
        left_out = [f"{name} ({n})" for name, n in one.left_out.items()]
        text += f" Counted: {', '.join(renamed)}." if renamed else ""
        text += f" Left out, as the run does not know them: {', '.join(left_out)}." if left_out else ""
        blocks.append(Paragraph(text))
        if one.learnt_from:
            blocks.append(Paragraph(external.not_apart(one.learnt_from, one.n), warning=True))
        if one.drop:
            header = ("measure", "own test", "here", "difference (95% interval)")
            rows = [
                (name, f"{m.test:.3f}", f"{m.here:.3f}",
                 f"{m.difference:+.3f} ({m.difference_ci[0]:+.3f} to {m.difference_ci[1]:+.3f})")
                for name, m in one.drop.items()
            ]  # fmt: skip
            blocks.append(Table(header, rows))
        if weights := one.frozen.get(WEIGHTS):
            blocks.append(Paragraph(f"The model was frozen before the folder was read: {WEIGHTS}, SHA-256 {weights}."))
        if local := one.recalibrated:
            was, now = (
                f"{percent(r.accuracy)} ({percents(r.accuracy_ci)})" for r in (local.as_it_was, local.recalibrated)
            )
            images, rest = counted(local.images, "local image"), counted(local.as_it_was.n, "other")
            blocks.append(Paragraph(f"Recalibrated on {images}, its accuracy on {rest} goes from {was} to {now}."))
        if one.shift:
            own, told = one.shift.features, one.shift.told_apart
            beyond = f"{whole_percent(own.beyond)} ({percents(own.beyond_ci)})"
            text = f"{beyond} are unlike anything seen in training (1% is usual)"
            blocks.append(Paragraph(text + (f"; told apart with AUC {told:.2f}." if told is not None else ".")))
    return blocks


def _environment(facts: Facts) -> list[Block]:
    known = facts.environment.to_dict()
    rows = [(name, str(value)) for name, value in known.pop("versions", {}).items()]
    rows += [(name, str(value)) for name, value in known.items()]
    hashes = [(name, value) for name, value in facts.hashes.items()]
    return [Table(("what", "version or value"), rows), Table(("file of the run", "SHA-256"), hashes)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in ("", None) else str(value)
