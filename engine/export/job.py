"""The export of a run: each format written, read back, compared with the run, and only then put in its place."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import __version__
from engine.config import split_list
from engine.errors import ConfigError, CovidTuiError, RunError, Stopped
from engine.events import Emit, Progress
from engine.export import FOLDER
from engine.export.contract import Contract
from engine.export.formats import FORMATS, Format, exportable, quiet, require_installed
from engine.export.verify import IMAGES, LIMIT, Pictures, gather, largest_difference
from engine.files import digest_of, private_dir, replacing_folder, replacing_path
from engine.results.predict import Predictor
from engine.runs import WEIGHTS, Run
from engine.stopping import Stop


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


def export(run: Run, names: str, to: Path | None, force: bool, emit: Emit, stop: Stop) -> Iterator[Exported]:
    """Write the run's model in the formats `names` ("onnx,keras"), one after the other, and tell each that is done.

    `to` is a file where there is one format and its suffix, else a folder (RUN/export when None). A file that says
    something else than the run on any of the images is removed. Raises ConfigError where a file is there already and
    `force` is not given, RunError where a format fails, Stopped if `stop` says "now".
    """
    chosen = formats(names)
    targets = [_target(run, one, to, len(chosen)) for one in chosen]
    for one, path in zip(chosen, targets, strict=True):
        require_installed(one)
        if os.path.lexists(path) and not force:
            raise ConfigError(f"{path} exists already: give --force to replace it, or another place with --to.")
        if path.is_dir() != one.folder and os.path.lexists(path):
            raise ConfigError(f"{path} is in the way of a {'folder' if one.folder else 'file'}: remove it first.")
    predictor = Predictor(run)
    contract = contract_of(predictor)
    pictures = gather(predictor, stop)
    model = exportable(predictor)
    for one, path in zip(chosen, targets, strict=True):
        if stop.now:
            raise Stopped("The export was stopped; what is done is whole.")
        yield _export(one, path, model, contract, pictures, emit, stop)


def formats(names: str) -> tuple[Format, ...]:
    """The formats that a comma-separated list names. Raises ConfigError where it names none, or one there is not."""
    found = split_list(names)
    for name in found:
        if name not in FORMATS:
            raise ConfigError(f'There is no format "{name}": choose among {", ".join(FORMATS)}.')
    if not found:
        raise ConfigError(f"--format is empty: choose among {', '.join(FORMATS)}.")
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
        reading=predictor.reading,
    )


def _target(run: Run, one: Format, to: Path | None, count: int) -> Path:
    suffixes = {known.suffix: known.name for known in FORMATS.values()}
    if to is None or to.suffix not in suffixes or (to.is_dir() and not one.folder):
        return (to or run.path / FOLDER) / f"{run.name}{one.suffix}"
    if count > 1 or to.suffix != one.suffix:
        raise ConfigError(f"{to} names a file of {suffixes[to.suffix]} alone: give a folder with --to.")
    return to


def _export(
    one: Format, path: Path, model: Any, contract: Contract, pictures: Pictures, emit: Emit, stop: Stop
) -> Exported:
    task = f"{one.name} file against the run"
    emit(Progress(task, 0, IMAGES))
    try:
        private_dir(path.parent)
        with (replacing_folder if one.folder else replacing_path)(path) as part:
            with quiet():
                one.write(model, contract, part)
                difference = largest_difference(one.open(part), pictures, task, emit, stop)
            if not difference <= LIMIT:
                raise RunError(
                    f"The {one.name} file says something else than the run (largest difference {difference:.2g} on "
                    f"{pictures.what} images, where {LIMIT:g} is allowed): it was removed."
                )
            size = _size(part)
    except CovidTuiError:
        raise
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise RunError(f"{path} can't be written ({why}): make room there, or give another place with --to.") from error
    except Exception as error:  # a converter throws nearly any kind
        why = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise RunError(f"The run can't be written as {one.name} ({why}): choose another format.") from error
    return Exported(one.name, path, size, difference, pictures.what)


def _size(path: Path) -> int:
    files: Sequence[Path] = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.stat().st_size
    return total
