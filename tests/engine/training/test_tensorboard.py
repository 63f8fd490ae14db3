"""TensorBoard's files are an extra: a training does not end for want of them."""

import resource
from pathlib import Path

from engine.base.context import Context
from engine.base.events import Epoch, Event, Notice
from engine.training.tensorboard import also_tensorboard


def test_without_room_for_them_each_epoch_is_still_told_and_the_lack_once(tmp_path: Path) -> None:
    told: list[Event] = []
    emit = also_tensorboard(Context(told.append), tmp_path / "tensorboard").emit
    epochs = [Epoch(number, 0.5, 0.9, 0.6, 0.8, 1e-4, 2.5) for number in (1, 2, 3)]
    emit(epochs[0])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        for epoch in epochs[1:]:
            emit(epoch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [event for event in told if isinstance(event, Epoch)] == epochs
    (warning,) = [event for event in told if isinstance(event, Notice)]
    assert warning.level == "warning" and "(File too large): training goes on" in warning.text
