"""The command line's frame: the app that verbs join, and what `train` takes from a saved recipe."""

from pathlib import Path

from cyclopts import App, ArgumentCollection, Parameter, Token

from engine import __version__
from engine.config import PARTS
from engine.errors import ConfigError

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
