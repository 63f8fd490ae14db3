"""What killed processes left half-written in the runs and the caches, and what is damaged in the caches: found, and
mended or removed one by one.

A training or a cache needs none of this to go on: each repairs what it meets. This is for whoever wants to know, or
wants the space. What a living process holds is never touched, and no link is followed: those that stand in the way are
told.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine import export
from engine.base import cache as caches
from engine.base.errors import LinkError, RunError
from engine.base.files import names_in, open_lock, open_private, opened, remove
from engine.base.language import tr, trn
from engine.base.locks import require_lock
from engine.base.wording import reason
from engine.data import pixel_store
from engine.network import pretrained
from engine.runs.directory import FOLDERS, LOG, SPLIT, Run, all_runs
from engine.runs.event_log import whole_lines
from engine.training import checkpoint, feature_file

Kind = Literal["died", "link", "part", "torn", "point", "pixels", "features", "weights"]
_COPY, _TWICE = tr("put a copy of what it leads to in its place"), tr("put a copy of it in its place")
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
    root: Path | None = None
    """From here on no link is followed to it."""

    @property
    def by_hand(self) -> bool:
        """Is the remedy left to the user?"""
        return self.kind in ("died", "link")

    def to_dict(self) -> dict[str, str]:
        """As JSON values."""
        return {"path": str(self.path), "kind": self.kind, "what": self.what, "remedy": self.remedy}


def find(out: Path, cache: Path, keras: Path) -> list[Leftover]:
    """All leftovers of the runs under `out`, of the cache folder, and of downloads into Keras's folder `keras`."""
    runs = all_runs(out)
    found = [left for run in runs for left in _links([run.path], tr("give --out the folder that it leads to"))]
    own = [run for run in runs if not run.path.is_symlink() and run.state() != "live"]
    found += [left for run in own for left in _in_run(run)]
    found += _links(cache / kind for kind in caches.KINDS)
    places = [(place, out) for place in _folders(out, holding="config.json")]
    places += [(place, cache) for place in (cache, cache / "pixels", cache / "weights")] + [(keras / "models", keras)]
    places.append((out, out))  # deleted runs that were being removed
    found += [left for place, root in places for left in _parts(place, root)]
    found += [
        Leftover(path, "pixels", tr("decoded images, {why}", why=why), tr("removed"))
        for path, why in pixel_store.damaged(cache)
    ]
    found += [
        Leftover(path, "weights", tr("converted weights, {why}", why=why), tr("removed"), root=cache)
        for path, why in pretrained.damaged(cache)
    ]
    return found + [left for folder in _folders(cache / "features", cache) for left in _in_features(folder)]


def mend(left: Leftover) -> bool:
    """Put one leftover in order; False where only the user can, or somebody writes there now.

    Raises RunError where it can't be changed, LinkError where it is reached by a link meanwhile.
    """
    try:
        with _idle(left.lock):
            return _mend(left)
    except BlockingIOError:
        return False
    except OSError as error:
        raise RunError(
            tr("{path} can't be repaired ({reason}): check its permissions.", path=left.path, reason=reason(error))
        ) from error


def _mend(left: Leftover) -> bool:
    match left.kind:
        case "died" | "link":
            return False
        case "part" | "weights":
            remove(left.path, left.root)
        case "point":
            return checkpoint.remove(left.path)
        case "torn":
            with open_private(left.path, "r+b", left.root) as file:
                file.truncate(whole_lines(left.path))
        case "pixels":
            pixel_store.remove(left.path)
        case "features":
            try:
                feature_file.take_off_excess(left.path)
                feature_file.take_out_damaged(left.path)
            except (ValueError, LinkError):
                return caches.remove(left.path)
    return True


