"""The decision curve: against dcurves, and where a decision serves."""

import numpy as np
import pandas as pd
import pytest
from dcurves import dca
from hypothesis import given
from hypothesis import strategies as st

from engine.base.result import Tested
from engine.evaluation.calibration import operate
from engine.evaluation.decision_curve import (
    THRESHOLDS,
    decision_curve,
    net_benefit,
    of_decision,
    of_everyone,
    useful_between,
)
from engine.evaluation.metrics import judge
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.prevalence import Rates
from tests.makers.extent import ALL

MODELS = 50


@pytest.mark.parametrize("prevalence", [None, 0.02])
def test_net_benefit_is_that_of_dcurves(prevalence: float | None) -> None:
    """Five hundred random cases, a fifth of them daily."""
    for seed in range(10 if ALL else 2):
        random = np.random.default_rng(seed)
        n = int(random.integers(10, 200))
        positive = np.arange(n) < random.integers(1, n)
        forms = random.uniform(0.3, 3, (MODELS, 2)).tolist()
        risks = {f"m{k}": np.asarray(random.beta(a, b, n)).round(2) for k, (a, b) in enumerate(forms)}
        thresholds = sorted([*random.uniform(0.01, 0.95, 3).tolist(), 0.5])
        table = dca(
            pd.DataFrame({"y": positive.astype(int), **risks}), "y", [*risks], thresholds, prevalence=prevalence
        )
        for name, own in risks.items():
            rows = table[table.model == name].sort_values("threshold")
            assert net_benefit(positive, own, thresholds, prevalence) == pytest.approx(rows.net_benefit.to_numpy())
        share = positive.mean() if prevalence is None else prevalence
        every = table[table.model == "all"].sort_values("threshold").net_benefit.to_numpy()
        assert [of_everyone(one, share) for one in thresholds] == pytest.approx(every)


@given(st.floats(0.02, 1), st.floats(0.02, 1), st.floats(0.01, 0.99))
def test_a_decision_serves_between_the_risks_that_are_told(
    sensitivity: float, specificity: float, share: float
) -> None:
    rates = Rates(sensitivity, (0, 1), specificity, (0, 1))
    between = useful_between(rates, share)
    for threshold in THRESHOLDS:
        better = of_decision(rates, threshold, share) - max(0.0, of_everyone(threshold, share))
        if abs(better) > 1e-9:
            assert (better > 0) == (between is not None and between[0] < threshold < between[1])


def test_the_curve_of_a_run_goes_by_its_calibrated_probabilities_and_its_threshold() -> None:
    random = np.random.default_rng(4)
    labels = np.arange(200) % 2
    first = np.clip(random.normal(0.65 - 0.3 * labels, 0.15), 0.01, 0.99)
    shares = np.stack([first, 1 - first], axis=1)
    at = operate(labels == 0, shares[:, 0], 0.5, "A", "fixed")
    test = Tested(**vars(judge(labels, shares, ("A", "B"))), operating=at)
    said = Predictions(("A", "B"), tuple(map(str, range(200))), labels, shares)
    found = decision_curve(test, said, 1.0)
    assert found and found.prevalence == 0.5 and found.n == 200 and found.useful
    middle = found.points[49]
    assert middle.threshold == 0.5 and middle.model == pytest.approx(middle.decision)
    rare = decision_curve(test, said, 1.0, 0.02)
    assert rare and rare.points[49].model < middle.model and rare.points[0].everyone < 0.02
    assert decision_curve(Tested(**vars(judge(labels, shares, ("A", "B")))), said, 1.0) is None
