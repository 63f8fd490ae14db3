"""Paths as users type them: any text is a path, and to ask what lies there never fails, whatever the answer is."""

import os
from pathlib import Path

from engine.base.errors import DataError
from engine.base.language import tr


def typed(text: str) -> Path:
    """The path that `text` means. A "~" stands for a home directory; where nobody has that name, for itself."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  (Path.expanduser raises where nobody has the name)


def is_folder(path: Path) -> bool:
    """Is there a folder? Where that may not be known, or the path is none that can be, there is none."""
    return os.path.isdir(path)  # noqa: PTH112  (Path.is_dir raises there)


def require_there(path: Path | None) -> None:
    """Raise DataError where the folder or image that was named is not there."""
    if path is not None and not is_there(path):
        raise DataError(tr("{path} does not exist: name a folder of X-rays, or an image file.", path=path))


def is_there(path: Path) -> bool:
    """Is there anything, as far as may be known?"""
    return os.path.exists(path)  # noqa: PTH110  (Path.exists raises there)
