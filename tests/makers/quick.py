"""Textual's own costs in tests, without what it spends anew for each app: parsed styles are kept, nothing is waited for
that does not come.
"""

import asyncio
import time
from collections.abc import Hashable
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from textual import app as textual_app
from textual import constants, pilot
from textual._context import active_app
from textual._wait import wait_for_idle
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.screen import Screen
from textual.worker import Worker

CALM = 3
"""Rounds of the event loop in a row in which nothing was to be done, until it counts as at rest."""
ENDLESS = ("watch", "machine")
"""The names of the threads that follow the runs and measure the machine, as long as there is a screen to show it."""


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """Let every app of this process share its parsed styles, move nothing by degrees, and be waited for by events."""
    patch.setattr(Stylesheet, "_parse_rules", _shared(Stylesheet._parse_rules))
    patch.setattr(RuleSet, "__hash__", object.__hash__)  # which is Textual's own, without a call in Python
    patch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    for module in (textual_app, pilot):
        patch.setattr(module, "wait_for_idle", at_rest)


def _shared(parse: Any) -> Any:
    """The parser of styles, which parses none twice with the same variables, whichever app asks."""
    parsed: dict[Hashable, list[RuleSet]] = {}
    keys: WeakKeyDictionary[Stylesheet, tuple[dict[str, str], Hashable]] = WeakKeyDictionary()

    def rules(self: Stylesheet, css: str, *arguments: Any, **named: Any) -> list[RuleSet]:
        variables = self._variables
        known = keys.get(self)
        if known is None or known[0] is not variables:
            known = keys[self] = variables, frozenset(variables.items())
        key = (css, arguments, tuple(sorted(named.items())), known[1])
        if key not in parsed:
            parsed[key] = parse(self, css, *arguments, **named)
        return parsed[key]

    return rules


def _dirty(screen: Screen[Any]) -> bool:
    """Is there anything left to lay out, to paint, or to call once that is done?"""
    left = (screen._layout_required, screen._scroll_required, screen._repaint_required, screen._recompose_required)
    return any(left) or bool(screen._dirty_widgets or screen._callbacks)


def at_work(worker: Worker[Any]) -> bool:
    """Is this a thread that will come to an end?"""
    return bool(worker._thread_worker) and worker.name not in ENDLESS and not worker.is_finished


async def at_rest(min_sleep: float = 0.02, max_sleep: float = 1.0) -> None:
    """Wait until the event loop has nothing to do and the screen is drawn, as long as `max_sleep` seconds.

    Textual's own waiting is for a process that takes no processor, 20 ms or more for each key. So it waits here as long
    as threads are at work for the screen.
    """
    app, loop = active_app.get(), asyncio.get_running_loop()
    calm, end = 0, time.monotonic() + max_sleep
    while calm < CALM and time.monotonic() < end:
        await asyncio.sleep(0)
        if loop._ready:  # type: ignore[attr-defined]
            calm = 0
        elif any(at_work(worker) for worker in app.workers):
            return await wait_for_idle(min_sleep, max_sleep)
        elif app._screen_stack and _dirty(app.screen):
            app.screen._on_timer_update()
            calm = 0
        else:
            calm += 1
