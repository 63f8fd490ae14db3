"""Two workers of one training, each the real command in a process of its own on loopback."""

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from engine.runs.directory import Run
from tests.conftest import ROOT

COMMAND = "from tui.cli import main; main()"
MINUTE = 60


class Pair:
    """Two workers on loopback, each in a process of its own with a folder of runs of its own, the chief first.

    So many `come`; the last one may be forbidden to write files of more than `largest` bytes. They wait for each other
    for so many `minutes`; all but the chief are `late` by so many seconds.
    """

    def __init__(
        self,
        cache: Path,
        folder: Path,
        *arguments: object,
        come: int = 2,
        largest: int = 0,
        minutes: float = 10,
        late: float = 0,
    ) -> None:
        self.folder = folder
        with contextlib.ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in range(2)]
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            every = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
        self.processes = []
        code = f"import engine.training.meeting as one; one.MINUTES_TO_COME = {minutes}; {COMMAND}"
        for index in range(come):
            own = folder / f"worker{index}"
            limit = largest if index == 1 else 0
            own.mkdir(exist_ok=True)
            time.sleep(late if index else 0)
            told = {"cluster": {"worker": every}, "task": {"type": "worker", "index": index}}
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", code, *map(str, arguments)],
                    cwd=own,
                    env={**os.environ, "COVID_TUI_CACHE": str(own / "cache" if limit else cache),
                         "PYTHONPATH": str(ROOT), "TMPDIR": str(own), "TF_CONFIG": json.dumps(told)},
                    preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)) if limit else None,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )  # fmt: skip

    @property
    def run(self) -> Run:
        """The chief's run."""
        return Run(self.folder / "worker0" / "runs" / "run")

    def wait_for_epochs(self, count: int) -> None:
        """Until the chief has done so many."""
        until = time.monotonic() + 3 * MINUTE
        while len(self.run.epochs()) < count:
            assert time.monotonic() < until and self.processes[0].poll() is None, self.ends()
            time.sleep(0.05)

    def ends(self) -> list[tuple[int, str, str]]:
        """Exit code, stdout and stderr of both."""
        said = [process.communicate(timeout=4 * MINUTE) for process in self.processes]
        return [(process.returncode, *texts) for process, texts in zip(self.processes, said, strict=True)]


@contextlib.contextmanager
def pair(cache: Path, folder: Path, *arguments: object, **how: Any) -> Iterator[Pair]:
    """A pair of workers, of which none outlives the block."""
    both = Pair(cache, folder, *arguments, "--devices", "workers", **how)
    try:
        yield both
    finally:
        for process in both.processes:
            process.kill()
            process.communicate()
