"""`make translations`: bring every .po file up to the code, compile it, and say what is still untranslated.

Leaves with 1 where a language lacks a message.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from engine.base.language import CATALOGUES, LANGUAGES
from translations.messages import ROOT, collected
from translations.messages import Message as Found

FOLDER = ROOT / "translations"
WIDTH = 120
UNKEPT = (b"#, fuzzy", b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Last-Translator', b'"Language-Team',
          b'"Report-Msgid', b'"Generated-By', b'"Project-Id-Version')  # fmt: skip
"""Lines of a .po file that say who and when; and guesses, of which there are none."""

NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)


def template() -> Catalog:
    """All messages of the code, without translations."""
    catalogue = Catalog(project="covid-tui", charset="utf-8")
    for message in collected():
        _add(catalogue, message)
    return catalogue


def _add(catalogue: Catalog, message: Found) -> None:
    text = (message.text, message.several) if message.several else message.text
    catalogue.add(text, locations=[(message.file, 0)], context=message.context)


def source(language: str) -> Path:
    """The .po file of a language."""
    return FOLDER / f"{language}.po"


def load(language: str) -> Catalog:
    """The translations of a language; an empty catalogue where it has none yet."""
    path = source(language)
    if not path.exists():
        return Catalog(
            locale=language, header_comment=f"# {LANGUAGES[language]}: the texts of covid-tui.", charset="utf-8"
        )
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """The language's catalogue with the messages of the code and no others; none is guessed from another's."""
    catalogue = load(language)
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def as_po(catalogue: Catalog) -> bytes:
    """The catalogue as its .po file: sorted and without dates, so that a change of the code moves nothing else."""
    out = io.BytesIO()
    write_po(out, catalogue, width=WIDTH, sort_output=True, include_lineno=False)
    kept = (line for line in out.getvalue().splitlines(keepends=True) if not line.startswith(UNKEPT))
    return b"".join(kept)


def as_mo(catalogue: Catalog) -> bytes:
    """The catalogue as `engine.base.language` reads it; without a date, so that the same texts are the same file."""
    catalogue.creation_date = catalogue.revision_date = NO_DATE
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """The messages that the language lacks."""
    return [str(message.id) for message in catalogue if message.id and not _translated(message)]


def _translated(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(texts) and not message.fuzzy


def main() -> int:
    """Update, compile and count; the exit code."""
    lacking = 0
    for language in sorted(LANGUAGES.keys() - {"en"}):
        catalogue = updated(language)
        source(language).write_bytes(as_po(catalogue))
        (CATALOGUES / f"{language}.mo").write_bytes(as_mo(catalogue))
        missing = untranslated(catalogue)
        lacking += len(missing)
        print(f"{language}: {len(catalogue):,} messages, {len(missing):,} of them untranslated")
        for text in missing[:20]:
            print(f"  {text}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
