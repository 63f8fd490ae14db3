"""The real command in processes of its own, forked from one that has loaded the libraries which most commands load.

TensorFlow, SciPy and scikit-learn take longer to load than most of what is tested. One process loads them once, and
nothing of the product. Each command is then a fork of it: a process with its own memory, streams, signals and exit
code, that imports the product, runs it and ends as `python -c "from tui.cli import main; main()"` does. Other code may
run in its place. What is about loading itself, about memory, or about how an interpreter starts, needs a fresh
interpreter instead.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
SERVER = "from tests.makers.forked import serve; exec(serve())"
"""`serve` returns in the forks alone, with the code that the fork is for, its arguments in place."""
COMMAND = "from tests.makers import small; small.follow(); from tui.cli import main; main()"
LIBRARIES = (
    *("numpy", "PIL.Image", "h5py", "scipy.stats", "scipy.optimize", "sklearn.linear_model", "sklearn.model_selection"),
    *("sklearn.preprocessing", "sklearn.pipeline", "sklearn.metrics", "cyclopts", "platformdirs", "tensorflow.keras"),
)


def serve() -> str:
    """Load the libraries, then fork a process for each request; returns in each fork, with the code to run there.

    Ends this process where the one that started it is gone, as its end of standard input then closes.
    """
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", GRPC_VERBOSITY="ERROR")
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # a fork that looked through all these objects would copy them
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(sys.argv[1])
    listener.listen()
    signal.signal(signal.SIGCHLD, _reap)
    print("ready", flush=True)
    with selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ)
        ready.register(0, selectors.EVENT_READ)
        while True:
            if any(key.fd == 0 for key, _ in ready.select()):
                os._exit(0)
            caller, _ = listener.accept()
            if os.fork() == 0:
                break
            caller.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    listener.close()
    sys.meta_path.insert(0, Hidden("tensorflow"))
    return _become(caller)


class Hidden(MetaPathFinder, Loader):
    """Hides a loaded module until it is imported, as the product says when it is about to load TensorFlow."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module = sys.modules.pop(name)
        self.spec = self.module.__spec__

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        spec = ModuleSpec(name, self, is_package=True)
        spec.submodule_search_locations = self.spec.submodule_search_locations if self.spec else None
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        sys.meta_path.remove(self)
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


def _reap(number: int, frame: FrameType | None) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(caller: socket.socket) -> str:
    """In a fork: fork once more, wait for that process and report its end; the other becomes the command.

    Returns its code there.
    """
    message, streams, _, _ = socket.recv_fds(caller, 1 << 20, 3)
    request = json.loads(message)
    child = os.fork()
    if child:
        for descriptor in (0, 1, 2, *streams):
            os.close(descriptor)
        caller.sendall(f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(OSError):
            caller.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    caller.close()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["-c", *request["arguments"]]
    return str(request["code"])


class Command:
    """A command under way: what `subprocess.Popen` gives, as far as the tests use it."""

    def __init__(self, address: Path, code: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self.args = arguments
        self.returncode: int | None = None
        out, into_out = os.pipe()
        err, into_err = os.pipe()
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(str(address))
        asked = {"code": code, "arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}
        request = json.dumps(asked).encode()
        with Path(os.devnull).open() as nothing:
            socket.send_fds(self._connection, [request], [nothing.fileno(), into_out, into_err])
        os.close(into_out)
        os.close(into_err)
        self.stdout: IO[str] = os.fdopen(out, encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(err, encoding="utf-8")
        self._answer = b""
        self.pid = self._number(None)

    def _number(self, timeout: float | None) -> int:
        """What the process that looks after the command reports next: the command's pid, then its exit code."""
        while b"\n" not in self._answer:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            more = self._connection.recv(64)
            assert more, "the process that looks after the command is gone"
            self._answer += more
        line, self._answer = self._answer.split(b"\n", 1)
        return int(line)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = self._number(timeout)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote that was not yet read, once it has ended."""
        read = ["", ""]

        def drain(place: int, stream: IO[str]) -> None:
            read[place] = stream.read()

        threads = [
            threading.Thread(target=drain, args=item, daemon=True) for item in enumerate((self.stdout, self.stderr))
        ]
        for thread in threads:
            thread.start()
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        for thread in threads:
            thread.join()
        return read[0], read[1]

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, kind: object, *raised: object) -> None:
        if kind:
            self.kill()
        self.wait()
        for stream in (self.stdout, self.stderr, self._connection):
            stream.close()


class Forks:
    """Starts commands as forks of one process that it keeps."""

    def __init__(self, folder: Path) -> None:
        self.address = folder / "forks"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, self.address], cwd=folder, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout
        self._ready = False

    def start(self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], code: str = COMMAND) -> Command:
        if not self._ready:
            assert self._process.stdout and self._process.stdout.readline() == "ready\n"
            self._ready = True
        return Command(self.address, code, arguments, cwd, env)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
