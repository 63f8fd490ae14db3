"""The terminal, kept whole: a private copy for the screen, a log for what libraries print, and a way back.

Libraries of C and C++ write to descriptors 1 and 2. While the screen is up, these point at a log, and the screen is
drawn through a descriptor of its own. Where the terminal goes away, writing to it must neither fail nor block.
"""

import contextlib
import fcntl
import io
import os
import select
import struct
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from engine.base.errors import CovidTuiError
from engine.base.files import open_private
from engine.base.language import tr
from tui.host.private_apis import driver_on

if TYPE_CHECKING:
    from textual.driver import Driver

LOG_BYTES = 2**20
ATTRIBUTES = "\x1b[c"
"""Asks for the terminal's attributes, which every terminal answers."""
GRAPHICS = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
"""Asks for kitty's graphics; a terminal that has never heard of them may print the question."""
SECONDS_TO_ANSWER = 0.3
FIRST_VTE = 6200
"""VTE_VERSION of the first VTE, of GNOME's terminal and others, that draws characters of two by three blocks itself."""


@dataclass(frozen=True)
class Abilities:
    """What a terminal says that it can draw, and the size of its cells in pixels (0 where it does not tell)."""

    sixel: bool = False
    kitty: bool = False
    cell: tuple[int, int] = (0, 0)
    sextants: bool = False
    """Does it draw characters of two by three blocks itself, whatever its font has?"""


def draws_sextants(environment: Mapping[str, str]) -> bool:
    """Is this a terminal that is known to draw them itself: foot, WezTerm, kitty, Ghostty, or one of VTE from 0.62 on?

    What runs within tmux or screen may be shown by another terminal than the one that it was started in.
    """
    term = environment.get("TERM", "")
    if "TMUX" in environment or term.startswith(("tmux", "screen")):
        return False
    program, vte = environment.get("TERM_PROGRAM", ""), environment.get("VTE_VERSION", "")
    return (
        term.startswith(("foot", "xterm-kitty", "xterm-ghostty", "wezterm"))
        or program in ("WezTerm", "ghostty")
        or (not program and vte.isdecimal() and int(vte) >= FIRST_VTE)
    )


class Question:
    """The terminal's abilities, asked for at once and read when they are needed: imports go on meanwhile."""

    def __init__(self, descriptor: int) -> None:
        self._in, self._out = sys.stdin.fileno(), descriptor
        self._before = termios.tcgetattr(self._in)
        tty.setcbreak(self._in, termios.TCSANOW)
        kitty = any(name in os.environ.get("TERM", "") for name in ("kitty", "ghostty"))
        os.write(self._out, ((GRAPHICS if kitty else "") + ATTRIBUTES).encode())

    def answer(self) -> Abilities:
        """What the terminal answered, if it did in time; the terminal is put back as it was."""
        reply, until = b"", time.monotonic() + SECONDS_TO_ANSWER
        try:
            while not reply.endswith(b"c") and select.select([self._in], [], [], max(0, until - time.monotonic()))[0]:
                more = os.read(self._in, 1024)
                if not more:
                    break
                reply += more
        finally:
            termios.tcsetattr(self._in, termios.TCSANOW, self._before)
        attributes = reply.rpartition(b"\x1b[?")[2].removesuffix(b"c").split(b";")
        kitty = b"\x1b_Gi=31;OK" in reply
        return Abilities(b"4" in attributes, kitty, _cell(self._out), draws_sextants(os.environ))


def _cell(descriptor: int) -> tuple[int, int]:
    try:
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(descriptor, termios.TIOCGWINSZ, b"\0" * 8))
    except OSError:
        return 0, 0
    return (width // columns, height // rows) if rows and columns else (0, 0)


class _Unbreakable(io.TextIOWrapper):
    """A text file on the terminal whose writing never fails: a terminal that is gone takes everything."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().flush()


class Terminal:
    """The terminal while the screen is up. A context manager: inside, descriptors 1 and 2 lead to `log`."""

    def __init__(self, log: Path) -> None:
        """Raises CovidTuiError where there is no terminal, and on entry LinkError where `log` is a link."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CovidTuiError(tr("The workbench needs a terminal: `covid-tui --help` lists what works without one."))
        self.log = log
        self.descriptor = os.dup(sys.stdout.fileno())
        self._before = termios.tcgetattr(self.descriptor)
        self._saved = tuple(os.dup(number) for number in (1, 2))
        self.file: IO[str] = _Unbreakable(
            io.FileIO(self.descriptor, "w", closefd=False), encoding="utf-8", errors="replace", write_through=False
        )

    def __enter__(self) -> "Terminal":
        sys.stdout.flush()
        sys.stderr.flush()
        with open_private(self.log, "ab") as log:
            if os.fstat(log.fileno()).st_size > LOG_BYTES:
                log.truncate(0)
            for number in (1, 2):
                os.dup2(log.fileno(), number)
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        for number, saved in zip((1, 2), self._saved, strict=True):
            os.dup2(saved, number)

    def put_back(self) -> None:
        """Leave the alternate screen and mouse reporting and restore the line settings, whatever came before."""
        self.file.write("\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?2048l\x1b[?1004l\x1b[<u")
        self.file.write("\x1b[?7h\x1b[?1049l\x1b[?25h")
        self.file.flush()
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(self.descriptor, termios.TCSANOW, self._before)

    def give_up(self) -> None:
        """The terminal is gone: let everything that is still written or read go to and come from nowhere."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, self.descriptor, *self._saved):
            os.dup2(nowhere, number)
        os.close(nowhere)

    def on_hangup(self, call: Callable[[], None]) -> None:
        """Call `tell`, in a thread, when the terminal goes away, signalled or not."""

        def watch() -> None:
            poll = select.poll()
            poll.register(self.descriptor, 0)
            with contextlib.suppress(OSError):
                if poll.poll():
                    call()

        threading.Thread(target=watch, name="hangup", daemon=True).start()

    def driver(self) -> "type[Driver]":
        """Textual's driver, drawing through this terminal, and asking it, not descriptor 1, for its size."""
        return driver_on(self.file, self.descriptor)
