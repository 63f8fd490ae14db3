"""A span of time as it is typed: 90s, 5m, 2h, or a number of minutes."""

import re

from engine.base.errors import ConfigError
from engine.base.language import tr

UNITS = {"s": 1, "m": 60, "": 60, "h": 3600}
MOST = 10**8
"""Seconds: three years."""


def seconds_of(text: str, flag: str, other: str) -> float:
    """The seconds that `text`, the value of `flag`, means. Raises ConfigError, which names `other` as what it may be
    besides.
    """
    known = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([smh]?)", text)
    seconds = float(known[1]) * UNITS[known[2]] if known else 0.0
    if not 0 < seconds <= MOST:
        raise ConfigError(
            tr('{flag} is "{text}": give a time such as 90s, 5m or 2h, or {other}.', flag=flag, text=text, other=other)
        )
    return seconds


def span(seconds: float) -> str:
    """A span of at least so many seconds, as it is typed: whole minutes, from five hours on whole hours."""
    if seconds <= 60:
        return f"{max(1, -int(-seconds // 1))}s"
    return f"{-int(-seconds // 60)}m" if seconds <= 5 * 3600 else f"{-int(-seconds // 3600)}h"
