"""How long a training still takes: one estimate, which screens, verbs and whoever follows a run all show.

It adds up what is still to be done, as the training has told it beforehand (`Ahead`), at the pace that this run has in
each kind of work: images through the frozen layers, epochs of each phase, the test and what belongs to it. Patience may
end a training sooner, which nobody can know: what is told is the time of all epochs of the recipe. The recipe "auto"
tells by itself how long it takes (`engine.auto.outlook`, which counts with the same `Work`), and here that runs down.
"""

from dataclasses import dataclass, field

from engine.base.events import (
    FILL,
    TESTING,
    Ahead,
    Batch,
    Epoch,
    EpochsAhead,
    Event,
    Failed,
    Finished,
    Interrupted,
    Progress,
    Resumed,
    Rung,
    Started,
    TimeLeft,
)

IMAGE = 0.1
"""Seconds of an image in the frozen layers, until a run knows better."""
RATE = IMAGE / 15.3
"""Seconds of a billion multiply-adds in the frozen layers, those of VGG16 being 15.3, until a run knows better."""
CLOSING = 4.0
"""Seconds of all that is saved in the end, and of loading what tests."""
TRACING = 3.0
"""Seconds that TensorFlow takes to prepare the training step of a phase, which its first epoch pays."""
SLOWER = {"ncnn": 2.0, "keras": 1.0}
"""How many times as long a multiply-add takes where layers train, by what computes the frozen ones."""
RECENT = 3
"""Epochs from which the time of the next ones is told."""
LIGHT = 0.1
"""Seconds of an epoch without work to speak of."""
TELLING = 0.1
"""A stretch of epochs tells the pace of another one where its epoch is at least this share of the other's work."""


@dataclass(eq=False)
class Work:
    """One kind of work: units that are left, and what those done took."""

    pace: float
    """Seconds of a unit, until one is done."""
    left: float = 0.0
    done: float = 0.0
    seconds: float = 0.0

    def did(self, units: float, seconds: float) -> None:
        """So many units of it are done."""
        self.passed(units)
        self.done, self.seconds = self.done + units, self.seconds + seconds

    def passed(self, units: float) -> None:
        """So many units are done that tell no pace."""
        self.left = max(0.0, self.left - units)

    @property
    def known(self) -> float | None:
        """Seconds of a unit in this run; None before one is done."""
        return self.seconds / self.done if self.done else None

    @property
    def rate(self) -> float:
        """Seconds of a unit: known, else as assumed."""
        return self.pace if self.known is None else self.known

    @property
    def seconds_left(self) -> float:
        """Of what is left."""
        return self.left * self.rate


