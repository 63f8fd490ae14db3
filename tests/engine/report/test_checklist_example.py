"""A checklist of an example as a careful user makes it: trained, audited, and tested on images from elsewhere."""

import shutil
from typing import Any

import pytest
from PIL import Image

from engine.report.checklist.write import CHECKLISTS, checklist_files, entries, write_checklist
from engine.report.facts import gather
from engine.runs.directory import Run
from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw
from tests.conftest import SAMPLE, Cli
from tests.engine.report.test_checklist import NAMES, Page, opens

pytestmark = pytest.mark.usefixtures("small_pictures")

AUDIT = SAMPLE.parent / "docs" / "example"
KINDS = {"COVID": Disease.COVID, "Viral Pneumonia": Disease.VIRAL_PNEUMONIA}


@pytest.fixture(scope="module")
def example(laddered: dict[str, Any], cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the recipe "auto", tested on twelve pictures that were drawn for that alone."""
    base = tmp_path_factory.mktemp("example")
    for label, disease in KINDS.items():
        (base / "elsewhere" / label).mkdir(parents=True)
        for number in range(901, 907):
            picture = draw(phantom_for(disease, number), disease, 128)[0]
            Image.fromarray(picture).save(base / "elsewhere" / label / f"{number}.png")
    shutil.copytree(laddered["run"], base / "run")
    tested = cli("evaluate", base / "run", "--on", base / "elsewhere")
    assert tested.returncode == 0, tested.stderr
    return Run(base / "run")


@pytest.mark.parametrize("name", NAMES)
def test_at_least_seven_in_ten_of_what_a_machine_can_answer_is_answered(example: Run, name: str) -> None:
    found = write_checklist(example, name, AUDIT)
    assert found.answered / found.by_machine >= 0.7, found
    assert found.items == found.by_machine + found.author == len(CHECKLISTS[name].items)
    states = [entry.answer.state for entry in entries(CHECKLISTS[name], gather(example, AUDIT)) if entry.answer]
    assert (states.count("answered"), states.count("in part")) == (found.answered, found.in_part)
    links = Page((example.path / checklist_files(name)[1]).read_text()).links
    assert len(links) > found.by_machine
    for said, target in links:
        assert opens(example, said, target), (said, target)


def test_what_was_measured_elsewhere_and_what_more_images_would_bring_are_answers(example: Run) -> None:
    facts = gather(example, AUDIT)
    said = {entry.item.number: entry.answer for entry in entries(CHECKLISTS["tripod-ai"], facts) if entry.answer}
    assert facts.curve and facts.curve.sentence in said["10"].text and said["10"].state == "answered"
    assert said["20c"].state == "answered" and "elsewhere" in said["20c"].text
    assert f"{len(facts.rungs)} rungs" in said["12c"].text
