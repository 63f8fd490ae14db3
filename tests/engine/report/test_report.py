"""The model card: everything that a run knows, in CLAIM's order, with nothing that acts, loads, or shows a patient."""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.events import Epoch, Notice
from engine.base.result import Bin, Curve, Drawn
from engine.data.records import Row
from engine.data.split import Split
from engine.recipe.config import TrainConfig
from engine.report.document import Paragraph, Plots, Points, Section, Table, anchor, markdown, page
from engine.report.facts import gather
from engine.report.figures import curve_plots, epoch_plots
from engine.report.sections import card, limits, write_card
from engine.report.svg import Axis, Series, cut, grid, intervals, lines, shortened
from engine.runs.directory import Run
from engine.runs.writer import reopen
from engine.training.data import scanned
from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw
from tests.conftest import ROOT, SAMPLE, Cli
from tests.makers.fake import TEST

EXAMPLE = SAMPLE.parent / "docs" / "example"
EVIL = '<script>alert(1)</script> | [x](javascript:1) \x1b[2J\u202e"'


@pytest.fixture
def run(trained: dict[str, Any], tmp_path: Path) -> Run:
    """A copy of the trained run, to add to."""
    shutil.copytree(trained["run"], tmp_path / "r")
    return Run(tmp_path / "r")


class Reader(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [f"{name}={value}" for name, value in attrs]


def test_the_card_tells_the_run(run: Run, cli: Cli) -> None:
    done = cli("report", run.path, "--json")
    assert done.returncode == 0, done.stderr
    text, shown = (Path(path).read_text() for path in json.loads(done.stdout)["files"])
    test = run.read_json("test.json")
    for part in (text, shown):
        assert f"{test['accuracy']:.1%}" in part and "not for diagnosis" in part and "synthetic" in part
        assert str(SAMPLE) not in part and str(run.path) not in part and str(Path.home()) not in part
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "Summary", "Intended use", "Data", "Reference standard", "Partitions", "Model", "Training", "Evaluation",
        "Results on the test part", "Results by groups", "Calibration and operating point", "What an answer is worth",
        "When not to answer",
        "Shortcut audit", "External tests", "Limits",
        "Environment and hashes",
    ]  # fmt: skip
    assert shown.count("<svg") == 9 and "14,978,370" in text
    reader = Reader()
    reader.feed(shown)
    assert not {"img", "script", "link", "iframe"} & set(reader.tags)
    assert not [value for value in reader.values if value.startswith(("src=", "href=", "on"))]


def test_its_limits_are_those_of_the_run(run: Run) -> None:
    facts = gather(run)
    found = " ".join(limits(facts))
    assert "only 6 images" in found and "only 6 validation images" in found and "No shortcut audit" in found
    assert "No metadata" not in found and "No source has images of two classes" not in found
    split = (run.path / "split.csv").read_text().splitlines()
    train, tested = (next(line for line in split if f",{part}," in line) for part in ("train", "test"))
    leaked = tested.rsplit(",", 1)[0] + "," + train.rsplit(",", 1)[1]
    (run.path / "split.csv").write_text("\n".join(leaked if line == tested else line for line in split) + "\n")
    assert "1 picture lies in two parts" in " ".join(limits(gather(run)))


def test_audit_and_external_tests_are_reported_where_there_are_some(run: Run, tmp_path: Path) -> None:
    audit = json.loads((EXAMPLE / "audit.json").read_text())
    # An audit of another version: a variant that this one doesn't know is shown as it was saved, and so is the verdict.
    audit["variants"][0] |= {"name": "of another version", "title": EVIL}
    audit["verdict"] = "Most of it is available without the lungs."
    (tmp_path / "audit.json").write_text(json.dumps(audit))
    test = run.read_json("test.json")
    (run.path / "external").mkdir(exist_ok=True)
    (run.path / "external" / "x.json").write_text(json.dumps({**test, "folder": EVIL, "drop": None, "shift": None}))
    for path in write_card(run, tmp_path):
        text = path.read_text()
        assert "available without the lungs" in text and "\x1b" not in text and "\u202e" not in text
        assert "alert(1)" in text and "<script>" not in text and "None:" not in text
    assert all(one not in limits(gather(run, tmp_path)) for one in limits(gather(run)) if "audit" in one)
    for damaged in (run.path / "test.json", run.path):
        with pytest.raises(RunError, match=r"no audit .*: name the folder that `covid-tui audit` wrote"):
            write_card(run, damaged)


def test_an_audit_is_told_with_what_was_audited(run: Run, tmp_path: Path) -> None:
    text = write_card(run, EXAMPLE)[0].read_text()
    assert "Folder DATA: 137 COVID, 90 Viral Pneumonia images tested, 5 folds, each image tested once" in text
    assert "once; vgg16, transfer; the lungs by central rectangle." in text and "audit of other classes" not in text
    audit = json.loads((EXAMPLE / "audit.json").read_text())
    (tmp_path / "mine.json").write_text(json.dumps({**audit, "tested": {"Normal": 10, "COVID": 9}}))
    assert "**That is an audit of other classes" in write_card(run, tmp_path / "mine.json")[0].read_text()


