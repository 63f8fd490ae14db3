"""A reader's checklist: every item by its number, answered where the run can, each link opening what it says, and what
is lacking told as lacking.
"""

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import ConfigError, RunError
from engine.base.events import Notice
from engine.report.checklist.item import Checklist
from engine.report.checklist.write import CHECKLISTS, checklist_files, entries, write_checklist
from engine.report.document import anchor
from engine.report.facts import gather
from engine.runs.directory import Run
from engine.runs.writer import reopen
from tests.conftest import Cli
from tests.engine.report.test_report import EVIL

NAMES = sorted(CHECKLISTS)


@pytest.fixture
def run(trained: dict[str, Any], tmp_path: Path) -> Run:
    """A copy of the trained run, to add to."""
    shutil.copytree(trained["run"], tmp_path / "r")
    return Run(tmp_path / "r")


class Page(HTMLParser):
    """The links of a page, each with its text, and the names of its sections."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.names: set[str] = set()
        self.tags: set[str] = set()
        self._target = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        self.names.add(values.get("id") or "")
        if tag == "a":
            self._target = values["href"] or ""

    def handle_data(self, data: str) -> None:
        if self._target:
            self.links.append((data, self._target))
            self._target = ""


def opens(run: Run, text: str, target: str) -> bool:
    """Does the link lead to a file of the run that has what the text says?"""
    file, _, section = target.partition("#")
    path = run.path / file
    assert path.is_file(), target
    if section:
        title = text.removeprefix("card: ")
        if path.suffix == ".html":
            page = path.read_text()
            return section in Page(page).names and f">{title}</h2>" in page
        return f"\n## {title}\n" in path.read_text() and section == anchor(title)
    name, _, place = text.partition(": ")
    assert name == file
    if not place:
        return True
    if path.suffix == ".csv":
        with path.open(newline="") as lines:
            return place.removeprefix("column ") in next(csv.reader(lines))
    field, _, value = place.partition(" = ")
    found: Any
    if path.suffix == ".jsonl":
        kind = field.split(".")[0]
        found = {kind: [one for one in map(json.loads, path.read_text().splitlines()) if one["event"] == kind][-1]}
    else:
        found = json.loads(path.read_text())
    for key in field.split("."):
        found = found[key]
    if isinstance(found, bool):
        return value == ("yes" if found else "no")
    if isinstance(found, int | float) and value:
        return float(value) == pytest.approx(found, rel=1e-3)
    return not value or value in (str(found), "(empty)") or " to " in value


def test_every_item_stands_under_the_number_of_its_list() -> None:
    def numbers(checklist: Checklist) -> list[str]:
        return [item.number for item in checklist.items]

    assert numbers(CHECKLISTS["claim"]) == [str(number) for number in range(1, 45)]
    tripod = numbers(CHECKLISTS["tripod-ai"])
    assert len(tripod) == len(set(tripod)) == 52
    assert sorted({int(re.sub(r"\D", "", one)) for one in tripod}) == list(range(1, 28))
    lettered = {main: [one[-1] for one in tripod if re.fullmatch(rf"{main}[a-z]", one)] for main in range(1, 28)}
    letters = {
        3: "abc",
        5: "ab",
        6: "abc",
        8: "abc",
        9: "abc",
        12: "abcdefg",
        18: "abcdef",
        20: "abc",
        23: "ab",
        27: "abc",
    }
    assert {main: "".join(found) for main, found in lettered.items() if found} == letters
    domains = {"D": (3, 4, 4, 5), "E": (3, 4, 4, 7)}
    wanted = [
        f"{part}{n}.{k}"
        for part, sizes in domains.items()
        for n, size in enumerate(sizes, 1)
        for k in range(1, size + 1)
    ]
    assert numbers(CHECKLISTS["probast-ai"]) == wanted and len(wanted) == 16 + 18


@pytest.mark.parametrize("name", NAMES)
def test_each_link_opens_what_it_says(run: Run, name: str) -> None:
    write_checklist(run, name)
    text, shown = ((run.path / file).read_text() for file in checklist_files(name))
    page = Page(shown)
    marked = re.findall(r"\[((?:[^\[\]\\]|\\.)*)\]\(([^)]*)\)", text)
    assert len(page.links) == len(marked) >= len(CHECKLISTS[name].items)
    for links in (page.links, [(re.sub(r"\\(.)", r"\1", said), target) for said, target in marked]):
        for said, target in links:
            assert opens(run, said, target), (said, target)
    assert not page.tags & {"img", "script", "link", "iframe"}


@pytest.mark.parametrize("name", NAMES)
def test_what_only_the_author_can_say_is_asked_by_number(run: Run, name: str) -> None:
    write_checklist(run, name)
    text = (run.path / checklist_files(name)[0]).read_text()
    for item in CHECKLISTS[name].items:
        (row,) = (line for line in text.splitlines() if line.startswith(f"| {item.number} |"))
        assert not item.ask or f"For the author: {item.ask}" in row.replace("\\", "")
        assert (" | author | " in row) == (item.answer is None)


def test_what_a_run_lacks_is_told_as_lacking_and_comes_with_what_gives_it(run: Run) -> None:
    shutil.rmtree(run.path / "external", ignore_errors=True)  # another test may have put some there

    def state(number: str) -> tuple[str, str]:
        answer = next(e.answer for e in entries(CHECKLISTS["claim"], gather(run)) if e.item.number == number)
        assert answer
        return answer.state, answer.text

    assert state("33")[0] == "lacking" and "covid-tui evaluate RUN --on FOLDER" in state("33")[1]
    assert state("30")[0] == "lacking" and "covid-tui audit" in state("30")[1]
    assert state("20")[0] == "in part" and "Not by patient" in state("20")[1]
    with reopen(run, run.config()) as writer:
        writer.append(Notice("info", "同一位病人的影像都放在一起：12 patients by their folders.", "patients"))
    assert state("20")[0] == "answered" and "12 patients" in state("20")[1]
    test = run.read_json("test.json")
    (run.path / "external").mkdir(exist_ok=True)
    (run.path / "external" / "x.json").write_text(json.dumps({**test, "folder": "x", "drop": None, "shift": None}))
    assert state("33")[0] == "answered" and state("33")[1].startswith("x: ")


def test_a_run_from_before_calibration_has_checklists_whose_links_open(run: Run) -> None:
    test = run.read_json("test.json")
    for file in ("calibration.json", "reference.npz"):
        (run.path / file).unlink()
    new = ("calibrated", "operating", "curves", "macro", "mcc", "mcc_ci", "auc_ci", "ece")
    (run.path / "test.json").write_text(json.dumps({k: v for k, v in test.items() if k not in new}))
    for name in NAMES:
        write_checklist(run, name)
        for said, target in Page((run.path / checklist_files(name)[1]).read_text()).links:
            assert opens(run, said, target), (said, target)
    rows = (run.path / "checklist-tripod-ai.md").read_text().splitlines()
    assert any(line.startswith("| 27a |") and "| lacking |" in line for line in rows)


def test_a_checklist_that_its_author_wrote_into_is_replaced_only_when_asked(run: Run, cli: Cli) -> None:
    done = cli("report", run.path, "--checklist", "claim")
    assert done.returncode == 0 and "only the author can say" in done.stdout, done.stderr
    (run.path / "checklist-claim.md").write_text("mine")
    refused = cli("report", run.path, "--checklist", "claim")
    assert refused.returncode == 2 and "--force" in refused.stderr
    assert (run.path / "checklist-claim.md").read_text() == "mine"
    told = json.loads(cli("report", run.path, "--checklist", "claim", "--force", "--json").stdout)
    assert told["items"] == 44 == told["answered"] + told["in_part"] + told["lacking"] + told["author"]
    assert [Path(file).name for file in told["files"]][2:] == [*checklist_files("claim")]
    assert "CLAIM 2024" in (run.path / "checklist-claim.md").read_text()


def test_foreign_names_act_in_no_checklist(run: Run) -> None:
    for file in ("test.json", "model.json", "config.json"):
        text = (run.path / file).read_text()
        (run.path / file).write_text(text.replace("COVID", json.dumps(EVIL)[1:-1]))
    (run.path / "calibration.json").unlink()
    for name in NAMES:
        write_checklist(run, name)
        for file in checklist_files(name):
            text = (run.path / file).read_text()
            assert "<script>" not in text and "\x1b" not in text and "\u202e" not in text
        assert not [to for _, to in Page((run.path / checklist_files(name)[1]).read_text()).links if ":" in to]


def test_an_untested_run_has_no_checklist(run: Run) -> None:
    (run.path / "test.json").unlink()
    with pytest.raises(RunError, match="not tested yet"):
        write_checklist(run, "claim")
    with pytest.raises(ConfigError, match=r"give one of claim, tripod-ai, probast-ai"):
        write_checklist(run, "mine")
