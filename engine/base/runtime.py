"""The machine: processors, number formats, seeds, caches, and TensorFlow's import kept quiet."""

import contextlib
import ctypes
import functools
import gc
import hashlib
import importlib.util
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from engine import __version__
from engine.base.engines import EngineName
from engine.base.errors import CacheError
from engine.base.events import Emit, Notice, Progress
from engine.base.files import private_dir, write_json
from engine.base.language import marked, tr
from engine.base.number_format import Precision
from engine.base.streams import Stream
from engine.base.typed_files import Count, Positive, plain_object
from engine.base.wording import reason

_IMPORTING = threading.Lock()
"""Held while descriptor 2 leads elsewhere, as of two threads the second would put back what the first had put there."""
M_MMAP_THRESHOLD = -3
"""Its number in malloc.h: blocks from so many bytes on get pages of their own."""
LARGE = 2**22
FASTER_BY = 1.15
"""How many times faster than float32 a shorter format must be measured to be worth its rounding."""


def cache_dir() -> Path:
    """The user's cache folder, made if missing; COVID_TUI_CACHE overrules the platform's place for it.

    Raises CacheError where it can't be made.
    """
    import platformdirs

    chosen = os.environ.get("COVID_TUI_CACHE")
    path = Path(chosen or platformdirs.user_cache_dir("covid-tui", appauthor=False))
    try:
        return private_dir(path)
    except OSError as error:
        raise CacheError(
            tr(
                "The cache folder {path} can't be made ({reason}): choose another by COVID_TUI_CACHE.",
                path=path,
                reason=reason(error),
            )
        ) from error


@functools.cache
def tensorflow() -> Any:
    """TensorFlow, imported once and ready, without the log lines that its C++ part writes to the terminal."""
    tf = imported_tensorflow()
    with _IMPORTING, native_stderr_to(Path(os.devnull)):
        tf.constant(0).numpy()  # the first use of the runtime writes log lines too
    return tf


def announce_tensorflow(emit: Emit, as_task: bool = False) -> None:
    """Emit that TensorFlow will be loaded now, as a notice or, `as_task`, as progress; nothing where it is loaded."""
    if not has_tensorflow():
        notice = Notice("info", tr("TensorFlow is being loaded; this takes a few seconds, once."))
        emit(Progress(tr("loading TensorFlow, a few seconds, once"), 0, None) if as_task else notice)


def has_tensorflow() -> bool:
    """Is TensorFlow loaded already?"""
    return "tensorflow" in sys.modules


def load_tensorflow(emit: Emit) -> Any:
    """`tensorflow`, announced first; at once where it is loaded already."""
    announce_tensorflow(emit)
    return tensorflow()


@functools.cache
def imported_tensorflow() -> Any:
    """TensorFlow while its devices and its network of workers can still be chosen, unless `has_computed`.

    It is imported in a thread of its own: what is left of an import is never collected (`_other_threads_running`), nor
    are the frames of who called it, with all that they hold, which may be a network and its images.
    """
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(_import_tensorflow).result()


def _import_tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    with _IMPORTING, native_stderr_to(Path(os.devnull)), _other_threads_running():
        import tensorflow as tf

        for device in tf.config.list_physical_devices("GPU"):
            with contextlib.suppress(RuntimeError):
                tf.config.experimental.set_memory_growth(device, True)
    return tf


def compiled(work: Callable[..., Any]) -> Callable[..., Any]:
    """`work` of arrays whose first axis counts the images of a batch, as one graph for batches of any length.

    TensorFlow by itself writes a graph for the length of the first batch, and all of it again at the last and shorter
    one: of a network of hundreds of layers that is seconds to half a minute.
    """
    tf, known = tensorflow(), set[Any]()
    function = tf.function(work, autograph=False)

    def compute(*arrays: Any) -> Any:
        kinds = tuple((tuple(array.shape[1:]), array.dtype) for array in arrays)
        if kinds not in known:
            function.get_concrete_function(*(tf.TensorSpec((None, *shape), dtype) for shape, dtype in kinds))
            known.add(kinds)
        return function(*arrays)

    return compute


def give_memory_back() -> None:
    """From now on, a freed block of LARGE bytes or more goes back to the system at once, where the C library is GNU's.

    It would keep blocks of up to 32 MB for the next ones, which is a quarter more for a network loaded in parts.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


def has_computed() -> bool:
    """Has this process used TensorFlow, so that its devices are what they are?"""
    return tensorflow.cache_info().currsize > 0


def native_libraries() -> list[Path]:
    """TensorFlow's own libraries, each after what it needs: its framework first."""
    package = importlib.util.find_spec("tensorflow")
    folders = package.submodule_search_locations if package else None
    names = ("libtensorflow_framework", "libtensorflow_cc")
    return [path for name in names for path in sorted(Path(folders[0]).glob(f"{name}.*"))] if folders else []


@contextlib.contextmanager
def _other_threads_running() -> Iterator[None]:
    """Within the block, TensorFlow can be imported by one thread without a standstill of the others.

    Two things would hold Python's lock for tenths of a second: the loading of a library of a gigabyte, which is done
    here beforehand by a foreign call, as those let go of the lock; and the collector's rounds over a million objects
    that are there to stay, which it is told to leave alone.
    """
    libc = ctypes.CDLL(None)
    libc.dlopen.argtypes, libc.dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for path in native_libraries():
        libc.dlopen(os.fsencode(path), os.RTLD_NOW | os.RTLD_LOCAL)
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


