"""The model card of a run: what went in, what came out, how sure that is, and what nobody knows.

Its sections follow the order of the CLAIM checklist (Tejani et al. 2024, "Checklist for Artificial Intelligence in
Medical Imaging"). It holds plots and numbers alone: no image, no file's path.
"""

from collections.abc import Sequence
from pathlib import Path

from engine.base.errors import RunError
from engine.base.files import replacing
from engine.base.language import marked, tr, trn
from engine.base.wording import counted, unwritable
from engine.data.split import Split
from engine.evaluation.headline import Headline, percent
from engine.evaluation.metrics import one_sided
from engine.evaluation.result_files import CARDS
from engine.recipe.config import TrainConfig
from engine.report.decisions import refusals, worth
from engine.report.document import Block, Paragraph, Points, Section, Table, markdown, page
from engine.report.facts import Facts, gather
from engine.report.groups import by_groups
from engine.report.tested import audited, calibration, elsewhere, results
from engine.report.trained import model, training
from engine.runs.directory import Run

FEW_TEST, FEW_VALIDATION = 200, 200
"""Fewer images than this are named among the limits."""


def write_card(run: Run, audit: Path | None = None) -> tuple[Path, Path]:
    """Write card.md and card.html into the run; their paths.

    `audit` is the folder of a shortcut audit or its audit.json. Raises RunError where the run was not tested yet, or
    where a file is damaged or can't be written.
    """
    facts = gather(run, audit)
    first, second = write_pages(run, CARDS, tr("Model card: {name}", name=facts.name), card(facts))
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
        Section(marked("Model"), model(facts)),
        Section(marked("Training"), training(facts)),
        Section(marked("Evaluation"), [Points(_METHODS)]),
        Section(marked("Results on the test part"), results(facts.test)),
        Section(marked("Results by groups"), by_groups(facts.subgroups)),
        Section(marked("Calibration and operating point"), calibration(facts)),
        Section(marked("What an answer is worth"), worth(facts)),
        Section(marked("When not to answer"), refusals(facts)),
        Section(marked("Shortcut audit"), audited(facts)),
        Section(marked("External tests"), elsewhere(facts.externals)),
        Section(marked("Limits"), [Points(limits(facts))]),
        Section(marked("Environment and hashes"), _environment(facts)),
    ]


_USE = tr(
    "Research and teaching: to learn what a network can tell apart in a given set of images, and how good a result is "
    "worth. It is not a diagnostic device and must not be used on patients."
)
_LABELS = tr(
    "Who gave the labels, and by what test, is not recorded here; nothing was checked against a reference standard."
)
_METHODS = (
    tr("The test part was opened once, after training; temperature and threshold come from validation alone."),
    tr(
        "Shares (accuracy, sensitivity, specificity, precision) have exact 95% intervals (Clopper and Pearson), F1 the "
        "one that follows from them, AUC Newcombe's, Matthews' coefficient (MCC) a simulated one; means of classes "
        "have the mean of their limits."
    ),
    tr(
        "The intervals speak of other images of the same kind. They hold only where images are independent: of one "
        "patient several images make them too narrow. Where patients are known, the accuracy has one by patients "
        "(Korn and Graubard)."
    ),
    tr("The baseline is what always answering the most frequent class gets."),
)


def limits(facts: Facts) -> list[str]:
    """What a reader should doubt, as far as the run itself can tell; a sentence each."""
    test, found = facts.test, list[str]()
    low = test.accuracy_ci[0]
    if not Headline.of(test).beats_baseline:
        found.append(tr("The accuracy is not shown to be better than the baseline: its interval reaches down to it."))
    if test.n < FEW_TEST:
        text = tr(
            "The test has only {images}: the true accuracy may be as low as {low}.",
            images=counted(test.n, "image"),
            low=percent(low),
        )
        found.append(text)
    if facts.leaks:
        text = trn(
            "{number} picture lies in two parts, so the result looks better than it is.",
            "{number} pictures lie in two parts, so the result looks better than it is.",
            len(facts.leaks),
        )
        found.append(text)
    if facts.calibration and facts.calibration.n < FEW_VALIDATION:
        images = counted(facts.calibration.n, "validation image")
        found.append(tr("Temperature and threshold come from only {images}.", images=images))
    if not facts.sources:
        found.append(
            tr("No metadata name the sources, so class and source may be the same thing, and nothing here shows.")
        )
    elif facts.apart:
        found.append(tr("No source has images of two classes: the model may tell sources apart, and not diseases."))
    found.append(tr("Patients are known only as far as the split's groups tell; unknown ones may stand in two parts."))
    if not facts.audit:
        found.append(tr("No shortcut audit is reported: whether the model reads lungs is not known."))
    if not facts.externals:
        found.append(tr("It was not tested on images from elsewhere, where accuracy usually falls."))
    found += facts.mended.doubts
    found += [tr("The training warned: {text}", text=text) for text in facts.warnings]
    if facts.subgroups:
        known = ", ".join(one.field for one in facts.subgroups.fields)
        text = tr("The test was measured by {fields}; by what else its images differ is not known here.", fields=known)
        found.append(text)
    else:
        found.append(tr("Age, sex, projection and scanner of the images are not known here and were not balanced."))
    return found


