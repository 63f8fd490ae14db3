"""A run's result in lines: its test, opened only after a question, its mistakes, and what its answers are worth."""

from engine.base.errors import ConfigError, RunError
from engine.base.language import tr
from engine.base.wording import counted
from engine.evaluation.predictions_table import worst_first
from engine.evaluation.result_files import read_test, was_tested
from engine.runs.directory import Run
from tui.cli.console import put
from tui.cli.plain.ask import MOST, agreed, allowed, asked
from tui.cli.plain.bench import Bench
from tui.words.numbers import as_share

SHUT = tr("Keep it shut")
OPEN = tr(
    "Open the test part of {name}? It is opened for good: who chooses again with its result in mind will find the next "
    "one too good."
)
NOT_TESTED = tr("{name} was not tested yet: its result says how, and opens its test part.")


def tell_result(bench: Bench, run: Run) -> None:
    """The run's result on its test part; where that is shut, ask before it is opened."""
    if was_tested(run) or allowed(OPEN.format(name=run.name), SHUT, tr("Open it")):
        bench.command("evaluate", run.path)


def tell_mistakes(bench: Bench, run: Run) -> None:
    """The test images, worst first, some at a time. Raises RunError where they can't be read."""
    _require_tested(run)
    answers = worst_first(run)
    wrong = [answer for answer in answers if answer.wrong]
    put(
        tr(
            "Worst first: {mistakes} in {images}",
            mistakes=counted(len(wrong), "mistake"),
            images=counted(len(answers), "image"),
        )
    )
    for place, answer in enumerate(wrong):
        put(
            tr(
                "{number} {file}: truth {truth}, said {said}, sure {sure}, before calibration {own}",
                number=place + 1,
                file=answer.file,
                truth=answer.truth,
                said=answer.said,
                sure=as_share(answer.sure),
                own=as_share(answer.own[answer.said]),
            )
        )
        left = len(wrong) - place - 1
        if (
            left
            and not (place + 1) % MOST
            and not agreed(tr("{mistakes} more. Say them?", mistakes=counted(left, "mistake")), tr("More"))
        ):
            return


def tell_worth(run: Run) -> None:
    """What an answer is worth where so many in a thousand have it, for as long as numbers are given.

    Raises RunError where the run has no threshold, or was not tested.
    """
    from engine.evaluation.prevalence import at_prevalence, rates_of
    from tui.cli.result_tables import put_worth

    _require_tested(run)
    test = read_test(run)
    rates, at = rates_of(test), test.operating
    if rates is None or at is None:
        raise RunError(
            tr(
                "{name} has no threshold, or its test lacks images on one side of it: there is no answer whose worth "
                "could be said.",
                name=run.name,
            )
        )
    question = tr("How many in 1,000 have {name}?", name=at.positive)
    about = tr("The rarer it is among those who are examined, the more of the alarms are false.")
    while (share := asked(question, _share, about)) is not None:
        put_worth(at_prevalence(rates, at.positive, share))


def _share(text: str) -> float:
    try:
        found = float(text.replace(",", "")) / 1000
    except ValueError:
        found = 0.0
    if not 0 < found < 1:  # NaN is none either
        raise ConfigError(tr("{text} is no number between 0 and 1,000.", text=text))
    return found


def _require_tested(run: Run) -> None:
    if not was_tested(run):
        raise RunError(NOT_TESTED.format(name=run.name))
