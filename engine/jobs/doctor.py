"""What this machine offers to a training: versions, devices, number format, weights, caches."""

import importlib.metadata
import time
from pathlib import Path
from typing import Any

from engine.base.cache import KINDS, size
from engine.base.language import marked, tr
from engine.base.runtime import cache_dir, choose_precision, cpu, device, processors, tensorflow, versions
from engine.jobs import repair
from engine.network.backbones import BACKBONES
from engine.network.engine_choice import choose_engine
from engine.network.pretrained import OFFLINE_BACKBONE, OFFLINE_PACKAGE, converted, keras_home
from engine.runs.bin import Deleted, empty, in_bin

DOWNLOADED = tr("none here: they will be downloaded")
NOT_OFFLINE = tr("{downloaded} (the offline extra has VGG16's alone)", downloaded=DOWNLOADED)


def examine() -> dict[str, Any]:
    """Everything that `covid-tui doctor` shows, as JSON values; the keys are translated where they are shown."""
    gpus = tensorflow().config.list_physical_devices("GPU")
    precision = choose_precision("auto")
    engine = choose_engine("auto", BACKBONES[OFFLINE_BACKBONE], precision.precision, lambda event: None)
    return {
        marked("versions"): versions(),
        marked("machine"): {
            marked("processor"): tr(cpu()[0]),
            marked("processors"): processors(),
            marked("gpus"): len(gpus),
            marked("trains on"): device(),
            marked("precision"): f"{precision.precision} ({precision.reason})",
            marked("frozen layers"): f"{engine.engine} ({engine.reason})",
        },
        marked("ImageNet weights"): {name: weights_found(name) for name in BACKBONES},
        marked("cache"): {marked("folder"): str(cache_dir()), **cache_sizes()},
    }


def half_written(out: Path) -> list[repair.Leftover]:
    """What killed processes left in the runs under `out` and in the caches."""
    return repair.find(out, cache_dir(), keras_home())


def emptied(out: Path, *, wholly: bool = False) -> list[tuple[Deleted, int]]:
    """Remove deleted runs under `out` for good, those in the bin for KEPT_DAYS or all; each with the bytes freed.

    Raises RunError where one can't be removed.
    """
    now = time.time()
    return [(one, empty(one)) for one in in_bin(out) if wholly or one.is_old(now)]


def weights_found(backbone: str) -> str:
    """Where the ImageNet weights of a backbone would come from on this machine."""
    if (keras_home() / "models" / BACKBONES[backbone].keras_file).is_file():
        return tr("in Keras's cache")
    if backbone != OFFLINE_BACKBONE:
        return NOT_OFFLINE
    if converted(cache_dir()).is_file():
        return tr("converted earlier from the offline extra")
    try:
        importlib.metadata.distribution(OFFLINE_PACKAGE)
        return tr("in the offline extra")
    except importlib.metadata.PackageNotFoundError:
        return DOWNLOADED


def cache_sizes() -> dict[str, str]:
    """Size of each part of the cache."""
    return {kind: f"{size(cache_dir(), kind) / 1e6:,.1f} MB" for kind in KINDS}
