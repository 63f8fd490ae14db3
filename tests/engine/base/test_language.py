"""What a translation was in English is known, for who searches by it."""

import os
import subprocess
import sys

CODE = """
from engine.base.language import english, tr
known = tr("Keep")
print(known, english(known), tr("Stay as it is"), english("Stay as it is"))
print(english(tr("Deleted {names}: z undoes that.", names="a")))
"""


def said(language: str) -> list[str]:
    """What a process of that language prints."""
    environment = {**os.environ, "COVID_TUI_LANGUAGE": language, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout.split()


def test_the_english_of_a_translation_is_found_again() -> None:
    first, back, *rest = said("zh_TW")
    assert first != "Keep" == back and rest[:8] == ["Stay", "as", "it", "is", "Stay", "as", "it", "is"]


def test_what_holds_values_is_not_kept_as_there_is_no_end_of_them() -> None:
    assert "Deleted" not in said("zh_TW") and "Deleted" in said("en")
