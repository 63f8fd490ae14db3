"""What every screen of the workbench is: title, tabs, body and keys, and how it hears of changes."""

import gc
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import ScreenResume
from textual.message import Message
from textual.widget import Widget

from engine.base.language import tr
from tui.host.private_apis import StaysLaidOut, keep_styles
from tui.screens.frame import MODES, Frame
from tui.screens.guide import GuideLine
from tui.screens.title import TabLine, TitleBar
from tui.state.messages import ConfigChanged, DataChanged, JobChanged, RunChanged, RunsChanged
from tui.state.session import Session
from tui.widgets.dialog import SaysWhy
from tui.widgets.key_line import KeyLine

SECONDS_TO_STAND = 1.0
"""After a screen was made; what it is made of stays, and need not be looked through for rings that nobody holds."""

M = TypeVar("M", bound=Message)


class WorkScreen(StaysLaidOut, SaysWhy[None]):
    """A screen of the workbench: title, tabs, its own body, keys.

    A subclass names its `MODE`, composes its `body` and overrides the `..._changed` methods that concern it. They are
    called in the screen's thread: once each when the screen is first opened, then with every change; changes that come
    while another screen is open are told when this one is opened again, the last of each kind only.
    """

    MODE: ClassVar[str]
    HELP: ClassVar[str | None] = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave_field", "", id="field.leave", show=False, tooltip=tr("Leave a text field.")),
    ]
    AUTO_FOCUS = ""

    def __init__(self, classes: str = "") -> None:
        """`classes` hold from the start: each that comes later gives all widgets their styles once more."""
        super().__init__(classes=classes)
        keep_styles(self)
        self._missed: dict[tuple[type[Message], object], Callable[[], None]] = {}
        self._keys: tuple[tuple[str, bool], ...] = ()
        self._warned: frozenset[str] = frozenset()

    @property
    def workbench(self) -> Frame:
        """The app."""
        return cast("Frame", self.app)

    @property
    def session(self) -> Session:
        """What all screens share."""
        return self.workbench.session

    def warn_of_new(self, troubles: Iterable[str]) -> None:
        """Warn of those that were not there when this was last asked, as soon as the screen is open."""
        now, waiting = tuple(troubles), (Message, None)
        self._missed.pop(waiting, None)
        if self.workbench.current_mode != self.MODE:
            self._missed[waiting] = partial(self.warn_of_new, now)
            return
        for trouble in now:
            if trouble not in self._warned:
                self.workbench.say(trouble, "warning")
        self._warned = frozenset(now)

    def body(self) -> Iterable[Widget]:
        """The widgets between tabs and keys."""
        raise NotImplementedError

    def keys_first(self) -> tuple[str, ...]:
        """The actions whose keys stay in sight where there is no room for all, the most wanted one first."""
        return ()

    def compose(self) -> ComposeResult:
        """Title, tabs, body, keys."""
        yield TitleBar(self.session)
        yield TabLine(MODES, self.MODE)
        with Container(id="body"):
            yield from self.body()
        yield GuideLine(self.session)
        yield KeyLine(self.keys_first)

    def set_narrow(self, on: bool, *names: str) -> None:
        """Set or take classes that say which part a narrow screen shows. A wide one shows them all, by rules without
        these classes, so that its widgets keep their styles.
        """
        self.set_class(on, *names, update=self.has_class("-narrow"))

    def on_mount(self) -> None:
        """Begin to hear of changes, unless the workbench closes, and some of the widgets are gone."""
        if not self.app.is_running:
            return
        self.set_timer(SECONDS_TO_STAND, gc.freeze)
        self.workbench.listeners.append(self)
        self.data_changed()
        self.config_changed()
        self.runs_changed()
        if self.session.shown:
            self.run_changed(RunChanged(self.session.shown))

    def on_unmount(self) -> None:
        """Hear of no more changes."""
        if self in self.workbench.listeners:
            self.workbench.listeners.remove(self)

    def data_changed(self) -> None:
        """`session.data`, `scan` or `split` is another one."""

    def config_changed(self) -> None:
        """`session.config` is another one."""

    def run_changed(self, message: RunChanged) -> None:
        """`message.view` has heard more of its run."""

    def runs_changed(self) -> None:
        """The list of runs, `session.library.entries()`, is another one."""

    def job_changed(self, message: JobChanged) -> None:
        """`message.job` has begun, is further, or is over."""

    def on_data_changed(self, message: DataChanged) -> None:
        """Pass it on."""
        self._hear(message, lambda _: self.data_changed())

    def on_config_changed(self, message: ConfigChanged) -> None:
        """Pass it on."""
        self._hear(message, lambda _: self.config_changed())

    def on_run_changed(self, message: RunChanged) -> None:
        """Pass it on."""
        self._hear(message, self.run_changed)

    def on_runs_changed(self, message: RunsChanged) -> None:
        """Pass it on."""
        self._hear(message, lambda _: self.runs_changed())

    def on_job_changed(self, message: JobChanged) -> None:
        """Pass it on."""
        self._hear(message, self.job_changed)

    @on(ScreenResume)
    def _keep_styles(self, event: ScreenResume) -> None:
        """Whoever changes meanwhile takes other styles at once, and all do when the theme changes."""
        event.refresh_styles = False

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was open."""
        if not self.app.is_running:
            return
        missed, self._missed = self._missed, {}
        for act in missed.values():
            act()
        self._refresh_frame()

    def _hear(self, message: M, act: Callable[[M], None]) -> None:
        """Act on a message now, or, while another screen is open, on the last of its kind when this one is again."""
        if not self.app.is_running:
            return  # the workbench closes, and some of the widgets are gone
        if self.workbench.current_mode == self.MODE:
            act(message)
            self._refresh_frame()
        else:
            about = getattr(message, "view", None) or getattr(message, "job", None)
            self._missed[type(message), about] = partial(act, message)

    def action_leave_field(self) -> None:
        """Give the screen's keys back from a text field, or cancel the work under way."""
        self.set_focus(None)

    def _refresh_frame(self) -> None:
        self.query_one(TitleBar).refresh()
        self.query_one(GuideLine).look()
        # A footer is made anew by every refresh of the bindings, so that is left for when there is something new.
        keys = tuple((key, active.enabled) for key, active in self.active_bindings.items())
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()
