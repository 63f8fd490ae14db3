"""The red banner over a dataset whose classes can be told without looking at lungs."""

from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message
from textual.widgets import Static

from engine.base.context import Context
from engine.base.errors import ConfigError, Stopped
from engine.base.language import tr
from tui.widgets.safe_cells import content
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.data.confounding import Confounding
    from engine.data.records import Scan
    from tui.state.session import Session


class Banner(Static):
    """Shows the gravest finding; measures in a thread, and says with Measured when there will be no more."""

    DEFAULT_CSS = """
    Banner { display: none; height: auto; max-height: 4; padding: 0 1; }
    Banner { background: $error; color: $on-error; text-style: bold; }
    Banner.-alarm { display: block; }
    Banner:ansi { background: ansi_red; color: ansi_bright_white; }
    Banner:nocolor { text-style: bold reverse; }
    """

    class Measured(Message):
        """What could tell the classes apart is known, or will not be."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._key: tuple[Scan | None, str] = None, ""
        self.confounding: Confounding | None = None
        """What was found in the scan at hand; None until it is measured."""
        self.patients = ""
        """Where patients can't be told apart, a sentence that says so."""
        self.unfinished = False
        """Was the measuring given up, or did it fail?"""

    def watch_over(self, session: "Session") -> None:
        """Show what is found in the session's scan, measuring it first where it is another than before."""
        key = session.scan, session.config.data.group_by
        if key[0] is self._key[0] and key[1] == self._key[1]:
            return
        self._key, self.confounding, self.patients, self.unfinished = key, None, "", False
        self.remove_class("-alarm")
        session.cancel("confounding")
        if session.scan is not None:
            work = partial(measure, session.scan, session.config.data.group_by)
            show, failed = partial(self._show, session), partial(self._not_measured, session)
            session.start("confounding", tr("comparing classes"), work, show, failed)

    def _show(self, session: "Session", measured: "tuple[Confounding, str]") -> None:
        self.confounding, self.patients = measured
        alarms = self.confounding.alarms
        self.set_class(bool(alarms), "-alarm")
        self.update(content(f"{session.glyphs.beware} {alarms[0]}") if alarms else "")
        self.post_message(self.Measured())

    def _not_measured(self, session: "Session", error: Exception) -> None:
        self.unfinished = True
        if not isinstance(error, Stopped):
            session.complain(error)
        self.post_message(self.Measured())


def measure(scan: "Scan", group_by: str, context: Context) -> "tuple[Confounding, str]":
    from engine.data.confounding import confounding
    from engine.data.patients import patients

    try:
        trouble = patients(scan, group_by).unknown
    except ConfigError as error:
        trouble = in_recipe_terms(error)
    return confounding(scan), trouble
