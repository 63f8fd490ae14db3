"""Folders that many workbenches of one process open: their images are read once, as that takes seconds."""

from pathlib import Path

from engine.base.context import Context
from engine.data.records import Scan
from engine.recipe.config import DataConfig
from tui.state.session import scan_folder

SAME = ("sample_data", "dozen")
"""How the names of such folders begin."""
FOUND = dict[object, Scan]()
"""By the folder, how it is read, and the name, size and age of each file in it."""


def scanned(folder: Path, wanted: DataConfig, context: Context) -> Scan:
    """As the workbench reads a folder."""
    if not folder.name.startswith(SAME) or wanted.follow_links or wanted.label_table:
        return scan_folder(folder, wanted, context)
    found = ((str(file), file.lstat()) for file in folder.rglob("*"))
    files = sorted((name, about.st_size, about.st_mtime_ns) for name, about in found)
    key = folder, wanted.near_duplicates, *files
    if key not in FOUND:
        FOUND[key] = scan_folder(folder, wanted, context)
    return FOUND[key]
