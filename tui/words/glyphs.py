"""The signs that carry meaning beside colour: plain ASCII and block characters, or richer ones where they are allowed.

Many terminal fonts, and most consoles at a hospital's desk, lack everything beyond the box and block sets.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Glyphs:
    """One sign for each meaning; every sign is one column wide unless it is a word."""

    live: str
    finished: str
    stopped: str
    failed: str
    died: str
    trains: str
    frozen: str
    weightless: str
    best: str
    beware: str
    train_mark: str
    """Sign at each epoch of the training curve."""
    val_mark: str
    val_line: str
    """Validation's line in plotext's words: "hd" is one of quadrant blocks, "braille" one of small dots."""
    full: str
    empty: str
    dot: str

    def state(self, state: str) -> str:
        """The sign of a run's state, as `Run.state` names it."""
        return str(getattr(self, state.partition(",")[0], self.dot))

    def bar(self, share: float, width: int) -> str:
        """A bar `width` columns long, filled to `share` (0 to 1)."""
        filled = round(min(max(share, 0.0), 1.0) * width)
        return self.full * filled + self.empty * (width - filled)


PLAIN = Glyphs("*", "+", "=", "!", "x", "[x]", "[ ]", " - ", "*", "!", "o", "x", "hd", "█", "░", "-")
RICH = Glyphs("●", "✓", "■", "!", "✗", " ● ", " ❄ ", " · ", "★", "▲", "●", "×", "braille", "▰", "▱", "·")
