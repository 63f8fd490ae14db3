"""What the training of a run is handed, besides its recipe and its data."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.base.context import Context
from engine.base.events import Event
from engine.runs.directory import Run
from engine.runs.writer import RunWriter
from engine.training.distributed import Devices


@dataclass(frozen=True)
class RunContext:
    """Where a training's events go and its stop, what writes its run, and the devices that train."""

    context: Context
    writer: RunWriter
    devices: Devices
    forget: Callable[[Run], bool]
    """Removes what was measured of the run's weights, as they are about to change; was the run tested before?"""

    @property
    def run(self) -> Run:
        """The run directory."""
        return self.writer.run

    def emit(self, event: Event) -> None:
        """Emit an event of the training."""
        self.context.emit(event)
