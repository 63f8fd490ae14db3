"""The language of all text that people read. The English sentence in the code is the key to its translation.

It is chosen once, when the process starts: by COVID_TUI_LANGUAGE, which the settings fill in, or else by the locale.
Codes, flags, field names, columns of tables and all else that programs read stay as they are in every language.
"""

import gettext
import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "COVID_TUI_LANGUAGE"
"""Holds "en", "zh_TW", or the path of a translator's own .mo file."""
LANGUAGES = {"en": "English", "zh_TW": "繁體中文"}
"""What there is, each by its own name."""
CATALOGUES = Path(__file__).parent / "catalogues"
COUNTED, NOUN = "counted", "noun"
"""The contexts of a noun that stands behind its number, and of one whose number stands elsewhere in its sentence."""
_TAGS = {"zh_TW": "zh-Hant-TW"}
_TRADITIONAL = ("zh_tw", "zh_hk", "zh_mo", "zh_hant")


def chosen(environment: Mapping[str, str]) -> str:
    """The language that the environment asks for: a name of LANGUAGES, or a path of a .mo file; English for others."""
    asked = environment.get(VARIABLE, "")
    if asked.endswith(".mo"):
        return asked
    for names in (asked, *(environment.get(name, "") for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))):
        if names:
            return next((language for name in names.split(":") if (language := _known(name))), "en")
    return "en"


def _known(locale: str) -> str:
    """The language of a locale such as zh_TW.UTF-8 or zh-Hant; empty where it is none of ours."""
    name = locale.partition(".")[0].partition("@")[0].replace("-", "_").lower()
    if name.startswith(_TRADITIONAL):
        return "zh_TW"
    return "en" if name in ("c", "posix") or name.partition("_")[0] == "en" else ""


def _catalogue(language: str) -> gettext.NullTranslations:
    """What is kept for the language: nothing for English, nor where a translator's file can't be read."""
    path = Path(language) if language.endswith(".mo") else CATALOGUES / f"{language}.mo"
    try:
        with path.open("rb") as file:
            return gettext.GNUTranslations(file)
    except (OSError, ValueError, UnicodeError):
        return gettext.NullTranslations()


LANGUAGE = chosen(os.environ)
_CATALOGUE = _catalogue(LANGUAGE)
_ENGLISH = dict[str, str]()
"""The messages that were translated, by their translations."""


def tag() -> str:
    """The language as pages name theirs: "en", "zh-Hant-TW"."""
    name = LANGUAGE if LANGUAGE in LANGUAGES else Path(LANGUAGE).stem
    return _TAGS.get(name, name.replace("_", "-"))


def tr(message: str, /, **values: object) -> str:
    """The sentence in the chosen language, with the values where their names stand in braces."""
    text = _CATALOGUE.gettext(message) if message else ""
    if values:
        return text.format(**values)
    if text != message:
        _ENGLISH[text] = message
    return text


def english(text: str) -> str:
    """The English of what `tr` gave for a message without values, for who searches by it; other texts as they are."""
    return _ENGLISH.get(text, text)


def trn(one: str, several: str, number: int, /, **values: object) -> str:
    """`one` or `several`, whichever goes with the number, in the chosen language; `{number}` stands for it."""
    return _CATALOGUE.ngettext(one, several, number).format(number=f"{number:,}", **values)


def noun_of(one: str, several: str, number: int, context: str) -> str:
    """The noun that goes with the number. With the context COUNTED a measure word, where a language has them, is part
    of it.
    """
    return _CATALOGUE.npgettext(context, one, several, number)


def marked(message: str) -> str:
    """The message as it is, for who collects all messages: where it is shown, `tr` translates it."""
    return message