def test_a_published_split_is_not_said_to_be_drawn(run: Run, tmp_path: Path) -> None:
    def partitions() -> str:
        return markdown("x", [section for section in card(gather(run)) if section.title == "Partitions"])

    assert "Drawn by class with seed 0." in partitions()
    for part in ("train", "test"):
        shutil.copytree(SAMPLE / "COVID", tmp_path / "data" / part / "COVID")
        shutil.copytree(SAMPLE / "Viral Pneumonia", tmp_path / "data" / part / "Viral Pneumonia")
    with reopen(run, run.config()) as writer:
        scanned(tmp_path / "data", TrainConfig(), Context(writer.append))
    assert "The test part is the one that the folders publish." in partitions() and "seed" not in partitions()


def test_warnings_name_no_image(run: Run, tmp_path: Path) -> None:
    folder = run.folder()
    texts = [
        f"Left out of the test: {folder}/COVID/images/COVID-1.png: it is cut short; copy it again.",
        f"Left out of the test: {folder}/COVID/images/COVID-2.png: it is cut short; copy it again.",
        "Left out: Viral Pneumonia/DOE, JANE (1).DCM (has other pixels than when it was scanned).",
        f"{tmp_path}/my split/s.csv puts the same picture into two parts, so its result looks better than it is: "
        "COVID/images/COVID-1.png (train), Viral Pneumonia/images/Viral Pneumonia-1.png (test).",
        "排除：肺炎/DOE，JANE（1）.DCM（像素與掃描時不同）。另見 COVID/COVID-1.png、DOE (2).png和JANE（3）.png。",
    ]
    with reopen(run, run.config()) as writer:
        for text in texts:
            writer.append(Notice("warning", text))
    for path in write_card(run):
        told = path.read_text()
        assert ".png" not in told and "DOE" not in told and "JANE" not in told and "COVID-1" not in told
        assert "排除： an image（像素與掃描時不同）。 an image、 an image an image。" in told
        assert "Left out of the test: an image: it is cut short; copy it again. (2 times)" in told.replace("\\", "")


def write_workbook(path: Path, rows: list[tuple[str, str]]) -> None:
    book = openpyxl.Workbook()
    for row in [("FILE NAME", "URL"), *rows]:
        book.active.append(row)
    book.save(path)


def test_sources_are_those_of_the_scan_and_only_two_classes_sources_can_be_apart(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "data"
    for part in ("train", "test"):
        for label in ("COVID", "Viral Pneumonia"):
            shutil.copytree(SAMPLE / label / "images", root / part / label)
        write_workbook(root / part / "COVID.metadata.xlsx", [("COVID-1", f"hospital of {part}")])
    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps({**config, "folder": str(root)}))
    files = [f"{part}/{label}/{label}-1.png" for part in ("train", "test") for label in ("COVID", "Viral Pneumonia")]
    rows = tuple(Row(file, file.split("/")[1], file.split("/")[0], str(n)) for n, file in enumerate(files))
    Split(rows).write(run.path / "split.csv")
    facts = gather(run)
    assert facts.sources["COVID"] == {"hospital of train": 1, "hospital of test": 1}
    assert not facts.apart and "determine each other" not in markdown("x", card(facts))
    write_workbook(root / "Viral Pneumonia.metadata.xlsx", [("Viral Pneumonia-1", "a children's hospital")])
    assert gather(run).apart and "determine each other" in markdown("x", card(gather(run)))
    Split((*rows, Row("train/COVID/COVID-2.png", "COVID", "train", "x"))).write(run.path / "split.csv")
    assert "Of the 4 images whose source is known, no source has those of two" in markdown("x", card(gather(run)))


