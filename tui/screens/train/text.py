"""The words of the Train screen: what is asked before a stop, whose recipe is looked at, and why a key can't act."""

from engine.base.language import tr
from tui.widgets.question_dialog import Answer

GO_ON = Answer("g", tr("Go on"), "")
KEEP = Answer("k", tr("Stop after this batch, keep the best epoch and test it"), "keep")
NOW = Answer("n", tr("Stop now, keep the best epoch untested"), "now")
NEXT = tr("Recipe of the next training")
FIXED = tr("This is the recipe of the run that is shown, and stays as it is: e goes to that of the next training.")
READING = tr("The run is being read.")
READY = tr("r starts the training.")
NOTHING_SHOWN = tr("No run is shown yet: r starts a training, and f on the Runs screen shows another's.")
NOT_LIVE = tr("The run that is shown is not being trained, so there is nothing to stop.")
NOT_HERE = tr("No training of this workbench is under way; q leaves it.")
NO_EPOCH = tr("Only a training that goes on in epochs has one at hand, once the first has begun.")
REPLAYED = tr("This is a replay of a run that is over, so there is nothing to stop.")
AS_FAST, AS_SLOW = tr("A replay can't be faster than this."), tr("A replay can't be slower than this.")
FASTER, SLOWER = tr("Play the replay twice as fast."), tr("Play the replay half as fast.")
