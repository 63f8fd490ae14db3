"""The two lines on top of every screen: what is going on, and where one can go."""

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult, RenderResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Static

from engine.base.language import tr
from tui.screens.frame import TITLES
from tui.state.replay_job import ReplayJob
from tui.state.session import Session
from tui.widgets.safe_cells import content
from tui.words.numbers import duration
from tui.words.safe_text import display_name

BAR = 8
NAMES = sum(cell_len(title) + 3 for title in TITLES.values())
"""Columns that the names of all screens take, a space before each key and behind it."""


class TitleBar(Widget):
    """The data folder on the left; on the right the live run with its progress, or the job under way."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def render(self) -> RenderResult:
        """The line, the right part given precedence."""
        name = self.app.title
        right = self._right(max(0, self.size.width - cell_len(name) - 12))
        room = self.size.width - cell_len(name) - right.cell_length - 5
        folder = self.session.data
        where = display_name(folder.name or folder) if folder else tr("no data chosen")
        where = (
            where
            if cell_len(where) <= room
            else set_cell_size(where, max(0, room - 1)) + "…"[: self.session.settings.unicode]
        )
        gap = max(1, self.size.width - 4 - cell_len(name) - cell_len(where) - right.cell_length)
        return Content.assemble(" ", (name, "bold"), "  ", where, " " * gap, right, " ")

    def _right(self, room: int) -> Content:
        if replay := self.session.replay:
            return Content.styled(_cut(_replayed(replay), room), "bold $warning")
        view, glyphs = self.session.live, self.session.glyphs
        job = self.session.busy
        if view is None:
            if job is None:
                return Content("")
            done = f" {job.progress.done:,}" if job.progress else ""
            of = f"/{job.progress.total:,}" if job.progress and job.progress.total else ""
            return content(f"{job.title}{done}{of}")
        head = f"{glyphs.live} {tr('training') if view.own else display_name(view.name)}"
        if view.started is None or (view.progress and view.batch is None):
            task = f" {view.progress.title} {view.progress.done:,}" if view.progress else f" {tr('starting')}"
            of = f"/{view.progress.total:,}" if view.progress and view.progress.total else ""
            text = display_name(f"{head}{task}{of}")
        else:
            unit = tr("epoch") if view.unit == "epoch" else tr("rung")
            text = f"{head}  {unit} {view.at_epoch}/{view.started.epochs}  {glyphs.bar(view.share, BAR)}"
        if left := duration(view.seconds_left()):
            text += " " + tr("{time} left", time=left)
        return Content.styled(_cut(text, room), "bold $success")


def _replayed(job: ReplayJob) -> str:
    replay, name = job.replay, display_name(job.view.name)
    if replay.paused:
        return tr("replay of {name}, paused", name=name)
    if replay.over:
        return tr("replay of {name}, at its end", name=name)
    return tr("replay of {name}, {speed:g} times as fast", name=name, speed=replay.speed)


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else set_cell_size(text, room)


class Tab(Static):
    """A screen's name; a click goes there."""

    def __init__(self, number: int, mode: str, active: bool) -> None:
        super().__init__(Content(f"{number} {TITLES[mode]}"), classes="-active" if active else "")
        self._number, self._mode = number, mode

    def shorten(self, short: bool) -> None:
        """Show the number alone, or the name too; the open screen has its name always."""
        bare = short and not self.has_class("-active")
        self.update(Content(f" {self._number} " if bare else f"{self._number} {TITLES[self._mode]}"))

    def on_click(self) -> None:
        """Go to the screen."""
        self.app.switch_mode(self._mode)


class TabLine(Horizontal):
    """The names of all screens with their keys, the open one marked."""

    def __init__(self, modes: tuple[str, ...], active: str) -> None:
        super().__init__()
        self._modes, self._active = modes, active

    def compose(self) -> ComposeResult:
        """One tab for each mode."""
        for number, mode in enumerate(self._modes, start=1):
            yield Tab(number, mode, mode == self._active)

    def on_resize(self, event: Resize) -> None:
        """Where not all names fit, the numbers must do."""
        for tab in self.query(Tab):
            tab.shorten(event.size.width < NAMES)
