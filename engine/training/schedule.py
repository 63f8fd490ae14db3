"""Learning-rate schedules as plain functions of the epoch: the same numbers for a preview and for training."""

import math

FIRST_PERIOD = 5
PERIOD_GROWTH = 2.0
RATE_DECAY = 0.8


def learning_rate(start: float, epoch: int) -> float:
    """Rate of an epoch, counted from 1: cosine decay with warm restarts (Loshchilov and Hutter 2017, "SGDR").

    The report's numbers: the first period has 5 epochs, each next one twice as many, and begins at 0.8 of the rate
    that the one before began at.
    """
    into, period, peak = epoch - 1, FIRST_PERIOD, start
    while into >= period:
        into -= period
        period = int(period * PERIOD_GROWTH)
        peak *= RATE_DECAY
    return peak * 0.5 * (1 + math.cos(math.pi * into / period))
