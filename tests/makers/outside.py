"""A run and a cache to plant links in as somebody else may have packed them, and a picture of all that lies outside."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from engine.base.context import Context
from engine.base.files import replacing_folder, replacing_path
from engine.base.result import Elsewhere
from engine.data.pixel_store import open_store
from engine.data.scan import scan
from engine.evaluation import external
from engine.evaluation.result_files import read_test
from engine.report.sections import write_card
from engine.runs.directory import Run
from engine.training import checkpoint, feature_file
from engine.training.feature_file import Origin
from engine.training.feature_store import FeatureStore
from tests.engine.training.test_checkpoint import point
from tests.makers import made
from tests.makers.extent import ALL

ORIGIN = Origin("p" * 64, "caffe", 224, "float32", "keras", None, "float16", (4, 3))
DEAD = 99_999_999
"""No process has this number."""
Plant = Literal["link", "nowhere", "hard"]
Picture = dict[str, tuple[object, ...]]


def picture(*folders: Path) -> Picture:
    """Every name below the folders with its kind, mode, time of change, and content."""
    found: Picture = {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            about = path.lstat()
            content: object = None
            if stat.S_ISREG(about.st_mode):
                content = path.read_bytes()
            elif stat.S_ISLNK(about.st_mode):
                content = path.readlink()
            found[str(path)] = (stat.filemode(about.st_mode), about.st_mtime_ns, content)
    return found


def plant(path: Path, outside: Path, kind: Plant) -> None:
    """Move what is at `path` to `outside`, and put in its place a link to it, to nothing there, or a second name of it.

    A folder out there also holds what a user has in folders, some of it under names like ours.
    """
    moved = outside / path.name
    if path.is_dir():
        shutil.copytree(path, moved, symlinks=True)
        shutil.rmtree(path)
        for name in ("Documents/letter.txt", "000000-00000000/notes.txt", "000001-00000000/arrays.npz", "old.json",
                     "99999999-0123456789abcdef.tmp", ".99999999.part.model.keras", ".000001-00000000.part/arrays.npz",
                     "card.md", f"{'0' * 64}.u8", f"{'0' * 32}/rows"):  # fmt: skip
            own = moved / name
            if not own.exists():
                own.parent.mkdir(parents=True, exist_ok=True)
                own.write_text("the user's own")
    else:
        shutil.copy2(path, moved)
        path.unlink()
    for own in (moved, *moved.rglob("*")):
        os.utime(own, (1e9, 1e9))
    if kind == "hard":
        os.link(moved, path)
    else:
        path.symlink_to(moved if kind == "link" else outside / "nothing")


def planted(
    base: Path, into: Path, kinds: tuple[Plant, ...] = ("link", "nowhere", "hard"), only: Iterable[Path] = ()
) -> Iterator[tuple[str, Path]]:
    """A copy of the folder `base` for each place in it, or of `only`, and each kind: what is planted, and the copy.

    Daily one kind for each place, the next one for the next place; in `make test-all` every kind for every place. The
    copies lie in `into`/NUMBER, and what the links lead to in `into`/NUMBER-outside.
    """
    pairs: list[tuple[str, Plant]] = []
    for turn, place in enumerate(sorted(path.relative_to(base).as_posix() for path in only or base.rglob("*"))):
        fit = [kind for kind in kinds if kind != "hard" or not (base / place).is_dir()]
        pairs += [(place, kind) for kind in (fit if ALL else fit[turn % len(fit) :][:1])]
    for number, (place, kind) in enumerate(pairs):
        copy, outside = into / str(number) / base.name, into / f"{number}-outside"
        shutil.copytree(base, copy, symlinks=True)
        outside.mkdir()
        plant(copy / place, outside, kind)
        yield f"{place} as a {kind}", copy


def pictures(folder: Path) -> Path:
    """Three images of noise of each of two classes, in `folder`."""
    for label in made.CLASSES:
        (folder / label).mkdir()
        for number in range(3):
            noise = np.random.default_rng([number, len(label)]).integers(0, 256, (30, 30), np.uint8)
            Image.fromarray(noise).save(folder / label / f"{number}.png")
    return folder


def whole_run(out: Path, images: Path) -> Path:
    """A finished run with everything that a run may hold, made without a training."""
    run = made.finished_run(out, "run", images, made.answers(images)).path
    write_card(Run(run))
    (run / "checkpoint").mkdir(mode=0o700)
    for epoch in (2, 3):
        checkpoint.write(run / "checkpoint", point(epoch))
    external.keep(Run(run), Elsewhere(**vars(read_test(Run(run))), folder="elsewhere"))
    for part in ("train", "validation"):
        (run / "tensorboard" / part).mkdir(parents=True)
        (run / "tensorboard" / part / "events.out.tfevents.1.covid-tui").write_bytes(b"1")
    for name in ("saved_model.pb", "variables/variables.index", "assets/covid-tui.json"):
        (run / "export" / "run.savedmodel" / name).parent.mkdir(parents=True, exist_ok=True)
        (run / "export" / "run.savedmodel" / name).write_bytes(b"1")
    for name in ("export/run.onnx", "best.weights.h5", "model.json", "model.keras", "calibration.json",
                 "reference.npz", "environment.json", "stop",
                 f"export/.{DEAD}.part.run.onnx", f".test.json.{DEAD}.part"):  # fmt: skip
        (run / name).write_bytes(b"{}")
    for name in ("events.jsonl", "history.csv"):
        with (run / name).open("a") as file:
            file.write("cut off")
    shutil.copy(run / "test.json", run / "validation.csv")
    return run


def written(path: Path, *root: Path) -> None:
    with replacing_path(path, *root) as part:
        part.write_bytes(b"new")


def folder_written(path: Path, *root: Path) -> None:
    with replacing_folder(path, *root) as part:
        (part / "saved_model.pb").write_bytes(b"new")


def filled(cache: Path, images: Path, number: int = 0) -> None:
    """Pixels and activations in a cache, and more of them with another number."""
    found = scan(images)
    open_store(found.root, found.records[number:], 24, cache)
    keys = [(f"{key:064x}", 0) for key in range(2 + number)]
    with contextlib.closing(FeatureStore(cache, ORIGIN)._use), FeatureStore(cache, ORIGIN).filling(Context()) as append:
        folder = cache / "features" / ORIGIN.key[:32]
        kept = [entry[0] for entry in feature_file.read_index(folder, ORIGIN).entries if entry]
        left = [key for key in keys if key not in kept]
        append(left, np.ones((len(left), 4, 3)))
