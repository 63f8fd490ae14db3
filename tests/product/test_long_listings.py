"""A long listing shows its head and its count; all of it is in the file that --csv names, and in --json."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data.records import ClassSummary, Record, Row, Scan
from engine.data.split import Split, reuse
from tests.conftest import Cli

PAIRS = 30


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with 30 pictures twice in class A and 25 broken files in B, and a split that parts each pair."""
    root, random = tmp_path_factory.mktemp("many") / "d", np.random.default_rng(0)
    for label in "AB":
        (root / label).mkdir(parents=True)
    rows = []
    for n in range(PAIRS):
        Image.fromarray(random.integers(0, 255, (24, 24), np.uint8)).save(root / "A" / f"{n}.png")
        (root / "A" / f"again{n}.png").write_bytes((root / "A" / f"{n}.png").read_bytes())
        rows += [Row(f"A/{n}.png", "A", "train"), Row(f"A/again{n}.png", "A", "test")]
        Image.fromarray(random.integers(0, 255, (24, 24), np.uint8)).save(root / "B" / f"{n}.png")
        rows.append(Row(f"B/{n}.png", "B", "train" if n % 2 else "test"))
    for n in range(25):
        (root / "B" / f"broken{n}.png").write_bytes(b"no image")
    split = root.parent / "s.csv"
    Split(tuple(rows)).write(split)
    return root, split


def test_the_text_shows_the_first_ones_and_how_many_more(leaking: tuple[Path, Path], cli: Cli) -> None:
    root, split = leaking
    done = cli("scan", root, "--split", split, "--group-by", r"name:(\d+)")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    for title in (
        "30 groups of files with the same pixels:",
        f"! LEAKS: {split} puts 30 pictures into two parts; a test on it looks too good:",
        f"! LEAKS: {split} has images of 30 patients in two parts or more; a test on it looks too good:",
    ):
        after = lines[lines.index(title) + 1 :]
        assert after[10] == "  and 20 more: --csv FILE writes all of them to a file, --json prints them"
        assert all(line.startswith("  ") for line in after[:11])
    assert "25 problems:" in lines and lines[-1].startswith("  and 15 more: ")
    assert len(lines) < 75


def test_the_file_and_the_json_have_them_all(leaking: tuple[Path, Path], tmp_path: Path, cli: Cli) -> None:
    root, split = leaking
    path = tmp_path / "all.csv"
    done = cli("scan", root, "--split", split, "--group-by", r"name:(\d+)", "--csv", path, "--json")
    facts = json.loads(done.stdout)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["listing", "group", "file", "class", "part", "detail"]
    of = {kind: [row for row in rows if row["listing"] == kind] for kind in {row["listing"] for row in rows}}
    assert {row["file"] for row in of["problem"]} == {f"B/broken{n}.png" for n in range(25)}
    assert len(of["same-pixels"]) == 2 * PAIRS == len(of["leak"]) == 2 * len(facts["leaks"])
    assert {row["part"] for row in of["leak"]} == {"train", "test"} and {row["class"] for row in of["leak"]} == {"A"}
    assert len({row["group"] for row in of["leak"]}) == PAIRS == len({row["group"] for row in of["patient"]})
    assert len(facts["problems"]) == 25 and len(facts["patients"]["in_two_parts"]) == PAIRS


def test_a_file_that_is_there_is_not_written_over(leaking: tuple[Path, Path], tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("mine")
    done = cli("scan", leaking[0], "--csv", path)
    assert done.returncode == 2 and "exists already" in done.stderr and path.read_text() == "mine"


def test_a_training_tells_the_first_leaks_and_counts_the_rest(tmp_path: Path) -> None:
    records, rows = [], []
    for n in range(1564):
        for label in "AB":
            for part in ("train", "validation", "test"):
                file = f"{label}/{part}{n}.png"
                sha = f"same{n}" if label == "A" else file
                records.append(Record(file, label, sha, "PNG", "L", 9, 9, 9, 9.0))
                rows.append(Row(file, label, part))
    found = Scan(tmp_path, tuple(records), (), {label: ClassSummary(1564 * 3) for label in "AB"}, ())
    Split(tuple(rows)).write(tmp_path / "s.csv")
    _, told = reuse(tmp_path / "s.csv", found)
    assert len(told) == 11 and "puts 1,564 pictures into two parts in all" in told[-1]
