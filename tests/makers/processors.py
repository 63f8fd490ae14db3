"""A fresh Python that may use one processor, or two: what it says must be the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOUND = "import os, sys; os.sched_setaffinity(0, set(map(int, sys.argv[1].split(','))));"


def on_one_and_on_two(code: str, *arguments: object) -> tuple[str, str]:
    """What `code`, whose own arguments begin at sys.argv[2], prints on one processor and on two; skips with fewer."""
    every = sorted(os.sched_getaffinity(0))
    if len(every) < 2:
        pytest.skip("this machine has one processor")

    def said(chosen: list[int]) -> str:
        command = [sys.executable, "-c", BOUND + code, ",".join(map(str, chosen)), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout

    return said(every[:1]), said(every[:2])
