"""The export of a run: each format written, read back, compared with the run, and only then put in its place."""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import __version__
from engine.base.context import Context
from engine.base.errors import ConfigError, CovidTuiError, RunError, Stopped
from engine.base.events import Progress
from engine.base.files import digest_of, private_dir, replacing_folder, replacing_path, require_inside
from engine.base.language import tr
from engine.base.outputs import run_of
from engine.base.wording import listing, unwritable
from engine.evaluation.predictor import Predictor
from engine.export import FOLDER
from engine.export.contract import NAME, Contract
from engine.export.formats import FORMATS, Format, exportable, quiet, require_installed
from engine.export.verify import IMAGES, LIMIT, Pictures, gather, largest_difference
from engine.recipe.lists import split_list
from engine.runs.directory import WEIGHTS, Run

_SAVED = re.compile(rf"[a-z_]+\.pb|variables/variables\.(index|data-\d+-of-\d+)|assets/{re.escape(NAME)}")
"""The files of a SavedModel, by their path in its folder."""


@dataclass(frozen=True)
class Exported:
    """A file, or for SavedModel a folder, that answers as the run does."""

    format: str
    path: Path
    bytes: int
    difference: float
    """The largest of any probability on the images that were compared."""
    images: str
    """What these were, as in "32 test"."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {**dataclasses.asdict(self), "path": str(self.path)}


@dataclass(frozen=True, eq=False)
class _Material:
    """What every format is made of, and compared with."""

    contract: Contract
    pictures: Pictures
    model: Any
    """The Keras model that is written."""


def export(run: Run, names: str, to: Path | None, force: bool, context: Context) -> Iterator[Exported]:
    """Write the run's model in the formats `names` ("onnx,keras"), one after the other, and tell each that is done.

    `to` is a file where there is one format and its suffix, else a folder (RUN/export when None). A file that says
    something else than the run on any of the images is removed. Raises ConfigError where a file is there already and
    `force` is not given, or would cost files that no export wrote, RunError where a format fails (LinkError where
    RUN/export is a link), Stopped if the stop says "now".
    """
    chosen = formats(names)
    targets = [_target(run, one, to, len(chosen)) for one in chosen]
    root = run.path if to is None else None
    if root:
        require_inside(root, [FOLDER])
    for one, path in zip(chosen, targets, strict=True):
        require_installed(one)
        _require_replaceable(one, path, force)
    predictor = Predictor(run, asked="keras")
    material = _Material(contract_of(predictor), gather(predictor, context.stop), exportable(predictor))
    for one, path in zip(chosen, targets, strict=True):
        if context.stop.now:
            raise Stopped(tr("The export was stopped; what is done is whole."))
        yield _export(one, path, root, force, material, context)


def _other_than_exported(folder: Path) -> Path | None:
    """What lies in the folder and is no part of a SavedModel; None where there is no such thing."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_symlink() or not file.is_dir())
    return next((file for file in files if not _SAVED.fullmatch(file.relative_to(folder).as_posix())), None)


def formats(names: str) -> tuple[Format, ...]:
    """The formats that a comma-separated list names. Raises ConfigError where it names none, or one there is not."""
    found = split_list(names)
    for name in found:
        if name not in FORMATS:
            raise ConfigError(
                tr('There is no format "{name}": choose among {formats}.', name=name, formats=listing(FORMATS))
            )
    if not found:
        raise ConfigError(tr("--format is empty: choose among {formats}.", formats=listing(FORMATS)))
    return tuple(FORMATS[name] for name in dict.fromkeys(found))


def contract_of(predictor: Predictor) -> Contract:
    """What a file exported from this run says of itself."""
    taught = predictor.calibration
    return Contract(
        run=predictor.run.name,
        version=__version__,
        weights_sha256=digest_of(predictor.run.path / WEIGHTS),
        backbone=predictor.backbone.name,
        preprocessing=predictor.backbone.preprocessing,
        size=predictor.backbone.size,
        classes=predictor.classes,
        temperature=taught.temperature if taught else None,
        operating=taught.operating if taught else None,
        reading=predictor.pixel_rules,
        levels=predictor.reference.levels if predictor.reference else None,
    )


def _target(run: Run, one: Format, to: Path | None, count: int) -> Path:
    suffixes = {known.suffix: known.name for known in FORMATS.values()}
    if to is None or to.suffix not in suffixes or (to.is_dir() and not one.folder):
        return (to or run.path / FOLDER) / f"{run.name}{one.suffix}"
    if count > 1 or to.suffix != one.suffix:
        raise ConfigError(
            tr("{to} names a file of {format} alone: give a folder with --to.", to=to, format=suffixes[to.suffix])
        )
    return to


def _require_replaceable(one: Format, path: Path, force: bool) -> None:
    """Raise ConfigError unless what is at `path`, if anything, may be replaced: by force, by its like, outside runs."""
    if not os.path.lexists(path):
        return
    if not force:
        raise ConfigError(
            tr("{path} exists already: give --force to replace it, or another place with --to.", path=path)
        )
    if path.is_dir() != one.folder:
        text = tr(
            "{path} is in the way of a folder: remove it first."
            if one.folder
            else "{path} is in the way of a file: remove it first.",
            path=path,
        )
        raise ConfigError(text)
    if (own := run_of(path)) and path.absolute().parent.resolve() == own:
        raise ConfigError(tr("{path} belongs to the run {run}: give another place with --to.", path=path, run=own))
    if one.folder and not path.is_symlink() and (other := _other_than_exported(path)):
        raise ConfigError(
            tr("{other} is no file of an export, and --force would remove it: move it away first.", other=other)
        )


def _export(
    one: Format,
    path: Path,
    root: Path | None,
    force: bool,
    material: _Material,
    context: Context,
) -> Exported:
    pictures = material.pictures
    task = tr("{name} file against the run", name=one.name)
    context.emit(Progress(task, 0, IMAGES))
    try:
        private_dir(path.parent, root)
        with (replacing_folder if one.folder else replacing_path)(path, root) as part:
            with quiet():
                one.write(material.model, material.contract, part)
                difference = largest_difference(one.open(part), pictures, task, context)
            if not difference <= LIMIT:
                raise RunError(
                    tr(
                        "The {name} file says something else than the run (largest difference {difference:.2g} on "
                        "{what} images, where {limit:g} is allowed): it was removed.",
                        name=one.name,
                        difference=difference,
                        what=pictures.what,
                        limit=LIMIT,
                    )
                )
            size = _size(part)
            _require_replaceable(one, path, force)  # which may have come meanwhile
    except CovidTuiError:
        raise
    except OSError as error:
        raise RunError(unwritable(path, error, tr("give another place with --to"))) from error
    except Exception as error:  # a converter throws nearly any kind
        why = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise RunError(
            tr("The run can't be written as {name} ({why}): choose another format.", name=one.name, why=why)
        ) from error
    return Exported(one.name, path, size, difference, pictures.what)


def _size(path: Path) -> int:
    files: Sequence[Path] = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.stat().st_size
    return total
