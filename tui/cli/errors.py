"""From an error to a sentence on stderr and an exit code; the details of an internal one are kept."""

import traceback
from pathlib import Path

from engine.base.crash_log import keep_details
from engine.base.errors import CovidTuiError
from engine.base.wording import unwritable
from tui.cli.console import say
from tui.words.error_text import error_sentence, expected


def say_error(error: Exception) -> int:
    """Say in one sentence what went wrong; gives the exit code."""
    say(f"covid-tui: {error_sentence(error)}{'' if expected(error) else f' {_where_kept()}'}")
    return error.exit_code if isinstance(error, CovidTuiError) else 1


def log_crash() -> Path:
    """Keep the traceback of the error at hand where the user can find it; gives that file.

    Raises OSError or a CovidTuiError where that is impossible.
    """
    from engine.base.runtime import cache_dir

    path = cache_dir() / "error.log"
    keep_details(path, traceback.format_exc())
    return path


def _where_kept() -> str:
    try:
        return f"The details are in {log_crash()}."
    except OSError as refused:
        return f"The details can't be kept: {unwritable('their file', refused)}"
    except CovidTuiError as refused:
        return f"The details can't be kept: {refused}"
