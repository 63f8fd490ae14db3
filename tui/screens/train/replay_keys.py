"""The keys of a replay: pause, faster, slower, to the end. They are there only while one is shown."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from engine.base.language import tr
from tui.screens.base import WorkScreen
from tui.screens.train.text import AS_FAST, AS_SLOW, FASTER, SLOWER


class ReplayKeys(WorkScreen):
    """A screen that can show a replay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "replay_pause", tr("Pause, go on"), id="replay.pause",
                tooltip=tr("Pause the replay, or play it on.")),
        Binding("plus,equals_sign", "replay_speed(2)", tr("Faster"), key_display="+", id="replay.faster",
                tooltip=FASTER),
        Binding("minus", "replay_speed(0.5)", tr("Slower"), key_display="-", id="replay.slower", tooltip=SLOWER),
        Binding("j", "replay_end", tr("To the end"), id="replay.end", tooltip=tr("Show the end of the run at once.")),
    ]  # fmt: skip

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Is a replay shown?"""
        return not action.startswith("replay") or self.session.replay is not None

    def action_replay_pause(self) -> None:
        """Pause, go on, or begin again."""
        if replay := self.session.replay:
            replay.pause()

    def action_replay_speed(self, factor: float) -> None:
        """Faster or slower."""
        if (replay := self.session.replay) and not replay.change_speed(factor):
            self.workbench.say(AS_FAST if factor > 1 else AS_SLOW, "warning")

    def action_replay_end(self) -> None:
        """All of it."""
        if replay := self.session.replay:
            replay.end()
