"""Many commands in one process of their own, as TensorFlow takes seconds to load."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.conftest import ROOT, Start

_RUN = """
import contextlib, io, json, os, sys
%s
from tests.makers import small
small.follow()
from tui.cli import run
answers = []
for command in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(command)
    answers.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""

WATCH = """
import atexit, pathlib, threading, time
heard = set()
WATCHED = ("socket.listen", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen")
sys.addaudithook(lambda event, arguments: heard.add(f"{event} {arguments[:1]}") if event in WATCHED else None)
def listening():
    own = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            own.add(os.readlink(f"/proc/self/fd/{name}"))
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        with contextlib.suppress(OSError):
            for line in pathlib.Path("/proc/self/net", kind).read_text().splitlines()[1:]:
                cells = line.split()
                if f"socket:[{cells[9]}]" in own and (cells[3] == "0A" or kind.startswith("udp")):
                    heard.add(f"{kind} {cells[1]}")
def look():
    while True:
        listening()
        time.sleep(0.05)
threading.Thread(target=look, daemon=True).start()
atexit.register(lambda: pathlib.Path(os.environ["HEARD"]).write_text(json.dumps(sorted(heard))))
"""
"""Code to run before: writes what listens and what other process was started into the JSON file that HEARD names."""

ASKING_THE_PROCESSOR = ["subprocess.Popen ('uname',)"]
"""Heard where a library asks Python's own platform module."""
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Answer:
    """What a command did: its exit code and its words."""

    code: int
    stdout: str
    stderr: str


def commands(
    *lines: Sequence[object],
    cwd: Path,
    before: str = "",
    umask: int = -1,
    environment: Mapping[str, str] = NOTHING,
    start: Start | None = None,
) -> list[Answer]:
    """The answers to these command lines, given by one process that runs the code `before` first: a fresh interpreter,
    or where `start` is given a fork of one that has loaded the libraries.
    """
    code, asked = _RUN % before, json.dumps([list(map(str, line)) for line in lines])
    if start:
        code = f"import os; os.umask({umask})\n{code}" if umask >= 0 else code
        with start(asked, code=code, cwd=cwd, **environment) as process:
            out, err = process.communicate(600)
        returned = process.returncode
    else:
        done = subprocess.run(
            [sys.executable, "-c", code, asked],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            cwd=cwd,
            umask=umask,
            capture_output=True,
            text=True,
            timeout=600,
        )
        out, err, returned = done.stdout, done.stderr, done.returncode
    assert returned == 0, err
    return [Answer(*answer) for answer in json.loads(out.splitlines()[-1])]