def test_what_tells_the_class_without_the_lungs_stands_out_among_the_data(run: Run, tmp_path: Path) -> None:
    for label, suffix, first in (("COVID", "png", 1), ("Normal", "bmp", 101)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(first, first + 12):
            picture = draw(phantom_for(Disease.NORMAL, number), Disease.NORMAL, 64)[0]
            Image.fromarray(picture).save(tmp_path / "data" / label / f"{number}.{suffix}")
    assert not gather(run).alarms, "the sample data is honest"
    with reopen(run, run.config()) as writer:
        scanned(tmp_path / "data", TrainConfig(), Context(writer.append))
    facts = gather(run)
    assert len(facts.alarms) == 2 and set(facts.alarms) <= set(facts.warnings)
    (data,) = (section for section in card(facts) if section.title == "Data")
    shown = markdown("x", [data])
    assert "**CONFOUNDED: the file format alone tells the class of every image" in shown
    assert "**Without looking at lungs, by" in shown and "95% interval" in shown
    assert '<p class="warning">CONFOUNDED' in page("x", [data])


def test_a_real_audit_is_reported_with_every_variant_and_its_interval(run: Run) -> None:
    audit = json.loads((EXAMPLE / "audit.json").read_text())
    text, shown = (path.read_text() for path in write_card(run, EXAMPLE))
    for one in audit["variants"]:
        low, high = one["accuracy_ci"]
        row = f"| {one['title']} | {one['correct']}/{one['n']} | {one['accuracy']:.1%} | {low:.1%} to {high:.1%} |"
        assert row in text and f">{one['title'][:24]}</text>" in shown
    assert shown.count("<svg") == 10 and "Accuracy by what is shown" in shown


def test_an_untested_run_has_no_card(run: Run) -> None:
    (run.path / "test.json").unlink()
    with pytest.raises(RunError, match="not tested yet"):
        write_card(run)


def test_a_run_from_before_calibration_still_has_one(run: Run) -> None:
    test = run.read_json("test.json")
    for name in ("calibration.json", "reference.npz"):
        (run.path / name).unlink()
    new = ("calibrated", "operating", "curves", "macro", "mcc", "mcc_ci", "auc_ci", "ece")
    (run.path / "test.json").write_text(json.dumps({k: v for k, v in test.items() if k not in new}))
    assert len(card(gather(run))) == 17
    assert "has no calibration" in markdown("x", card(gather(run)))


def test_foreign_text_acts_in_neither_form() -> None:
    sections = [Section(EVIL, [Paragraph(EVIL), Points([EVIL]), Table((EVIL,), [(EVIL,)]), Plots([(EVIL, "<svg/>")])])]
    text, shown = markdown(EVIL, sections), page(EVIL, sections)
    assert "<script>" not in text + shown and "\x1b" not in text + shown and "\u202e" not in text + shown
    assert "[x](" not in text.replace("\\[x\\](", "")
    assert all(line.count("|") - line.count("\\|") in (0, 2) for line in text.splitlines())
    assert markdown("# x", []).startswith("# \\# x") and "\\- y" in markdown("t", [Section("s", [Paragraph("- y")])])


def test_plots_are_whole_svgs_with_their_data_inside() -> None:
    epochs = [Epoch(n, 1 / n, 0.8, 1.2 / n, 0.7, 1e-4, 1.0) for n in (1, 2, 3)]
    curve = Curve([(0, 0), (0.2, 0.9), (1, 1)], [(0, 1), (1, 0.5)], 0.9)
    rows = [Bin(0.8, 1.0, 10, 0.9, 0.8, (0.5, 0.9))]
    test = Drawn(**vars(TEST), curves={EVIL: curve, "reliability": rows})
    found = [svg for _, svg in epoch_plots(epochs) + curve_plots(test)]
    found.append(grid(["a & b", EVIL], [[3, 1], [0, 4]]))
    found.append(intervals([(EVIL, 0.2, 0.5, 0.9)], Axis("x", 0, 1), 0.4))
    for svg in found:
        ElementTree.fromstring(svg)  # would refuse an escape character
        assert "\u202e" not in svg
    root = ElementTree.fromstring(lines([Series("s", [(0, 0), (1, 1)])], Axis("x", 0, 1), Axis("y", 0, 2)))
    line = next(element for element in root.iter() if element.tag.endswith("polyline"))
    (x0, y0), (x1, y1) = (map(float, pair.split(",")) for pair in line.attrib["points"].split())
    assert x0 < x1 and y0 > y1 and y1 == pytest.approx((16 + y0) / 2)


def test_a_chinese_character_is_as_wide_as_two_letters() -> None:
    assert [cut("肺炎 x", most) for most in (0, 3, 4, 5, 6)] == ["", "肺", "肺炎", "肺炎 ", "肺炎 x"]
    assert cut("pneumonia", 5) == "pneum"
    shown = grid(["病毒性肺炎病毒性肺炎", "COVID"], [[1, 0], [0, 1]])
    assert ">病毒性肺炎病毒…</text>" in shown and ">病毒性肺炎病…</text>" in shown and ">COVID</text>" in shown


def test_a_page_in_chinese_says_so_and_its_links_lead_to_its_sections(tmp_path: Path) -> None:
    code = "from engine.report.document import *; s = [Section('Limits', [])]; print(page('x', s) + markdown('x', s))"
    said = {
        language: subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "COVID_TUI_LANGUAGE": language, "PYTHONIOENCODING": "utf-8"},
            cwd=ROOT, capture_output=True, encoding="utf-8", check=True,
        ).stdout
        for language in ("en", "zh_TW")
    }  # fmt: skip
    assert '<html lang="en">' in said["en"] and "system-ui, sans-serif" in said["en"]
    assert '<html lang="zh-Hant-TW">' in said["zh_TW"] and "'Noto Sans TC'" in said["zh_TW"]
    assert all(f'<h2 id="{anchor("Limits")}">' in page for page in said.values())


@given(st.floats(1e-3, 1e7), st.floats(1.5, 1e5), st.booleans())
def test_an_axis_has_a_few_round_labels_all_different(low: float, times: float, log: bool) -> None:
    axis = Axis("", low, low * times, log)
    ticks = axis.ticks()
    assert all(low * (1 - 1e-9) <= tick <= axis.high * (1 + 1e-9) for tick in ticks)
    assert len({shortened(tick) for tick in ticks}) == len(ticks) <= 7
    assert log or len(ticks) >= 2


def test_an_axis_whose_values_are_all_nothing_has_a_label() -> None:
    assert Axis("loss", 0, 0).ticks() == [0]
