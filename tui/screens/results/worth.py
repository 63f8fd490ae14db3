"""What a run's answers are worth at each prevalence that keys step through; for work in a thread."""

from typing import TYPE_CHECKING

from engine.base.context import Context
from engine.base.result import Tested

if TYPE_CHECKING:
    from engine.base.batch_result import AtPrevalence

Worth = tuple["tuple[AtPrevalence, ...]", int]
"""By prevalence, and the place of the one that is nearest to that of the test."""


def worth_by_prevalence(test: Tested, _: Context) -> Worth:
    """All of them; none where the run has no threshold or its test lacks images on one side of it."""
    from engine.evaluation.prevalence import stepped  # which loads NumPy

    return stepped(test)
