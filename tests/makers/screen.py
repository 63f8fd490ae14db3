"""A real pseudo-terminal with the workbench in it, read through a terminal emulator."""

import contextlib
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
from rich.cells import cell_len

QUESTION = b"\x1b[c"
ANSWER = b"\x1b[?62;22c"
UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>][0-9]*u")


class Terminal:
    """A child on a pseudo-terminal; `rows` is what its screen shows, `raw` all that it ever wrote."""

    def __init__(
        self, arguments: list[str], columns: int = 100, lines: int = 30, prelude: str = "", **environment: str
    ) -> None:
        """`prelude` is Python that runs in the child before the command."""
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        env.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
        command = ["-c", f"{prelude}\nfrom tui.cli import main; main()", *arguments]
        self.began = time.monotonic()
        self.child = pexpect.spawn(sys.executable, command, env=env, dimensions=(lines, columns), timeout=10)
        self.raw = b""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def rows(self) -> str:
        """The screen's text."""
        return "\n".join(map("".join, self.cells))

    @property
    def cells(self) -> list[list[str]]:
        """The screen's text cell by cell; a wide character stands in its first, and nothing in its second."""
        width = self._screen.columns
        return [[self._screen.buffer[line][x].data for x in range(width)] for line in range(self._screen.lines)]

    def read(self, seconds: float = 0.02) -> bool:
        """Take in what the child writes; False when it has closed the terminal."""
        try:
            new = self.child.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        if QUESTION in new:
            self.child.send(ANSWER)
        self.raw += new
        self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", new))
        return True

    def until(self, holds: "str | Callable[[Terminal], bool]", seconds: float = 45.0) -> float:
        """Wait until the screen shows this text, or this holds; the seconds since the start."""
        test = (lambda terminal: holds in terminal.rows) if isinstance(holds, str) else holds
        end = time.monotonic() + seconds
        while not test(self):
            if not self.read() and not test(self):
                raise AssertionError(f"closed before {holds!r} came:\n{self.rows}")
            assert time.monotonic() < end, f"{holds!r} did not come:\n{self.rows}"
        return time.monotonic() - self.began

    def press(self, keys: str) -> None:
        """Type."""
        self.child.send(keys)

    def click(self, words: str) -> None:
        """Press and let go the left button on the first place where the screen shows this text."""
        for line, row in enumerate(self.rows.splitlines(), start=1):
            cells = cell_len(row[: row.find(words)]) if words in row else -1
            if cells >= 0:
                at = f"0;{cells + 1};{line}"
                self.press(f"\x1b[<{at}M\x1b[<{at}m")
                return
        raise AssertionError(f"{words!r} is not there:\n{self.rows}")

    def kill(self, number: int) -> None:
        """Send the command itself a signal."""
        os.kill(self.child.pid, number)

    def wait(self, seconds: float = 45.0) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + seconds
        while self.child.isalive():
            assert time.monotonic() < end, f"did not end:\n{self.rows}"
            if not self.read(0.1):
                self.child.wait()
        while self.read(0.1) and time.monotonic() < end and self._more():
            pass
        signalled = 128 + (self.child.signalstatus or 0)
        return signalled if self.child.exitstatus is None else int(self.child.exitstatus)

    def _more(self) -> bool:
        return bool(select.select([self.child.child_fd], [], [], 0.1)[0])

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self.child.child_fd)

    @property
    def left_alternate_screen(self) -> bool:
        """Was the alternate screen entered, and then left for good?"""
        entered, left = self.raw.rfind(b"\x1b[?1049h"), self.raw.rfind(b"\x1b[?1049l")
        return 0 <= entered < left


@contextlib.contextmanager
def workbench(*arguments: str | Path, cache: Path, **named: Any) -> Iterator[Terminal]:
    """The workbench started with these arguments; killed at the end if it still runs."""
    terminal = Terminal(
        [str(argument) for argument in arguments],
        COVID_TUI_CACHE=str(cache),
        XDG_CONFIG_HOME=str(cache),
        XDG_STATE_HOME=str(cache),
        **named,
    )
    try:
        yield terminal
    finally:
        with contextlib.suppress(OSError):
            os.killpg(terminal.child.pid, signal.SIGKILL)  # the one at the shell, and the one that it waits for
        with contextlib.suppress(OSError):
            terminal.child.close(force=True)
