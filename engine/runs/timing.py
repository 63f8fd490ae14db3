"""How long a run trained, told from the times of its events."""

from collections.abc import Iterable

from engine.base.events import Batch, Epoch, Event, Finished, Progress, Resumed
from engine.training.batches import FILL


def spent(events: Iterable[tuple[float, Event]]) -> tuple[float, float]:
    """A run's training seconds without, and its seconds of, computing what is kept of the frozen layers; by its timed
    events up to its first end.
    """
    training: dict[int, float] = {}
    filling = within = began = 0.0
    for at, event in events:
        if isinstance(event, Progress) and event.task.startswith(FILL):
            step = at - began if event.done else 0.0
            filling, within, began = filling + step, within + step, at
        elif isinstance(event, Batch):
            within = 0.0
        elif isinstance(event, Epoch):  # validation's activations are computed within the first epoch's time
            training[event.epoch] = max(0.0, event.seconds - within)
            within = 0.0
        elif isinstance(event, Resumed):
            training = {epoch: seconds for epoch, seconds in training.items() if epoch < event.epoch}
        elif isinstance(event, Finished):
            break
    return round(sum(training.values()), 3), round(filling, 3)
