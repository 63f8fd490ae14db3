"""What the sample dataset and its generator promise: layout, sameness, no shortcut outside the lungs."""

from __future__ import annotations

import sys
from itertools import combinations, product
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import sample_data
from sample_data import Disease, Phantom, draw
from sample_data.generate import COLUMNS, SITES, main, phantom_for, write_class
from sample_data.radiograph import SMALLEST

SAMPLE = Path(sample_data.__file__).parent
SICK = [disease for disease in Disease if disease is not Disease.NORMAL]
each_class = pytest.mark.parametrize("disease", list(Disease), ids=lambda disease: disease.name)
each_disease = pytest.mark.parametrize("disease", SICK, ids=lambda disease: disease.name)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def _rows(root: Path, disease: Disease) -> list[tuple[object, ...]]:
    workbook = openpyxl.load_workbook(root / f"{disease}.metadata.xlsx")
    assert workbook.active is not None
    return list(workbook.active.iter_rows(values_only=True))


# The committed files


@each_class
def test_each_image_has_a_mask_and_is_numbered_from_one(disease: Disease) -> None:
    images = _names(SAMPLE / disease / "images")
    assert len(images) >= 24
    assert images == {f"{disease}-{number}.png" for number in range(1, len(images) + 1)}
    assert _names(SAMPLE / disease / "masks") == images


@each_class
def test_images_are_grey_and_masks_binary(disease: Disease) -> None:
    for path in (SAMPLE / disease).glob("*/*.png"):
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", (299, 299)), path
            values = set(np.unique(np.asarray(image)).tolist())
        if path.parent.name == "masks":
            assert values == {0, 255}, path
        else:
            assert len(values) > 100, path


@each_class
def test_lungs_fill_a_plausible_part_of_the_image_on_both_sides(disease: Disease) -> None:
    for path in (SAMPLE / disease / "masks").iterdir():
        lung = _pixels(path) > 0
        assert 0.08 < lung[:, :150].mean() < 0.6, path
        assert 0.08 < lung[:, 150:].mean() < 0.6, path
        assert not lung[[0, -1]].any() and not lung[:, [0, -1]].any(), path


@each_class
def test_the_workbook_lists_exactly_the_images(disease: Disease) -> None:
    header, *rows = _rows(SAMPLE, disease)
    assert header == COLUMNS == ("FILE NAME", "FORMAT", "SIZE", "URL")
    assert {f"{row[0]}.png" for row in rows} == _names(SAMPLE / disease / "images")
    assert len(rows) == len({row[0] for row in rows})
    assert {row[1:3] for row in rows} == {("PNG", "299*299")}


@each_class
def test_sources_are_spread_evenly_over_each_class(disease: Disease) -> None:
    urls = [str(row[3]) for row in _rows(SAMPLE, disease)[1:]]
    shares = [urls.count(f"synthetic://phantom/{site}") for site in SITES]
    assert sum(shares) == len(urls)
    assert max(shares) - min(shares) <= 1


def test_the_folder_stays_small_and_says_what_it_is() -> None:
    files = [path for path in SAMPLE.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    first_line = (SAMPLE / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert "synthetic" in first_line and "no medical meaning" in first_line


# The generator


@each_class
def test_drawing_again_gives_the_committed_pixels_and_workbook_rows(disease: Disease, tmp_path: Path) -> None:
    write_class(tmp_path, disease, per_class=4)
    for path in (tmp_path / disease).glob("*/*.png"):
        committed = SAMPLE / path.relative_to(tmp_path)
        np.testing.assert_array_equal(_pixels(path), _pixels(committed))
    assert _rows(tmp_path, disease) == _rows(SAMPLE, disease)[:5]


def test_the_command_line_writes_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main([str(tmp_path / name), "--per-class", "1", "--size", "64", "--seed", "3"]) == 0
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) == 4 * 3


def test_an_image_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    write_class(tmp_path / "few", Disease.COVID, per_class=1, size=64)
    write_class(tmp_path / "more", Disease.COVID, per_class=2, size=64)
    first = Path("COVID/images/COVID-1.png")
    np.testing.assert_array_equal(_pixels(tmp_path / "few" / first), _pixels(tmp_path / "more" / first))


def test_patients_differ_between_classes_numbers_and_seeds() -> None:
    choices = product(Disease, (1, 2), (0, 1))
    patients = {phantom_for(disease, number, seed) for disease, number, seed in choices}
    assert len(patients) == 4 * 2 * 2


def test_a_larger_dataset_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--per-class", "2", "--size", "32"]) == 0
    assert main([str(tmp_path), "--per-class", "2", "--size", "32"]) == 0
    assert main([str(tmp_path), "--per-class", "1", "--size", "32"]) == 1
    assert "COVID-2.png" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["--per-class=0", "--size=31", "--seed=-1", "--size=big"])
