"""The user's config.toml: keys, theme and how pictures are drawn. A file that can't be used is told, never fatal.

theme = "covid-light"
unicode = false
image_protocol = "auto"

[keys]
"train.stop" = "s,f8"
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

Protocol = Literal["auto", "halfblock", "sixel", "kitty", "grey"]


@dataclass(frozen=True)
class Settings:
    """What the user likes; `keys` maps ids of bindings to keys, `complaints` are sentences about the file."""

    theme: str = ""
    unicode: bool = False
    image_protocol: Protocol = "auto"
    keys: dict[str, str] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


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
        return Settings(complaints=(f"{path} can't be read and is passed over: {error}.",))
    good, complaints = {}, []
    for name, value in values.items():
        problem = _problem(name, value)
        if problem:
            complaints.append(f"{path}: {problem}")
        else:
            good[name] = value
    return Settings(**good, complaints=tuple(complaints))


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
    return f"there is no setting {name}."
