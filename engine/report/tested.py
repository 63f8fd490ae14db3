"""The card's sections on what was measured: the test, the calibration, the shortcut audit, tests on other images."""

from collections.abc import Sequence

from engine.audit.verdict import Audit
from engine.base.language import tr
from engine.base.result import MEASURES, Drawn, Elsewhere, Operating, Recalibrated, Shift
from engine.base.wording import counted, whole_percent
from engine.evaluation import external
from engine.evaluation.calibration import Calibration
from engine.evaluation.headline import Headline, percent, percents
from engine.report.document import Block, Paragraph, Plots, Table
from engine.report.facts import Facts
from engine.report.figures import curve_plots, interval_plot, variant_plot
from engine.report.groups import difference, measured
from engine.report.names import measure_name
from engine.report.svg import grid
from engine.runs.directory import WEIGHTS


def results(test: Drawn) -> list[Block]:
    """The test's measures by class, its confusion matrix and its curves."""
    classes = test.classes
    rows = [
        (label, f"{own.n:,}", *(measured(*own.measured(name)) for name in MEASURES)) for label, own in classes.items()
    ]
    rows.append((tr("mean of classes"), "", *(measured(*test.macro.measured(name)) for name in MEASURES)))
    header = (
        tr("class"), tr("images"), tr("sensitivity"), tr("specificity"), tr("precision"), tr("F1"), tr("AUC"),
        tr("MCC"),
    )  # fmt: skip
    counts = [(name, *map(str, row)) for name, row in zip(classes, test.confusion, strict=True)]
    plots = [(tr("Truth in rows, answers in columns"), grid(list(classes), test.confusion))]
    plots += [(tr("Each class's measures with 95% intervals"), interval_plot(test)), *curve_plots(test)]
    return [
        Paragraph(
            tr(
                "Accuracy {headline}; AUC {auc}; MCC {mcc}; loss {loss:.4f} nats.",
                headline=Headline.of(test).sentence(),
                auc=measured(*test.measured("auc")),
                mcc=measured(*test.measured("mcc")),
                loss=test.loss,
            )
        ),
        *_by_patient(test),
        Table(header, rows),
        Table((tr("truth \\ said"), *classes), counts),
        Plots(plots),
    ]


def _by_patient(test: Drawn) -> list[Block]:
    if (known := test.by_patient) is None:
        return []
    text = tr(
        "The images are of {patients}; the accuracy's interval by patients is {interval}.",
        patients=counted(known.patients, "patient"),
        interval=percents(known.accuracy_ci),
    )
    return [Paragraph(text)]


def calibration(facts: Facts) -> list[Block]:
    """What the temperature makes of the probabilities, and what the threshold gets where it was chosen and tested."""
    taught, test = facts.calibration, facts.test
    if taught is None or not (after := test.calibrated):
        return [Paragraph(tr("This run has no calibration: its probabilities are the network's own."))]
    rows = [
        (tr("expected calibration error"), f"{test.ece:.3f}", f"{after.ece:.3f}"),
        (tr("loss, nats"), f"{test.loss:.4f}", f"{after.loss:.4f}"),
    ]
    found: list[Block] = [
        Paragraph(_temperature(taught)),
        Table(("", tr("as the network says"), tr("at the temperature")), rows),
    ]
    if taught.operating:
        found.append(Paragraph(_operating(taught.operating, chosen=True)))
    if test.operating:
        found.append(Paragraph(_operating(test.operating, chosen=False)))
    return found


def _temperature(taught: Calibration) -> str:
    temperature, images = taught.temperature, counted(taught.n, "validation image")
    if taught.fitted:
        return tr(
            "Temperature {temperature:.3f}, fitted on {images}. On the test:", temperature=temperature, images=images
        )
    return tr(
        "Temperature {temperature:.3f}, left at 1, as all are right, by {images}. On the test:",
        temperature=temperature,
        images=images,
    )


def _operating(own: Operating, chosen: bool) -> str:
    """What the threshold gets on the images that chose it, or on those of the test."""
    values: dict[str, object] = {
        "positive": own.positive,
        "threshold": own.threshold,
        "rule": own.rule,
        "sensitivity": measured(own.sensitivity, own.sensitivity_ci),
        "specificity": measured(own.specificity, own.specificity_ci),
    }
    if chosen:
        return tr(
            "{positive} is said from a probability of {threshold:.3f} on (rule: {rule}); on validation, which chose "
            "it: sensitivity {sensitivity}, specificity {specificity}.",
            **values,
        )
    return tr(
        "{positive} is said from a probability of {threshold:.3f} on (rule: {rule}); on test: sensitivity "
        "{sensitivity}, specificity {specificity}.",
        **values,
    )


