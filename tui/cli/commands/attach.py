"""The verb `attach`: a run followed as it trains, in the workbench or as lines."""

import sys
import time
from pathlib import Path

from engine.base.errors import RunError
from engine.base.events import Finished
from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import put
from tui.cli.progress import reporting
from tui.cli.signals import stop_on_signals
from tui.words.event_text import summary

SECONDS_BETWEEN_LOOKS = 0.5


def attach(run: Path | None = None, *, out: Path = RUNS) -> int:
    """Show a run as it trains, in the workbench or, without a terminal, as lines; `s` asks it to stop.

    Parameters
    ----------
    run
        The run, by name or path; the one that is live, where one alone is.
    out
        Folder that holds the run directories.
    """
    chosen = run_directories.find(run, out) if run else run_directories.live(out)
    if sys.stdin.isatty() and sys.stdout.isatty():
        from tui.cli.workbench import open_workbench

        return open_workbench(None, chosen.path.parent, None, None, attached=chosen.path)
    from engine.runs.watch import Tail

    tail = Tail(chosen)
    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        while not stop.is_set():
            live = chosen.state() == "live"
            while events := tail.read():
                for at, event in events:
                    emit(event, at)
                    for line in summary(event) if isinstance(event, Finished) else ():
                        put(line)
            if not live:
                if tail.trouble:
                    raise RunError(tail.trouble)
                return 0
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return 128 + signals[0]
