"""The entry point of `covid-tui`: every verb, its flags and its exit code.

Textual and TensorFlow are imported only inside the verbs that need them, so that help and version come at once. A verb
may be written with or without dashes: `covid-tui --train DATA` is `covid-tui train DATA`.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, ArgumentCollection, CycloptsError, Parameter, Token

from engine import __version__
from engine.config import PARTS, NetworkConfig, TrainConfig
from engine.errors import ConfigError, CovidTuiError
from tui import verbs
from tui.headless import say
from tui.settings import Protocol

for part in PARTS:
    Parameter(name="*")(part)  # each field becomes a flag of its own, without its group's name

Flat = Parameter(name="*", negative_bool="no-")
RUNS = Path("runs")
_RECIPES = ("--config", "--resume")


def _recipe_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Give the flags of `train` that are not on the command line the values of its --config FILE or --resume RUN."""
    if commands != ("train",):
        return
    named = {name: argument for argument in arguments for name in argument.names}
    given = {flag: Path(named[flag].tokens[-1].value).expanduser() for flag in _RECIPES if named[flag].tokens}
    if not given:
        return
    if len(given) > 1:
        raise ConfigError("--resume takes the recipe from the run: leave --config out.")
    from engine.runs import find
    from tui.recipe import load, parts

    apart: tuple[str, ...]
    if "--resume" in given:
        out = Path(named["--out"].tokens[-1].value) if named["--out"].tokens else RUNS
        recipe, apart = find(given["--resume"], out).config(), ("out", "name")
    else:
        recipe, apart = load(given["--config"]), ()
    for field in (field for part in parts() for field in part.fields if field.name not in apart):
        argument, value = named[field.flag], field.value(recipe)
        if value != field.default and not argument.has_tokens:
            argument.append(Token(keyword=field.flag, implicit_value=value, source="recipe"))


app = App(
    name="covid-tui",
    version=__version__,
    help="Train VGG16 on a folder of chest X-rays and learn how good it really is. Research and teaching only.",
    help_format="plaintext",
    help_epilogue="Exit codes: 0 done, 1 failed, 2 usage, 3 bad data, 130 or 143 stopped by a signal with work saved.",
    default_parameter=Parameter(negative_bool=()),
    config=_recipe_file,
)


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
    from tui.workbench import open_workbench

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
        recipe stays, but for --epochs, --patience, --checkpoint-minutes and --cache-limit. DATA says where the images
        are now, should they have moved.
    json
        Print each event as a line of JSON on stdout.
    """
    return verbs.train(data, recipe, json, resume)


@app.command
def scan(data: Path, *, classes: str = "", json: bool = False) -> int:
    """Say what a folder holds: classes, formats, sizes, sources, masks, duplicates, problems.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    classes
        Class folders to look at, separated by commas (all of them when empty).
    json
        Print one JSON object.
    """
    return verbs.scan(data, classes, json)


@app.command
def inspect(*files: Path, json: bool = False) -> int:
    """Say what image files are and what the network will see of them.

    Parameters
    ----------
    files
        Image files.
    json
        Print a line of JSON a file.
    """
    return verbs.inspect(list(files), json)


@app.command
def predict(
    *paths: Path, run: Path | None = None, out: Path = RUNS, csv: Path | None = None, json: bool = False
) -> int:
    """Say which class a run's model sees in images. For research and teaching only, not for diagnosis.

    Parameters
    ----------
    paths
        Image files, or folders of them.
    run
        The run to predict with, by name or path (the newest trained one when not given).
    out
        Folder that holds the run directories.
    csv
        Also write the predictions to this file.
    json
        Print a line of JSON a file.
    """
    return verbs.predict(list(paths), run, out, csv, json)


@app.command
def evaluate(run: Path, *, on: Path | None = None, out: Path = RUNS, json: bool = False) -> int:
    """Show how good a run is: on its own test part, opened once, or on another folder.

    Parameters
    ----------
    run
        The run, by name or path.
    on
        Another folder with the run's classes to measure it on.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    return verbs.evaluate(run, on, out, json)


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
def layers(*, network: Annotated[NetworkConfig, Flat] = NetworkConfig(), classes: int = 2, json: bool = False) -> int:  # noqa: B008
    """Show the network layer by layer: shapes, parameters, and which of them train.

    Parameters
    ----------
    classes
        Number of classes.
    json
        Print one JSON object.
    """
    return verbs.layers(network, classes, json)


@app.command
def doctor(*, clear_cache: bool = False, json: bool = False) -> int:
    """Say what this machine offers: versions, devices, precision, weights found, cache sizes.

    Parameters
    ----------
    clear_cache
        First remove everything from the caches that no training is using.
    json
        Print one JSON object.
    """
    return verbs.doctor(clear_cache, json)


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
    except CovidTuiError as error:
        say(f"covid-tui: {error}")
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe is gone; Python would complain when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        log = verbs.log_crash()
        say(f"covid-tui: an error of its own, {type(error).__name__}: {error} The details are in {log}.")
        return 1
