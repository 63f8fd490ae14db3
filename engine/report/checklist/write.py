"""A checklist of a run, written as Markdown and HTML beside its model card."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.base.errors import ConfigError
from engine.base.language import marked, tr, trn
from engine.base.typed_files import Count
from engine.base.wording import counted, in_turn, listing
from engine.evaluation.result_files import CARDS
from engine.report.checklist.claim import CLAIM
from engine.report.checklist.item import Answer, Checklist, Item, State
from engine.report.checklist.places import Opener
from engine.report.checklist.probast_ai import PROBAST_AI
from engine.report.checklist.tripod_ai import TRIPOD_AI
from engine.report.document import Link, Links, Paragraph, Section, Table
from engine.report.facts import Facts, gather
from engine.report.sections import card, write_pages
from engine.runs.directory import WEIGHTS, Run

CHECKLISTS = {one.name: one for one in (CLAIM, TRIPOD_AI, PROBAST_AI)}
HEADER = (
    tr("item"),
    tr("what a reader wants to know"),
    tr("state"),
    tr("what the run says, and what the author is asked"),
    tr("where"),
)


@dataclass(frozen=True)
class Filled:
    """How far a run fills a checklist."""

    checklist: str
    items: Count
    answered: Count
    in_part: Count
    lacking: Count
    """Items that this program could answer, but this run does not."""
    author: Count
    """Items that only the author can say."""
    files: tuple[str, ...]
    """What was written: the card, and the checklist."""

    @property
    def by_machine(self) -> int:
        """Items that a machine can answer."""
        return self.answered + self.in_part + self.lacking


@dataclass(frozen=True)
class Entry:
    """An item with what the run says to it; no answer where only the author can say it."""

    item: Item
    answer: Answer | None


def entries(checklist: Checklist, facts: Facts) -> list[Entry]:
    """Each item of the checklist, answered as far as the run can."""
    return [Entry(item, item.answer(facts) if item.answer else None) for item in checklist.items]


def checklist_files(name: str) -> tuple[str, str]:
    """The files of a run that a checklist of this name is written to."""
    return f"checklist-{name}.md", f"checklist-{name}.html"


def write_checklist(run: Run, name: str, audit: Path | None = None, force: bool = False) -> Filled:
    """Write the model card anew and the checklist `name`, of CHECKLISTS, beside it; how far it is filled.

    Raises ConfigError where there is no such checklist, or where one is there already and `force` is not given, as its
    author may have written into it; RunError as `write_card` does.
    """
    if name not in CHECKLISTS:
        raise ConfigError(tr('--checklist is "{name}": give one of {names}.', name=name, names=listing(CHECKLISTS)))
    files = checklist_files(name)
    there = [file for file in files if os.path.lexists(run.path / file)]
    if there and not force:
        raise ConfigError(
            tr(
                "{file} exists already, and may hold what its author wrote: give --force to replace it.",
                file=run.path / there[0],
            )
        )
    facts = gather(run, audit)
    sections = card(facts)
    cards = write_pages(run, CARDS, tr("Model card: {name}", name=facts.name), sections)
    opener = Opener(run, [section.title for section in sections])
    checklist = CHECKLISTS[name]
    found = entries(checklist, facts)
    title = tr("{checklist}: {name}", checklist=checklist.title, name=facts.name)
    counts = Counter[State | None](entry.answer.state if entry.answer else None for entry in found)
    filled = Filled(
        checklist=name,
        items=len(found),
        answered=counts["answered"],
        in_part=counts["in part"],
        lacking=counts["lacking"],
        author=counts[None],
        files=tuple(str(path) for path in (*cards, *(run.path / file for file in files))),
    )
    for file, its_card in zip(files, CARDS, strict=True):
        pages = document(checklist, found, filled, opener, its_card, facts.hashes.get(WEIGHTS) or tr("not there"))
        write_pages(run, (file,), title, pages)
    return filled


def document(
    checklist: Checklist, found: list[Entry], filled: Filled, opener: Opener, its_card: str, weights: str
) -> list[Section]:
    """The checklist's sections; `its_card` is the file of the card that is linked, `weights` the hash of the model."""
    by_number = {entry.item.number: entry for entry in found}
    source = tr(
        "Numbers are those of {source}; the words are not. It is no judgement of the study.", source=checklist.source
    )
    model = tr("Of the model whose {file} has the SHA-256 {sha}; it holds of no other.", file=WEIGHTS, sha=weights)
    told = [Paragraph(summary(filled)), Paragraph(source), Paragraph(model)]
    sections = [Section(marked("How far it is filled"), told)]
    for group in checklist.groups:
        rows = [_row(by_number[item.number], opener, its_card) for item in group.items]
        sections.append(Section(group.title, [Table(HEADER, rows)]))
    return sections


def summary(filled: Filled) -> str:
    """How many of the items are answered, in two sentences."""
    can, author = filled.by_machine, filled.author
    lacking = trn("{number} is lacking in this run", "{number} are lacking in this run", filled.lacking)
    answered = trn(
        "Of {items} items {can} can be answered from a run: {number} is answered, {in_part} in part, {lacking}.",
        "Of {items} items {can} can be answered from a run: {number} are answered, {in_part} in part, {lacking}.",
        filled.answered,
        items=filled.items,
        can=can,
        in_part=filled.in_part,
        lacking=lacking,
    )
    return in_turn(answered, tr("{items} only the author can say.", items=counted(author, "item")))


def _row(entry: Entry, opener: Opener, its_card: str) -> tuple[str | Links, ...]:
    item, answer = entry.item, entry.answer
    asked = tr("For the author: {ask}", ask=item.ask) if item.ask else ""
    if answer is None:
        return item.number, item.wants, tr("author"), asked, ""
    links = dict.fromkeys(link for place in answer.places if (link := opener.link(place, its_card)))
    said = in_turn(answer.text, asked)
    return item.number, item.wants, tr(answer.state), said, Links(tuple[Link, ...](links))
