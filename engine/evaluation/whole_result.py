"""Every number on answers to some images, and the curves that plots are drawn from."""

import numpy as np
import numpy.typing as npt

from engine.base.result import RELIABILITY, Bin, ByPatient, Calibrated, Curve, Drawn
from engine.evaluation.calibration import (
    Calibration,
    at_temperature,
    expected_calibration_error,
    operate,
    reliability,
)
from engine.evaluation.metrics import judge, log_loss
from engine.evaluation.predictions_csv import Predictions
from engine.evaluation.promised import Promised
from engine.evaluation.resampling import Ints, clustered_share
from engine.evaluation.roc import curves


def by_patient(right: npt.NDArray[np.bool_], patients: Ints) -> ByPatient:
    """The accuracy's interval of images, (n,), of patients numbered `patients`, (n,)."""
    return ByPatient(int(patients.max()) + 1, clustered_share(right, patients))


def whole_result(
    said: Predictions, taught: Calibration | None, promised: Promised | None, patients: Ints | None = None
) -> Drawn:
    """The result of at least one answer; `patients`, (n,), number that of each image where any is known.

    Temperature, threshold and promises are those that other images taught; there is nothing of them where there are
    none.
    """
    labels, classes = said.labels, said.classes
    drawn: dict[str, Curve | list[Bin]] = {**curves(labels, said.probabilities, classes)}
    calibrated, at = None, None
    if taught:
        shares = at_temperature(said.probabilities, taught.temperature)
        ece = expected_calibration_error(labels, shares)
        calibrated = Calibrated(temperature=taught.temperature, loss=log_loss(labels, shares), ece=ece)
        chosen, k = taught.operating, classes.index(taught.operating.positive)
        at = operate(labels == k, shares[:, k], chosen.threshold, chosen.positive, chosen.rule)
        drawn[RELIABILITY] = reliability(labels, shares)
    return Drawn(
        **vars(judge(labels, said.probabilities, classes)),
        ece=expected_calibration_error(labels, said.probabilities),
        calibrated=calibrated,
        operating=at,
        by_patient=None if patients is None else by_patient(said.right, patients),
        sets=promised.covered(said) if promised else [],
        refusals=promised.refused(said) if promised else [],
        curves=drawn,
    )
