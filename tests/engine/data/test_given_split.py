"""A split that somebody wrote is matched with a folder however its paths are written, and a check says what it saw."""

import csv
import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.base.errors import DataError
from engine.data.records import ClassSummary, Record, Scan
from engine.data.split import Split, reuse
from tests.conftest import Cli
from tests.makers.examples import examples

WRITTEN: dict[str, Callable[[str, Path], str]] = {
    "plain": lambda file, root: file,
    "./": lambda file, root: f"./{file}",
    "absolute": lambda file, root: str(root / file),
    "backslashes": lambda file, root: file.replace("/", "\\"),
    "windows": lambda file, root: "C:\\data\\" + file.replace("/", "\\"),
    "the folder before it": lambda file, root: f"{root.name}/{file}",
    "a folder before it, backslashes": lambda file, root: f"archive\\{root.name}\\" + file.replace("/", "\\"),
    "no suffix": lambda file, root: file.rsplit(".", 1)[0],
    "another case": lambda file, root: file.upper(),
    "up and down": lambda file, root: f"x/../{file}",
    "another suffix": lambda file, root: file.replace(".png", ".dcm"),
    "double slashes": lambda file, root: file.replace("/", "//"),
}
PARTS = ("train", "validation", "test")
Form = Literal["NFC", "NFD"]


def scanned(files: list[str], root: Path = Path("/data/set")) -> Scan:
    """A scan of these files, the first folder of which is the class; no two have the same pixels."""
    records = tuple(Record(f, f.split("/")[0], f"sha{n}", "PNG", "L", 9, 9, 9, 9.0) for n, f in enumerate(files))
    names = dict.fromkeys(record.label for record in records)
    return Scan(root, records, (), {n: ClassSummary(sum(r.label == n for r in records)) for n in names}, ())


def table(path: Path, rows: list[tuple[str, str, str]], header: str = "file,class,part") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if "\t" in header else ";" if ";" in header else ",")
        writer.writerow(header.replace("\t", ",").replace(";", ",").split(","))
        writer.writerows(rows)
    return path


FILES = [f"{label}/images/{label}-{n}.png" for label in ("COVID", "Röntgen") for n in range(6)]


def parts_of(files: list[str]) -> dict[str, str]:
    return {file: PARTS[n % 3] for n, file in enumerate(files)}


@pytest.mark.parametrize("how", WRITTEN)
def test_however_paths_are_written_the_split_is_the_same(tmp_path: Path, how: str) -> None:
    found, parts = scanned(FILES), parts_of(FILES)
    path = table(tmp_path / "s.csv", [(WRITTEN[how](f, found.root), f.split("/")[0], parts[f]) for f in FILES])
    split, told = reuse(path, found)
    assert {row.file: row.part for row in split.rows} == parts and told == ()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
