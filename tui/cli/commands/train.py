"""The verb `train`: one training, new or gone on with; --seeds and --folds hand over to repeated ones."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

from engine.base.context import Context
from engine.base.errors import ConfigError, CovidTuiError
from engine.base.events import Event, Failed, Helped, Interrupted
from engine.base.language import tr
from engine.recipe.config import (
    TrainConfig,
)
from engine.runs import directory as run_directories
from tui.cli.app import Flat
from tui.cli.console import also_in, put, say
from tui.cli.progress import reporting
from tui.cli.signals import in_thread, stop_on_signals
from tui.words.event_text import summary


def train(
    data: Path | None = None,
    *,
    recipe: Annotated[TrainConfig, Flat] = TrainConfig(),  # noqa: B008
    config: Path | None = None,
    resume: Path | None = None,
    seeds: int = 0,
    folds: int = 0,
    json: bool = False,
) -> int:
    """Train on a folder of X-rays, keep the best epoch and test it.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    config
        A recipe's file, as the workbench saves it (TOML); the flags given here overrule it.
    resume
        A run, by name or path, to go on with: one that died or was stopped, or a finished one with more --epochs. Its
        recipe stays, but for --epochs, --patience, --checkpoint-minutes, --cache-limit and --devices. DATA says where
        the images are now, should they have moved.
    seeds
        Train so many times, with --seed and those that follow, and give mean and spread. The seed draws the split too,
        unless --split keeps it.
    folds
        Cross-validate: divide the images into so many folds, each tested once by a run trained on the others.
    json
        Print each event as a line of JSON on stdout.
    """
    if seeds or folds:
        if resume:
            raise ConfigError(tr("--resume goes on with one run: leave --seeds and --folds out."))
        from tui.cli.commands.repeat import repeat

        return repeat(data, recipe, seeds, folds, json)
    return train_once(data, recipe, json, resume)


def train_once(data: Path | None, config: TrainConfig, as_json: bool, resume: Path | None = None) -> int:
    """One training, of the recipe or, with `resume`, of that run; gives an exit code."""
    from engine.jobs import train as jobs
    from engine.training.cluster import seat

    with stop_on_signals() as (stop, signals), reporting(as_json) as show:
        failed: list[Failed] = []

        def emit(event: Event) -> None:
            """Show it, but for the end by an error, which is shown below: once, wherever the error came from."""
            if isinstance(event, Failed):
                failed.append(event)
            else:
                show(event)

        work: Callable[[], jobs.End]
        if not seat(config.machine.devices).chief:
            work = partial(jobs.assist, data, config, Context(emit, stop))
        elif resume:
            run = run_directories.find(resume, config.output.out)
            work = partial(jobs.resume, run, config, Context(emit, stop), data)
        elif data:
            work = partial(jobs.train, data, config, Context(emit, stop))
        else:
            raise ConfigError(tr("Name the folder of X-rays to train on: covid-tui --train DATA."))
        try:
            result = in_thread(work, signals)
        except CovidTuiError as error:
            if signals:
                say(error)
                return 128 + signals[0]
            if as_json:
                show(Failed(str(error)))
            raise
        except Exception:
            for event in failed if as_json else ():
                show(event)
            raise
    if isinstance(result, Interrupted):
        return 128 + signals[0] if signals else 0
    if isinstance(result, Helped):
        emit(result)
    elif not as_json:
        with also_in(result.run):
            for line in summary(result):
                put(line)
    return 0
