"""The verb `replay`: a run that is over, played back on the Train screen."""

import sys
from pathlib import Path

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.runs import directory as run_directories
from engine.runs.replay import USUAL_SPEED, recorded, require_speed
from tui.cli.app import RUNS


def replay(run: Path, *, speed: float = USUAL_SPEED, out: Path = RUNS) -> int:
    """Play a run that is over back on the Train screen of the workbench; nothing is trained.

    Parameters
    ----------
    run
        The run, by name or path.
    speed
        How many times as fast as it was trained, 0.25 to 4096.
    out
        Folder that holds the run directories.
    """
    require_speed(speed)
    chosen = run_directories.find(run, out)
    recorded(chosen)  # what can't be played is said at the shell
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            tr("replay needs a terminal: `covid-tui attach {name}` tells a run in lines.", name=chosen.name)
        )
    from tui.cli.workbench import open_workbench

    return open_workbench(None, chosen.path.parent, None, None, attached=chosen.path, speed=speed)
