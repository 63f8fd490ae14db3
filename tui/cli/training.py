"""The verbs that train and that look after trainings, the workbench among them."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from engine.base.errors import ConfigError
from engine.recipe.config import AugmentConfig, DataConfig, FitConfig, MachineConfig, NetworkConfig, TrainConfig
from tui.cli import verbs
from tui.cli.app import RUNS, Flat, app
from tui.cli.outputs import Writes
from tui.cli.progress import put_raw
from tui.words.settings import Protocol


@app.default
def workbench(
    data: Path | None = None,
    *,
    out: Path = RUNS,
    image_protocol: Protocol | None = None,
    unicode: Annotated[bool | None, Parameter(negative_bool="no-")] = None,
) -> int:
    """Open the workbench.

    Parameters
    ----------
    data
        Folder of X-rays to open, or an image file to predict.
    out
        Folder that holds the run directories.
    image_protocol
        How X-rays are drawn: as the terminal can (auto), or by force in one way.
    unicode
        Use richer signs than the box and block characters that every terminal font has.
    """
    from tui.cli.workbench import open_workbench

    return open_workbench(data, out, image_protocol, unicode)


@app.command
def attach(run: Path, *, out: Path = RUNS) -> int:
    """Show a run as it trains, in the workbench or, without a terminal, as lines; `s` asks it to stop.

    Parameters
    ----------
    run
        The run, by name or path.
    out
        Folder that holds the run directories.
    """
    return verbs.attach(run, out)


@app.command
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
            raise ConfigError("--resume goes on with one run: leave --seeds and --folds out.")
        from tui.cli import judging

        return judging.repeat(data, recipe, seeds, folds, json)
    return verbs.train(data, recipe, json, resume)


@app.command
def lr_find(
    data: Path,
    *,
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    augment: Annotated[AugmentConfig, Flat] = AugmentConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    fit: Annotated[FitConfig, Flat] = FitConfig(),  # noqa: B008
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    orders: int = 0,
    plot: Annotated[Path | None, Writes(".svg", beside=True)] = None,
    force: bool = False,
    json: bool = False,
) -> int:
    """Find the learning rate for a recipe: a step at each of many rates (range test); train --lr auto does the same.

    All flags of a recipe can be given; of several phases the first is tested, and --lr itself counts for nothing.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    low
        The first rate.
    high
        The last rate; a loss that grows without end stops the test before it.
    steps
        Rates between the two, evenly spread on a logarithmic scale.
    orders
        Orders of the images over which the test is repeated (0: five for the head alone, one where convolutions train).
    plot
        Draw loss against rate into this SVG file.
    force
        Let --plot replace a file.
    json
        Print one JSON object.
    """
    from tui.cli.commands import lr_find as ratefinding

    recipe = TrainConfig(images, network, augment, fit, machine)
    return ratefinding.lr_find(data, recipe, low, high, steps, orders, plot, force, json)


@app.command
def runs(*, out: Path = RUNS, json: bool = False) -> int:
    """List the runs, newest first, with their state and result.

    Parameters
    ----------
    out
        Folder that holds the run directories.
    json
        Print a line of JSON a run.
    """
    return verbs.runs(out, json)


@app.command
def layers(
    *,
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    classes: int = 2,
    suggest: Path | None = None,
    json: bool = False,
) -> int:
    """Show the network layer by layer: shapes, parameters, and which of them train.

    Parameters
    ----------
    classes
        Number of classes.
    suggest
        A folder of X-rays: say which block its images pull at hardest, by one pass of gradients after a linear probe.
    json
        Print one JSON object.
    """
    if suggest:
        from tui.cli.commands import sweep

        return sweep.suggest(suggest, TrainConfig(network=network), json)
    return verbs.layers(network, classes, json)


@app.command
def doctor(*, clear_cache: bool = False, repair: bool = False, out: Path = RUNS, json: bool = False) -> int:
    """Say what this machine offers, and what killed processes left half-written in the runs and the caches.

    Parameters
    ----------
    clear_cache
        First remove everything from the caches that no training is using.
    repair
        Mend or remove what is half-written, and nothing else.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    return verbs.doctor(clear_cache, repair, out, json)


@app.command
def completion(shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print what lets a shell complete the verbs and their flags: `source <(covid-tui completion bash)`.

    Parameters
    ----------
    shell
        The shell that is to read it.
    """
    put_raw(app.generate_completion(prog_name="covid-tui", shell=shell))
