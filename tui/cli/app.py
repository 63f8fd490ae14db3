"""The command line's frame: the app that verbs join, and what they take from a saved recipe or the user's own."""

import contextlib
import dataclasses
import functools
import os
import typing
from pathlib import Path

from cyclopts import App, Argument, ArgumentCollection, Parameter, Token

from engine import __version__
from engine.base.errors import ConfigError
from engine.base.language import LANGUAGE, tr
from engine.base.paths import typed
from engine.base.wording import in_turn, listing, not_a_path
from engine.recipe.config import BY_HAND, PARTS, OutputConfig, Recipe, TrainConfig
from engine.recipe.lists import join_list
from engine.recipe.plans import AuditConfig, SweepConfig
from tui.cli.console import say
from tui.words.user_config import config_file

for part in (*PARTS, AuditConfig):
    Parameter(name="*")(part)  # each field becomes a flag of its own, without its group's name

Flat = Parameter(name="*", negative_bool="no-")
RUNS = OutputConfig().out
HAND_FLAGS = [f"--{name.replace('_', '-')}" for names in BY_HAND.values() for name in names]
NARROWEST, WIDEST = 40, 1000
"""Columns for which help is laid out; in less than three the flag library never comes to an end."""


def keep_width_sane() -> None:
    """See to it that text is laid out for a width that can be: COLUMNS may hold anything, and a terminal be tiny."""
    asked = os.environ.get("COLUMNS")
    if asked is not None and not (asked.isascii() and asked.isdigit() and int(asked[:9])):
        del os.environ["COLUMNS"]
        asked = None
    width = int(asked[:9]) if asked else _terminal_width()
    if width and not NARROWEST <= width <= WIDEST:
        os.environ["COLUMNS"] = str(min(max(width, NARROWEST), WIDEST))


def _terminal_width() -> int:
    """Columns of the terminal; 0 where there is none, or it does not tell."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            return os.get_terminal_size(descriptor).columns
    return 0


def one_classes_flag(arguments: list[str]) -> list[str]:
    """The command line with its --classes, where there are several of one name each, made one list of them."""
    named, rest, place = list[str](), list[str](), 0
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word == "--classes" or word.startswith("--classes="):
            place = place or len(rest)
            named.append(word.partition("=")[2] if "=" in word else next(words, ""))
        else:
            rest.append(word)
    if len(named) < 2:
        return arguments
    return [*rest[:place], f"--classes={join_list(named)}", *rest[place:]]


@functools.cache
def help_in_language() -> None:
    """See to it that the app's help is in the chosen language, and its texts are of whole lines: in the code they are
    broken and set in.
    """
    from tui.cli.help_text import put_in_place
    from tui.words.line_breaks import break_chinese

    put_in_place(app)
    if LANGUAGE != "en":
        break_chinese()


def _refuse_addresses(arguments: ArgumentCollection) -> None:
    """Raise ConfigError where a path was given that is an address."""
    for argument in arguments:
        if _is_path(argument.hint) or argument.name == "--weights":
            for token in argument.tokens:
                if "://" in token.value and (sentence := not_a_path(token.value)):
                    raise ConfigError(sentence)


def _is_path(hint: object) -> bool:
    return hint is Path or any(map(_is_path, typing.get_args(hint)))


def _recipe_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Give the recipe's flags that are not on the command line the values of --config FILE or --resume RUN, or else of
    the user's config.toml. A verb that takes no recipe looks for the runs where it has them.
    """
    _refuse_addresses(arguments)
    named = {name: argument for argument in arguments for name in argument.names}
    if "--epochs" not in named:
        _runs_folder(named, aloud=bool(commands))
        return
    from engine.recipe.fields import parts

    recipe, apart, source = _saved(named)
    _choose(named, recipe.choice.recipe)
    own = {"audit": AuditConfig, "sweep": SweepConfig}.get(" ".join(commands))
    if own:  # fields of its own by the same names
        apart += tuple(field.name for field in dataclasses.fields(own))
    taken = []
    for field in (field for part in parts() for field in part.fields if field.name not in apart):
        argument, value = named.get(field.flag), field.value(recipe)
        if argument is not None and value != field.default and not argument.has_tokens:
            argument.append(Token(keyword=field.flag, implicit_value=value, source="recipe"))
            taken.append(f"{field.flag} {field.text(value)}")
    if taken and source:
        say(tr("{source}: {flags}.", source=source, flags=listing(taken)))


