"""How long the recipe "auto" may take, and which costly rungs fit into that.

What was decided is kept in the run directory, as it depends on the clock: a ladder that is climbed anew decides the
same, and so ends in the same model.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

from engine.base.errors import RunError
from engine.base.files import write_json
from engine.base.typed_files import Amount, plain, typed
from engine.recipe.config import ChoiceConfig
from engine.recipe.span import seconds_of

FILE = "budget.json"
USUAL_IMAGES, USUAL_SECONDS = 300, 120.0
STEEPER = 1.3
"""The usual budget grows by this power of the images: 20,000 of them have the night."""
NIGHT = 8 * 3600.0


@dataclass(frozen=True)
class Decision:
    """A costly rung: what it was going to take and what was left for it, in seconds, and whether it was begun."""

    seconds: Amount
    left: Amount
    begun: bool


@dataclass(frozen=True)
class Decisions:
    """What budget.json holds."""

    budget: str
    rungs: dict[str, Decision]
    """By name."""


def usual(images: int) -> float:
    """Seconds for so many images to learn from and to test, where the recipe says "auto"."""
    return float(min(NIGHT, USUAL_SECONDS * (images / USUAL_IMAGES) ** STEEPER))


@dataclass(eq=False)
class Budget:
    """The time from its making on, of a run in the directory `path`."""

    choice: ChoiceConfig
    images: int
    path: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """All of it."""
        asked = self.choice.budget
        return usual(self.images) if asked == "auto" else seconds_of(asked, "--budget", '"auto"')

    @property
    def left(self) -> float:
        """What is left of it."""
        return max(0.0, self.seconds - (time.monotonic() - self.began))

    def before(self, name: str) -> Decision | None:
        """What was decided of a rung in this run under the same budget; None where nothing was, or it can't be read."""
        return self._known().get(name)

    def decide(self, name: str, seconds: float, after: float) -> Decision:
        """Does a rung that takes so many seconds fit, with those `after` it for what must follow? It is kept."""
        left = max(0.0, self.left - after)
        made = Decision(round(seconds, 1), round(left, 1), seconds <= left)
        write_json(self.path / FILE, plain(Decisions(self.choice.budget, {**self._known(), name: made})), self.path)
        return made

    def needed(self, decided: Decision) -> float:
        """Seconds of a budget into which a rung that was left out fits."""
        return self.seconds - decided.left + decided.seconds

    def _known(self) -> dict[str, Decision]:
        try:
            kept = typed(self.path / FILE, Decisions)
        except (RunError, OSError):
            return {}
        return kept.rungs if kept.budget == self.choice.budget else {}
