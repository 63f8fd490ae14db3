"""Splits: every image in one part, shares as asked, equal pictures together, and the same again for the same seed."""

import csv
import math
import os
import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.errors import DataError
from engine.data.records import ClassSummary, Record, Row, Scan
from engine.data.scan import scan
from engine.data.split import PARTS, Split, draw, leaks, reuse
from tests.makers.examples import examples


def record(file: str, label: str, sha: str) -> Record:
    return Record(file, label, sha, "PNG", "L", 9, 9, 99, 100.0)


def scanned(records: list[Record], classes: tuple[str, ...] = ()) -> Scan:
    counts = Counter(item.label for item in records)
    names = classes or tuple(sorted(counts))
    return Scan(Path("data"), tuple(records), (), {name: ClassSummary(images=counts[name]) for name in names}, ())


def distinct(*sizes: int) -> list[Record]:
    """Classes A, B, ... of so many images, no two alike."""
    return [
        record(f"{label}/{label}-{number}.png", label, f"{label}{number}")
        for label, size in zip("ABCDEF", sizes, strict=False)
        for number in range(size)
    ]


@st.composite
def datasets(draw_from: st.DrawFn) -> list[Record]:
    """Two to four classes of 3 to 25 groups of 1 to 4 equal pictures, some of which stand in two classes."""
    records = []
    for label in "ABCD"[: draw_from(st.integers(2, 4))]:
        for group, size in enumerate(draw_from(st.lists(st.integers(1, 4), min_size=3, max_size=25))):
            records += [record(f"{label}/{group}-{i}.png", label, f"{label}{group}") for i in range(size)]
    for number in range(draw_from(st.integers(0, 3))):
        records += [record(f"{label}/both-{number}.png", label, f"both{number}") for label in "AB"]
    return draw_from(st.permutations(records))


shares = st.floats(0.02, 0.4)


class TestDraw:
    @settings(deadline=None, max_examples=examples(150))
    @given(datasets(), shares, shares, st.integers(0, 2**31 - 1))
    def test_what_every_split_keeps(self, records: list[Record], val: float, test: float, seed: int) -> None:
        split = draw(scanned(records), val, test, seed)

        assert [(row.file, row.label, row.sha) for row in split.rows] == [(r.file, r.label, r.sha) for r in records]
        assert {row.part for row in split.rows} <= set(PARTS)

        parts_of = defaultdict(set)
        for row in split.rows:
            parts_of[row.sha].add(row.part)
        assert all(len(parts) == 1 for parts in parts_of.values())

        groups = Counter((r.label, r.sha) for r in records)
        for label in {r.label for r in records}:
            images = sum(r.label == label for r in records)
            largest = max(count for (name, _), count in groups.items() if name == label)
            bound_to_train = sum(r.label == label and r.sha.startswith("both") for r in records)
            for part, share in (("validation", val), ("test", test)):
                count = split.counts()[part][label]
                assert count >= 1
                assert abs(count - share * images) <= largest + bound_to_train
            assert split.counts()["train"][label] >= 1

    @settings(deadline=None, max_examples=examples(60))
    @given(datasets(), st.integers(0, 2**31 - 1), st.randoms())
    def test_the_records_order_is_irrelevant(self, records: list[Record], seed: int, dice: random.Random) -> None:
        shuffled = records.copy()
        dice.shuffle(shuffled)
        first, second = (draw(scanned(items), 0.2, 0.2, seed) for items in (records, shuffled))
        assert set(first.rows) == set(second.rows)

    def test_shares_of_distinct_images_are_exact(self) -> None:
        split = draw(scanned(distinct(100, 50, 19, 7)), 0.1, 0.2, 0)
        assert split.counts() == {
            "train": {"A": 70, "B": 35, "C": 13, "D": 5},
            "validation": {"A": 10, "B": 5, "C": 2, "D": 1},
            "test": {"A": 20, "B": 10, "C": 4, "D": 1},
        }

    def test_another_seed_gives_another_split(self) -> None:
        found = scanned(distinct(60, 60))
        tests = {draw(found, 0.1, 0.2, seed).files("test") for seed in range(20)}
        assert len(tests) == 20

    def test_over_the_seeds_every_image_is_tested_alike(self) -> None:
        found = scanned(distinct(20, 20))
        counts = Counter(file for seed in range(400) for file in draw(found, 0.1, 0.2, seed).files("test"))
        assert len(counts) == 40
        spread = 5 * math.sqrt(400 * 0.2 * 0.8)
        assert all(abs(count - 80) < spread for count in counts.values())

    def test_a_class_is_split_alike_whichever_others_are_there(self) -> None:
        both, three = draw(scanned(distinct(30, 30)), 0.1, 0.1, 5), draw(scanned(distinct(30, 30, 30)), 0.1, 0.1, 5)
        assert set(both.rows) <= set(three.rows)
        parts = [[row.part for row in both.rows if row.label == label] for label in "AB"]
        assert parts[0] != parts[1]

    def test_pictures_that_bear_two_labels_are_trained_on_and_never_tested(self) -> None:
        records = distinct(10, 10) + [record(f"{label}/both.png", label, "both") for label in "AB"]
        for seed in range(30):
            split = draw(scanned(records), 0.3, 0.3, seed)
            assert {row.part for row in split.rows if row.sha == "both"} == {"train"}

    def test_large_groups_do_not_starve_a_part(self) -> None:
        records = [record(f"A/{i}.png", "A", "big" if i < 98 else f"small{i}") for i in range(100)] + distinct(0, 9)
        counts = draw(scanned(records), 0.1, 0.1, 0).counts()
        assert sorted(counts[part]["A"] for part in PARTS) == [1, 1, 98]

    @pytest.mark.parametrize(("images", "words"), [(1, "1 image;"), (2, "2 images;")])
    def test_a_class_with_too_few_images_is_refused(self, images: int, words: str) -> None:
        with pytest.raises(DataError, match="at least 3") as caught:
            draw(scanned(distinct(9, images)), 0.1, 0.1, 0)
        assert 'Class "B" in data has ' + words in str(caught.value)
        assert caught.value.exit_code == 3

    def test_copies_do_not_count_as_images(self) -> None:
        records = distinct(9) + [record(f"B/{i}.png", "B", str(i % 2)) for i in range(8)]
        with pytest.raises(DataError, match="8 images, of which 2 differ"):
            draw(scanned(records), 0.1, 0.1, 0)

    def test_three_images_suffice(self) -> None:
        counts = draw(scanned(distinct(3, 3)), 0.1, 0.1, 0).counts()
        assert counts == {part: {"A": 1, "B": 1} for part in PARTS}

    def test_one_class_is_refused(self) -> None:
        with pytest.raises(DataError, match="at least two"):
            draw(scanned(distinct(9)), 0.1, 0.1, 0)

    def test_the_shared_xrays_lose_their_leaks(self, xray: Path) -> None:
        found = scan(xray)
        with (xray / "provenance.csv").open(encoding="utf-8") as file:
            published = {row["path"]: row["published_split"] for row in csv.DictReader(file)}
        shas = {item.file: item.sha for item in found.records}
        leaking = leaks([Row(file, "", part, shas[file]) for file, part in published.items()])
        assert len(leaking) == 6
        for seed in range(5):
            assert leaks(draw(found, 0.1, 0.1, seed).rows) == ()


