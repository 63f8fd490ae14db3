"""A list as one text, as it is typed: items with commas between them."""

import csv
import io
from collections.abc import Sequence

from engine.base.errors import ConfigError
from engine.base.language import tr


def split_list(text: str) -> tuple[str, ...]:
    """The comma-separated items of `text`, stripped; double quotes protect a comma inside an item.

    Raises ConfigError where the quotes, or a line's end between them, make no such list.
    """
    if not text.strip():
        return ()
    try:
        row = next(csv.reader([text], skipinitialspace=True))
    except csv.Error as error:
        raise ConfigError(
            tr("This is no list with commas between its items ({error}): {text!r}.", error=error, text=text[:80])
        ) from None
    return tuple(item.strip() for item in row if item.strip())


def join_list(items: Sequence[str]) -> str:
    """The text that `split_list` takes apart into these items."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(items)
    return text.getvalue()[:-1]
