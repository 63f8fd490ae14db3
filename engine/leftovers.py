"""What killed processes left half-written in the runs and the caches: found, and mended or removed one by one.

A training or a cache needs none of this to go on: each repairs what it meets. This is for whoever wants to know, or
wants the space. What a living process holds is never touched.
"""

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine import caches, export
from engine.dataset import pixels
from engine.errors import RunError
from engine.eventlog import whole_lines
from engine.files import open_private
from engine.runs import SPLIT, Run, all_runs
from engine.training import checkpoint, features

Kind = Literal["died", "part", "torn", "point", "pixels", "features"]
_PART = re.compile(r"\.(?:.+\.)?(\d+)\.part(?:\..+)?|\.[\d-]+\.part|(\d+)-[0-9a-f]{16}\.tmp")


@dataclass(frozen=True)
class Leftover:
    """Something half-written: where, what it is, and what helps, each as part of a sentence."""

    path: Path
    kind: Kind
    what: str
    remedy: str
    lock: Path | None = None
    """Held by whoever writes there."""

    def to_dict(self) -> dict[str, str]:
        """As JSON values."""
        return {"path": str(self.path), "kind": self.kind, "what": self.what, "remedy": self.remedy}


def find(out: Path, cache: Path, keras: Path) -> list[Leftover]:
    """All leftovers of the runs under `out`, of the cache folder, and of downloads into Keras's folder `keras`."""
    found = [left for run in all_runs(out) if run.state() != "live" for left in _in_run(run)]
    places = [*_folders(out, holding="config.json"), cache, cache / "pixels", cache / "weights", keras / "models"]
    places += _folders(cache / "features")
    found += [left for place in places for left in _parts(place)]
    found += [Leftover(path, "pixels", f"decoded images, {why}", "removed") for path, why in pixels.damaged(cache)]
    return found + [left for folder in _folders(cache / "features") for left in _in_features(folder)]


def mend(left: Leftover) -> bool:
    """Put one leftover in order; False where only the user can, or somebody writes there now.

    Raises RunError where it can't be changed.
    """
    try:
        with _idle(left.lock):
            return _mend(left)
    except BlockingIOError:
        return False
    except OSError as error:
        raise RunError(f"{left.path} can't be repaired ({error.strerror}): check its permissions.") from error


def _mend(left: Leftover) -> bool:
    match left.kind:
        case "died":
            return False
        case "part" | "point":
            _remove(left.path)
        case "torn":
            os.truncate(left.path, whole_lines(left.path))
        case "pixels":
            pixels.remove(left.path)
        case "features":
            try:
                features.take_off_excess(left.path)
            except ValueError:
                return caches.remove(left.path)
    return True


def _in_run(run: Run) -> Iterator[Leftover]:
    point, damages = None, list[checkpoint.Damage]()
    state = run.state()
    if state != "finished":
        point, damages = checkpoint.newest(run.path / checkpoint.FOLDER, {})
    if state == "died":
        at = f"its resume point is epoch {point.position.epoch}, step {point.position.step}" if point else ""
        remedy = f"covid-tui --train --resume {run.path} goes on" if (run.path / SPLIT).is_file() else "train anew"
        yield Leftover(run.path, "died", f"a run that died; {at or 'it has no resume point'}", remedy)
    lock = run.path / "lock"
    for damage in damages:
        yield Leftover(damage.file.parent, "point", f"a damaged resume point ({damage.reason})", "removed", lock)
    for name in ("events.jsonl", "history.csv"):
        with contextlib.suppress(OSError):
            cut = (run.path / name).stat().st_size - whole_lines(run.path / name)
            if cut:
                what = f"its last line is cut short after {cut} bytes"
                yield Leftover(run.path / name, "torn", what, "taken off", lock)
    for place in (run.path, run.path / checkpoint.FOLDER, run.path / export.FOLDER):
        yield from _parts(place, lock)


def _in_features(folder: Path) -> Iterator[Leftover]:
    lock = folder / "lock"
    with contextlib.suppress(OSError), _idle(lock if lock.is_file() else None):
        try:
            excess = features.excess(folder)
        except ValueError as error:
            yield Leftover(folder, "features", f"kept activations {error}", "removed", lock)
            return
        if excess:
            what = f"kept activations, of which the last {excess:,} bytes are cut short"
            yield Leftover(folder, "features", what, "taken off", lock)


@contextlib.contextmanager
def _idle(lock: Path | None) -> Iterator[None]:
    """The block runs while nobody else writes where this lock holds. Raises BlockingIOError where somebody does."""
    if lock is None:
        yield
        return
    with open_private(lock, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _parts(folder: Path, lock: Path | None = None) -> Iterator[Leftover]:
    """Files and folders under temporary names whose writers are dead."""
    for path in _listed(folder):
        named = _PART.fullmatch(path.name)
        writer = int(named[1] or named[2] or 0) if named else 0
        if named and not _alive(writer):
            yield Leftover(path, "part", "left by a writer that was killed", "removed", lock)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0) if process else None
    except ProcessLookupError:
        return False
    except OSError:  # it lives, as another user's
        return True
    return bool(process)


def _folders(folder: Path, holding: str = "") -> list[Path]:
    """The folders below, or those alone that were about to get the file `holding` and never did."""
    found = [path for path in _listed(folder) if path.is_dir() and not path.is_symlink()]
    if not holding:
        return found
    return [path for path in found if [p.name.startswith(f".{holding}.") for p in _listed(path)] == [True]]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
