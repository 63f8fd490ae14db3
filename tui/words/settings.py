"""The user's config.toml: keys, theme, language, how pictures are drawn, and the recipe that trainings begin with.

theme = "covid-light"
language = "zh_TW"
unicode = false
image_protocol = "auto"

[keys]
"train.stop" = "s,f8"

[recipe.fit]
batch = 16

In the workbench a part that can't be used is reported and passed over; a headless training refuses a wrong `recipe`.
"""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.typed_files import UnfitError, checked
from engine.base.wording import without_stop
from engine.network.freezing import plan
from engine.recipe.config import FIRST, TrainConfig
from engine.recipe.toml import from_toml
from tui.words.user_config import config_file

Protocol = Literal["auto", "halfblock", "quadrant", "sextant", "octant", "sixel", "kitty", "grey"]
"""How pictures are drawn; halfblock to octant are characters of two, four, six and eight pixels."""
Language = Literal["auto", "en", "zh_TW"]
"""Of all text, from the next start on; auto is the locale's."""
Key = Annotated[str, Meta(min_length=1)]
"""Of a binding, as Textual names it; several with commas between them."""


@dataclass(frozen=True)
class Settings:
    """What the user likes.

    `keys` maps ids of bindings to keys, `recipe` is what a training begins with, `complaints` are sentences about the
    file, `recipe_complaint` the one of them about the recipe.
    """

    theme: str = ""
    language: Language = "auto"
    unicode: bool = False
    image_protocol: Protocol = "auto"
    keys: dict[str, str] = field(default_factory=dict)
    recipe: TrainConfig = FIRST
    complaints: tuple[str, ...] = ()
    recipe_complaint: str = ""


@dataclass(frozen=True)
class _File:
    """What config.toml may hold."""

    theme: str = ""
    language: Language = "auto"
    unicode: bool = False
    image_protocol: Protocol = "auto"
    keys: dict[str, Key] = field(default_factory=dict)
    recipe: TrainConfig = field(default_factory=TrainConfig)


def load(path: Path | None = None) -> Settings:
    """The settings in `path` (the user's own file when not given); the defaults where there is none."""
    path = path or config_file()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        complaint = tr("{path} can't be read and is passed over: {error}.", path=path, error=error)
        return Settings(complaints=(complaint,), recipe_complaint=complaint)
    good: dict[str, Any] = {}
    complaints = dict[str, str]()
    for name, value in values.items():
        try:
            good[name] = _checked(name, value)
        except (ConfigError, UnfitError) as error:
            complaints[name] = tr("{path}: {reason}.", path=path, reason=without_stop(str(error)))
    return Settings(**good, complaints=tuple(complaints.values()), recipe_complaint=complaints.get("recipe", ""))


def _checked(name: str, value: Any) -> Any:
    """A setting of the file. Raises UnfitError or ConfigError where there is none of this name, or not this value."""
    if name not in (one.name for one in fields(_File)):
        raise UnfitError(tr("there is no setting {name}", name=name))
    if name == "recipe":
        return from_toml(value, plan)
    return getattr(checked({name: value}, _File), name)