def audited(facts: Facts) -> list[Block]:
    """The shortcut audit, where there is one."""
    audit = facts.audit
    if audit is None:
        return [Paragraph(tr("None is reported: `covid-tui audit` does one, and `report --audit` adds it."))]
    blocks: list[Block] = [Paragraph(_audit_told(audit))]
    if set(audit.tested) != set(facts.test.classes):
        blocks.append(Paragraph(tr("That is an audit of other classes than this run tells apart."), warning=True))
    rows = [
        (one.title, f"{one.correct}/{one.n}", percent(one.accuracy), percents(one.accuracy_ci))
        for one in audit.variants
    ]
    return [
        *blocks,
        Paragraph(audit.verdict, warning=True),
        Table((tr("what is shown"), tr("right"), tr("accuracy"), tr("95% interval")), rows),
        Plots([(tr("Accuracy by what is shown; dashed: the baseline"), variant_plot(audit))]),
    ]


def _audit_told(audit: Audit) -> str:
    """On what it was done, and how."""
    values: dict[str, object] = {
        "folder": audit.folder.name,
        "counts": ", ".join(f"{n:,} {name}" for name, n in audit.tested.items()),
        "way": tr(audit.way),
        "region": tr(audit.region),
    }
    if audit.folds > 1:
        return tr(
            "Folder {folder}: {counts} images tested, {folds} folds, each image tested once; {way}; the lungs by "
            "{region}.",
            folds=audit.folds,
            **values,
        )
    return tr("Folder {folder}: {counts} images tested, one split; {way}; the lungs by {region}.", **values)


def elsewhere(tests: Sequence[Elsewhere]) -> list[Block]:
    """The tests on images from elsewhere."""
    if not tests:
        return [Paragraph(tr("None: `covid-tui evaluate --on` does one."))]
    blocks: list[Block] = []
    for one in tests:
        blocks.append(Paragraph(_accuracy_told(one)))
        if one.learnt_from:
            blocks.append(Paragraph(external.not_apart(one.learnt_from, one.n), warning=True))
        if one.drop:
            header = tr("measure"), tr("own test"), tr("here"), tr("difference (95% interval)")
            rows = [
                (measure_name(name), f"{m.test:.3f}", f"{m.here:.3f}", difference(m.difference, m.difference_ci))
                for name, m in one.drop.items()
            ]
            blocks.append(Table(header, rows))
        if weights := one.frozen.get(WEIGHTS):
            text = tr(
                "The model was frozen before the folder was read: {file}, SHA-256 {digest}.",
                file=WEIGHTS,
                digest=weights,
            )
            blocks.append(Paragraph(text))
        if one.recalibrated:
            blocks.append(Paragraph(_recalibrated(one.recalibrated)))
        if one.shift:
            blocks.append(Paragraph(_shifted(one.shift)))
    return blocks


def _accuracy_told(one: Elsewhere) -> str:
    """How good the model is there, and which classes were counted as which."""
    text = tr(
        "{folder}: accuracy {accuracy} ({interval}) on {images}.",
        folder=one.folder,
        accuracy=percent(one.accuracy),
        interval=percents(one.accuracy_ci),
        images=counted(one.n, "image"),
    )
    renamed = [
        tr("{theirs} as {ours}", theirs=theirs, ours=ours) for theirs, ours in one.mapping.items() if theirs != ours
    ]
    left_out = [f"{name} ({n})" for name, n in one.left_out.items()]
    text += tr(" Counted: {classes}.", classes=", ".join(renamed)) if renamed else ""
    if left_out:
        text += tr(" Left out, as the run does not know them: {classes}.", classes=", ".join(left_out))
    return text


def _recalibrated(local: Recalibrated) -> str:
    was, now = (f"{percent(r.accuracy)} ({percents(r.accuracy_ci)})" for r in (local.as_it_was, local.recalibrated))
    return tr(
        "Recalibrated on {images}, its accuracy on {rest} goes from {was} to {now}.",
        images=counted(local.images, "local image"),
        rest=counted(local.as_it_was.n, "other"),
        was=was,
        now=now,
    )


def _shifted(shift: Shift) -> str:
    own, auc = shift.features, shift.told_apart
    share = f"{whole_percent(own.beyond)} ({percents(own.beyond_ci)})"
    if auc is None:
        return tr("{share} are unlike anything seen in training (1% is usual).", share=share)
    return tr(
        "{share} are unlike anything seen in training (1% is usual); told apart with AUC {auc:.2f}.",
        share=share,
        auc=auc,
    )
