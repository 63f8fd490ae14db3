"""The one door through which a weight file enters: HDF5 read as plain arrays, after a walk over all that it holds.

HDF5 can do more than hold arrays. A link or an external or virtual dataset fetches the contents of other files, a
filter unfolds a small file into a huge array, a model's recipe can carry code. None of that is needed for weights, so
a file that has any of it is refused before the first array is read. Keras never opens the file.
"""

import contextlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from engine.base.errors import WeightsError
from engine.base.language import tr
from engine.network.backbones import steady_names
from engine.network.heads import HEAD_UNITS

Shape = tuple[int, ...]
Shapes = Mapping[str, Sequence[Shape]]
Layer = list[np.ndarray]
Arrays = dict[str, Layer]

HEAD = {"dense": 2, "logits": 2}
"""The layers of a run's head, and how many arrays each has; they may stand in a file whose backbone alone is read."""
MOST_CLASSES = 1000
MOST_OBJECTS = 3000
"""Groups and datasets: VGG16 with its head has 81, DenseNet121, which has most of all backbones, 1,467."""
DEEPEST = 8
LONGEST_ATTRIBUTE = 2**16
SIGNATURE = b"\x89HDF\r\n\x1a\n"
GIVE = tr("give a .weights.h5, as Keras's model.save_weights writes it, which holds numbers alone")

_OTHER_CONTENT: tuple[tuple[bytes, str], ...] = (
    (b"PK", tr("a zip archive, as .keras, .npz and PyTorch files are, which can carry code")),
    (b"\x93NUMPY", tr("a NumPy array file, which names no layers and can carry pickled objects")),
    *((bytes((0x80, protocol)), tr("a Python pickle, which can run code when it is read")) for protocol in range(2, 6)),
    (b"\x1f\x8b", tr("a gzip archive")),
    (b"", tr("no HDF5 file")),
)


@dataclass(frozen=True)
class _Item:
    """A dataset that the walk found sound, and where it lies in the file."""

    path: tuple[str, ...]
    data: Any

    @property
    def bytes(self) -> int:
        """What it would take in memory as float32."""
        return 4 * int(math.prod(self.data.shape))


def read_weights(path: Path, shapes: Shapes) -> Arrays:
    """The arrays of the layers named in `shapes`, from a Keras .weights.h5 or Keras's older .h5 weight file.

    A head's layers may be there too and are left unread; nothing else may. Raises WeightsError, naming the file and
    what is wrong with it, before any array is read.
    """
    with _layers_of(path, tuple(shapes)) as layers:
        _check(path, layers, shapes)
        return {name: _arrays(path, name, layers[name]) for name in shapes}


class WeightFile:
    """A sound weight file, whose layers are read one at a time, all of them as they were when it was opened.

    It stays open until it is closed: a training that puts better weights in its place changes nothing of what is read.
    """

    def __init__(self, path: Path, shapes: Shapes) -> None:
        """Looks at what the file holds, and reads no array yet. Raises as `read_weights` does."""
        self.path, self._shapes = path, shapes
        self._open()
        self._state = _state(os.fstat(self._descriptor))

    def _open(self) -> None:
        with contextlib.ExitStack() as opened:
            layers = opened.enter_context(_layers_of(self.path, tuple(self._shapes)))
            _check(self.path, layers, self._shapes)
            self._layers = {name: layers[name] for name in self._shapes}
            self._descriptor = next(iter(self._layers.values()))[0].data.file.id.get_vfd_handle()
            self._opened = opened.pop_all()

    def layer(self, name: str) -> Layer:
        """The arrays of a layer, float32; the file is opened again where it was closed.

        Raises WeightsError where it was written over since the beginning, is another one when it is opened again, or
        holds what is no finite number.
        """
        if not self._layers:
            self._open()
        with _readable(self.path):
            found = _arrays(self.path, name, self._layers[name])
        if _state(os.fstat(self._descriptor)) != self._state:
            raise WeightsError(tr("{path} was changed while it was read: ask again.", path=self.path))
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._layers.clear()
        self._opened.close()

    @property
    def replaced(self) -> bool:
        """Does the path lead to another file by now, or to none?"""
        try:
            return _state(self.path.stat()) != self._state
        except OSError:
            return True


