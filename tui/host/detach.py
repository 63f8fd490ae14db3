"""A shell's prompt may come back before the work ends: a parent waits at the shell and can leave early.

The workbench runs in a child process from the start, forked before there is any thread. When its screen closes while
a training is under way, the child tells the parent to leave, becomes a process of its own, and trains on.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Leash:
    """The child's end: lets go of the shell."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def let_go(self, code: int) -> None:
        """Let the parent leave with this exit code; from here on no terminal and no shell knows this process."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, bytes([code]))
            os.close(self._descriptor)
        with contextlib.suppress(OSError):
            os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        os.close(nowhere)


def on_leash(work: Callable[[Leash], int]) -> int:
    """Run `work` in a child process; its exit code, or the one that it let go with."""
    sys.stdout.flush()
    sys.stderr.flush()
    ours, its = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        code = 1
        try:
            code = work(Leash(its))
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    os.close(its)
    for number in FORWARDED:
        signal.signal(number, lambda number, _: _send(child, number))
    signal.signal(signal.SIGCHLD, lambda number, frame: stop_with(child, number, frame))
    code_given = os.read(ours, 1)
    if code_given:
        return code_given[0]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _send(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def stop_with(child: int, number: int, frame: FrameType | None) -> None:
    """When the child is suspended, suspend the parent too, so that the shell takes the terminal back."""
    status = None
    with contextlib.suppress(ChildProcessError):  # the child has ended meanwhile
        status = os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOHANG)
    if status and status.si_code == os.CLD_STOPPED:
        os.kill(os.getpid(), signal.SIGSTOP)
