"""A rung is judged out of fold, taken only where it helps by more than noise, and becomes the network that it was."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.auto.features import Features
from engine.auto.folds import grouped_folds
from engine.auto.linear import fit_path
from engine.auto.reading import CELLS, widest
from engine.auto.rungs import Judge, Seeing, fall
from engine.base.errors import DataError
from engine.network.backbones import BACKBONES
from engine.recipe.config import Weighting

VGG16 = BACKBONES["vgg16"]
WIDTH = widest(VGG16).width(VGG16)


def judge_of(
    labels: np.ndarray, plain: np.ndarray, mirror: np.ndarray | None = None, weighting: Weighting = "none"
) -> Judge:
    plan = SimpleNamespace(backbone=VGG16)
    features = SimpleNamespace(
        labels=labels.astype(np.int32), plain=plain, mirror=plain if mirror is None else mirror,
        classifier=SimpleNamespace(plan=plan),
    )  # fmt: skip
    groups = [str(n) for n in range(len(labels))]
    return Judge(cast("Features", features), groups, int(labels.max()) + 1, seed=0, weighting=weighting)


def drawn(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(count) % 3
    return labels, (random.normal(size=(3, WIDTH))[labels] + 3 * random.normal(size=(count, WIDTH))).astype(np.float32)


@given(groups=st.lists(st.integers(0, 12), min_size=12, max_size=40), seed=st.integers(0, 9))
def test_no_group_is_learnt_from_and_answered_in_one_fold(groups: list[int], seed: int) -> None:
    labels = np.arange(len(groups)) % 2
    names = [str(group) for group in groups]
    if len(set(names)) < 2:
        with pytest.raises(DataError):
            grouped_folds(labels, names, seed)
        return
    answered = []
    for learnt, asked in grouped_folds(labels, names, seed):
        assert not {names[place] for place in learnt} & {names[place] for place in asked}
        answered += asked.tolist()
    assert sorted(answered) == list(range(len(groups)))


def test_the_network_of_each_way_to_see_gives_what_was_judged() -> None:
    labels, plain = drawn()
    mirror = plain + np.random.default_rng(1).normal(size=plain.shape).astype(np.float32)
    judge, every = judge_of(labels, plain, mirror), np.arange(len(labels))
    for seeing in (Seeing(), Seeing(2), Seeing(3, places=True), Seeing(3, mirror=True), Seeing(2, True, True)):
        (linear,) = judge.fitted(seeing, every, (0.1,))
        kernel, bias = judge.network(seeing, linear)
        head = seeing.head(VGG16)
        assert kernel.shape == (head.width(VGG16), 3) and head.cells == CELLS
        rows = judge.given(seeing, every)
        assert rows.shape == (len(labels), head.width(VGG16))
        # A fit on the same rows, whatever way: means over the cells where places are not told apart.
        wide = [view[:, -head.width(VGG16) :] for view in ((plain, mirror) if seeing.mirror else (plain,))]
        assert rows == pytest.approx(np.mean(wide, axis=0), abs=1e-5)
        assert kernel.any() and np.isfinite(rows @ kernel + bias).all()
        if not seeing.places:
            first = VGG16.by_name[head.reads[0]].shape[-1]
            for cell in range(1, CELLS**2):
                assert np.array_equal(kernel[:first], kernel[cell * first : (cell + 1) * first])


def test_answers_are_out_of_fold() -> None:
    labels, plain = drawn()
    mirror = plain + np.random.default_rng(1).normal(size=plain.shape).astype(np.float32)
    judge = judge_of(labels, plain, mirror)
    judged = judge.judged(Seeing(3, places=True))
    layers = [CELLS**2 * VGG16.by_name[name].shape[-1] for name in widest(VGG16).reads]
    for learnt, answered in judge.folds:
        rows, twice = np.concatenate([plain[learnt], mirror[learnt]]), np.tile(labels[learnt], 2)
        fits = fit_path(rows, twice, 3, layers=layers)
        assert np.array_equal(judged.logits[-1, answered], fits[-1].logits(plain[answered]))
    assert judged.right.mean() == pytest.approx(judged.by_fold[judged.best].mean(), abs=0.05)


def test_noise_is_no_help_and_a_signal_is() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(120) % 2
    last = CELLS**2 * VGG16.layers[-1].shape[-1]
    plain = random.normal(size=(120, WIDTH)).astype(np.float32)
    plain[:, -last:] += 0.15 * labels[:, None]
    judge = judge_of(labels, plain)
    alone, more = judge.judged(Seeing()), judge.judged(Seeing(2))
    gain, error = judge.better_by(more, alone)
    assert gain <= error
    below = slice(WIDTH - last - CELLS**2 * 512, WIDTH - last)
    plain[:, below] += 0.3 * labels[:, None]
    judge = judge_of(labels, plain)
    gain, error = judge.better_by(judge.judged(Seeing(2)), judge.judged(Seeing()))
    assert gain > 2 * error


@given(seed=st.integers(0, 99))
def test_the_error_of_a_fall_is_that_of_a_mean_of_groups(seed: int) -> None:
    random = np.random.default_rng(seed)
    before, after = random.exponential(size=(2, 30))
    alone = np.array([str(n) for n in range(30)])
    gain, error = fall(before, after, alone)
    assert gain == pytest.approx((before - after).mean())
    assert error == pytest.approx((before - after).std(ddof=1) / np.sqrt(30))
    # Each image twice in a group of its own says no more than once.
    twice: Any = [np.repeat(one, 2) for one in (before, after, alone)]
    assert fall(*twice) == pytest.approx((gain, error))