def _summary(facts: Facts) -> list[Block]:
    test, names = facts.test, list(facts.test.classes)
    values: dict[str, object] = {
        "backbone": facts.config.network.backbone,
        "way": tr(facts.config.way),
        "images": counted(test.n, "test image"),
        "headline": Headline.of(test).sentence(),
    }
    if len(names) == 2:
        told = tr(
            "A network ({backbone}, {way}) was trained to tell {first} from {second} in chest X-rays. Of {images} it "
            "gets right {headline}.",
            first=names[0],
            second=names[1],
            **values,
        )
    else:
        told = tr(
            "A network ({backbone}, {way}) was trained to tell {classes} apart in chest X-rays. Of {images} it gets "
            "right {headline}.",
            classes=", ".join(names),
            **values,
        )
    return [
        Paragraph(tr("For research and teaching only, not for diagnosis."), warning=True),
        Paragraph(told),
        *([Paragraph(text, warning=True)] if (text := one_sided(test, tr("test images"))) else []),
    ]


def _data(facts: Facts) -> list[Block]:
    counts: dict[str, int] = {}
    for row in facts.rows:
        counts[row.label] = counts.get(row.label, 0) + 1
    rows = [
        (name, f"{n:,}", f"{len(facts.sources[name]):,}" if facts.sources.get(name) else tr("not known"))
        for name, n in counts.items()
    ]
    blocks: list[Block] = [
        Paragraph(tr("Folder {folder}: {images}.", folder=facts.folder, images=counted(len(facts.rows), "image"))),
        Table((tr("class"), tr("images"), tr("sources")), rows),
        *(Paragraph(text, warning=True) for text in facts.alarms),
        *([Paragraph(facts.mended.used)] if facts.mended.used else []),
    ]
    if facts.sources:
        every = sorted({source for own in facts.sources.values() for source in own})
        most = sorted(every, key=lambda s: -sum(own.get(s, 0) for own in facts.sources.values()))[:12]
        by_class = [(source, *(str(own.get(source, 0)) for own in facts.sources.values())) for source in most]
        blocks += [Paragraph(tr("The largest sources by class:")), Table((tr("source"), *facts.sources), by_class)]
        if facts.apart:
            text = tr("Classes and sources determine each other.")
            if facts.sourced < len(facts.rows):
                text = tr(
                    "Of the {count:,} images whose source is known, no source has those of two classes.",
                    count=facts.sourced,
                )
            blocks.append(Paragraph(text, warning=True))
    return blocks


def _partitions(facts: Facts) -> list[Block]:
    counts = Split(facts.rows).counts()
    classes = list(next(iter(counts.values())))
    table = Table(
        (tr("part"), *classes), [(tr(part), *(f"{own[c]:,}" for c in classes)) for part, own in counts.items()]
    )
    seed = facts.config.machine.seed
    how = tr("Drawn by class with seed {seed}.", seed=seed)
    if facts.config.data.split is not None:
        how = tr("A given split was reused.")
    elif facts.published:
        how = tr("The test part is the one that the folders publish.")
        if facts.untested:
            how = tr("The folders publish no test part; it was drawn with seed {seed}.", seed=seed)
    if facts.leaks:
        text = trn(
            "{number} group of images with the same pixels lies in more than one part.",
            "{number} groups of images with the same pixels lie in more than one part.",
            len(facts.leaks),
        )
        return [table, Paragraph(how), Paragraph(text, warning=True)]
    return [table, Paragraph(tr("{how} No two parts share an image with the same pixels.", how=how))]


def _labels(config: TrainConfig) -> str:
    if config.data.labels:
        return tr("The class of an image is what a table says of it (--labels). {rest}", rest=_LABELS)
    return tr("The class of an image is the folder that it lies in. {rest}", rest=_LABELS)


def _environment(facts: Facts) -> list[Block]:
    known = facts.environment.to_dict()
    rows = [(name, str(value)) for name, value in known.pop("versions", {}).items()]
    rows += [(name, str(value)) for name, value in known.items()]
    hashes = [(name, value) for name, value in facts.hashes.items()]
    return [Table((tr("what"), tr("version or value")), rows), Table((tr("file of the run"), "SHA-256"), hashes)]
