"""The verb `plain`: the workbench as questions and numbered answers."""

import contextlib
import os
from pathlib import Path

from engine.base.errors import DataError
from engine.base.language import tr
from tui.cli.app import RUNS


def plain(data: Path | None = None, *, out: Path = RUNS) -> int:
    """Do everything by questions and numbered answers, a line each, for screen readers and simple terminals.

    Nothing is drawn and no line is drawn over. Each answer says which command it runs.

    Parameters
    ----------
    data
        Folder of X-rays to begin with.
    out
        Folder that holds the run directories.
    """
    from tui.cli import run
    from tui.cli.console import in_lines
    from tui.cli.plain.ask import Left
    from tui.cli.plain.bench import Bench
    from tui.cli.plain.menu import loop
    from tui.state.memory import Memory, memory_file

    if data is not None and not data.is_dir():
        raise DataError(tr("{data} is no folder: name a folder of X-rays.", data=data))
    os.environ["TERM"] = "dumb"  # progress comes in lines
    os.environ["NO_COLOR"] = "1"
    with contextlib.suppress(Left), in_lines():
        loop(Bench(data, out, run, Memory(memory_file())))
    return 0
