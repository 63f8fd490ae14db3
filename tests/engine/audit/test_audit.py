"""The shortcut audit: what each variant shows, what a gap is worth, what the numbers mean, and planted cases whole."""

import itertools
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multinomial

from engine.audit import store as auditfolder
from engine.audit.store import svg
from engine.audit.variants import BORDER, VARIANTS, Regions, Variant, VariantStore
from engine.audit.verdict import Audit, Gap, VariantResult, judge_variants, paired_gap
from engine.base.errors import RunError
from engine.data.masks import RECTANGLE
from engine.data.pixel_store import PixelStore
from engine.evaluation.intervals import exact_interval, paired_interval
from tests.conftest import Cli
from tests.makers.shortcuts import both, corner, lungs, planted, plate

BY_NAME = {variant.name: variant for variant in VARIANTS}
SIZE = 64


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    pixels = random.integers(1, 255, (5, SIZE, SIZE, 1), dtype=np.uint8)
    return pixels, random.random((5, SIZE, SIZE)) < 0.3


def shown(name: str, pictures: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return BY_NAME[name].change(*pictures)


class TestVariants:
    def test_lungs_and_what_is_left_without_them_make_the_whole(self, pictures: tuple[np.ndarray, np.ndarray]) -> None:
        pixels, masks = pictures
        lungs, without = shown("lungs", pictures), shown("without-lungs", pictures)
        assert np.array_equal(lungs + without, pixels) and np.array_equal(lungs[..., 0] > 0, masks)
        assert np.array_equal(shown("whole", pictures), pixels)

    def test_the_silhouette_knows_no_pixel(self, pictures: tuple[np.ndarray, np.ndarray]) -> None:
        pixels, masks = pictures
        assert np.array_equal(BY_NAME["silhouette"].change(pixels // 2, masks), shown("silhouette", pictures))
        assert np.array_equal(shown("silhouette", pictures)[..., 0], np.where(masks, 255, 0))

    def test_the_border_shows_the_outer_eighth_alone(self, pictures: tuple[np.ndarray, np.ndarray]) -> None:
        border, width = shown("border", pictures), round(SIZE * BORDER)
        middle = (slice(None), slice(width, -width), slice(width, -width))
        assert not border[middle].any() and (border > 0).mean() == pytest.approx(1 - (1 - 2 * width / SIZE) ** 2)
        assert pictures[0][middle].all(), "the pixels themselves must not change"

    def test_a_thumbnail_knows_the_means_of_16_by_16_blocks_alone(
        self, pictures: tuple[np.ndarray, np.ndarray]
    ) -> None:
        pixels, masks = pictures
        mixed = pixels.copy().reshape(5, 16, 4, 16, 4)
        mixed = mixed[:, :, ::-1, :, ::-1].reshape(pixels.shape)
        assert not np.array_equal(mixed, pixels)
        assert np.array_equal(BY_NAME["thumbnail"].change(mixed, masks), shown("thumbnail", pictures))
        colour = np.repeat(pixels, 3, axis=3)
        assert np.array_equal(BY_NAME["thumbnail"].change(colour, masks)[..., :1], shown("thumbnail", pictures))

    def test_kept_activations_never_mix(self, pictures: tuple[np.ndarray, np.ndarray]) -> None:
        pixels, masks = pictures
        store = PixelStore(pixels, tuple("abcde"), 1)
        packed = Regions(SIZE, np.packbits(masks.reshape(5, -1), axis=1))
        other = Regions(SIZE, np.packbits(~masks.reshape(5, -1), axis=1))
        assert np.array_equal(packed.rows([3, 1]), masks[[3, 1]])

        def identity(variant: Variant, regions: Regions, row: int = 0) -> str:
            return VariantStore.of(store, variant, regions).identity("a" * 64, row)

        whole = [identity(variant, packed) for variant in VARIANTS if variant.name in ("whole", "shuffled")]
        assert whole == ["a" * 64] * 2
        keys = [identity(variant, packed) for variant in VARIANTS if variant.name != "shuffled"]
        assert len(set(keys)) == len(keys) == 6
        for variant in VARIANTS:
            assert (identity(variant, packed) == identity(variant, other)) == (not variant.masked)
            assert (identity(variant, packed, 0) == identity(variant, packed, 1)) == (not variant.masked)
        seen = VariantStore.of(store, BY_NAME["lungs"], packed)
        assert np.array_equal(seen.rows([4, 2]), BY_NAME["lungs"].change(pixels[[4, 2]], masks[[4, 2]]))


counts = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda cells: sum(cells) > 0)


class TestGap:
    @given(counts)
    def test_the_interval_holds_the_difference_and_turns_with_it(self, cells: tuple[int, int, int, int]) -> None:
        both, first, second, neither = cells
        low, high = paired_interval(both, first, second, neither)
        value = (first - second) / sum(cells)
        assert -1 <= low <= value <= high <= 1 and high - low > 0.001
        assert paired_interval(both, second, first, neither) == pytest.approx((-high, -low))

    @pytest.mark.parametrize("shares", [(0.9, 0.05, 0.03, 0.02), (0.5, 0.3, 0.05, 0.15), (0.97, 0.01, 0.01, 0.01)])
    def test_it_covers_the_truth_as_often_as_it_says(self, shares: tuple[float, float, float, float]) -> None:
        draws = multinomial(66, shares).rvs(1500, random_state=1)
        truth = shares[1] - shares[2]
        held = [low <= truth <= high for low, high in (paired_interval(*map(int, cells)) for cells in draws)]
        assert np.mean(held) >= 0.935

    def test_it_is_newcombes_formula_by_hand(self) -> None:
        wilson = {36 / 50: (0.5833, 0.8253), 48 / 50: (0.8654, 0.9890)}
        low, high = paired_interval(36, 12, 0, 2)
        (l1, u1), (l2, u2) = wilson[48 / 50], wilson[36 / 50]
        phi = (36 * 2 - 12 * 0 - 50 / 2) / np.sqrt(48 * 2 * 36 * 14)
        below = np.sqrt((0.96 - l1) ** 2 - 2 * phi * (0.96 - l1) * (u2 - 0.72) + (u2 - 0.72) ** 2)
        above = np.sqrt((u1 - 0.96) ** 2 - 2 * phi * (u1 - 0.96) * (0.72 - l2) + (0.72 - l2) ** 2)
        assert (low, high) == pytest.approx((0.24 - below, 0.24 + above), abs=2e-4)

    def test_mcnemars_p_is_a_fair_coins(self) -> None:
        whole = np.array([True] * 9 + [False] * 3 + [True] * 20)
        without = np.array([False] * 9 + [True] * 3 + [True] * 20)
        gap = paired_gap(whole, without)
        tail = sum(len(list(itertools.combinations(range(12), k))) for k in range(4)) / 2**12
        assert (gap.only_whole, gap.only_without) == (9, 3) and gap.p == pytest.approx(2 * tail)
        assert gap.value == pytest.approx(6 / 32)
        assert paired_gap(whole, whole).p == 1


def result(name: str, correct: int, n: int = 66) -> VariantResult:
    title = BY_NAME[name].title
    return VariantResult(name, title, n, correct, correct / n, exact_interval(correct, n), 0.9, (10,), 1.0)


def made(whole: int, without: int, lungs: int, region: str = "lung mask", **others: int) -> Audit:
    """An audit of 66 test images, 33 of each class, where what is wrong as a whole is wrong without lungs too."""
    right = [np.arange(66) < correct for correct in (whole, without)]
    rows = [result("whole", whole), result("lungs", lungs), result("without-lungs", without)]
    rows += [result(name, correct) for name, correct in others.items()]
    gap = paired_gap(*right)
    finding, verdict = judge_variants(rows, gap, 0.5, "COVID", region)
    tested = {"COVID": 33, "Normal": 33}
    return Audit(Path("data"), tested, 1, region, 0.5, "COVID", tuple(rows), gap, finding, verdict, 1.0, {})


class TestVerdict:
    @pytest.mark.parametrize(
        ("numbers", "finding", "words"),
        [
            ((36, 60, 60), "nothing learnt", "no accuracy has a source"),
            ((64, 35, 63), "lungs", "the accuracy comes from there"),
            ((65, 55, 60), "partly", "Most of this accuracy is available without the lungs (69%"),
            ((64, 45, 60), "partly", "Part of this accuracy is available without the lungs"),
            ((64, 63, 60), "either", "Most of this accuracy is available without the lungs"),
            ((64, 64, 36), "shortcut", "a shortcut that says nothing about disease"),
            ((43, 40, 40), "unclear", "test on more images"),
        ],
    )
    def test_each_finding(self, numbers: tuple[int, int, int], finding: str, words: str) -> None:
        audit = made(*numbers)
        assert audit.finding == finding and words in audit.verdict
        assert f"{audit.variants[0].accuracy:.1%}" in audit.verdict and "95% interval" in audit.verdict

    def test_it_names_hints_failed_controls_and_the_stand_in(self) -> None:
        verdict = made(64, 64, 36, border=60, thumbnail=33, shuffled=34).verdict
        assert "outer border alone (90.9%)" in verdict and "thumbnail" not in verdict and "distrust" not in verdict
        assert "distrust every number" in made(64, 64, 36, shuffled=60).verdict
        assert "central rectangle stood in" in made(64, 64, 36, RECTANGLE).verdict

    def test_the_plot_is_whole_xml_with_every_bar(self) -> None:
        audit = made(64, 64, 36, border=60)
        root = ElementTree.fromstring(svg(audit))
        texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert all(variant.title in texts for variant in audit.variants)
        assert any("97.0% (89 to 100)" in text for text in texts)
        widths = [float(e.get("width", 0)) for e in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
        assert widths == pytest.approx([420 * v.accuracy for v in audit.variants], abs=0.1)
        foreign = Audit(**{**vars(audit), "tested": {"<b>&\x1b[31m": 1, "B": 1}, "baseline_class": "\x00"})
        ElementTree.fromstring(svg(foreign))


def test_an_audit_read_back_is_the_one_that_was_written(tmp_path: Path) -> None:
    audit = made(64, 64, 36, border=60)
    first, second = auditfolder.write(audit, tmp_path, "first"), auditfolder.write(audit, tmp_path, "second")
    assert auditfolder.read(first) == audit
    os.utime(first / "audit.json", (2e9, 2e9))
    assert auditfolder.all_audits(tmp_path) == [first, second]
    (second / "audit.json").write_text('{"verdict": "half"}')
    with pytest.raises(RunError, match="no audit that can be read"):
        auditfolder.read(second)


def audited(cli: Cli, data: Path, out: Path, *more: object) -> dict[str, Any]:
    done = cli("audit", data, "--out", out, "--json", *more, timeout=900)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


each_recipe = pytest.mark.parametrize("recipe", ["report", "auto"])


@pytest.mark.slow
@each_recipe
def test_a_plate_on_the_edge_is_a_shortcut(cli: Cli, tmp_path: Path, recipe: str) -> None:
    data = planted(tmp_path / "data", plate, 8)
    few = ("--epochs", "30", "--batch", "4", "--patience", "0") if recipe == "report" else ()
    found = audited(cli, data, tmp_path / "out", "--folds", "2", *few, "--name", "plate", "--recipe", recipe)
    by_name = {variant["name"]: variant for variant in found["variants"]}
    assert list(by_name) == [variant.name for variant in VARIANTS] and found["region"] == "lung mask"
    assert by_name["whole"]["accuracy"] == by_name["without-lungs"]["accuracy"] == by_name["border"]["accuracy"] == 1
    assert by_name["lungs"]["accuracy"] < 0.9 and by_name["shuffled"]["accuracy"] < 0.9
    gap = Gap(**found["gap"])
    assert gap.value == 0 and gap.ci[0] < 0 < gap.ci[1]
    assert found["tested"] == {"A": 8, "B": 8} and found["folds"] == 2
    assert found["finding"] == "shortcut"
    folder = tmp_path / "out" / "plate"
    assert found["audit"] == str(folder) and json.loads((folder / "audit.json").read_text())["gap"]["value"] == 0
    ElementTree.parse(folder / "audit.svg")
    again = cli("audit", data, "--out", tmp_path / "out", "--folds", "1", "--epochs", "1", "--name", "plate")
    assert again.returncode == 2 and "exists already" in again.stderr


@pytest.mark.slow
@each_recipe
def test_a_mark_in_the_corner_is_a_shortcut(cli: Cli, tmp_path: Path, recipe: str) -> None:
    data = planted(tmp_path / "data", corner, 40)
    found = audited(cli, data, tmp_path / "out", "--folds", "2", "--recipe", recipe)
    gap = Gap(**found["gap"])
    assert abs(gap.value) < 0.06 and found["finding"] == "shortcut", found["verdict"]


@pytest.mark.slow
@each_recipe
def test_a_sign_in_the_lungs_is_no_shortcut(cli: Cli, tmp_path: Path, recipe: str) -> None:
    data = planted(tmp_path / "data", lungs, 80)
    found = audited(cli, data, tmp_path / "out", "--folds", "2", "--recipe", recipe)
    gap = Gap(**found["gap"])
    assert gap.value > 0.15 and gap.ci[0] > 0 and found["finding"] == "lungs", found["verdict"]


@pytest.mark.slow
@each_recipe
def test_a_sign_in_both_is_said_to_be_in_both(cli: Cli, tmp_path: Path, recipe: str) -> None:
    data = planted(tmp_path / "data", both, 40)
    found = audited(cli, data, tmp_path / "out", "--folds", "2", "--recipe", recipe)
    gap = Gap(**found["gap"])
    assert abs(gap.value) < 0.06 and found["finding"] == "either", found["verdict"]


@pytest.mark.slow
@each_recipe
def test_without_masks_a_rectangle_stands_in_and_is_named(cli: Cli, tmp_path: Path, recipe: str) -> None:
    data = planted(tmp_path / "data", corner, 14, masks=False)
    found = audited(cli, data, tmp_path / "out", "--folds", "2", "--recipe", recipe)
    assert found["region"] == RECTANGLE and "central rectangle" in str(found["verdict"])
    assert "silhouette" not in [variant["name"] for variant in found["variants"]]
