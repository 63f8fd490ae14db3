"""Patients told by names: the forms of public sets are proposed, names that merely count something are not."""

import csv
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.base.errors import ConfigError
from engine.data.name_patterns import Named, named_patients
from engine.data.patients import UNKNOWN, patients
from engine.data.records import ClassSummary, Record, Scan
from engine.data.split import for_recipe
from engine.recipe.config import DataConfig
from tests.conftest import SAMPLE, Cli

Truth = dict[str, str]
"""By file, the patient that it is really of."""


def told(files: dict[str, str], root: Path = Path()) -> tuple[Scan, Named | None]:
    """A scan of files of these classes, and what their names tell."""
    records = tuple(Record(f, label, f, "PNG", "L", 9, 9, 9, 9.0) for f, label in files.items())
    counts = Counter(files.values())
    scan = Scan(root, records, (), {name: ClassSummary(counts[name]) for name in counts}, ())
    return scan, named_patients(scan.records)


FORMS = {
    "guangzhou": ("NORMAL", "train/{c}/person{p}_bacteria_{n}.jpeg"),
    "guangzhou, normal": ("NORMAL", "train/{c}/IM-{p:04}-{k:04}.jpeg"),
    "guangzhou, second batch": ("NORMAL", "test/{c}/NORMAL2-IM-{p:04}-{k:04}-0001.jpeg"),
    "guangzhou, later": ("VIRUS", "{c}/VIRUS-{p:07}-{k:04}.jpeg"),
    "nih": ("A", "{c}/images/{p:08}_{k:03}.png"),
    "chexpert": ("A", "{c}/patient{p:05}/study{k}/view1_frontal.jpg"),
    "chexpert, flat": ("A", "{c}/patient{p:05}_study{k}_view1_frontal.jpg"),
    "bids": ("A", "{c}/sub-S{p:05}_ses-E{n:05}_run-1_bp-chest_vp-ap_dx.png"),
    "bids, folders": ("A", "{c}/sub-{p:02}/ses-{k}/{n}.png"),
    "mimic": ("A", "{c}/p10/p1{p:07}/s5{n:07}/{n:08x}.jpg"),
    "ricord": ("A", "{c}/MIDRC-RICORD-1C-419639-{p:06}-{n:05}-0.png"),
    "indiana": ("A", "{c}/CXR{p}_1_IM-{p:04}-{k}001.png"),
    "indiana, other": ("A", "{c}/{p}_IM-{p:04}-{k}001.dcm.png"),
    "words inside": ("A", "{c}/covid_Subject-{p}_scan {n}.png"),
    "a counter": ("A", "{c}/A{p}_{k}.png"),
    "letters": ("A", "{c}/COVID-{p:05}{letter}.jpg"),
}


