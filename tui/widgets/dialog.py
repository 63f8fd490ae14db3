"""What every dialog is: its body above the line of keys, help for it, and two keys that close it wherever one is."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from engine.base.language import tr
from tui.widgets.key_line import CLOSE, KeyLine
from tui.words.safe_text import display_name

R = TypeVar("R")


class SaysWhy(Screen[R]):
    """A screen whose keys say why, where they can't act."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Both widgets between which it moves paint themselves; Textual would paint the whole screen each time."""

    def why_not(self, action: str) -> str:
        """Why an action of the screen, "step" or "step(-1)", can't be done now, as a sentence for who presses its dim
        key; else empty.
        """
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key of an action that can't be done now is dim."""
        asked = f"{action}({', '.join(map(repr, parameters))})" if parameters else action
        return None if self.is_mounted and self.why_not(asked) else super().check_action(action, parameters)

    def on_key(self, event: Key) -> None:
        """A key that can't act says why."""
        active = self.active_bindings.get(event.key)
        if active and not active.enabled and (why := self.why_not(active.binding.action.removeprefix("screen."))):
            event.stop()
            self.app.notify(display_name(why), severity="warning", markup=False)


class Dialog(ModalScreen[R], SaysWhy[R]):
    """A dialog. A subclass composes its `body`, and says in `HELP` what it is for.

    ModalScreen is the first base: Textual gives a class the styles of its first base alone.
    """

    HELP: ClassVar[str | None] = None
    BINDINGS: ClassVar[list[BindingType]] = [
        # Textual cuts the workbench's own keys off at a modal screen. F1 is for where `?` is a character that is typed.
        Binding("question_mark", "app.help", tr("Help"), key_display="?", id="app.help",
                tooltip=tr("Explain what is in focus.")),
        Binding("f1", "app.help", tr("Help"), id="app.help-too", show=False, tooltip=tr("The same, where ? is typed.")),
        Binding("q", CLOSE, tr("Close"), id="dialog.close", tooltip=tr("Close it; nothing more is done.")),
        Binding("escape", CLOSE, tr("Close"), id="dialog.leave", tooltip=tr("Close it; nothing more is done.")),
    ]  # fmt: skip

    def body(self) -> Iterable[Widget]:
        """The widgets above the keys."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Body and keys."""
        yield from self.body()
        yield KeyLine()

    def action_close_dialog(self) -> None:
        """Close it without an answer."""
        self.dismiss(None)


def closed_by(key: str) -> Binding:
    """The key that opened a dialog closes it too."""
    return Binding(key, CLOSE, tr("Close"), show=False, tooltip=tr("Close it; nothing more is done."))