def _runs_folder(named: dict[str, Argument], aloud: bool = True) -> Path:
    """The folder of the runs: that of --out, or else of the user's config.toml, which --out then is given."""
    argument = named.get("--out")
    if argument is None:
        return RUNS
    if argument.tokens:
        return Path(argument.tokens[-1].value)
    from tui.words import settings

    mine = settings.load()
    out = mine.recipe.output.out
    if mine.recipe_complaint and aloud:  # the workbench tells it on its screen
        say(in_turn(mine.recipe_complaint, tr("The runs are looked for under {folder}.", folder=RUNS)))
    if out != RUNS:
        argument.append(Token(keyword="--out", implicit_value=out, source="recipe"))
        if aloud:
            say(tr("{source}: {flags}.", source=config_file(), flags=f"--out {out}"))
    return out


def _saved(named: dict[str, Argument]) -> tuple[TrainConfig, tuple[str, ...], str]:
    """The recipe to begin with, the fields that are not taken from it, and its source where that must be named."""
    from engine.network.freezing import plan
    from engine.recipe.toml import load
    from engine.runs.directory import find
    from tui.words import settings

    given = _given(named)
    if len(given) > 1:
        raise ConfigError(tr("--resume takes the recipe from the run: leave --config out."))
    if "--config" in given:
        return load(given["--config"], plan), (), ""
    if "--resume" in given:
        if not _chief(named):  # its recipe comes from the chief, and the run need not lie here
            return TrainConfig(), (), ""
        return find(given["--resume"], _runs_folder(named)).config(), ("out", "name"), ""
    mine = settings.load()
    if mine.recipe_complaint:
        raise ConfigError(mine.recipe_complaint)
    return mine.recipe, (), str(config_file())


def _given(named: dict[str, Argument]) -> dict[str, Path]:
    """The recipe's file, or the run, that the command line names."""
    return {
        flag: typed(named[flag].tokens[-1].value)
        for flag in ("--config", "--resume")
        if flag in named and named[flag].tokens
    }


def _choose(named: dict[str, Argument], saved: Recipe) -> None:
    """Give --recipe its value: the one asked for, the report's where a flag says how to train, or else the saved one.

    Raises ConfigError where the recipe that chooses by itself is asked for and a flag says how to train.
    """
    asked = named.get("--recipe")
    if asked is None:
        return
    flags = [flag for flag in HAND_FLAGS if flag in named and named[flag].has_tokens]
    if asked.has_tokens:
        if flags and asked.tokens[-1].value == "auto":
            raise ConfigError(
                tr("--recipe auto chooses by itself how to train: leave out {flags}.", flags=listing(flags))
            )
        return
    value = "report" if flags and "--resume" not in _given(named) else saved
    asked.append(Token(keyword="--recipe", implicit_value=value, source="recipe"))


def _chief(named: dict[str, Argument]) -> bool:
    """Is this process the one that has the run, as far as the command line alone tells?"""
    from engine.training.cluster import seat

    return "--devices" not in named or not named["--devices"].tokens or seat(named["--devices"].tokens[-1].value).chief


app = App(
    name="covid-tui",
    version=__version__,
    help=(
        tr(
            "Train VGG16 or another network on a folder of chest X-rays and learn how good it really is. Research and "
            "teaching only."
        )
    ),
    help_format="plaintext",
    help_epilogue=tr(
        "Exit codes: 0 done, 1 failed, 2 usage, 3 bad data, 130 or 143 stopped by a signal with work saved."
    ),
    default_parameter=Parameter(negative_bool=()),
    config=_recipe_file,
)
