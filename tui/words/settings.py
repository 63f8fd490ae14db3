"""The user's config.toml: keys, theme, how pictures are drawn, and the recipe that trainings begin with.

theme = "covid-light"
unicode = false
image_protocol = "auto"

[keys]
"train.stop" = "s,f8"

[recipe.fit]
batch = 16

In the workbench a part that can't be used is reported and passed over; a headless training refuses a wrong `recipe`.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from engine.base.errors import ConfigError
from engine.network.freezing import plan
from engine.recipe.config import TrainConfig
from engine.recipe.toml import from_toml

Protocol = Literal["auto", "halfblock", "sixel", "kitty", "grey"]


@dataclass(frozen=True)
class Settings:
    """What the user likes.

    `keys` maps ids of bindings to keys, `recipe` is what a training begins with, `complaints` are sentences about the
    file, `recipe_complaint` the one of them about the recipe.
    """

    theme: str = ""
    unicode: bool = False
    image_protocol: Protocol = "auto"
    keys: dict[str, str] = field(default_factory=dict)
    recipe: TrainConfig = field(default_factory=TrainConfig)
    complaints: tuple[str, ...] = ()
    recipe_complaint: str = ""


def config_file() -> Path:
    """Where the user's settings lie."""
    import platformdirs

    return Path(platformdirs.user_config_dir("covid-tui", appauthor=False)) / "config.toml"


def load(path: Path | None = None) -> Settings:
    """The settings in `path` (the user's own file when not given); the defaults where there is none."""
    path = path or config_file()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        complaint = f"{path} can't be read and is passed over: {error}."
        return Settings(complaints=(complaint,), recipe_complaint=complaint)
    good: dict[str, Any] = {}
    complaints, about_recipe = list[str](), ""
    for name, value in values.items():
        problem = _problem(name, value)
        if problem:
            complaints.append(f"{path}: {problem}")
            about_recipe = complaints[-1] if name == "recipe" else about_recipe
        else:
            good[name] = from_toml(value, plan) if name == "recipe" else value
    return Settings(**good, complaints=tuple(complaints), recipe_complaint=about_recipe)


def _problem(name: str, value: Any) -> str:
    match name:
        case "theme":
            return "" if isinstance(value, str) else "theme must be a name in quotes."
        case "unicode":
            return "" if isinstance(value, bool) else "unicode must be true or false."
        case "image_protocol":
            choices = ", ".join(get_args(Protocol))
            return "" if value in get_args(Protocol) else f"image_protocol must be one of {choices}."
        case "keys":
            good = isinstance(value, dict) and all(isinstance(key, str) and key for key in value.values())
            return "" if good else 'a key is written as "train.stop" = "s".'
        case "recipe":
            return _recipe_problem(value)
    return f"there is no setting {name}."


def _recipe_problem(value: Any) -> str:
    if not isinstance(value, dict):
        return "recipe must be a table of the recipe's parts, such as [recipe.fit]."
    try:
        from_toml(value, plan)
    except (ConfigError, TypeError) as error:
        return f"recipe: {error}"
    return ""
