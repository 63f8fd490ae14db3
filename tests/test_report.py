"""The model card: everything that a run knows, in CLAIM's order, with nothing that acts, loads, or shows a patient."""

import json
import shutil
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine import runs
from engine.config import TrainConfig
from engine.errors import RunError
from engine.events import Epoch
from engine.jobs import scanned
from engine.results.card import Paragraph, Plots, Points, Section, Table, markdown, page
from engine.results.cardfacts import gather
from engine.results.figures import curve_plots, epoch_plots
from engine.results.plots import Axis, Series, grid, intervals, lines, shortened
from engine.results.report import card, limits, write_card
from engine.runs import Run
from engine.stopping import Stop
from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw
from tests.conftest import SAMPLE, Cli

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
        "Results on the test part", "Calibration and operating point", "Shortcut audit", "External tests", "Limits",
        "Environment and hashes",
    ]  # fmt: skip
    assert shown.count("<svg") == 7 and "14,978,370" in text
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
    assert "1 pictures lie in two parts" in " ".join(limits(gather(run)))


def test_audit_and_external_tests_are_reported_where_there_are_some(run: Run, tmp_path: Path) -> None:
    variant = {"title": EVIL, "correct": 4, "n": 6, "accuracy": 0.667, "accuracy_ci": [0.2, 0.9]}
    audit = {"variants": [variant], "verdict": "Most of it is available without the lungs.", "baseline": 0.5}
    (tmp_path / "audit.json").write_text(json.dumps(audit))
    test = run.read_json("test.json")
    (run.path / "external").mkdir(exist_ok=True)
    (run.path / "external" / "x.json").write_text(json.dumps({**test, "folder": EVIL, "drop": None, "shift": None}))
    for path in write_card(run, tmp_path):
        text = path.read_text()
        assert "available without the lungs" in text and "\x1b" not in text and "\u202e" not in text
        assert "<script>" not in text and "None:" not in text
    assert all(one not in limits(gather(run, tmp_path)) for one in limits(gather(run)) if "audit" in one)
    with pytest.raises(RunError, match="no audit"):
        write_card(run, run.path / "test.json")


def test_what_tells_the_class_without_the_lungs_stands_out_among_the_data(run: Run, tmp_path: Path) -> None:
    for label, suffix, first in (("COVID", "png", 1), ("Normal", "bmp", 101)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(first, first + 12):
            picture = draw(phantom_for(Disease.NORMAL, number), Disease.NORMAL, 64)[0]
            Image.fromarray(picture).save(tmp_path / "data" / label / f"{number}.{suffix}")
    assert not gather(run).alarms, "the sample data is honest"
    with runs.reopen(run, run.config()) as writer:
        scanned(tmp_path / "data", TrainConfig(), writer.append, Stop())
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
    assert shown.count("<svg") == 8 and "Accuracy by what is shown" in shown


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
    assert len(card(gather(run))) == 14
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
    curve = {"roc": [[0, 0], [0.2, 0.9], [1, 1]], "precision_recall": [[0, 1], [1, 0.5]], "average_precision": 0.9}
    rows = [{"confidence": 0.9, "accuracy": 0.8}]
    found = [svg for _, svg in epoch_plots(epochs) + curve_plots({EVIL: curve, "reliability": rows})]
    found.append(grid(["a & b", EVIL], [[3, 1], [0, 4]]))
    found.append(intervals([(EVIL, 0.2, 0.5, 0.9)], Axis("x", 0, 1), 0.4))
    for svg in found:
        ElementTree.fromstring(svg)  # would refuse an escape character
        assert "\u202e" not in svg
    root = ElementTree.fromstring(lines([Series("s", [(0, 0), (1, 1)])], Axis("x", 0, 1), Axis("y", 0, 2)))
    line = next(element for element in root.iter() if element.tag.endswith("polyline"))
    (x0, y0), (x1, y1) = (map(float, pair.split(",")) for pair in line.attrib["points"].split())
    assert x0 < x1 and y0 > y1 and y1 == pytest.approx((16 + y0) / 2)


@given(st.floats(1e-3, 1e7), st.floats(1.5, 1e5), st.booleans())
def test_an_axis_has_a_few_round_labels_all_different(low: float, times: float, log: bool) -> None:
    axis = Axis("", low, low * times, log)
    ticks = axis.ticks()
    assert all(low * (1 - 1e-9) <= tick <= axis.high * (1 + 1e-9) for tick in ticks)
    assert len({shortened(tick) for tick in ticks}) == len(ticks) <= 7
    assert log or len(ticks) >= 2


def test_an_axis_whose_values_are_all_nothing_has_a_label() -> None:
    assert Axis("loss", 0, 0).ticks() == [0]
