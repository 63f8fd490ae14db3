"""The settings by questions, kept in the user's config.toml; and what a word means."""

from typing import get_args

from engine.base.language import LANGUAGES, tr
from tui.cli.console import put
from tui.cli.plain.ask import choose, typed
from tui.words import settings as user_settings
from tui.words.settings import Language, Protocol
from tui.words.settings_file import Value, save
from tui.words.terms import TERMS, terms_in
from tui.words.user_config import config_file

THEMES = ("covid-dark", "covid-light", "ansi-dark", "ansi-light")
"""Those of the workbench that were made for it, and the terminal's own colours; it has more."""
NEXT_TIME = tr("Kept in {file}, from the next start on.")
ABOUT = tr("The language counts here and in the workbench; all else is about how the workbench looks.")


def change_settings() -> None:
    """Ask which setting, and its value, until nobody wants another. Raises ConfigError where it can't be kept."""
    while True:
        now = user_settings.load()
        signs = tr("yes") if now.unicode else tr("no")
        place = choose(
            tr("Which setting?"),
            (
                tr("Language: {value}", value=_language(now.language)),
                tr("Theme of the workbench: {value}", value=now.theme or THEMES[0]),
                tr("Pictures of the workbench: {value}", value=now.image_protocol),
                tr("Richer signs in the workbench: {value}", value=signs),
            ),
            about=ABOUT,
        )
        if place < 0:
            return
        name, values = (
            ("language", get_args(Language)), ("theme", THEMES), ("image_protocol", get_args(Protocol)),
            ("unicode", (False, True)),
        )[place]  # fmt: skip
        shown = [_language(value) if name == "language" else _shown(value) for value in values]
        if (which := choose(tr("Which value?"), shown)) >= 0:
            save(config_file(), (name,), values[which])
            put(NEXT_TIME.format(file=config_file()))


def _shown(value: Value) -> str:
    return (tr("yes") if value else tr("no")) if isinstance(value, bool) else str(value)


def _language(name: str) -> str:
    return {"auto": tr("the system's"), **LANGUAGES}[name]


def explain_words() -> None:
    """Say what a term means, for as long as one is typed."""
    listed = tr(", ").join(map(tr, TERMS))
    while word := typed(tr("Which word? A question mark lists those that are known"), listed):
        found = terms_in(word)
        for term, meaning in found:
            put(f"{term}: {meaning}")
        if not found:
            put(tr("{word} is not among the words that are explained.", word=word))
