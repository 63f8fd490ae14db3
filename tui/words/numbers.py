"""Numbers as people read them: shares, intervals, sizes, time spans, histograms. Each has its one format here."""

from collections.abc import Sequence

from engine.base.language import tr
from engine.base.wording import whole_percent
from engine.evaluation.headline import percent, percents, points

NOTHING = "-"
"""Stands where there is no number."""


def as_share(
    value: float | None, ends: Sequence[float] | None = None, digits: int = 1, between: str = tr(" to ")
) -> str:
    """A share, 0 to 1, as a percentage: 98.4%; with the ends of its interval behind it: 98.4% (96.8 to 99.3).

    `digits` are the decimals of the ends, `between` what stands between them. A dash where there is no share.
    """
    if value is None:
        return NOTHING
    return percent(value) + (f" ({points(ends, digits, between)})" if ends else "")


def as_interval(ends: Sequence[float] | None) -> str:
    """The ends of a share's interval, each 0 to 1, as percentages: 96.8% to 99.3%; a dash where there is none."""
    return NOTHING if ends is None else percents(ends)


def as_number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals; a dash where there is none."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def as_number_within(value: float | None, ends: Sequence[float] | None) -> str:
    """A number with its interval, as in 0.912 (0.880 to 0.940); a dash where one of them is missing."""
    if value is None or ends is None:
        return NOTHING
    return tr("{value:.3f} ({low:.3f} to {high:.3f})", value=value, low=ends[0], high=ends[1])


def two_percents(share: float) -> tuple[str, str]:
    """A share and the rest of the whole without decimals; they add up to 100%."""
    first = whole_percent(share)
    return first, f"{100 - int(first.removesuffix('%'))}%"


def as_size(count: float) -> str:
    """A number of bytes in a few characters: 812 bytes, 5.3 MB."""
    for unit in (tr("bytes"), "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.1f} {unit}" if unit in ("MB", "GB") else f"{count:,.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float | None) -> str:
    """A time span in a few characters: 9 s, 4 min, 2 h 05; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return tr("{seconds:.0f} s", seconds=seconds)
    if seconds < 5400:
        return tr("{minutes:.0f} min", minutes=seconds / 60)
    return tr("{hours} h {minutes:02d}", hours=int(seconds // 3600), minutes=int(seconds % 3600 // 60))


def histogram_line(counts: Sequence[int]) -> str:
    """A histogram in one line of block characters, a count each; only a count of nothing is blank."""
    top = max(counts) or 1
    return "".join(" ▁▂▃▄▅▆▇█"[-(-8 * count // top)] for count in counts)
