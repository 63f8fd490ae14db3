"""The verb `completion`: a shell's completion of the verbs and their flags."""

from typing import Literal

from tui.cli.app import app, help_in_language
from tui.cli.console import put_raw


def completion(shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print what lets a shell complete the verbs and their flags: `source <(covid-tui completion bash)`.

    Parameters
    ----------
    shell
        The shell that is to read it.
    """
    help_in_language()
    put_raw(app.generate_completion(prog_name="covid-tui", shell=shell))
