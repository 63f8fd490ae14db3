"""Where to begin: what is remembered from one time to the next, the folders and the last screen; and the sample."""

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import tui
from engine.base.errors import LinkError
from engine.base.files import private_dir, replacing
from engine.base.paths import is_folder
from engine.base.typed_files import opened

MOST = 9
"""Folders that are remembered: one a digit."""
MOST_BYTES = 2**16


@dataclass(frozen=True)
class Remembered:
    """`folders`, the latest first; `mode` names the screen that was open at the end."""

    folders: tuple[Path, ...] = ()
    mode: str = ""


def sample_data() -> Path | None:
    """The folder of drawn X-rays that comes with the source; None where it is not there."""
    places = (Path(tui.__file__).parents[1] / "sample_data", Path.cwd() / "sample_data")
    return next((place for place in places if is_folder(place)), None)


def memory_file() -> Path:
    """Where what is remembered lies."""
    import platformdirs

    return Path(platformdirs.user_state_dir("covid-tui", appauthor=False)) / "session.json"


class Memory:
    """The file at `path`, read once. What can't be read or written is forgotten: no work depends on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.now = _read(path)

    def opened(self, folder: Path) -> None:
        """This folder was opened and read."""
        others = [one for one in self.now.folders if one != folder]
        self._keep(dataclasses.replace(self.now, folders=(folder, *others)[:MOST]))

    def left(self, mode: str) -> None:
        """The workbench is left on this screen."""
        self._keep(dataclasses.replace(self.now, mode=mode))

    def recent(self) -> list[Path]:
        """The folders that are still there."""
        return [folder for folder in self.now.folders if is_folder(folder)]

    def _keep(self, now: Remembered) -> None:
        if now == self.now:
            return
        self.now = now
        text = json.dumps({"folders": [str(folder) for folder in now.folders], "mode": now.mode}, indent=1)
        with contextlib.suppress(OSError, LinkError):
            private_dir(self._path.parent)
            with replacing(self._path) as file:
                file.write(f"{text}\n".encode("ascii"))


def _read(path: Path) -> Remembered:
    try:
        with opened(path, MOST_BYTES) as file:
            found = json.loads(file.read())
        folders, mode = found.get("folders", []), found.get("mode", "")
        good = [Path(name) for name in folders if isinstance(name, str) and name and "\0" not in name]
        return Remembered(tuple(good[:MOST]), mode if isinstance(mode, str) else "")
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return Remembered()
