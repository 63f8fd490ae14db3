"""Multinomial logistic regression with L2, to convergence, for a path of strengths.

The loss is the mean cross-entropy over the rows, plus strength / 2 times the squared kernel; the bias is free. Columns
are centred and scaled first, and that is folded into kernel and bias afterwards. The optimum lies in the span of the
rows, so where there are fewer rows than columns it is looked for there (Hastie and Tibshirani 2004, "Efficient
quadratic regularization for expression arrays").

A column's scale is the root of its own variance and the median variance of its layer, so that a channel which was
hardly active in these rows is not blown up in the next.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STRENGTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
"""From the strongest, with which a path begins as it converges fastest."""
STEPS = 2000
"""Of the solver, at most; it takes about 50."""
SMALLEST = 1e-10
"""Directions whose share of the rows' variance is less are none but rounding."""
LARGE = 2**21
"""Numbers of a matrix whose products are worth several threads."""
ABSENT = -30.0
"""Bias of a class that no row has: its odds are nothing."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Logits = rows @ kernel + bias: kernel (columns, classes) and bias (classes,), float64."""

    kernel: Floats
    bias: Floats

    def logits(self, rows: npt.NDArray[np.floating]) -> Floats:
        """Of rows (n, columns): (n, classes)."""
        return np.asarray(rows @ self.kernel + self.bias, np.float64)

    def less(self, offsets: Floats) -> "Linear":
        """The same with `offsets`, (classes,), taken off its logits."""
        return Linear(self.kernel, self.bias - offsets)


def fit_path(
    rows: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    classes: int,
    strengths: Sequence[float] = STRENGTHS,
    layers: Sequence[int] = (),
) -> list[Linear]:
    """One fit for each of `strengths`, which must fall, each beginning with the one before.

    `rows` are (n, columns), `labels` (n,) from 0 to `classes`; a class may have no row. `layers` says how many columns
    are of each layer (all of one when empty).
    """
    from threadpoolctl import threadpool_limits

    # Several threads wait for each other longer than small products take, most of all where other programs run.
    small = len(rows) * min(rows.shape) < LARGE
    with threadpool_limits(1, "blas") if small else contextlib.nullcontext():
        return _fit_path(rows, labels, classes, strengths, layers)


def _fit_path(
    rows: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    classes: int,
    strengths: Sequence[float],
    layers: Sequence[int],
) -> list[Linear]:
    present = np.unique(labels)
    own = np.searchsorted(present, labels)
    space = _Space(rows, layers or (rows.shape[1],))
    truth = np.eye(len(present))[own]
    at, found = np.zeros((space.width + 1) * len(present)), []
    for strength in strengths:
        at = _minimum(space.rows, truth, strength, at)
        inner = at.reshape(space.width + 1, len(present))
        kernel, bias = np.zeros((rows.shape[1], classes)), np.full(classes, ABSENT)
        kernel[:, present], bias[present] = space.folded(inner[:-1], inner[-1])
        found.append(Linear(kernel, bias))
    return found


class _Space:
    """Scaled rows, in coordinates of their span where those are fewer."""

    def __init__(self, rows: npt.NDArray[np.floating], layers: Sequence[int]) -> None:
        wide = np.array(rows, np.float64)  # a copy, which may take gigabytes: it is changed in place
        self._means = wide.mean(axis=0)
        self._scales = scales(wide.std(axis=0), layers)
        wide -= self._means
        wide /= self._scales
        self._back: Floats | None = None
        self.rows = wide
        if wide.shape[1] > len(wide):
            squares, directions = np.linalg.eigh(wide @ wide.T)
            real = squares > SMALLEST * squares.max()
            lengths = np.sqrt(squares[real])
            self.rows = directions[:, real] * lengths
            self._back = wide.T @ (directions[:, real] / lengths)

    @property
    def width(self) -> int:
        """Columns of `rows`."""
        return int(self.rows.shape[1])

    def folded(self, kernel: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Kernel and bias for rows as they were given."""
        whole = kernel if self._back is None else self._back @ kernel
        whole = whole / self._scales[:, None]
        return whole, bias - self._means @ whole


def scales(deviations: Floats, layers: Sequence[int]) -> Floats:
    """What each column is divided by, from its deviation; infinity where all columns of its layer are constant."""
    parts = np.split(deviations**2, np.cumsum(layers)[:-1])
    found = np.sqrt(np.concatenate([part + np.median(part) for part in parts]))
    return np.where(found > 1e-9 * max(found.max(), 1e-300), found, np.inf)


def _minimum(rows: Floats, truth: Floats, strength: float, start: Floats) -> Floats:
    """Kernel and bias, flat, at the minimum."""
    from scipy.optimize import minimize

    width, classes = rows.shape[1], truth.shape[1]

    def loss(flat: Floats) -> tuple[float, Floats]:
        both = flat.reshape(width + 1, classes)
        kernel = both[:-1]
        logits = rows @ kernel + both[-1]
        top = logits.max(axis=1, keepdims=True)
        odds = np.exp(logits - top)
        sums = odds.sum(axis=1, keepdims=True)
        losses = np.log(sums[:, 0]) + top[:, 0] - (logits * truth).sum(axis=1)
        slopes = (odds / sums - truth) / len(rows)
        value = losses.mean() + strength / 2 * (kernel * kernel).sum()
        return float(value), np.vstack([rows.T @ slopes + strength * kernel, slopes.sum(axis=0)]).ravel()

    options = {"maxiter": STEPS, "maxcor": 20, "ftol": 1e-13, "gtol": 1e-7}
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x)
