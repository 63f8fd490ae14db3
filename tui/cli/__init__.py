"""The entry point of `covid-tui`: every verb, its flags and its exit code.

Textual and TensorFlow are imported only inside the verbs that need them, so that help and version come at once. A verb
may be written with or without dashes: `covid-tui --train DATA` is `covid-tui train DATA`.
"""

import os
import sys

from cyclopts import CycloptsError

from tui import verbs
from tui.cli import data, results, training  # noqa: F401  (they join the app)
from tui.cli.app import app
from tui.headless import say

__all__ = ["main", "run"]


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code, having said in one sentence what went wrong where something did."""
    if arguments and arguments[0].startswith("--") and arguments[0][2:] in app:
        arguments = [arguments[0][2:], *arguments[1:]]
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except CycloptsError as error:
        say(f"covid-tui: {error} `covid-tui --help` lists what there is.")
        return 2
    except BrokenPipeError:
        # The reader of a pipe is gone; Python would complain when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return verbs.say_error(error)
