"""A sweep's queue before it is trained: what each training costs, and how long it may take."""

from dataclasses import dataclass
from pathlib import Path

from engine.data.split import Split
from engine.jobs.sweep import Planned, Sweep
from engine.network.freezing import head_classes


@dataclass(frozen=True, eq=False)
class Plan:
    """A sweep's queue and what it costs."""

    sweep: Sweep
    queue: tuple[Planned, ...]
    images: int
    """Training images."""
    classes: tuple[str, ...]
    """Those that the images have."""
    rates: dict[str, float | None]
    """By backbone: seconds a multiply-add, by its trainings that are finished; None before there is one."""

    @classmethod
    def of(cls, sweep: Sweep, split: Split) -> "Plan":
        """The plan of a sweep whose trainings have the images of `split`."""
        images = len(split.files("train"))
        rates = {name: sweep.seconds_per_work(images, name) for name in sweep.grid.backbones}
        return cls(sweep, tuple(sweep.plan(images)), images, split.labels, rates)

    @property
    def path(self) -> Path:
        """The sweep's folder."""
        return self.sweep.path

    @property
    def complete(self) -> bool:
        """Is everything trained?"""
        return all(one.state == "finished" for one in self.queue)

    @property
    def work(self) -> float:
        """Multiply-adds of the whole queue."""
        return sum(one.filling + one.training for one in self.queue)

    def share(self, one: Planned) -> float:
        """A training's share of the queue's work."""
        return (one.filling + one.training) / (self.work or 1.0)

    def seconds(self, one: Planned) -> float | None:
        """How long a training takes if no epoch is saved; None where nothing tells it yet."""
        rate = self.rates[one.point.config.network.backbone]
        return None if rate is None else rate * (one.filling + one.training)

    def seconds_left(self) -> float | None:
        """Time for what is not finished, whatever part of it is done; None where nothing tells it yet."""
        left = [self.seconds(one) for one in self.queue if one.state != "finished"]
        known = [seconds for seconds in left if seconds is not None]
        return sum(known) if len(known) == len(left) else None

    def trainable(self, one: Planned) -> int:
        """Parameters that a training trains, with those of the head."""
        return one.point.plan.parameters(head_classes(self.classes))[0]