class TestFile:
    def test_what_was_written_reads_back(self, tmp_path: Path) -> None:
        odd = [record(f'A/a,"{os.fsdecode(bytes([233]))}\r\n.png', "A", "x"), *distinct(9, 9)]
        split = draw(scanned(odd), 0.2, 0.2, 0)
        split.write(tmp_path / "split.csv")
        assert Split.read(tmp_path / "split.csv") == split
        assert [path.name for path in tmp_path.iterdir()] == ["split.csv"]

    def test_the_columns_are_file_class_part_sha(self, tmp_path: Path) -> None:
        Split((Row("A/1.png", "A", "test", "ff"),)).write(tmp_path / "split.csv")
        assert (tmp_path / "split.csv").read_bytes() == b"file,class,part,sha\nA/1.png,A,test,ff\n"

    def test_columns_may_stand_in_another_order_and_parts_have_their_common_names(self, tmp_path: Path) -> None:
        lines = (b"\xef\xbb\xbfpart,note,file,class", b"val,x,A/1.png,A", b"Training,y,A/2.png,A")
        (tmp_path / "s.csv").write_bytes(b"\r\n".join(lines))
        assert Split.read(tmp_path / "s.csv").rows == (
            Row("A/1.png", "A", "validation"),
            Row("A/2.png", "A", "train"),
        )

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (None, "does not exist"),
            ("", "lacks the column file, class, part"),
            ("file,class\na,b\n", "lacks the column part"),
            ("file,class,part\na,b,exam\n", "line 2"),
            ("file,class,part\na,b\n", "line 2"),
            ("file,class,part\na,b,test\na,b,train\n", "lists a twice"),
            ("file,class,part\n" + "a" * 200_000 + ",b,test\n", "can't be read as CSV"),
        ],
    )
    def test_a_file_that_is_no_split_is_refused(self, tmp_path: Path, text: str | None, words: str) -> None:
        path = tmp_path / "split.csv"
        if text is not None:
            path.write_text(text)
        with pytest.raises(DataError, match=words) as caught:
            Split.read(path)
        assert str(path) in str(caught.value)

    def test_a_folder_in_place_of_the_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="can't be read"):
            Split.read(tmp_path)


