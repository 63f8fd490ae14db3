"""An error as one sentence for people, whatever front end shows it."""

import sys

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.base.wording import UNWRITABLE, unwritable


def error_sentence(error: BaseException) -> str:
    """What went wrong, in one sentence; an error that no other place foresaw is called internal."""
    return expected(error) or tr("Internal error, {kind}: {error}", kind=type(error).__name__, error=error)


def expected(error: BaseException) -> str:
    """A sentence on an error that the user can understand and mend; empty for an internal one."""
    if isinstance(error, CovidTuiError):
        return str(error)
    if isinstance(error, OSError) and error.errno in UNWRITABLE:
        return unwritable(error.filename or tr("a file of this command"), error)
    if isinstance(error, UnicodeEncodeError) and error.encoding == sys.getfilesystemencoding():
        return tr(
            "{name} can't be named in this locale ({encoding}): set LC_ALL=C.UTF-8.",
            name=error.object,
            encoding=error.encoding,
        )
    return ""
