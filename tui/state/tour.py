"""The way of a newcomer through the workbench: a folder is read, a network trained, judged and asked, a key each."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from engine.base.language import tr

if TYPE_CHECKING:
    from engine.data.records import Scan
    from tui.state.training_job import TrainingJob

Act = Literal["", "train", "course", "results", "predict", "end"]
STEPS = 4


@dataclass(frozen=True)
class Step:
    """Where the newcomer is (1 to 4), in a sentence; `act` is what the key does now, empty while it must wait."""

    number: int
    text: str
    act: Act = ""

    @property
    def told(self) -> str:
        """The line that is shown."""
        return tr("Step {number} of {steps}. {text}", number=self.number, steps=STEPS, text=self.text)


class Facts(Protocol):
    """What the way depends on; the session is so."""

    training: "TrainingJob | None"
    scan: "Scan | None"

    def cannot_train(self) -> str:
        """Why no training can be started now; empty where it can."""


@dataclass
class Tour:
    """How far a newcomer is; `seen` are the screens that were reached by it."""

    seen: set[str] = field(default_factory=set)

    def step(self, session: Facts) -> Step:
        """What is so, and what comes next."""
        training = session.training
        if training is None:
            if session.scan is None or session.cannot_train():
                return Step(1, session.cannot_train() or tr("The images are being read."))
            return Step(1, tr("The folder is read: classes, split and warnings. > trains a network on it."), "train")
        if training.alive:
            act: Act = "" if self.seen & {"train", "course"} else "course"
            return Step(
                2, tr("The network is being trained; this takes a minute or two, and the test comes last."), act
            )
        if training.view.result is None or training.view.path is None:
            return Step(2, tr("The training ended without a result: the log (n) says why. > ends this guide."), "end")
        if "results" not in self.seen:
            return Step(2, tr("Trained, and tested on images that it never saw. > shows how good it is."), "results")
        if "predict" not in self.seen:
            return Step(
                3,
                tr("The first line is the result with its uncertainty. > asks the network about an image."),
                "predict",
            )
        return Step(
            4, tr("That is what it says; g shows where it looks. > ends this guide, ? explains every screen."), "end"
        )
