"""The published split of the shared X-rays leaks, and every leak is found and named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.base.errors import DataError
from engine.data.records import Scan
from engine.data.scan import scan
from engine.data.split import Split, draw, leaks, reuse
from tests.conftest import Cli


@pytest.fixture(scope="module")
def scanned(xray: Path) -> Scan:
    return scan(xray, near=True)


@pytest.fixture(scope="module")
def published(xray: Path, scanned: Scan) -> Split:
    """The split of provenance.csv, read as it stands, with the hashes of the pixels."""
    shas = {record.file: record.sha for record in scanned.records}
    return Split(tuple(replace(row, sha=shas[row.file]) for row in Split.read(xray / "provenance.csv").rows))


def test_all_exact_duplicates_are_found_across_the_parts_and_within(scanned: Scan, published: Split) -> None:
    across = leaks(published.rows)
    assert len(across) == 6 and all(len(pair) == 2 for pair in across)
    assert len(scanned.duplicates) == 10
    within = [pair for pair in scanned.duplicates if pair not in across]
    assert len(within) == 4


def test_near_duplicates_show_a_seventh_leak_and_join_three_of_the_six(scanned: Scan, published: Split) -> None:
    numbers = [[int(file.rsplit("-", 1)[1][:-4]) for file in group.files] for group in scanned.near]
    assert numbers == [[37, 55], [68, 118, 132], [95, 112, 129], [106, 110, 130, 131], [115, 135], [116, 134]]
    exact, all_of_them = leaks(published.rows), leaks(published.rows, scanned.near)
    assert len(all_of_them) == 6
    (new,) = (set(files) for files in all_of_them if not any(set(pair) <= set(files) for pair in exact))
    assert new == {f"COVID/images/COVID-{number}.png" for number in (68, 118, 132)}


def test_a_split_of_our_own_has_none(scanned: Scan) -> None:
    for seed in range(5):
        assert leaks(draw(scanned, 0.1, 0.2, seed).rows, scanned.near) == ()


def test_the_published_split_can_be_trained_on_and_its_leaks_are_told(xray: Path, scanned: Scan) -> None:
    split, notices = reuse(xray / "provenance.csv", scanned, val_share=0.1, seed=0)
    counts = {part: sum(own.values()) for part, own in split.counts().items()}
    assert counts["test"] == 66 and 20 <= counts["validation"] <= 30 and sum(counts.values()) == 317
    assert sum("looks better than it is" in text for text in notices) == 6
    assert any("no validation part" in text for text in notices)
    trained = {row.file for row in split.rows if row.part in ("train", "validation")}
    pairs = [
        files for files in (*scanned.duplicates, *(group.files for group in scanned.near)) if set(files) <= trained
    ]
    parts = {row.file: row.part for row in split.rows}
    assert pairs and all(len({parts[file] for file in files}) == 1 for files in pairs)


def test_the_command_lists_them(xray: Path, cli: Cli) -> None:
    path = xray / "provenance.csv"
    done = cli("scan", xray, "--split", path, "--json")
    leaking = json.loads(done.stdout)["leaks"]
    assert len(leaking) == 6 and {item["part"] for item in leaking[0]} == {"train", "test"}
    text = cli("scan", xray, "--split", path, "--no-near-duplicates").stdout
    assert "LEAKS" in text and "puts 6 pictures into two parts" in text and "were not looked for" in text
    assert "\x1b" not in text


def test_a_split_without_a_known_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("path,label,fold\na,b,1\n")
    with pytest.raises(DataError, match="lacks the column part"):
        Split.read(tmp_path / "s.csv")
    (tmp_path / "s.csv").write_text("path,label,split\na,b,test\n")
    assert Split.read(tmp_path / "s.csv").rows[0].part == "test"
