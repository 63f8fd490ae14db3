"""The log of errors that nobody foresaw: their details, kept where the user can find them."""

import time
from pathlib import Path

from engine.base.files import open_private


def keep_details(log: Path, details: str) -> None:
    """Append `details`, such as a traceback, to the file `log` under the time of now.

    Raises OSError where that is impossible, LinkError where `log` is a link.
    """
    with open_private(log, "a") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{details}\n")
