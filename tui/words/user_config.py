"""Where the user's config.toml lies, and the one setting that counts before any sentence is imported: the language.

The command line imports this first; all else in the file is read by `tui.words.settings`. The names of the language
stand in `engine.base.language`, which reads what is set here as it is imported.
"""

import os
import tomllib
from pathlib import Path

VARIABLE = "COVID_TUI_LANGUAGE"


def config_file() -> Path:
    """Where the user's settings lie."""
    import platformdirs

    return Path(platformdirs.user_config_dir("covid-tui", appauthor=False)) / "config.toml"


def language(path: Path) -> str:
    """The language that the file names; empty for "auto" or none, and where it can't be read: `settings` says so."""
    try:
        named = tomllib.loads(path.read_text(encoding="utf-8")).get("language", "")
    except (OSError, ValueError):
        return ""
    return named if isinstance(named, str) and named != "auto" else ""


if not os.environ.get(VARIABLE) and (asked := language(config_file())):
    os.environ[VARIABLE] = asked  # for the processes that this one starts, too