@pytest.mark.parametrize("name", FORMS)
@settings(deadline=None)  # on a busy machine
@given(seed=st.integers(0, 10_000), start=st.integers(2, 300))
def test_the_forms_of_public_sets_give_the_very_patients(name: str, seed: int, start: int) -> None:
    dice = random.Random(seed)
    label, form = FORMS[name]
    files: dict[str, str] = {}
    truth: Truth = {}
    number = 0
    for p in range(start, start + 30):
        for k in range(dice.choice((1, 1, 2, 3))):
            number += 1
            file = form.format(c=label, p=p, k=k, n=number, letter="abc"[k])
            files[file] = label
            truth[file] = str(p)
    files |= {f"Other/Other-{n}.png": "Other" for n in range(40)}
    _, found = told(files)
    if len(set(truth.values())) == len(truth):
        return
    several = sum(count > 1 for count in Counter(truth.values()).values())
    assert found or several < 5, "but for too few patients to tell"
    if found:
        assert partition(found.of) == partition(truth) and found.of.keys() == truth.keys()
        sizes = Counter(truth.values()).values()
        assert (found.patients, found.pairs) == (30, sum(n * (n - 1) // 2 for n in sizes))


def partition(of: Truth) -> set[frozenset[str]]:
    """The sets of files of one patient."""
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for file, who in of.items():
        groups[who].add(file)
    return {frozenset(group) for group in groups.values()}


COUNTING = (
    "{c}/images/{c}-{n}.png", "{c}/{c} ({n}).png", "{c}/{n:05}.jpeg", "{c}/IMG_{n}.png", "{c}/COVID-19_{n}.png",
    "{c}/fold{s}_{n}.png", "{c}/batch {s}/x{n}.png", "{c}/hospital{s}_{k}.png", "{c}/2020{m:02}{d:02}_{k:03}.png",
    "{c}/2020-{m:02}-{d:02}-{k}.png", "{c}/scan-2020{m:02}{d:02}-{n:04}.png", "{c}/xray_20{y}_{n}.png",
    "{c}/IMG-2020{m:02}{d:02}-WA{n:04}.jpg", "{c}/CHNCXR_{n:04}_1.png", "{c}/{n:032x}.png", "{c}/1.2.276.0.{n}.{k}.dcm",
    "{c}/patient{n}.png", "{c}/{c}_{n}_224x224.png", "{c}/tile{t}_{u}.png", "{c}/series{s}/IM-0001-{n:04}.png",
    "{c}/JPCLN{n:03}.png", "{c}/radiopaedia_{n}_{n}-PA.png",
)  # fmt: skip


@pytest.mark.parametrize("form", COUNTING)
@settings(deadline=None)  # on a busy machine
@given(images=st.integers(1, 150), seed=st.integers(0, 1000))
def test_names_that_count_images_days_sources_or_tiles_are_not_proposed(form: str, images: int, seed: int) -> None:
    dice = random.Random(seed)
    files = {}
    for label in ("COVID", "Normal"):
        for n in range(images):
            m, d = dice.randint(1, 12), dice.randint(1, 28)
            numbers = {"s": n % 7, "k": n // 7, "m": m, "d": d, "y": dice.randint(10, 24), "t": n // 10, "u": n % 10}
            files[form.format(c=label, n=n, **numbers)] = label
    if "tile" in form:
        files = {file: label for file, label in files.items() if images % 10 == 0}
    assert told(files)[1] is None


def test_one_name_in_two_classes_is_one_patient_unless_each_class_counts_anew() -> None:
    def files(start: int) -> dict[str, str]:
        names = ((label, p, k) for label in "AB" for p in range(start, start + 9) for k in range(2))
        return {f"{label}/patient{p}_{label}{k}.png": label for label, p, k in names}

    _, anew = told(files(1))
    _, shared = told(files(17))
    assert anew and shared
    assert (anew.patients, anew.pairs, anew.anew) == (18, 18, True)
    assert (shared.patients, shared.pairs, shared.anew) == (9, 54, False)


def test_a_folder_around_all_is_no_patient() -> None:
    files = {f"A/patients 2019/case{p}_{k}.png": "A" for p in range(3, 20) for k in range(2)}
    _, found = told(files)
    assert found and found.patients == 17


def test_a_proposal_is_told_and_used_only_where_it_is_agreed_to(tmp_path: Path) -> None:
    files = {f"{c}/person{p}_{c}-{k}.png": c for c in "AB" for p in range(5, 25) for k in range(2)}
    scan, _ = told(files, tmp_path)
    found = patients(scan)
    assert not found.known and not found.of and found.proposed and UNKNOWN not in found.told
    assert "20 patients for 80 images, which gives 120 pairs" in found.told and "--group-by names keeps" in found.told
    assert '"person5" of person5_A-0.png' in found.unknown and "are not asked" in found.unknown
    agreed = patients(scan, "names")
    assert len(set(agreed.of.values())) == 20 and "20 patients by the names" in agreed.told and not agreed.unknown
    assert not patients(scan, "none").proposed
    (tmp_path / "list.csv").write_text("file,patient\n" + "".join(f"{file},x{file[2:9]}\n" for file in files))
    assert not patients(scan).proposed, "a table knows better"

    def apart(group_by: str) -> int:
        split, _ = for_recipe(scan, DataConfig(group_by=group_by), 0)
        parts: defaultdict[str, set[str]] = defaultdict(set)
        for row in split.rows:
            parts[agreed.of[row.file]].add(row.part)
        return sum(len(found) > 1 for found in parts.values())

    (tmp_path / "list.csv").unlink()
    assert apart("") > 0 and apart("names") == 0
    counted, _ = told({f"{c}/{c}-{n}.png": c for c in "AB" for n in range(9)}, tmp_path)
    assert patients(counted).told.startswith(UNKNOWN)
    with pytest.raises(ConfigError, match="no usual pattern of names tells patients here"):
        patients(counted, "names")


def test_the_command_proposes_in_words_and_in_json(tmp_path: Path, cli: Cli) -> None:
    for label, start in (("A", 3), ("B", 40)):
        (tmp_path / label).mkdir()
        for p in range(start, start + 4):
            for k in range(2):
                Image.new("L", (8, 8), 10 * k + p).save(tmp_path / label / f"person{p}_virus_{k}.png")
    text, facts = cli("scan", tmp_path).stdout, json.loads(cli("scan", tmp_path, "--json").stdout)
    assert "8 patients for 16 images, which gives 8 pairs of images of one patient" in text and UNKNOWN not in text
    assert facts["patients"]["patients"] is None
    proposed = facts["patients"]["proposed"]
    example = {"form": "person12_bacteria_45", "patient": "person3", "shown": "person3_virus_0.png"}
    assert proposed.pop("examples") == [example]
    assert proposed == {"group_by": "names", "patients": 8, "images": 16, "pairs": 8, "numbered_anew": False}
    facts = json.loads(cli("scan", tmp_path, "--group-by", "names", "--json").stdout)["patients"]
    assert facts["patients"] == 8 and facts["proposed"] is None


def test_nothing_is_proposed_for_the_sample_data() -> None:
    files = {file.relative_to(SAMPLE).as_posix(): file.parts[-3] for file in sorted(SAMPLE.glob("*/images/*.png"))}
    assert len(files) == 120 and told(files)[1] is None


def test_nothing_is_proposed_for_xray_whose_names_count_them_nor_as_they_were_published(xray: Path) -> None:
    with (xray / "provenance.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 317 and told({row["path"]: row["class"] for row in rows})[1] is None
    published = {f"{row['published_split']}/{row['class']}/{row['original_file']}": row["class"] for row in rows}
    assert told(published)[1] is None
