"""A checklist of a run, written as Markdown and HTML beside its model card."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.base.errors import ConfigError
from engine.base.typed_files import Count
from engine.base.wording import counted, noun
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
HEADER = ("item", "what a reader wants to know", "state", "what the run says, and what the author is asked", "where")


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
        raise ConfigError(f'--checklist is "{name}": give one of {", ".join(CHECKLISTS)}.')
    files = checklist_files(name)
    there = [file for file in files if os.path.lexists(run.path / file)]
    if there and not force:
        raise ConfigError(
            f"{run.path / there[0]} exists already, and may hold what its author wrote: give --force to replace it."
        )
    facts = gather(run, audit)
    sections = card(facts)
    cards = write_pages(run, CARDS, f"Model card: {facts.name}", sections)
    opener = Opener(run, [section.title for section in sections])
    checklist = CHECKLISTS[name]
    found = entries(checklist, facts)
    title = f"{checklist.title}: {facts.name}"
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
        pages = document(checklist, found, filled, opener, its_card, facts.hashes.get(WEIGHTS, "not there"))
        write_pages(run, (file,), title, pages)
    return filled


def document(
    checklist: Checklist, found: list[Entry], filled: Filled, opener: Opener, its_card: str, weights: str
) -> list[Section]:
    """The checklist's sections; `its_card` is the file of the card that is linked, `weights` the hash of the model."""
    by_number = {entry.item.number: entry for entry in found}
    sections = [Section("How far it is filled", [
        Paragraph(summary(filled)),
        Paragraph(f"Numbers are those of {checklist.source}; the words are not. It is no judgement of the study."),
        Paragraph(f"Of the model whose {WEIGHTS} has the SHA-256 {weights}; it holds of no other."),
    ])]  # fmt: skip
    for group in checklist.groups:
        rows = [_row(by_number[item.number], opener, its_card) for item in group.items]
        sections.append(Section(group.title, [Table(HEADER, rows)]))
    return sections


def summary(filled: Filled) -> str:
    """How many of the items are answered, in two sentences."""
    can, author = filled.by_machine, filled.author
    return (
        f"Of {filled.items} items {can} can be answered from a run: {filled.answered} "
        f"{noun(filled.answered, 'is', 'are')} answered, {filled.in_part} in part, {filled.lacking} "
        f"{noun(filled.lacking, 'is', 'are')} lacking in this run. {counted(author, 'item')} only the author can say."
    )


def _row(entry: Entry, opener: Opener, its_card: str) -> tuple[str | Links, ...]:
    item, answer = entry.item, entry.answer
    asked = f"For the author: {item.ask}" if item.ask else ""
    if answer is None:
        return item.number, item.wants, "author", asked, ""
    links = dict.fromkeys(link for place in answer.places if (link := opener.link(place, its_card)))
    said = f"{answer.text} {asked}".strip()
    return item.number, item.wants, answer.state, said, Links(tuple[Link, ...](links))
