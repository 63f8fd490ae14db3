"""A DICOM file's compressed samples, decoded in a process of its own, which can do no harm when a file is made to.

The decoders are C and C++. A damaged file can keep them busy for hours, make them ask for all memory, or crash them,
and while they run no other thread of their process does. So each frame goes through a pipe to a worker with a limit on
its processor time and memory; a worker that dies takes one file with it. Idle workers serve the next files.
This file is also what a worker runs, so it imports nothing of the engine.
"""

import atexit
import json
import math
import resource
import select
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]

PLUGINS = {
    **dict.fromkeys(
        (
            "1.2.840.10008.1.2",  # not compressed, as samples of brightness and colour difference
            "1.2.840.10008.1.2.1",
            "1.2.840.10008.1.2.2",
        ),
        "",
    ),
    "1.2.840.10008.1.2.5": "pydicom",  # RLE
    **{
        f"1.2.840.10008.1.2.4.{number}": "pylibjpeg"
        for number in ("50", "51", "57", "70", "80", "81", "90", "91", "201", "202", "203")
    },
}
"""Which of pydicom's plugins decodes a transfer syntax: always the same, whatever else is installed."""

MB = 2**20
_ROOM, _BYTES_A_SAMPLE, _MOST = 256 * MB, 24, 2048 * MB
_CPU_SECONDS, _CPU_SECONDS_A_SAMPLE = 2, 1e-6
_WALL_SECONDS = 120.0
_IDLE_SECONDS = 30.0


class DecodingError(Exception):
    """The frame can't be decoded; `str(error)` is "missing", "memory", "refused" or "died", never a file's content."""


def decode(data: bytes | memoryview, syntax: str, options: dict[str, Any]) -> Samples:
    """The one frame in `data`, as `decode_here` gives it, decoded by a worker. Raises DecodingError."""
    try:
        worker = IDLE_WORKERS.pop()
        found = worker.ask(data, syntax, options)
    except (IndexError, DecodingError):  # none is idle, or it ended meanwhile: what a new worker says counts
        worker = _Worker()
        found = worker.ask(data, syntax, options)
    IDLE_WORKERS.append(worker)
    if isinstance(found, str):
        raise DecodingError(found)
    return found


def decode_here(data: bytes | memoryview, syntax: str, options: dict[str, Any]) -> Samples:
    """The one frame in `data`: (rows, columns) or (rows, columns, 3), YBR turned into RGB.

    `options` are pydicom's for its decoders. Raises whatever pydicom and its plugins raise.
    """
    from pydicom.pixels import get_decoder

    plugin = PLUGINS[syntax]
    found: Samples = get_decoder(syntax).as_array(data, index=0, decoding_plugin=plugin, **options)[0]
    return found


class _Worker:
    """The parent's end of a worker."""

    def __init__(self) -> None:
        # A session of its own: ctrl+c and a terminal that goes away are the parent's business.
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def ask(self, data: bytes | memoryview, syntax: str, options: dict[str, Any]) -> Samples | str:
        """The decoded frame, or why there is none; raises DecodingError ("died") where the worker is gone."""
        process, asked = self._process, {"syntax": syntax, "options": options, "bytes": len(data)}
        assert process.stdin and process.stdout
        late = threading.Timer(_WALL_SECONDS, process.kill)
        late.daemon = True
        late.start()
        try:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.write(data)
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            body = process.stdout.read(answer["bytes"])
            if len(body) != answer["bytes"]:
                raise EOFError
        except (OSError, ValueError, EOFError):
            self.close()
            raise DecodingError("died") from None
        except BaseException:
            self.close()
            raise
        finally:
            late.cancel()
        if answer["error"]:
            return str(answer["error"])
        return np.frombuffer(body, answer["dtype"]).reshape(answer["shape"])

    def close(self) -> None:
        """End it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                assert pipe
                pipe.close()
        self._process.wait()


IDLE_WORKERS: list[_Worker] = []


@atexit.register
def _close() -> None:
    while IDLE_WORKERS:
        IDLE_WORKERS.pop().close()


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """A worker's life: a frame after the other, until its parent is gone or has had none for a while."""
    used = _address_space()
    while select.select([source], [], [], _IDLE_SECONDS)[0]:
        line = source.readline()
        if not line:
            return
        asked = json.loads(line)
        data = source.read(asked["bytes"])
        options = asked["options"]
        samples = options["rows"] * options["columns"] * options["samples_per_pixel"]
        _limit(used + len(data), samples)
        answer: dict[str, Any] = {"error": "", "bytes": 0}
        body: Any = b""
        try:
            found = np.ascontiguousarray(decode_here(data, asked["syntax"], options))
            answer |= {"dtype": found.dtype.str, "shape": found.shape, "bytes": found.nbytes}
            body = found.data.cast("B")
        except ImportError:
            answer["error"] = "missing"
        except MemoryError:
            answer["error"] = "memory"
        except Exception as exc:  # a decoder throws nearly any kind, and its words may hold what the file does
            answer["error"] = "missing" if "missing dependencies" in str(exc) else "refused"
        sink.write(json.dumps(answer).encode() + b"\n")
        sink.write(body)
        sink.flush()


def _limit(used: int, samples: int) -> None:
    """Bound what the next frame may take; whoever goes beyond gets MemoryError, or is ended by the system."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(spent.ru_utime + spent.ru_stime) + _CPU_SECONDS + math.ceil(samples * _CPU_SECONDS_A_SAMPLE)
    room = used + min(_ROOM + _BYTES_A_SAMPLE * samples, _MOST)
    for kind, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, room)):
        with suppress(OSError, ValueError):  # macOS has no limit on memory
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _address_space() -> int:
    """Bytes of address space that the libraries take."""
    import pydicom.pixels  # noqa: F401  # loaded first, so that they count

    with suppress(ImportError):
        import libjpeg  # noqa: F401
        import openjpeg  # noqa: F401
    with suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[0]) * resource.getpagesize()
    return 0


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    with suppress(ImportError, KeyboardInterrupt, BrokenPipeError):
        _serve(sys.stdin.buffer, sys.stdout.buffer)
