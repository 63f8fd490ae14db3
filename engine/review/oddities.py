"""What is wrong with pictures whatever a model says: copies with two labels, blank, coloured, turned, inverted."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from engine.base.language import tr
from engine.base.wording import counted, listing
from engine.data.groups import joined
from engine.data.records import Record, Scan

BLANK = 3.0
"""Standard deviation of the levels (0 to 255) below which a picture shows nothing."""
FEW_COLOURED = 0.05
"""Up to this share of coloured images, one of them is odd; where more are, the whole set is."""
NAMED = 3
"""Twins that a sentence names."""


def oddities(
    scanned: Scan, records: Sequence[Record], soundness: Mapping[str, float]
) -> dict[str, list[tuple[str, str]]]:
    """By file of `records`, each kind ("twins", "picture") with a sentence that says what is odd.

    `soundness` says by file how sound the label of each of `records` is: of twins, those with the soundest label are
    none, as one decision mends both.
    """
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for file, sentence in _twins(scanned, soundness):
        found[file].append(("twins", sentence))
    coloured = [record for record in records if record.colour]
    few = len(coloured) <= FEW_COLOURED * len(records)
    turned = {problem.file: problem.reason for problem in scanned.problems if problem.kind == "pose"}
    for record in records:
        if record.spread < BLANK:
            found[record.file].append(("picture", tr("The picture is blank, or nearly so.")))
        if record.colour and few:
            text = tr("The picture has colours, as a photograph or a screenshot has, and few others here do.")
            found[record.file].append(("picture", text))
        if record.file in turned:
            found[record.file].append(("picture", tr("The picture {reason}.", reason=turned[record.file])))
    return {record.file: found[record.file] for record in records if record.file in found}


def _twins(scanned: Scan, soundness: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Each file that shows the same picture as one with another, sounder label, and a sentence that says so."""
    labels = {record.file: record.label for record in scanned.records}
    groups = joined([*scanned.duplicates, *(near.files for near in scanned.near)])
    for files in ([file for file in group if file in labels] for group in groups):
        known = [file for file in files if file in soundness]
        told_apart = len({labels[file] for file in known}) > 1
        soundest = labels[max(known, key=lambda file: soundness[file])] if told_apart else None
        for file in known:
            others = [other for other in files if labels[other] != labels[file]]
            if others and labels[file] != soundest:
                named = listing(f"{other} ({labels[other]})" for other in others[:NAMED])
                if len(others) > NAMED:
                    more = counted(len(others) - NAMED, "more file")
                    text = tr("The same picture has another label: {named} and {more}.", named=named, more=more)
                else:
                    text = tr("The same picture has another label: {named}.", named=named)
                yield file, text
