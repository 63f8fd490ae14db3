"""Many commands in one process of their own, as TensorFlow takes seconds to load."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

_RUN = """
import contextlib, io, json, os, sys
%s
from tui.cli import run
answers = []
for command in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(command)
    answers.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""


@dataclass(frozen=True)
class Answer:
    """What a command did: its exit code and its words."""

    code: int
    stdout: str
    stderr: str


def commands(
    *lines: Sequence[object], cwd: Path, before: str = "", umask: int = -1, **environment: str
) -> list[Answer]:
    """The answers to these command lines, given by one process that runs the code `before` first."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN % before],
        input=json.dumps([list(map(str, line)) for line in lines]),
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=cwd,
        umask=umask,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return [Answer(*answer) for answer in json.loads(done.stdout.splitlines()[-1])]
