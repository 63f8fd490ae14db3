"""A checklist in another language has the numbers of its list, and each of its links opens what it did in English."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import write_mo

from engine.report.checklist.write import CHECKLISTS, checklist_files
from engine.runs.directory import Run
from tests.conftest import ROOT
from tests.engine.report.test_checklist import NAMES, Page
from translations.__main__ import template

WRITE = """
import sys
from pathlib import Path
from engine.report.checklist.write import CHECKLISTS, write_checklist
from engine.runs.directory import Run
for name in CHECKLISTS:
    write_checklist(Run(Path(sys.argv[1])), name)
"""


@pytest.fixture(scope="module")
def written(trained: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose checklists were written in a language that puts every text between two letters."""
    place = tmp_path_factory.mktemp("language")
    catalogue = template()
    for message in catalogue:
        if message.id:
            texts = message.id if isinstance(message.id, tuple) else (message.id,)
            said = tuple(f"文{text}文" for text in texts)
            message.string = said if len(said) > 1 else said[0]
    with (place / "letters.mo").open("wb") as file:
        write_mo(file, catalogue)
    shutil.copytree(trained["run"], place / "run")
    environment = {**os.environ, "COVID_TUI_LANGUAGE": str(place / "letters.mo")}
    subprocess.run([sys.executable, "-c", WRITE, place / "run"], check=True, cwd=ROOT, env=environment)
    return place / "run"


def sections(card: Path) -> dict[str, str]:
    """The titles of a card's sections, by the names that links know them by."""
    text = card.read_text(encoding="utf-8")
    if card.suffix == ".html":
        return dict(re.findall(r'<h2 id="([^"]*)">(.*?)</h2>', text))
    return dict(re.findall(r'\n<a id="([^"]*)"></a>\n\n## (.*)\n', text))


@pytest.mark.parametrize("name", NAMES)
def test_links_into_the_card_are_those_of_english(written: Path, name: str) -> None:
    for file in checklist_files(name):
        text = (written / file).read_text(encoding="utf-8")
        links = Page(text).links if file.endswith(".html") else re.findall(r"\[((?:[^\[\]\\]|\\.)*)\]\(([^)]*)\)", text)
        into = [(said, target) for said, target in links if "#" in target]
        assert len(links) > len(CHECKLISTS[name].items) // 2 and into
        for said, target in into:
            card, _, section = target.partition("#")
            assert re.fullmatch(r"[a-z-]+", section)
            title = sections(written / card)[section]
            assert title.startswith("文") and title in said
        assert all((written / target.partition("#")[0]).is_file() for _, target in links)


@pytest.mark.parametrize("name", NAMES)
def test_items_keep_the_numbers_of_their_list(written: Path, name: str) -> None:
    text = (written / checklist_files(name)[0]).read_text(encoding="utf-8")
    for item in CHECKLISTS[name].items:
        assert f"\n| {item.number} | 文" in text


def test_a_page_names_its_language(written: Path) -> None:
    assert '<html lang="letters">' in (written / "card.html").read_text(encoding="utf-8")
    assert Run(written).name in (written / "card.md").read_text(encoding="utf-8")