class TestReuse:
    def written(self, folder: Path, rows: list[Row]) -> Path:
        Split(tuple(rows)).write(folder / "split.csv")
        return folder / "split.csv"

    def test_a_split_of_the_same_folder_comes_back_as_it_was(self, tmp_path: Path) -> None:
        found = scanned(distinct(9, 9))
        split = draw(found, 0.2, 0.2, 3)
        split.write(tmp_path / "split.csv")
        assert reuse(tmp_path / "split.csv", found) == (split, ())

    def test_hashes_are_taken_from_the_scan_where_the_file_has_none(self, tmp_path: Path) -> None:
        found = scanned(distinct(3, 3))
        rows = [Row(r.file, r.label, PARTS[i % 3]) for i, r in enumerate(found.records)]
        split, notices = reuse(self.written(tmp_path, rows), found)
        assert [row.sha for row in split.rows] == [r.sha for r in found.records]
        assert notices == ()

    def test_images_that_it_does_not_list_are_left_out_and_told(self, tmp_path: Path) -> None:
        split = draw(scanned(distinct(9, 9)), 0.2, 0.2, 0)
        split.write(tmp_path / "split.csv")
        again, notices = reuse(tmp_path / "split.csv", scanned(distinct(12, 9)))
        assert again == split
        assert len(notices) == 1
        assert "3 images" in notices[0]
        assert "A/A-9.png" in notices[0]

    def test_classes_that_were_not_picked_are_left_out_and_told(self, tmp_path: Path) -> None:
        draw(scanned(distinct(9, 9, 9)), 0.2, 0.2, 0).write(tmp_path / "split.csv")
        split, notices = reuse(tmp_path / "split.csv", scanned(distinct(9, 9)))
        assert {row.label for row in split.rows} == {"A", "B"}
        assert len(notices) == 1
        assert "9 images of classes" in notices[0]

    def test_changed_pixels_are_told(self, tmp_path: Path) -> None:
        found = scanned(distinct(9, 9))
        draw(found, 0.2, 0.2, 0).write(tmp_path / "split.csv")
        records = [record(r.file, r.label, "new" if r.file == "B/B-4.png" else r.sha) for r in found.records]
        split, notices = reuse(tmp_path / "split.csv", scanned(records))
        assert "B/B-4.png" in notices[0]
        assert {row.file: row.sha for row in split.rows}["B/B-4.png"] == "new"

    def test_leaks_are_told_but_kept(self, tmp_path: Path) -> None:
        alike = ("A/A-0.png", "A/A-1.png")
        records = [record(r.file, r.label, "same" if r.file in alike else r.sha) for r in distinct(4, 3)]
        rows = [Row(r.file, r.label, PARTS[i % 3]) for i, r in enumerate(distinct(4))]
        rows += [Row(r.file, r.label, PARTS[i % 3]) for i, r in enumerate(distinct(0, 3))]
        split, notices = reuse(self.written(tmp_path, rows), scanned(records))
        assert len(split.rows) == 7
        assert len(notices) == 1
        assert "A/A-0.png (train), A/A-1.png (validation)" in notices[0]

    def test_an_image_that_is_gone_is_refused_by_name(self, tmp_path: Path) -> None:
        draw(scanned(distinct(9, 9)), 0.2, 0.2, 0).write(tmp_path / "split.csv")
        with pytest.raises(DataError, match=r"1 image that data lacks or can't read: B/B-8\.png"):
            reuse(tmp_path / "split.csv", scanned(distinct(9, 8)))

    def test_another_class_than_the_folders_is_refused(self, tmp_path: Path) -> None:
        rows = [Row(r.file, "B", PARTS[i % 3]) for i, r in enumerate(distinct(9, 9))]
        with pytest.raises(DataError, match=r'A/A-0\.png is of class "B", but it lies in "A"'):
            reuse(self.written(tmp_path, rows), scanned(distinct(9, 9)))

    def test_a_part_without_a_class_is_refused(self, tmp_path: Path) -> None:
        rows = [Row(r.file, r.label, "train" if r.label == "B" else PARTS[i % 3]) for i, r in enumerate(distinct(9, 9))]
        with pytest.raises(DataError, match='no image of class "B" into the part "validation"'):
            reuse(self.written(tmp_path, rows), scanned(distinct(9, 9)))
