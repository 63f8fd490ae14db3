"""How fast this machine is just now: what a start takes is held against a start whose work is always the same."""

import os
import subprocess
import sys
import time

LIBRARIES = "import cyclopts, rich.console, numpy"
"""Takes 0.13 s where the help takes 0.25 s and the prediction of one file 0.72 s: an AMD EPYC, two quiet cores."""


def seconds(command: list[str], **environment: str) -> float:
    """Wall seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env={**os.environ, **environment})
    return time.perf_counter() - start


def library_seconds(**environment: str) -> float:
    """Wall seconds of a fresh Python that loads libraries and does nothing."""
    return seconds([sys.executable, "-c", LIBRARIES], **environment)
