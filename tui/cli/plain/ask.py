"""A question on the terminal: numbered answers, or something to type. No drawing, no cursor that jumps."""

from collections.abc import Sequence

from engine.base.language import tr
from tui.cli.console import put
from tui.words.safe_text import display_name

BACK = "0"


class Left(Exception):
    """There is nobody to answer any more: the input has ended."""


def choose(question: str, answers: Sequence[str], back: str = tr("Back")) -> int:
    """The place of the answer that was chosen, from 0; -1 for going back. Raises Left, KeyboardInterrupt."""
    put(question)
    for number, answer in enumerate(answers, start=1):
        put(f"{number} {answer}")
    put(f"{BACK} {back}")
    while True:
        said = typed(tr("Number, 0 to {count}", count=len(answers)))
        if said.isascii() and said.isdigit() and 0 <= int(said[:9]) <= len(answers):
            return int(said) - 1
        put(tr("There is no answer {said}.", said=said) if said else tr("Type one of the numbers."))


def agreed(question: str, yes: str) -> bool:
    """Was the answer yes? The other one is harmless."""
    return choose(question, [yes], tr("No")) == 0


def typed(question: str) -> str:
    """What was typed in answer. Raises Left where the input ends, KeyboardInterrupt."""
    try:
        return input(f"{display_name(question)}: ").strip()
    except EOFError:
        raise Left from None
