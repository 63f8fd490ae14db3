"""The verb `review`: whose labels are likely wrong, which pictures are none, and what the corrections are worth."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from engine.base.errors import ConfigError
from engine.base.language import marked, tr
from engine.base.outputs import write_table
from engine.base.typed_files import plain
from engine.base.wording import in_turn
from engine.recipe.config import DataConfig, MachineConfig, NetworkConfig, TrainConfig
from engine.runs.directory import CORRECTIONS
from tui.cli.app import RUNS, Flat
from tui.cli.console import put, put_json, put_table
from tui.cli.outputs import Writes
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.numbers import as_share

if TYPE_CHECKING:
    from engine.data.corrections import Correction, Key
    from engine.review.suspects import Review, Suspect

MOST = 20
"""Suspects that are shown; --csv and --json have all of them."""
_DECISIONS = marked("keep"), marked("relabel"), marked("leave-out"), marked("unsure")
HEADER = ("rank", "file", "sha", "class", "part", "kinds", "probability", "answer", "decision", "to", "reasons")


def review(
    data: Path,
    *,
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    blind_test: bool = False,
    effect: bool = False,
    out: Path = RUNS,
    csv: Annotated[Path | None, Writes(".csv")] = None,
    force: bool = False,
    json: bool = False,
) -> int:
    """List the images whose labels are likely wrong, most suspicious first, and the pictures that are none.

    The screen Review of the workbench shows them one by one and takes decisions, which go into corrections.csv beside
    the runs (or into the file of --corrections); `train --corrections FILE` learns with them. Images are never changed.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    blind_test
        Also list the test part, in an order drawn by lot and without any answer: no model may choose what is mended
        there.
    effect
        Say what the corrections made so far do for a model, instead of listing suspects.
    out
        Folder that holds the runs, and corrections.csv where --corrections names no other.
    csv
        Also write every suspect to this new file, as CSV.
    force
        Let --csv replace a file that is there.
    json
        Print one JSON object.
    """
    from engine.data.corrections_file import CorrectionsFile
    from engine.jobs import review as job

    recipe = TrainConfig(data=images, network=network, machine=machine)
    file = CorrectionsFile(images.corrections or out / CORRECTIONS)
    decided = file.read()
    if effect and not decided:
        raise ConfigError(
            tr("{path} has no correction yet: decide on suspects on the screen Review, key 9.", path=file.path)
        )
    with stoppable() as (context, signals):
        if effect:
            gained, code = until_stopped(lambda: job.effect(data, recipe, [*decided.values()], context), signals)
            if gained is not None:
                put_json({**plain(gained), "sentence": gained.sentence}) if json else put(gained.sentence)
            return code
        found, code = until_stopped(lambda: job.review(data, recipe, context, blind_test), signals)
    if found is None:
        return code
    if csv:
        write_table(csv, HEADER, _lines(found.suspects, decided), force)
    if json:
        made = [dataclasses.asdict(one) for one in decided.values()]
        words = {"sentence": found.sentence, "looked_at": found.looked_at}
        put_json({**plain(found), **words, "corrections": {"file": str(file.path), "decided": made}})
        return 0
    _put(found, decided, file.path)
    return 0


def _put(found: "Review", decided: "Mapping[Key, Correction]", path: Path) -> None:
    rows = [("", tr("image"), tr("class"), tr("model"), tr("its class"), tr("decided"))]
    for rank, one in enumerate(found.suspects[:MOST], start=1):
        made = decided.get((one.sha, one.label))
        rows.append((f"{rank}", one.file, one.label, one.answer, as_share(one.probability), _decision(made)))
    if found.suspects:
        put_table(rows)
        put()
    for rank, one in enumerate(found.suspects[:MOST], start=1):
        put(f"{rank}. {one.file}: {in_turn(*one.reasons)}")
    if len(found.suspects) > MOST:
        more = len(found.suspects) - MOST
        put(tr("and {count:,} more: --csv FILE writes all of them to a file, --json prints them", count=more))
    for unshown in found.blind:
        put(
            tr(
                "test, blind: {file} ({label}) {decision}",
                file=unshown.file,
                label=unshown.label,
                decision=_decision(decided.get((unshown.sha, unshown.label))),
            )
        )
    if found.suspects:
        put()
    put(found.sentence)
    put(found.looked_at)
    put(
        tr(
            "Decide on them on the screen Review of `covid-tui {folder}` (key 9); decisions are kept in {path}.",
            folder=found.folder,
            path=path,
        )
    )


def _decision(made: "Correction | None") -> str:
    return "" if made is None else f"{tr(made.decision)} {made.to}".rstrip()


def _lines(suspects: "tuple[Suspect, ...]", decided: "Mapping[Key, Correction]") -> Iterator[tuple[str, ...]]:
    for rank, one in enumerate(suspects, start=1):
        made = decided.get((one.sha, one.label))
        yield (
            *(f"{rank}", one.file, one.sha, one.label, one.part, " ".join(one.kinds), f"{one.probability:.4f}"),
            *(one.answer, made.decision if made else "", made.to if made else "", " ".join(one.reasons)),
        )
