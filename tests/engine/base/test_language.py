"""What a translation was in English is known, for who searches by it."""

import gettext

import pytest

from engine.base import language
from engine.base.language import english, tr


class German(gettext.NullTranslations):
    """Two messages in another language."""

    def gettext(self, message: str) -> str:
        """What it knows."""
        return {"Leave": "Verlassen", "{n} images": "{n} Bilder"}.get(message, message)


def test_the_english_of_a_translation_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_CATALOGUE", German())
    monkeypatch.setattr(language, "_ENGLISH", {})
    assert tr("Leave") == "Verlassen" and english("Verlassen") == "Leave"
    assert tr("Stay") == english("Stay") == "Stay"


def test_what_holds_values_is_not_kept_as_there_is_no_end_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_CATALOGUE", German())
    monkeypatch.setattr(language, "_ENGLISH", {})
    assert tr("{n} images", n=3) == "3 Bilder" == english("3 Bilder") and not language._ENGLISH
