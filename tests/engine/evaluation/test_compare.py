"""Two runs on the same images: McNemar and paired bootstrap against SciPy, and runs that can not be compared."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from engine.base.errors import RunError
from engine.data.records import Row
from engine.data.split import Split
from engine.evaluation.compare import by_chance, compare, compare_runs, mcnemar, patients_of
from engine.evaluation.evaluate import keep_predictions
from engine.evaluation.predictions_csv import read_predictions
from engine.runs.directory import Run
from tests.engine.evaluation.test_intervals import simulated
from tests.makers.examples import examples


def test_a_p_value_is_told_in_plain_words_first() -> None:
    assert by_chance(0.15) == "chance alone would part them so far in 15% of cases, p = 0.15"
    assert by_chance(1.0).endswith("in 100% of cases, p = 1")
    assert by_chance(1.2e-10) == "chance alone would hardly ever part them so far, p = 1.2e-10"


@given(st.integers(0, 10_000), st.integers(1, 120))
@settings(max_examples=examples(30), deadline=None)
def test_mcnemar_is_the_binomial_test_of_the_divided(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    labels, one, other = random.integers(0, 2, n), *(random.dirichlet((1, 1), n) for _ in range(2))
    found = compare(labels, one, other, with_auc=False)
    right = [(shares.argmax(axis=1) == labels) for shares in (one, other)]
    alone = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    assert (found.only_first, found.only_second) == alone
    assert found.difference == pytest.approx(right[0].mean() - right[1].mean())
    assert found.p == pytest.approx(binomtest(alone[0], sum(alone)).pvalue if sum(alone) else 1.0)
    assert found.difference_ci[0] <= found.difference <= found.difference_ci[1]
    back = compare(labels, other, one, with_auc=False)
    assert back.p == found.p and back.difference == -found.difference


def test_thousands_of_divided_images_take_no_seconds() -> None:
    began = time.process_time()
    p = mcnemar(4000, 4100)
    assert time.process_time() - began < 0.5 and p == pytest.approx(binomtest(4000, 8100).pvalue)


def test_the_bootstrap_is_scipys() -> None:
    labels, one = simulated(1.5, 200, 0)
    other = simulated(0.4, 200, 1)[1]
    found = compare(labels, one, other)
    gains = (one.argmax(axis=1) == labels).astype(float) - (other.argmax(axis=1) == labels)
    expected = bootstrap((gains,), np.mean, method="percentile", n_resamples=4000, random_state=3).confidence_interval
    assert found.difference_ci == pytest.approx((expected.low, expected.high), abs=0.012)

    def area(y: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
        return float(np.subtract(*(np.mean(s[y == 1][:, None] > s[y == 0]) for s in (a, b))))

    expected = bootstrap(
        (labels, one[:, 1], other[:, 1]), area, method="percentile", n_resamples=1500, paired=True, vectorized=False,
        random_state=3,
    ).confidence_interval  # fmt: skip
    assert found.auc_difference_ci == pytest.approx((expected.low, expected.high), abs=0.02)
    assert found.auc_difference == pytest.approx(area(labels, one[:, 1], other[:, 1]))
    assert "The first is better on 200 images" in found.verdict


def test_two_that_never_differ_are_not_known_to_be_equal() -> None:
    labels, one = simulated(20.0, 30, 0)
    found = compare(labels, one, one)
    assert (found.p, found.difference, found.auc_difference_ci) == (1.0, 0.0, None)
    assert found.difference_ci == pytest.approx((-0.1157, 0.1157), abs=1e-4)
    assert found.verdict.startswith("No difference shown on 30 images")
    assert "what so many images allow to claim" in found.verdict and "bootstrap" not in found.verdict


@pytest.mark.parametrize(("alone", "n"), [((4, 0), 100), ((0, 5), 400), ((9, 2), 60), ((12, 1), 90), ((3, 3), 50)])
def test_the_sentence_says_that_the_test_decides_whatever_the_interval(alone: tuple[int, int], n: int) -> None:
    first, second = np.tile((0.9, 0.1), (n, 1)), np.tile((0.9, 0.1), (n, 1))
    second[: alone[0]], first[n - alone[1] :] = (0.1, 0.9), (0.1, 0.9)
    found = compare(np.zeros(n, int), first, second, with_auc=False)
    assert (found.only_first, found.only_second, found.shown) == (*alone, found.p < 0.05)
    told = found.verdict
    assert told.startswith("No difference shown") == (found.p >= 0.05)
    assert f"McNemar's exact test decides ({by_chance(found.p)})" in told and "by paired bootstrap" in told
    apart = found.difference_ci[0] > 0 or found.difference_ci[1] < 0
    assert ("too rough to decide" in told) == (apart != found.shown)


def test_four_images_that_one_alone_got_right_do_not_read_as_two_verdicts() -> None:
    first, second = np.tile((0.9, 0.1), (100, 1)), np.tile((0.9, 0.1), (100, 1))
    second[:4] = 0.1, 0.9
    found = compare(np.zeros(100, int), first, second, with_auc=False)
    assert found.p == 0.125 and found.difference_ci[0] > 0
    assert "where only 4 images divide the two it is too rough to decide" in found.verdict


def run_at(path: Path, classes: tuple[str, ...], lines: list[tuple[str, str, list[float]]]) -> Run:
    path.mkdir()
    keep_predictions(path / "predictions.csv", classes, lines)
    return Run(path)


def test_runs_are_matched_by_file_and_class(tmp_path: Path) -> None:
    lines = [("=a.png", "x", [0.9, 0.1]), ("b\x1b.png", "y", [0.8, 0.2]), ("c.png", "y", [0.3, 0.7])]
    one = run_at(tmp_path / "one", ("x", "y"), lines)
    turned = [(file, label, shares[::-1]) for file, label, shares in reversed(lines)]
    other = run_at(tmp_path / "other", ("y", "x"), turned)
    assert read_predictions(one).files == ("=a.png", "b\x1b.png", "c.png")
    found = compare_runs(one, other)
    assert (found.n, found.only_first, found.only_second, found.auc_difference) == (3, 0, 0, 0)
    assert found.accuracies == pytest.approx((2 / 3, 2 / 3))


def test_runs_on_other_images_or_classes_are_refused(tmp_path: Path) -> None:
    one = run_at(tmp_path / "one", ("x", "y"), [("a.png", "x", [0.9, 0.1])])
    with pytest.raises(RunError, match="--split"):
        compare_runs(one, run_at(tmp_path / "two", ("x", "y"), [("b.png", "x", [0.9, 0.1])]))
    with pytest.raises(RunError, match="different classes"):
        compare_runs(one, run_at(tmp_path / "three", ("x", "y"), [("a.png", "y", [0.9, 0.1])]))
    with pytest.raises(RunError, match="other classes apart"):
        compare_runs(one, run_at(tmp_path / "four", ("x", "z"), [("a.png", "x", [0.9, 0.1])]))
    with pytest.raises(RunError, match="is missing"):
        compare_runs(one, Run(tmp_path / "five"))
    (tmp_path / "two" / "predictions.csv").write_text("file,class,said,x,y\na.png,x,x,high,low\n")
    with pytest.raises(RunError, match="can't be read"):
        compare_runs(one, Run(tmp_path / "two"))


def test_images_of_one_patient_do_not_count_as_many() -> None:
    labels, people = np.tile([0, 1], 60), np.repeat(np.arange(20), 6)
    other = np.where(labels[:, None] == [0, 1], 0.6, 0.4)
    one = np.where((people < 3)[:, None], other[:, ::-1], other)  # three patients are wrong, all six images of each
    alone, by_patient = compare(labels, one, other), compare(labels, one, other, groups=people)
    assert alone.patients is None and by_patient.patients == 20
    assert alone.p < 0.001 and by_patient.p == pytest.approx(binomtest(0, 3).pvalue)
    assert alone.shown and not by_patient.shown and "20 patients" in by_patient.verdict
    widths = [found.difference_ci[1] - found.difference_ci[0] for found in (alone, by_patient)]
    assert widths[1] > 1.5 * widths[0]
    areas = [found.auc_difference_ci for found in (alone, by_patient)]
    assert areas[0] and areas[1] and areas[1][1] - areas[1][0] > 1.5 * (areas[0][1] - areas[0][0])
    same = compare(labels, other, other, groups=people)
    assert same.p == 1 and same.difference_ci[1] == pytest.approx(1 - 0.025 ** (1 / 20))


def test_the_area_by_patients_of_one_image_each_is_that_by_images() -> None:
    labels, one = simulated(1.5, 200, 0)
    other = simulated(0.4, 200, 1)[1]
    alone, by_patient = compare(labels, one, other), compare(labels, one, other, groups=np.arange(200))
    assert alone.auc_difference_ci and by_patient.auc_difference_ci == pytest.approx(alone.auc_difference_ci, abs=0.02)
    assert by_patient.difference_ci == pytest.approx(alone.difference_ci, abs=0.012)
    assert by_patient.p == pytest.approx(alone.p)


def test_a_runs_patients_are_those_of_its_split(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    run = Run(tmp_path / "run")
    assert patients_of(run, ["a"]) is None
    rows = (Row("a", "A", "test", "", "1"), Row("b", "A", "test"), Row("c", "B", "test", "", "1"))
    Split(rows).write(run.path / "split.csv")
    assert Split.read(run.path / "split.csv").rows == rows
    found = patients_of(run, ["c", "b", "a"])
    assert found is not None and found.tolist() == [0, 1, 0]
    Split(rows[1:2]).write(run.path / "split.csv")
    assert patients_of(run, ["b"]) is None and "patient" not in (run.path / "split.csv").read_text()