def test_an_accent_may_be_a_character_of_its_own(tmp_path: Path, form: Form, on_disk: Form) -> None:
    files = [unicodedata.normalize(on_disk, file) for file in FILES]
    rows = [(unicodedata.normalize(form, f), f.split("/")[0], parts_of(files)[f]) for f in files]
    split, told = reuse(table(tmp_path / "s.csv", rows), scanned(files))
    assert len(split.rows) == 12 and told == ()


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.text("ab1. -é", min_size=1, max_size=5).map(str.strip)),
        min_size=1, max_size=12, unique_by=lambda one: (one[0], one[1].casefold()),
    ),
    st.data(),
)  # fmt: skip
def test_a_row_means_the_file_that_it_was_written_for_or_none(
    files: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Whatever the names, a way of writing keeps the meaning, and another folder's row means nothing."""
    from engine.data.file_names import Matcher

    named = [f"{label}/{name}.png" for label, name in files if name.strip(".")]
    root = Path("/data/set")
    matcher = Matcher(named, root)
    for file in named:
        how = data.draw(
            st.sampled_from(["plain", "./", "absolute", "the folder before it", "windows", "double slashes"])
        )
        assert matcher.find(WRITTEN[how](file, root)) == [file]
        assert set(matcher.find(WRITTEN["no suffix"](file, root))) >= {file}
        assert file not in matcher.find(f"Viral/{file.split('/')[1]}"), "the folders must fit"


def test_a_bare_name_means_the_one_file_that_has_it_and_a_path_must_fit_to_its_end() -> None:
    from engine.data.file_names import Matcher

    matcher = Matcher(["A/1.png", "B/1.png", "B/2.png", "B/2.jpg", "B/x.PNG", "B/X.png", "B/images/7.png", "B\\9.png"])
    assert matcher.find("1.png") == ["A/1.png", "B/1.png"], "of two classes: neither is meant"
    assert matcher.find("B/1.png") == ["B/1.png"]
    assert matcher.find("2.png") == ["B/2.png"] and len(matcher.find("2")) == 2
    assert matcher.find("x.PNG") == ["B/x.PNG"] and matcher.find("B/X.png") == ["B/X.png"]
    assert len(matcher.find("x.png")) == len(matcher.find("b/X.png")) == 2, "only the case tells them apart"
    assert matcher.find("B/7.png") == ["B/images/7.png"] == matcher.find("images/7.png")
    assert matcher.find("C/7.png") == matcher.find("C/2.png") == matcher.find("A/B/3.png") == []
    assert matcher.find("other/A/1.png") == ["A/1.png"]
    assert matcher.find("B\\9.png") == ["B\\9.png"], "a file may be called so"
    assert matcher.find("") == matcher.find("..") == matcher.find("/") == []


def test_windows_paths_that_look_like_escapes_are_paths(tmp_path: Path) -> None:
    files = [f"{label}/x{n}.png" for label in "AB" for n in range(10, 16)]
    rows = [(f.replace("/", "\\"), f[0], parts_of(files)[f]) for f in files]
    assert len(reuse(table(tmp_path / "s.csv", rows), scanned(files))[0].rows) == 12


def test_of_two_rows_that_end_alike_the_one_of_this_folder_counts(tmp_path: Path) -> None:
    files = [f"{label}/{n}.png" for label in "AB" for n in range(3)]
    rows = [(f"{part}/{f}", f[0], PARTS[n % 3]) for part in ("train", "test") for n, f in enumerate(files)]
    rows[0] = ("train/A/0.png", "A", "test")
    found = scanned(files, Path("/data/test"))
    split, _ = reuse(table(tmp_path / "s.csv", rows[6:]), found)
    assert len(split.rows) == 6
    from engine.data.given_split import listed

    both = listed(tmp_path / "s.csv", Split.read(table(tmp_path / "s.csv", rows)).rows, found)
    assert {row.file: row.part for row in both.rows}["A/0.png"] == "train" and len(both.missing) == 6


@pytest.mark.parametrize("header", ["file;class;part", "Image Index\tLabel\tSplit", "image_path,label,published_split"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_any_separator_and_encoding_will_do(tmp_path: Path, header: str, encoding: str) -> None:
    path = table(tmp_path / "s.csv", [(f, f.split("/")[0], parts_of(FILES)[f]) for f in FILES], header)
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    split, told = reuse(path, scanned(FILES))
    assert len(split.rows) == 12 and told == ()


def test_two_rows_for_one_image_are_refused_however_they_are_written(tmp_path: Path) -> None:
    rows = [(f, f.split("/")[0], parts_of(FILES)[f]) for f in FILES]
    path = table(tmp_path / "s.csv", [*rows, (f"./{FILES[0]}", "COVID", "test")])
    with pytest.raises(DataError, match=r"twice \(also as \./COVID"):
        reuse(path, scanned(FILES))


def test_a_split_of_another_folder_is_refused_by_numbers_and_names(tmp_path: Path) -> None:
    rows = [(f"elsewhere/{n}.png", "COVID", "test") for n in range(12)]
    with pytest.raises(
        DataError, match=r"None of the 12 files that .*s\.csv lists .*lists elsewhere/0\.png, the folder"
    ):
        reuse(table(tmp_path / "s.csv", rows), scanned(FILES))
    rows[:3] = [(f, f.split("/")[0], "train") for f in FILES[:3]]
    with pytest.raises(DataError, match="Only 3 of the 12 files"):
        reuse(table(tmp_path / "s.csv", rows), scanned(FILES))
    some = scanned(FILES[:4])  # of a folder that holds a few of what a large split lists, they are most of it
    with pytest.raises(DataError, match=r"lists 9 images that .* lacks"):
        reuse(table(tmp_path / "s.csv", rows), some)


def test_bare_names_that_two_classes_share_are_refused_not_guessed(tmp_path: Path) -> None:
    files = [f"{label}/{n}.png" for label in "AB" for n in range(6)]
    path = table(tmp_path / "s.csv", [(f[2:], f[0], parts_of(files)[f]) for f in files if f[0] == "A"])
    with pytest.raises(DataError, match="write paths in place of names that fit several images"):
        reuse(path, scanned(files))


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 12 pictures, the last of each a second time under another name."""
    root = tmp_path_factory.mktemp("leaking") / "d"
    random = np.random.default_rng(0)
    for label in ("COVID", "Normal"):
        (root / label).mkdir(parents=True)
        for n in range(12):
            Image.fromarray(random.integers(0, 255, (32, 32), np.uint8)).save(root / label / f"{n}.png")
        (root / label / "again.png").write_bytes((root / label / "11.png").read_bytes())
    return root


def rows_for(root: Path, how: str) -> list[tuple[str, str, str]]:
    files = [f"{label}/{n}.png" for label in ("COVID", "Normal") for n in (*range(12), "again")]
    parts = {str(n): "train" if n < 6 else "val" if n < 9 else "test" for n in range(12)} | {"again": "train"}
    return [(WRITTEN[how](f, root), f.split("/")[0], parts[Path(f).stem]) for f in files]


def test_a_scan_finds_the_leaks_however_paths_are_written(leaking: Path, tmp_path: Path, cli: Cli) -> None:
    for how in ("./", "backslashes"):
        path = table(tmp_path / "s.csv", rows_for(leaking, how))
        done = cli("scan", leaking, "--split", path, "--no-near-duplicates", "--json")
        facts = json.loads(done.stdout)
        assert len(facts["leaks"]) == 2, how
        assert facts["split"] == {
            "file": str(path), "listed": 26, "matched": 26, "images": 26,
            "missing": [], "unclear": [], "elsewhere": [], "unlisted": [], "other_class": [],
        }  # fmt: skip


def test_a_scan_says_of_how_many_images_it_speaks_and_what_it_could_not_match(
    leaking: Path, tmp_path: Path, cli: Cli
) -> None:
    rows = [row for row in rows_for(leaking, "plain") if "again" not in row[0] and "/3" not in row[0]]
    rows += [("COVID/gone.png", "COVID", "test"), ("11.png", "COVID", "test"), ("Viral/1.png", "Viral", "test")]
    path = table(tmp_path / "s.csv", rows)
    shown = cli("scan", leaking, "--split", path, "--no-near-duplicates").stdout
    assert f"{path} lists 25 files, and 22 of them are images of {leaking}, which has 26." in shown
    assert f"{path} puts no picture into two parts, of the 22 images that could be matched." in shown
    assert "lacks or can't read 1 file that it lists: COVID/gone.png." in shown
    assert "1 of the names that it lists fit several images: 11.png." in shown
    assert "It lists 1 file of classes that were not scanned: Viral/1.png." in shown
    assert f"It does not list 4 images of {leaking}: COVID/3.png, COVID/again.png, Normal/3.png, ..." in shown
    facts = json.loads(cli("scan", leaking, "--split", path, "--no-near-duplicates", "--json").stdout)
    assert facts["split"]["matched"] == 22 and facts["split"]["missing"] == ["COVID/gone.png"]
    assert len(facts["split"]["unlisted"]) == 4 and facts["leaks"] == []


def test_a_split_that_fits_nothing_or_little_is_an_error_not_an_all_clear(
    leaking: Path, tmp_path: Path, cli: Cli
) -> None:
    path = table(tmp_path / "s.csv", [(f"x/{f}.png", "COVID", "test") for f in range(30)])
    for count in (0, 3):
        rows = [(f"x/{f}.png", "COVID", "test") for f in range(30)]
        rows[:count] = rows_for(leaking, "plain")[:count]
        done = cli("scan", leaking, "--split", table(path, rows), "--no-near-duplicates", "--json")
        assert done.returncode == 3 and done.stdout == ""
        assert f"{f'Only {count}' if count else 'None'} of the 30 files that {path} lists" in done.stderr


def test_a_split_may_come_through_a_pipe_and_what_is_no_table_is_refused(leaking: Path, tmp_path: Path) -> None:
    text = table(tmp_path / "s.csv", rows_for(leaking, "plain")).read_bytes()
    reader, writer = os.pipe()
    os.write(writer, text)
    os.close(writer)
    assert len(Split.read(Path(f"/dev/fd/{reader}")).rows) == 26, "as a shell's <(...) gives it"
    os.close(reader)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="lacks the column"):
        Split.read(tmp_path / "pipe.csv")  # nobody writes: empty, and no waiting
    for path in (Path("/dev/zero"), tmp_path):
        with pytest.raises(DataError, match="can't be read"):
            Split.read(path)