def _state(about: os.stat_result) -> tuple[int, ...]:
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


def require_weights(path: Path, parameters: Mapping[str, int]) -> None:
    """Raise WeightsError unless the file at `path` has these layers with so many numbers each; none of them is read."""
    with _layers_of(path, tuple(parameters)) as layers:
        for name, count in parameters.items():
            if sum(int(math.prod(item.data.shape)) for item in layers.get(name, ())) != count:
                raise WeightsError(_unfit(path, name))


def _unfit(path: Path, name: str) -> str:
    return tr(
        "{path} does not fit the network: its layer {name} is missing or has another shape.", path=path, name=name
    )


@contextlib.contextmanager
def _layers_of(path: Path, names: Sequence[str]) -> Iterator[dict[str, list["_Item"]]]:
    """The datasets by layer of a sound weight file, open meanwhile; `names` are those of the network's layers."""
    if not path.is_file():
        raise WeightsError(tr("{path} is missing or no file: {give}.", path=path, give=GIVE))
    with _readable(path):
        with path.open("rb") as raw:
            _require_hdf5(path, raw.read(len(SIGNATURE)))
        with h5py.File(path, "r") as file:
            _require(path, "model_config" not in file.attrs, tr("holds a whole model, whose recipe can carry code"))
            items = list(_walk(path, file))
            found = _layers(file, items) if "layers" in file else _older_layers(file, items, names)
            yield dict(zip(steady_names(found), found.values(), strict=True))


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What HDF5 raises within the block becomes a WeightsError."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(
            tr("{path} can't be read as a Keras weight file ({reason}).", path=path, reason=reason)
        ) from error


def _arrays(path: Path, name: str, items: Sequence[_Item]) -> Layer:
    """The arrays of a layer, float32. Raises WeightsError where any is no number."""
    found = [np.asarray(item.data, np.float32) for item in items]
    if not all(np.isfinite(array).all() for array in found):
        raise WeightsError(
            tr("{path} is damaged: the weights of its layer {name} are not all finite numbers.", path=path, name=name)
        )
    return found


def _require_hdf5(path: Path, head: bytes) -> None:
    if head != SIGNATURE:
        what = next(name for magic, name in _OTHER_CONTENT if head.startswith(magic))
        raise WeightsError(tr("{path} is {what}: {give}.", path=path, what=what, give=GIVE))


def _require(path: Path, holds: bool, fault: str) -> None:
    if not holds:
        raise WeightsError(tr("{path} {fault}: {give}.", path=path, fault=fault, give=GIVE))