def _in_run(run: Run) -> Iterator[Leftover]:
    point, damages = None, list[checkpoint.Damage]()
    state, root = run.state(), run.path.parent
    yield from _links(run.path / name for name in (*FOLDERS, export.FOLDER, "lock", "events.jsonl", "history.csv", LOG))
    if state != "finished":
        point, damages = checkpoint.newest(run.path / checkpoint.FOLDER, {})
    if state == "died":
        what = tr("a run that died; it has no resume point")
        if point:
            at = point.position
            what = tr("a run that died; its resume point is epoch {epoch}, step {step}", epoch=at.epoch, step=at.step)
        remedy = (
            tr("`covid-tui --train --resume {path}` goes on", path=run.path)
            if (run.path / SPLIT).is_file()
            else tr("train anew")
        )
        yield Leftover(run.path, "died", what, remedy)
    lock = run.path / "lock"
    for damage in damages:
        yield Leftover(
            damage.file.parent,
            "point",
            tr("a damaged resume point ({reason})", reason=damage.reason),
            tr("removed"),
            lock,
            root,
        )
    for name in ("events.jsonl", "history.csv"):
        with contextlib.suppress(OSError):
            about = (run.path / name).lstat()
            if not stat.S_ISREG(about.st_mode):
                continue
            cut = about.st_size - whole_lines(run.path / name)
            if cut:
                what = tr("its last line is cut short after {count} bytes", count=cut)
                if about.st_nlink == 1:
                    yield Leftover(run.path / name, "torn", what, tr("taken off"), lock, root)
                else:
                    what = tr("{what}; it has a second name elsewhere (a hard link)", what=what)
                    yield Leftover(run.path / name, "link", what, _TWICE)
    for place in (run.path, run.path / checkpoint.FOLDER, run.path / export.FOLDER):
        yield from _parts(place, root, lock)


def _in_features(folder: Path) -> Iterator[Leftover]:
    lock = folder / "lock"
    with contextlib.suppress(OSError), _idle(lock if lock.is_file() else None):
        try:
            excess, damaged = feature_file.excess(folder), len(feature_file.damaged_rows(folder))
        except ValueError as error:
            yield Leftover(folder, "features", tr("kept activations {error}", error=error), tr("removed"), lock)
            return
        if excess:
            what = trn(
                "kept activations, of which the last {number} byte is cut short",
                "kept activations, of which the last {number} bytes are cut short",
                excess,
            )
            yield Leftover(folder, "features", what, tr("taken off"), lock)
        if damaged:
            yield Leftover(
                folder,
                "features",
                tr("kept activations, of which {count:,} are damaged", count=damaged),
                tr("taken out"),
                lock,
            )


@contextlib.contextmanager
def _idle(lock: Path | None) -> Iterator[None]:
    """The block runs while nobody else writes where this lock holds. Raises BlockingIOError where somebody does."""
    if lock is None:
        yield
        return
    with contextlib.ExitStack() as held:
        with contextlib.suppress(LinkError):  # a link is no lock, as nobody takes one through it
            require_lock(held.enter_context(open_lock(lock)))
        yield


def _links(paths: Iterable[Path], remedy: str = tr("delete it, or {copy}", copy=_COPY)) -> Iterator[Leftover]:
    """Those of the paths that are links."""
    for path in paths:
        with contextlib.suppress(OSError):
            yield Leftover(
                path, "link", tr("a link to {target}, which is not followed", target=path.readlink()), remedy
            )


def _parts(folder: Path, root: Path, lock: Path | None = None) -> Iterator[Leftover]:
    """Files and folders under temporary names whose writers are dead; none where `folder` is a link."""
    for path in _listed(folder, root):
        named = _PART.fullmatch(path.name)
        writer = int(named[1] or named[2] or 0) if named else 0
        if named and not _alive(writer):
            yield Leftover(path, "part", tr("left by a writer that was killed"), tr("removed"), lock, root)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0) if process else None
    except ProcessLookupError:
        return False
    except OSError:  # it lives, as another user's
        return True
    return bool(process)


def _folders(folder: Path, root: Path | None = None, holding: str = "") -> list[Path]:
    """The folders below, or those alone that were about to get the file `holding` and never did."""
    found = [path for path in _listed(folder, root) if path.is_dir() and not path.is_symlink()]
    if not holding:
        return found
    return [path for path in found if [p.name.startswith(f".{holding}.") for p in _listed(path)] == [True]]


def _listed(folder: Path, root: Path | None = None) -> list[Path]:
    try:
        with opened(folder, root) as handle:
            return sorted(folder / name for name in names_in(handle))
    except (OSError, LinkError):
        return []
