"""Confounding: what tells the classes without lungs is found and measured, and honest data raises no alarm."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import chi2_contingency
from scipy.stats.contingency import association as scipy_association

from engine.data.confounding import TRAITS, association, confounding, cramers_v
from engine.data.metadata_probe import guess
from engine.data.records import ClassSummary, Record, Scan
from engine.data.scan import scan
from tests.conftest import SAMPLE, Cli
from tui.cli.console import put_alarm


def record(number: int, label: str, **facts: object) -> Record:
    values = {"format": "PNG", "mode": "L", "width": 299, "height": 299, "bytes": 50_000, "mean": 120.0, **facts}
    return Record(f"{label}/{number}", label, f"{label}{number}", **values)  # type: ignore[arg-type]


def scanned(records: list[Record]) -> Scan:
    labels = {r.label: sum(o.label == r.label for o in records) for r in records}
    return Scan(Path("d"), tuple(records), (), {name: ClassSummary(n) for name, n in labels.items()}, ())


def test_a_source_that_tells_the_class_is_grave() -> None:
    found = confounding(scanned([record(n, label, source=label) for label in "AB" for n in range(9)]))
    (grave,) = found.grave
    assert grave.trait == "source" and grave.determined and grave.p <= 0.01 and grave.cramers_v == 1
    assert "the source alone tells the class of every image" in found.alarms[0]


@pytest.mark.parametrize(
    ("trait", "values"),
    [
        ("file format", ({"format": "PNG"}, {"format": "JPEG"})),
        ("mode", ({"mode": "L"}, {"mode": "RGB"})),
        ("bit depth", ({"bit_depth": 8}, {"bit_depth": 16})),
        ("size", ({"width": 299}, {"width": 1024})),
        ("border", ({"border": 3.0}, {"border": 200.0})),
    ],
)
def test_each_trait_is_looked_at(trait: str, values: tuple[dict[str, object], dict[str, object]]) -> None:
    records = [record(n, label, **facts) for label, facts in zip("AB", values, strict=True) for n in range(12)]
    found = confounding(scanned(records))
    assert [a.trait for a in found.grave] == [trait]
    assert found.guess and found.guess.accuracy == 1 and found.guess.telling


def test_a_source_that_few_images_have_is_said_of_those_alone() -> None:
    known = [record(n, label, source=label) for label in "AB" for n in range(9)]
    found = confounding(scanned([*known, *(record(n, "A") for n in range(9, 91))]))
    assert found.associations[0].unknown == 82
    assert "the class of every image whose source is known (18 of 100), so" in found.alarms[0]


def test_a_source_for_each_image_tells_nothing() -> None:
    found = confounding(scanned([record(n, label, source=f"{label}{n}") for label in "AB" for n in range(9)]))
    assert found.associations[0].determined and found.associations[0].p == 1 and found.grave == ()


def test_few_images_may_tell_the_class_by_chance() -> None:
    assert confounding(scanned([record(0, "A", source="x"), record(0, "B", source="y")])).grave == ()


def test_a_partial_tie_is_told_with_what_one_guesses_by_it() -> None:
    sources = {"A": "x" * 45 + "y" * 5, "B": "y" * 45 + "x" * 5}
    found = confounding(scanned([record(n, c, source=s) for c, own in sources.items() for n, s in enumerate(own)]))
    assert "PARTLY CONFOUNDED" in found.alarms[0] and "right for 90%" in found.alarms[0]


def test_independent_traits_raise_no_alarm_at_more_than_the_stated_rate() -> None:
    dice = np.random.default_rng(0)
    alarms = 0
    for seed in range(30):
        records = [
            record(n, "AB"[n % 2], source="xyz"[dice.integers(3)], mean=dice.uniform(90, 150)) for n in range(60)
        ]
        alarms += bool(confounding(scanned(records), seed).alarms)
    assert alarms <= 2


def test_the_sample_data_is_honest() -> None:
    found = confounding(scan(SAMPLE))
    assert found.alarms == () and found.sources_known and found.guess
    assert not found.guess.telling and found.guess.baseline == 0.25 and found.guess.accuracy < 0.4


def test_cramers_v_without_its_correction_is_scipys() -> None:
    dice = np.random.default_rng(1)
    for _ in range(20):
        table = dice.integers(1, 400, (3, 4))
        total, plain = table.sum(), scipy_association(table, "cramer") ** 2 * 2
        (rows, columns), chi = table.shape, chi2_contingency(table, correction=False)[0]
        assert plain == pytest.approx(chi / total)
        squared = max(0, plain - (rows - 1) * (columns - 1) / (total - 1))
        least = min(n - (n - 1) ** 2 / (total - 1) for n in table.shape) - 1
        assert cramers_v(table) == pytest.approx((squared / least) ** 0.5)
        assert cramers_v(table) <= plain**0.5


def test_the_permutation_test_agrees_with_pearsons() -> None:
    dice = np.random.default_rng(2)
    records = [record(n, "AB"[n % 2], source="xy"[int(dice.random() < 0.4 + 0.12 * (n % 2))]) for n in range(400)]
    found = association("source", records, TRAITS["source"])
    assert found
    table = np.array([list(row.values()) for row in found.table.values()])
    assert found.p == pytest.approx(chi2_contingency(table, correction=False)[1], abs=0.02)


def test_the_small_classifier_learns_what_is_there_and_no_more() -> None:
    dice = np.random.default_rng(3)
    bright = [record(n, c, mean=dice.normal(100 + 40 * (c == "B"), 20)) for c in "AB" for n in range(100)]
    found = guess(bright)
    assert found and found.telling and 0.75 < found.accuracy < 0.93 and found.interval[0] < 0.84 < found.interval[1]
    assert "right for 88% of the images (95% interval 83% to 92%)" in found.sentence
    even = guess([record(n, c, mean=dice.normal(100, 20)) for c in "AB" for n in range(100)])
    assert even and not even.telling
    assert guess(bright[:5] + bright[100:105]) is None and guess(bright[:50]) is None


def test_the_command_warns_in_words_and_in_json(tmp_path: Path, cli: Cli) -> None:
    dice = np.random.default_rng(4)
    for label, suffix in (("A", "png"), ("B", "bmp")):
        (tmp_path / label).mkdir()
        for number in range(10):
            picture = dice.integers(0, 256, (64, 64)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / label / f"{number}.{suffix}")
    text = cli("scan", tmp_path).stdout
    assert "! CONFOUNDED: the file format alone tells the class" in text and "\x1b" not in text
    assert "Without looking at lungs" in text and "Patients can't be told apart" in text
    found = json.loads(cli("scan", tmp_path, "--json").stdout)["confounding"]
    assert found["confounded"] and found["without_lungs"]["correct"] == 20


def test_an_alarm_is_red_only_where_colour_is_allowed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    put_alarm("bad \x1b[2J")
    monkeypatch.setenv("NO_COLOR", "1")
    put_alarm("bad \x1b[2J")
    red, plain = capsys.readouterr().out.splitlines()
    assert red == "\x1b[1;31mbad \\x1b[2J\x1b[0m" and plain == "bad \\x1b[2J"
    assert not re.search("\x1b", plain)