def _walk(path: Path, file: Any) -> Iterator[_Item]:
    """Every dataset of the file, reached by hard links alone. Raises WeightsError for anything but plain numbers."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), file)]
    seen = 0
    while waiting:
        at, group = waiting.pop()
        _require(path, len(at) < DEEPEST, tr("nests its groups more than {deepest} deep", deepest=DEEPEST))
        for name in group:
            seen += 1
            _require(path, seen <= MOST_OBJECTS, tr("holds more than {most} groups and arrays", most=MOST_OBJECTS))
            where = "/".join((*at, name))
            hard = isinstance(group.get(name, getlink=True), h5py.HardLink)
            linked = tr("has a link in the place of {where}, which could lead to any file", where=where)
            _require(path, hard, linked)
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append(((*at, name), item))
                continue
            fault = _fault(item, where)
            _require(path, not fault, fault)
            yield _Item((*at, name), item)


def _fault(item: Any, where: str) -> str:
    """Why the object at `where` in the file is no plain array of numbers, as what the file does; empty where it is."""
    if not isinstance(item, h5py.Dataset):
        return tr("has something other than an array at {where}", where=where)
    if item.external or item.is_virtual:
        return tr("takes from another file the array {where}", where=where)
    if item.id.get_create_plist().get_nfilters():
        return tr("has compressed or filtered, which weights never are, the array {where}", where=where)
    kinds = "fiu" if item.shape == () else "f"  # a Normalization counts in whole numbers
    if item.dtype.kind not in kinds or item.dtype.itemsize > 8 or item.shape is None:
        return tr("has something other than floating-point numbers in {where}", where=where)
    if item.id.get_storage_size() != math.prod(item.shape) * item.dtype.itemsize:
        return tr("holds less or more than the declared size of {where}", where=where)
    return ""


def _layers(file: Any, items: Sequence[_Item]) -> dict[str, list[_Item]]:
    """Keras 3's datasets by layer, each layer's in order; one that lies elsewhere stands alone under its path.

    They are layers/<class>_<n>/vars/<i>, where the group `vars` carries the layer's name.
    """
    found: dict[str, list[_Item]] = {}
    for item in items:
        found.setdefault(_layer_name(file, item), []).append(item)
    for own in found.values():
        own.sort(key=lambda item: (len(item.path[-1]), item.path[-1]))  # 2 before 10
    return found


def _older_layers(file: Any, items: Sequence[_Item], layers: Sequence[str]) -> dict[str, list[_Item]]:
    """As `_layers`, of Keras 1 and 2: <layer>/..., where the group's attribute `weight_names` has the paths within it.

    The file's attribute `layer_names` has the layers in order, where there is one; a name may have slashes. Some
    layers were renamed since: where the names are others, the order counts, as it does for Keras.
    """
    names = _texts(file, "layer_names") or sorted({item.path[0] for item in items})
    found: dict[str, list[_Item]] = {}
    left = {item.path: item for item in items}
    for name in names:
        at = tuple(name.split("/"))
        own = {"/".join(path[len(at) :]): item for path, item in left.items() if path[: len(at)] == at}
        order = _texts(file[name], "weight_names")
        if sorted(order) != sorted(own):
            raise ValueError(tr("{name} lists other arrays than it holds", name=name))
        if own:
            found[name] = [own[text] for text in order]
        left = {path: item for path, item in left.items() if path[: len(at)] != at}
    found |= {"/".join(path): [item] for path, item in left.items()}
    if len(found) == len(layers) and found.keys() != set(layers):
        return dict(zip(layers, found.values(), strict=True))
    return found


def _texts(item: Any, name: str) -> list[str]:
    """The texts of an attribute; none where it is absent."""
    return [text.decode() if isinstance(text, bytes) else str(text) for text in _attribute(item, name, ())]


def _layer_name(file: Any, item: _Item) -> str:
    if len(item.path) != 4 or (item.path[0], item.path[2]) != ("layers", "vars"):
        return "/".join(item.path)
    return str(_attribute(file["/".join(item.path[:3])], "name", item.path[1]))


def _attribute(item: Any, name: str, default: Any) -> Any:
    if name not in item.attrs:
        return default
    identity = item.attrs.get_id(name)
    if identity.shape == (0,):  # a layer without weights; HDF5 knows no size of nothing
        return default
    if identity.get_storage_size() > LONGEST_ATTRIBUTE:
        raise ValueError(tr("its attribute {name} is too long", name=name))
    return item.attrs[name]


def _check(path: Path, layers: Mapping[str, Sequence[_Item]], shapes: Shapes) -> None:
    """Raises WeightsError unless the file has the network's layers in their shapes, and besides a head at most."""
    for name, own in layers.items():
        if name not in shapes:
            other = tr("has {name}, which is not of this network", name=name)
            _require(path, len(own) == HEAD.get(name), other)
    size = sum(item.bytes for own in layers.values() for item in own)
    network = 4 * sum(math.prod(shape) for layer in shapes.values() for shape in layer)
    head = 4 * HEAD_UNITS * (HEAD_UNITS + MOST_CLASSES + 2)
    larger = tr("declares {size:,} bytes of weights, more than the network has", size=size)
    _require(path, size <= network + head, larger)
    for name, expected in shapes.items():
        if [item.data.shape for item in layers.get(name, ())] != list(expected):
            raise WeightsError(_unfit(path, name))
