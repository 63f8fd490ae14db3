"""The workbench in lines, in a real terminal: each question is waited for, and answered."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect

from tests.conftest import ROOT
from tests.makers.small import SIDE

SMALL = f"""
import tui.words.user_config  # the language is chosen before any sentence is imported
import dataclasses
from engine.network.backbones import BACKBONES
BACKBONES["vgg16"] = dataclasses.replace(BACKBONES["vgg16"], size={SIDE})
from tui.cli import main
main()
"""
MADE_UP = """
from engine.jobs import train
from tests.makers import fake
train.train = lambda folder, config, context: fake.train(folder, config, context, 0.05)
from tui.cli import main
main()
"""
"""The command whose trainings have real runs, events and processes, and made-up numbers."""
NEXT, NUMBER = r"What next\?", r"Number, 0 to \d+: "
DRAWN = re.compile("[\x1b\u2500-\u259f\u2800-\u28ff]|\r(?!\r*\n)")
"""What draws, or goes back in a line."""


class Talk:
    """A process that asks, with settings and a memory of its own beside `out`."""

    def __init__(self, out: Path, *arguments: object, language: str = "en", code: str = SMALL) -> None:
        self.number = NUMBER if language != "zh_TW" else r"數字，0 到 \d+: "
        self.whole = (out.parent / "talk.txt").open("w+")
        home = {"XDG_CONFIG_HOME": str(out.parent / "config"), "XDG_STATE_HOME": str(out.parent / "state")}
        environment = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COVID_TUI_LANGUAGE": language, **home}
        self.process = pexpect.spawn(
            sys.executable, ["-c", code, "plain", *map(str, arguments), "--out", str(out)], encoding="utf-8",
            timeout=300, dimensions=(24, 80), cwd=str(out.parent), env={**os.environ, **environment},
        )  # fmt: skip
        self.process.logfile_read = self.whole

    def answer(self, question: str, answer: object, seconds: float = 300) -> None:
        """Wait for a question, and its prompt where a number answers it, and answer."""
        self.process.expect(question, timeout=seconds)
        if isinstance(answer, int):
            self.process.expect(self.number)
        self.process.sendline(str(answer))

    def told(self, text: str, seconds: float = 60) -> None:
        """Wait for what is said, where the terminal breaks no line of it."""
        self.process.expect(text, timeout=seconds)

    def leave(self) -> int:
        """End the input; the exit code."""
        self.process.sendeof()
        self.process.expect(pexpect.EOF)
        return int(self.process.wait())

    def close(self) -> None:
        """End the process, whatever it is at."""
        self.process.close(force=True)
        self.whole.close()

    @property
    def shown(self) -> str:
        """All that was ever on the terminal."""
        self.whole.flush()
        self.whole.seek(0)
        return self.whole.read()


Begin = Callable[..., Talk]
"""Begins a talk, with the arguments of the command; `language` and `code` as for Talk."""
