"""From the command line to the workbench and back: terminal, signals, and a training that outlives its screen."""

import asyncio
import contextlib
import dataclasses
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.language import tr
from engine.base.paths import require_there
from engine.base.wording import in_turn
from tui.cli.console import say
from tui.cli.errors import say_error
from tui.cli.signals import SECONDS_TO_STOP, heed
from tui.host.detach import Leash, on_leash
from tui.host.private_apis import crash_of
from tui.host.terminal import Abilities, Question, Terminal
from tui.state.memory import Memory, memory_file
from tui.words import settings as user_settings
from tui.words.error_text import error_sentence
from tui.words.safe_text import display_name
from tui.words.settings import Protocol, Settings

if TYPE_CHECKING:
    from tui.app import Workbench

MOST_THREADS = 32
FRAMES = "240"
"""How often a second Textual may paint: it waits for so long with what a key changes, in case more follows."""
SECONDS_OF_A_TURN = 0.0005
"""After which a thread that trains lets the screen's have Python's lock. By Python's own 5 ms, a key that goes through
three threads until it is painted could wait for 15."""
SECONDS_OF_ONE_KILL = 1.0
"""A group's kill reaches a process twice, once directly; within this time it counts as one."""


def open_workbench(
    data: Path | None,
    out: Path,
    protocol: Protocol | None,
    unicode: bool | None,
    attached: Path | None = None,
    speed: float | None = None,
) -> int:
    """`covid-tui [DATA]` and, with the run's directory as `attached`, `covid-tui attach RUN`, or `replay RUN` where a
    `speed` is given; gives an exit code.
    """
    from engine.base.runtime import cache_dir

    require_there(data)
    terminal = Terminal(cache_dir() / "workbench.log")
    chosen = user_settings.load()
    chosen = dataclasses.replace(
        chosen,
        unicode=chosen.unicode if unicode is None else unicode,
        image_protocol=protocol or chosen.image_protocol,
    )
    return on_leash(partial(_reported, partial(_run, terminal, data, out, chosen, attached, speed)))


def _reported(work: Callable[[Leash], int], leash: Leash) -> int:
    """What `work` gives; an error is reported here, for the process at the shell hears nothing but an exit code."""
    try:
        return work(leash)
    except Exception as error:
        return say_error(error)


class _Threads(ThreadPoolExecutor):
    """Those that the screen's work is done in: enough for what only waits or follows, and no end waits for them."""

    def __init__(self) -> None:
        super().__init__(MOST_THREADS, "work")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; asyncio would wait here, and with it whoever quits."""
        super().shutdown(wait=False, cancel_futures=True)

    def join(self, seconds: float) -> None:
        """Wait until all of them have come to their end, but not longer than so."""
        waiting = threading.Thread(target=super().shutdown, name="join", daemon=True)
        waiting.start()
        waiting.join(seconds)


def _run(
    terminal: Terminal,
    data: Path | None,
    out: Path,
    chosen: Settings,
    attached: Path | None,
    speed: float | None,
    leash: Leash,
) -> int:
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)
    sys.setswitchinterval(SECONDS_OF_A_TURN)
    gc.disable()  # the app turns it on again after its first frame, which comes a tenth sooner for it
    question = Question(terminal.descriptor) if chosen.image_protocol == "auto" else None
    from tui.app import Workbench  # the terminal answers meanwhile

    abilities = question.answer() if question else Abilities()
    picture = data if data and data.is_file() else None
    threads, broken = _Threads(), None
    with terminal:
        app = Workbench(
            out, data=None if picture else data, picture=picture, attached=attached, speed=speed, settings=chosen,
            abilities=abilities, memory=Memory(memory_file()), log=terminal.log, ahead=True,
            driver=terminal.driver(),
        )  # fmt: skip
        try:
            asyncio.run(_until_left(app, terminal, threads))
        except BaseException as error:
            broken = error
            terminal.put_back()
            app.write_log(traceback.format_exc())
            app.session.close()
    training, crash = app.session.training, crash_of(app) or broken
    if crash:
        say(f"covid-tui: {in_turn(error_sentence(crash), tr('The details are in {path}.', path=terminal.log))}")
    if app.farewell:
        say(display_name(app.farewell))
    code = app.return_code or (1 if crash else 0)
    leash.let_go(code)  # what is left, be it a training or a library still loading, needs no shell
    if training and training.alive:
        heed(training.request_stop, deaf=SECONDS_OF_ONE_KILL)
        training.wait()
    threads.join(SECONDS_TO_STOP)  # all were asked to stop, and some have something to keep
    return code


async def _until_left(app: "Workbench", terminal: Terminal, threads: _Threads) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads)

    def hung_up() -> None:
        terminal.give_up()
        app.leave(128 + signal.SIGHUP)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, partial(app.leave, 128 + number))
    loop.add_signal_handler(signal.SIGHUP, hung_up)
    terminal.on_hangup(lambda: _soon(loop, hung_up))
    await app.run_async()


def _soon(loop: asyncio.AbstractEventLoop, tell: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the screen is gone already
        loop.call_soon_threadsafe(tell)
