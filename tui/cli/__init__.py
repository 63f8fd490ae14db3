"""The entry point of `covid-tui`: every verb, its flags and its exit code.

Textual and TensorFlow are imported only inside the verbs that need them, so that help and version come at once. A verb
may be written with or without dashes: `covid-tui --train DATA` is `covid-tui train DATA`.
"""

import tui.words.user_config  # noqa: F401

# isort: split
# The language is set by now, before any sentence is imported.
import os
import sys

from cyclopts import CycloptsError

from engine.base import streams
from engine.base.language import tr
from engine.base.wording import in_turn
from tui.cli.app import app, help_in_language, keep_width_sane, one_classes_flag
from tui.cli.commands import VERBS
from tui.cli.commands.workbench import workbench as without_verb
from tui.cli.console import ReaderGone, require_written, say
from tui.cli.errors import say_error
from tui.cli.outputs import require_new_outputs

__all__ = ["app", "main", "run"]

app.default(without_verb)
for verb in VERBS:
    app.command(f"tui.cli.commands.{verb}:{verb}")


def main() -> None:
    """Run the command line and leave with its exit code."""
    streams.prepare()
    code = run(sys.argv[1:])
    if sys.argv[1:2] == ["predict"]:
        leave(code)
    sys.exit(code)


def leave(code: int) -> None:
    """End this process at once: Python takes a sixth of a second to take apart what one prediction has loaded.

    What decodes DICOM frames beside it ends by itself, as its input does. Returns where the last words could not be
    written, so that the usual end says so.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code, having said in one sentence what went wrong where something did."""
    if arguments and arguments[0].startswith("--") and arguments[0][2:] in app:
        arguments = [arguments[0][2:], *arguments[1:]]
    keep_width_sane()
    if {"--help", "-h"} & set(arguments):
        for name in app:
            app[name]  # loads it, as the help of all shows what each does
        help_in_language()
    try:
        command, bound, _ = app.parse_args(one_classes_flag(arguments), exit_on_error=False, print_error=False)
        require_new_outputs(command, bound)
        code = command(*bound.args, **bound.kwargs)
        if not isinstance(code, int):  # what only prints: help, the version, a completion
            sys.stdout.flush()
            require_written()
        return code if isinstance(code, int) else 0
    except CycloptsError as error:
        from tui.cli.usage_errors import usage_sentence

        hint = tr("`covid-tui --help` lists what there is.")
        say(f"covid-tui: {in_turn(usage_sentence(error), hint)}")
        return 2
    except ReaderGone:
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return say_error(error)