def test_a_wrong_number_is_a_usage_error(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "out"), wrong])
    assert stop.value.code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [SMALLEST, 75, 224, 400])
def test_any_size_is_drawn(size: int) -> None:
    image, mask = draw(Phantom.from_seed(1), Disease.VIRAL_PNEUMONIA, size)
    assert image.shape == mask.shape == (size, size)
    assert image.dtype == mask.dtype == np.uint8
    assert 0.15 < (mask > 0).mean() < 0.5


def test_too_small_a_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32 or more"):
        draw(Phantom.from_seed(1), Disease.NORMAL, SMALLEST - 1)


# What tells the classes apart


@each_disease
def test_a_disease_changes_the_lungs_and_nothing_else(disease: Disease) -> None:
    for seed in range(6):
        phantom = Phantom.from_seed(seed)
        healthy, lungs = draw(phantom, Disease.NORMAL)
        sick, same_lungs = draw(phantom, disease)
        np.testing.assert_array_equal(lungs, same_lungs)
        np.testing.assert_array_equal(healthy[lungs == 0], sick[lungs == 0])
        change = sick[lungs > 0].astype(int) - healthy[lungs > 0]
        assert change.min() >= -1  # a disease brightens
        assert change.mean() > 1


@each_disease
def test_a_graver_disease_shows_more(disease: Disease) -> None:
    def mean_change(severity: float) -> float:
        phantom = Phantom(seed=5, severity=severity)
        healthy, lungs = draw(phantom, Disease.NORMAL)
        return float((draw(phantom, disease)[0].astype(int) - healthy)[lungs > 0].mean())

    assert mean_change(0.2) < mean_change(0.6) < mean_change(1.0)


def test_each_disease_sits_where_it_should() -> None:
    """Over many patients: COVID outside, viral pneumonia central and even, lung opacity in one lung."""
    outer: dict[Disease, float] = {}
    uneven: dict[Disease, float] = {}
    for disease in SICK:
        far, balance = [], []
        for seed in range(16):
            phantom = Phantom(seed=seed)
            change = draw(phantom, disease, 96)[0].astype(float) - draw(phantom, Disease.NORMAL, 96)[0]
            column = np.abs(np.arange(96) + 0.5 - 48) / 96
            far.append((change * column).sum() / change.sum())
            left, right = change[:, :48].sum(), change[:, 48:].sum()
            balance.append(abs(left - right) / (left + right))
        outer[disease], uneven[disease] = float(np.mean(far)), float(np.mean(balance))
    assert outer[Disease.COVID] > outer[Disease.LUNG_OPACITY] > outer[Disease.VIRAL_PNEUMONIA]
    assert uneven[Disease.LUNG_OPACITY] > 0.95
    assert max(uneven[Disease.COVID], uneven[Disease.VIRAL_PNEUMONIA]) < 0.6


def test_outside_the_lungs_the_classes_look_alike() -> None:
    """Grey level and spread of the border and of all but the lungs: class means within chance."""
    measures: dict[Disease, np.ndarray] = {}
    for disease in Disease:
        rows = []
        for path in sorted((SAMPLE / disease / "images").iterdir()):
            image, mask = _pixels(path), _pixels(SAMPLE / disease / "masks" / path.name)
            border = np.concatenate(
                [image[:8].ravel(), image[-8:].ravel(), image[:, :8].ravel(), image[:, -8:].ravel()]
            )
            rest = image[mask == 0]
            rows.append([border.mean(), border.std(), rest.mean(), rest.std(), (mask > 0).mean()])
        measures[disease] = np.array(rows)
    for one, other in combinations(Disease, 2):
        a, b = measures[one], measures[other]
        standard_error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
        assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < 3.5 * standard_error).all(), (one, other)


def test_a_corner_mark_is_planted_in_the_corner_alone() -> None:
    phantom = Phantom.from_seed(2)
    clean, lungs = draw(phantom, Disease.NORMAL)
    marked, same_lungs = draw(phantom, Disease.NORMAL, corner_mark=True)
    rows, columns = np.nonzero(clean != marked)
    assert len(rows) > 100
    assert rows.max() < 45 and columns.max() < 45
    assert not lungs[rows, columns].any()
    np.testing.assert_array_equal(lungs, same_lungs)
