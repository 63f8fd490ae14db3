"""From an error to a sentence on stderr and an exit code; the details of an internal one are kept."""

import traceback
from pathlib import Path

from engine.base.crash_log import keep_details
from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.base.wording import in_turn, unwritable
from tui.cli.console import say
from tui.words.error_text import error_sentence, expected


def say_error(error: Exception) -> int:
    """Say in one sentence what went wrong; gives the exit code."""
    say(f"covid-tui: {in_turn(error_sentence(error), '' if expected(error) else _where_kept())}")
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
        return tr("The details are in {path}.", path=log_crash())
    except OSError as refused:
        return tr("The details can't be kept: {sentence}", sentence=unwritable(tr("their file"), refused))
    except CovidTuiError as refused:
        return tr("The details can't be kept: {sentence}", sentence=refused)
