"""A question on the terminal: numbered answers, or something to type. No drawing, no cursor that jumps."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.base.outputs import require_new
from engine.recipe.fields import as_path
from tui.cli.console import put, say
from tui.words.safe_text import display_name
from tui.words.terms import terms_in

BACK, MORE = "0", "+"
ASKING = ("?", "？")
"""What ends a question, and asks what it is about; Chinese keyboards have the wide one."""
MOST = 20
"""Answers that are read out at once."""
HOW = tr("Type the number of an answer and enter. 0, or enter alone, goes back.")

T = TypeVar("T")


class Left(Exception):
    """There is nobody to answer any more: the input has ended."""


def choose(
    question: str, answers: Sequence[str], back: str = tr("Back"), about: str = "", enter_goes_back: bool = True
) -> int:
    """The place of the answer that was chosen, from 0; -1 for going back. `?` tells what it is `about`.

    Raises Left, KeyboardInterrupt.
    """
    put(question)
    told = _read_out(answers, 0)
    put(f"{BACK} {back}")
    while True:
        said = typed(tr("Number, 0 to {count}", count=len(answers)))
        if said.isascii() and said.isdigit() and int(said[:9]) <= len(answers):
            return int(said[:9]) - 1
        if said in ASKING:
            _explain(about, [question, *answers])
        elif said == MORE and told < len(answers):
            told = _read_out(answers, told)
        elif said:
            put(tr("There is no answer {said}.", said=said))
        elif enter_goes_back:
            return -1
        else:
            put(tr("Type one of the numbers."))


def _read_out(answers: Sequence[str], start: int) -> int:
    """Put so many answers as are read at once, from `start` on; the place behind the last."""
    end = min(len(answers), start + MOST)
    for number, answer in enumerate(answers[start:end], start=start + 1):
        put(f"{number} {answer}")
    if end < len(answers):
        put(tr("{sign} says the next of {count:,}", sign=MORE, count=len(answers)))
    return end


def _explain(about: str, texts: Sequence[str]) -> None:
    """What a question is about, and what the terms in it mean."""
    if about:
        put(about)
    for term, meaning in terms_in("\n".join(texts)):
        put(f"{term}: {meaning}")
    put(HOW)


def agreed(question: str, yes: str, about: str = "") -> bool:
    """Was the answer yes? The other one is harmless."""
    return choose(question, [yes], tr("No"), about) == 0


def allowed(question: str, harmless: str, yes: str, about: str = "") -> bool:
    """May it be done, though something is lost by it? The first answer is the harmless one."""
    return choose(question, [harmless, yes], about=about) == 1


def typed(question: str, about: str = "") -> str:
    """What was typed in answer, empty for going back. Raises Left where the input ends, KeyboardInterrupt."""
    while True:
        try:
            said = input(f"{display_name(question)}{'' if question.endswith(ASKING) else ':'} ").strip()
        except EOFError:
            raise Left from None
        if said not in ASKING or not about:
            return said
        put(about)


def asked(question: str, meant: Callable[[str], T], about: str = "", zero_counts: bool = False) -> T | None:
    """What was meant by what was typed, asked again for as long as that raises an error; None for going back, which 0
    does too unless it counts as a value.
    """
    while (said := typed(question, about)) and (zero_counts or said != BACK):
        try:
            return meant(said)
        except CovidTuiError as error:
            say(error)
    return None


def new_file(question: str, suffix: str) -> tuple[Path, bool] | None:
    """Where a result is to be written, and whether it may take the place of a file there; None for going back."""

    def meant(text: str) -> tuple[Path, bool]:
        path = as_path(text)
        path = path if path.suffix else path.with_suffix(suffix)
        there = path.is_file()
        require_new(path, suffix, force=there)
        return path, there

    found = asked(question, meant)
    if found and found[1] and not allowed(tr("{path} is there.", path=found[0]), tr("Keep it"), tr("Write over it")):
        return None
    return found