@dataclass(eq=False)
class Forecast:
    """What a run's events tell of its time. `fold` takes them in one by one, and is all that changes anything."""

    trained: dict[int, float] = field(default_factory=dict)
    """By epoch, its seconds without those in the frozen layers that are kept."""
    prepared: dict[int, float] = field(default_factory=dict)
    """By epoch, the seconds before its first step that its steps do not explain: TensorFlow prepared them."""
    filling: float = 0.0
    """Seconds of computing what is kept of the frozen layers."""
    _started: Started | None = None
    _ahead: Ahead | None = None
    _told: tuple[float, float] | None = None
    """The seconds that a ladder still takes as it has told last, and when it did."""
    _done: int = 0
    """Epochs."""
    _over: float = 0.0
    """When the last of them was."""
    _at: float = 0.0
    """When the last event came."""
    _since: tuple[float, float] = (0.0, 0.0)
    """When the steps of the epoch at hand went on last, and which share of them was done then."""
    _first: tuple[float, float] | None = None
    """When the first step of the epoch at hand was told since, and the share that was done then."""
    _latest: tuple[float, float] = (0.0, 0.0)
    """The same of its last step."""
    _share: float = 0.0
    """Of the epoch at hand, 0 to 1."""
    _filled: float = 0.0
    """Seconds in the frozen layers since the last step."""
    _task: tuple[str, int] = ("", 0)
    """The task of the last progress, and how far it was."""
    _task_at: float = 0.0
    _passed: int = 0
    """Images that passed the frozen layers in the epoch at hand."""
    _testing: tuple[float, int, int, int] | None = None
    """When the test's images were told first, how many were done then and are now, of how many."""
    _rate: Work = field(default_factory=lambda: Work(RATE))
    """Of the frozen layers, in billions of multiply-adds."""

    def fold(self, event: Event, at: float) -> None:
        """Take in the next event, which came at the second `at`."""
        self._at = at
        match event:
            case Started():
                self._started, self._ahead, self._told, self._task_at = event, None, None, at
                self._since, self._first, self._share, self._passed = (at, 0.0), None, 0.0, 0
                self._rate, self._testing = Work(RATE), None
            case Ahead():
                self._ahead = event
            case TimeLeft():
                self._told = event.seconds, at
            case Resumed():
                self.trained = {epoch: seconds for epoch, seconds in self.trained.items() if epoch < event.epoch}
                self._done, self._share = event.epoch - 1, 0.0
                self._since = at, event.step / self._started.steps if self._started else 0.0
            case Batch():
                self._share, self._filled = event.step / event.steps, 0.0
                self._first, self._latest = self._first or (at, self._share), (at, self._share)
            case Epoch():
                own = max(0.0, event.seconds - self._filled)  # validation's are computed within it
                self.trained = {epoch: seconds for epoch, seconds in self.trained.items() if epoch < event.epoch}
                self.trained[event.epoch] = own
                self.prepared.pop(event.epoch, None)
                if (lag := self._preparing()) is not None:
                    self.prepared[event.epoch] = min(lag, own)
                self._done, self._share, self._filled, self._passed = event.epoch, 0.0, 0.0, 0
                self._since, self._first, self._over = (at, 0.0), None, at
            case Progress():
                self._progress(event)
            case Finished() | Interrupted() | Failed() | Rung():
                pass

    def _preparing(self) -> float | None:
        """Seconds from where the epoch's steps began to its first, less what a step takes; None where fewer than two
        steps were told.
        """
        if self._first is None or self._latest[1] <= self._first[1]:
            return None
        pace = (self._latest[0] - self._first[0]) / (self._latest[1] - self._first[1])
        return max(0.0, self._first[0] - self._since[0] - (self._first[1] - self._since[1]) * pace)

    def take_over(self, before: "Forecast") -> None:
        """Begin with what another one of the run, before it goes on, knows."""
        self.trained, self.prepared = dict(before.trained), dict(before.prepared)
        self.filling, self._done = before.filling, before._done

    def _progress(self, event: Progress) -> None:
        seconds, (task, before) = self._at - self._task_at, self._task
        if event.task.startswith(FILL):
            if event.done:
                self.filling, self._filled = self.filling + seconds, self._filled + seconds
            if event.task == task and event.done > before:
                self._passed += event.done - before
                if (stretch := self._here) and stretch.frozen:
                    self._rate.did((event.done - before) * stretch.frozen, seconds)
        elif event.task == TESTING and event.total:
            began, done, _, _ = self._testing or (self._at, event.done, 0, 0)
            self._testing = began, done, event.done, event.total
        self._task, self._task_at = (event.task, event.done), self._at
        self._since, self._first = (self._at, self._share), None

    @property
    def _stretches(self) -> tuple[EpochsAhead, ...]:
        if self._ahead:
            return self._ahead.epochs
        assert self._started
        phases = self._started.phases
        return tuple(EpochsAhead(one.first, one.last) for one in phases) or (EpochsAhead(1, self._started.epochs),)

    @property
    def _here(self) -> EpochsAhead | None:
        """The stretch of the epoch at hand."""
        found = self._stretches if self._started else ()
        return next((one for one in found if one.first <= self._done + 1 <= one.last), None)

    def of_epoch(self) -> float | None:
        """Seconds until the epoch at hand ends; None between epochs, and where it can't be told yet."""
        pace = self._pace(self._here) if self._here and self._share else None
        return None if pace is None else (1 - self._share) * pace

    def seconds(self) -> float | None:
        """Seconds until the training ends, its test included, if patience ends it no sooner; None where that can't be
        told yet.
        """
        if self._told:
            seconds, told = self._told
            return max(0.0, seconds - (self._at - told))
        if self._started is None or not self._measured:
            return None
        found, pace = 0.0, None
        for one in self._stretches:
            if one.last <= self._done:
                continue
            own = self._pace(one)
            pace = pace if own is None else own  # an earlier version's later phases are taken to be as the one before
            if pace is None:
                return None
            begun = one == self._here
            epochs = one.last - max(self._done, one.first - 1) - (self._share if begun else 0.0)
            found += epochs * pace + self._frozen(one)
            if self._ahead and not (begun and self._share) and not self._epochs_of(one):
                found += TRACING
        return found + self._closing()

    def _frozen(self, one: EpochsAhead) -> float:
        """Seconds in the frozen layers that a stretch still needs."""
        images = sum(one.passes[max(0, self._done + 1 - one.first) :])
        if one == self._here:
            images = max(0, images - self._passed)
        return images * one.frozen * self._frozen_rate

    def _closing(self) -> float:
        """Seconds of what follows the last epoch."""
        if self._ahead is None:
            return 0.0
        if self._here is None and self._testing:
            began, done, now, total = self._testing
            if now > done:
                return (self._at - began) / (now - done) * (total - now)
        passed = self._at - self._over if self._here is None else 0.0
        return max(0.0, CLOSING + self._ahead.closing * self._frozen_rate - passed)

    def _epochs_of(self, one: EpochsAhead) -> list[float]:
        return [seconds for epoch, seconds in self.trained.items() if one.first <= epoch <= one.last]

    def _pace(self, one: EpochsAhead) -> float | None:
        """Seconds of an epoch: by the last ones of its stretch, by its own steps where it is the first, by the work of
        others where it has not begun.
        """
        own = self._epochs_of(one)
        if self._ahead is None:
            return _mean(own) if own else self._by_steps(0.0) if one == self._here else None
        if len(own) > 1:
            return _mean(own[1:])
        if own:
            return self._less_tracing(one, own[0])
        told = self._first and self._share > self._first[1]
        steps = self._by_steps(TRACING) if one == self._here and (told or self._rate.known is None) else None
        return self._by_work(one) if steps is None else steps

    def _less_tracing(self, one: EpochsAhead, first: float) -> float:
        """The seconds of an epoch by the first of its stretch, which is slow: without what its steps do not explain.
        Where they were not told, half by what its work tells, and at most twice as much as that.
        """
        number = next(epoch for epoch in self.trained if one.first <= epoch <= one.last)
        if number in self.prepared:
            return first - self.prepared[number]
        rest = _traced(first, TRACING)
        if self._rate.known is None:
            return rest
        told = self._by_frozen(one)
        return min((rest + told) / 2, 2 * told + LIGHT, first)

    def _by_steps(self, tracing: float) -> float | None:
        if self._first and self._share > self._first[1]:
            (at, share), tracing = self._first, 0.0
        else:
            at, share = self._since
        seconds = self._at - at
        return _traced(seconds, tracing) / (self._share - share) if self._share > share else None

    @property
    def _measured(self) -> bool:
        """Does this run tell anything of its pace yet? A first step, which TensorFlow prepares meanwhile, does not."""
        first = self._first[1] if self._first and self._ahead else 0.0
        return self._rate.known is not None or bool(self.trained) or self._share > first

    @property
    def _slower(self) -> float:
        return SLOWER.get((self._started and self._started.frozen_engine) or "", 1.0)

    @property
    def _frozen_rate(self) -> float:
        """Seconds of a billion multiply-adds in the frozen layers: as measured, else by epochs that compute as much."""
        if self._rate.known is None and self._ahead:
            for one in self._stretches:
                own = self._epochs_of(one)[1:]
                pace = _mean(own) if own else self._by_steps(TRACING) if one == self._here else None
                if pace and _tells(one, self._ahead.closing):
                    return pace / one.work / self._slower
        return self._rate.rate

    def _by_work(self, one: EpochsAhead) -> float:
        """By its multiply-adds, at the pace of the last stretch that is comparable, else of the frozen layers."""
        for other in reversed(self._stretches):
            own = self._epochs_of(other)
            if own and other != one and _tells(other, one.work):
                pace = _mean(own[1:]) if len(own) > 1 else self._less_tracing(other, own[0])
                return pace * one.work / other.work
        return self._by_frozen(one)

    def _by_frozen(self, one: EpochsAhead) -> float:
        """By its multiply-adds, at the pace of the frozen layers."""
        return one.work * self._frozen_rate * self._slower


def _tells(one: EpochsAhead, work: float) -> bool:
    """Do epochs of this stretch compute enough for their pace to tell that of so much work?"""
    return one.work > 0 and one.work >= TELLING * work


def _traced(seconds: float, tracing: float) -> float:
    """What is left of `seconds` in which TensorFlow prepared the training step as well."""
    return max(seconds - tracing, seconds / 4)


def _mean(seconds: list[float]) -> float:
    recent = seconds[-RECENT:]
    return sum(recent) / len(recent)
