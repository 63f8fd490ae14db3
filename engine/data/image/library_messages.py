"""Pillow, pydicom and libtiff kept from writing to the terminal: what they say becomes an error or a note."""

import ctypes
import logging
import re
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

from PIL import Image

_HUSHED = ("ignore", None, Warning, re.compile(r"(PIL|pydicom)\."), 0)


def hush() -> None:
    """Keep the warnings of Pillow and pydicom off stderr: what they say becomes an ImageError or a note.

    The filter touches their modules alone and stays. `warnings.catch_warnings` is no way: it swaps the filters of
    the whole process, so two threads inside it undo each other.
    """
    if _HUSHED not in warnings.filters:
        warnings.filterwarnings("ignore", module=_HUSHED[3].pattern)
    _hush_loggers()
    _hush_libtiff()


@cache
def _hush_loggers() -> None:
    """Keep what Pillow logs of a file to itself; a logger without a handler writes to stderr, and TensorFlow's does."""
    logger = logging.getLogger("PIL")
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)


@cache
def _hush_libtiff() -> None:
    """Keep libtiff from writing to descriptor 2, across any screen: Pillow makes exceptions of its errors anyway."""
    home = Path(Image.__file__).parent
    for library in (*home.parent.glob("[Pp]illow.libs/libtiff*"), *home.glob(".dylibs/libtiff*")):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(str(library)).TIFFSetErrorHandler(None)