@contextlib.contextmanager
def native_stderr_to(log: Path) -> Iterator[None]:
    """Within the block, what C and C++ code writes to file descriptor 2 goes to `log`; Python's own stderr stays."""
    sys.stderr.flush()
    saved = os.dup(2)
    python_stderr = sys.stderr
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        sys.stderr = _stream_on(saved, python_stderr)
        os.dup2(file, 2)
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = python_stderr
        os.dup2(saved, 2)
        os.close(saved)
        os.close(file)


def _stream_on(descriptor: int, like: TextIO) -> TextIO:
    # A stream that a test or a notebook has put in place of the terminal's does not use descriptor 2: leave it alone.
    with contextlib.suppress(OSError, AttributeError, ValueError):
        if like.fileno() == 2:
            if isinstance(like, Stream):
                return like.on(descriptor)
            return open(descriptor, "w", buffering=1, closefd=False, encoding=like.encoding, errors=like.errors)
    return like


def make_repeatable(seed: int) -> None:
    """Seed TensorFlow, NumPy and Python, and choose kernels that give the same sums each time."""
    tf = tensorflow()
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def cpu() -> tuple[str, frozenset[str]]:
    """The processor's name and its feature flags; the flags are empty where the system does not tell."""
    facts: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            facts.setdefault(name.strip(), value.strip())
    name = facts.get("model name") or platform.processor() or marked("unknown processor")
    return name, frozenset(facts.get("flags", "").split())


def device() -> str:
    """The name of the device that trains: the first GPU, else the processor."""
    gpus = tensorflow().config.list_physical_devices("GPU")
    if not gpus:
        return tr("{processor} ({cores} cores)", processor=tr(cpu()[0]), cores=processors())
    return str(tensorflow().config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name))


@dataclass(frozen=True)
class Choice:
    """A number format and why it was taken."""

    precision: str
    reason: str


def choose_precision(asked: Precision) -> Choice:
    """The number format to compute in. For "auto", a format that the hardware has is taken only if it is also faster:
    some processors with bfloat16 instructions run them more slowly than float32, so the processor is timed once.
    """
    if asked != "auto":
        return Choice(asked, tr("as asked"))
    gpus = tensorflow().config.list_physical_devices("GPU")
    if gpus:
        major, _ = tensorflow().config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        if major >= 8:
            return Choice("bfloat16", tr("the GPU has it"))
        return Choice("float32", tr("the GPU has no bfloat16"))
    if not cpu()[1] & {"avx512_bf16", "amx_bf16"}:
        return Choice("float32", tr("the processor has no bfloat16"))
    ratio = speed_of_bfloat16()
    if ratio >= FASTER_BY:
        return Choice("bfloat16", tr("{ratio:.1f} times as fast as float32 on this processor", ratio=ratio))
    return Choice(
        "float32", tr("bfloat16 runs at {ratio:.2f} times the speed of float32 on this processor", ratio=ratio)
    )


def speed_of_bfloat16() -> float:
    """How many times as fast as in float32 a VGG convolution runs in bfloat16; timed once a machine and kept."""
    kept = cache_dir() / "precision.json"
    machine = f"{cpu()[0]} x{processors()}, tensorflow {tensorflow().__version__}"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        saved = json.loads(kept.read_text())
        if saved == _timed(machine, float(saved["bfloat16_speed"])):
            return float(saved["bfloat16_speed"])
    ratio = round(time_convolution("float32") / time_convolution("bfloat16"), 3)
    with contextlib.suppress(OSError):
        write_json(kept, _timed(machine, ratio))
    return ratio


def _timed(machine: str, ratio: float) -> dict[str, Any]:
    """What is kept of a timing; it decides the number format, so a damaged one must not be taken for another."""
    digest = hashlib.sha256(f"{machine} {ratio}".encode()).hexdigest()
    return {"machine": machine, "bfloat16_speed": ratio, "sha256": digest}


def time_convolution(dtype: str) -> float:
    tf = tensorflow()
    images = tf.cast(tf.random.stateless_uniform((8, 28, 28, 256), (0, 0)), dtype)
    kernel = tf.cast(tf.random.stateless_uniform((3, 3, 256, 256), (0, 1)), dtype)
    step = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), autograph=False)
    step(images)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        step(images)
        times.append(time.perf_counter() - start)
    return min(times)


def versions() -> dict[str, str]:
    """The versions that decide a result."""
    from importlib import metadata  # which a prediction has no time for

    found = {"covid-tui": __version__, "python": platform.python_version()}
    for name in ("tensorflow", "keras", "ncnn", "numpy", "pillow", "scikit-learn", "textual", "plotext"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What environment.json holds, and audit.json of the machine. No user or host names; None is left out."""

    versions: dict[str, str] = field(default_factory=dict)
    """Those that decide a result, by package."""
    system: str | None = None
    processor: str | None = None
    processors: Count | None = None
    device: str | None = None
    """What trained."""
    precision: str | None = None
    """The number format that was computed in."""
    frozen_engine: EngineName | None = None
    """What computed the frozen layers; None for runs from before there was more than Keras."""
    reading: Positive = 0
    """The rules by which files became pixels; 0, which is left out, for runs from before there were any."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: value for name, value in plain_object(self).items() if value not in (None, 0)}


def environment() -> Environment:
    """Versions, system and processor of this process."""
    return Environment(
        versions=versions(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=cpu()[0],
        processors=processors(),
    )
