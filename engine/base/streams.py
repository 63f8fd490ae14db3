"""Standard output and error that end no work: what can't be written there is dropped, and the reason remembered.

A reader that has left, a full disk, a terminal that is gone, a stream that was closed before the start, an encoding
that lacks a character: none of these raises an error where text is written.
"""

import codecs
import contextlib
import io
import os
import select
import sys
import unicodedata
from typing import Any, TextIO

SIGNS = "covid-tui.signs"
"""The name under which codecs find what stands for a character that an encoding lacks."""
_PLAIN = {**dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)), "·": ".", "…": "...", "─": "-", "│": "|"}


class Stream(io.TextIOWrapper):
    """A text stream on a file descriptor, whose writing never fails. It is flushed at the end of each line."""

    def __init__(self, descriptor: int, encoding: str, keeps_gaps: bool) -> None:
        """`keeps_gaps`: does it go on after a loss, as messages may, or end there, as data must?"""
        self._descriptor = _Descriptor(descriptor, keeps_gaps)
        super().__init__(io.BufferedWriter(self._descriptor), encoding=encoding, errors=SIGNS, line_buffering=True)

    @property
    def lost(self) -> int:
        """The number of the error, one of `errno`, by which something written here was lost; 0 where nothing was."""
        return self._descriptor.lost

    def on(self, descriptor: int) -> "Stream":
        """A stream like this one on another descriptor."""
        return Stream(descriptor, self.encoding, self._descriptor.keeps_gaps)


class _Descriptor(io.FileIO):
    """An open descriptor, which outlives this object; bytes that it does not take are dropped."""

    def __init__(self, descriptor: int, keeps_gaps: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.keeps_gaps, self.lost = keeps_gaps, 0

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        if self.lost and not self.keeps_gaps:
            return size
        try:
            while (written := super().write(data)) is None:  # a pipe that does not block is full: wait for its reader
                select.select([], [self.fileno()], [])
        except OSError as error:
            self.lost = error.errno or -1
            return size
        return written


def prepare() -> None:
    """Put streams of this kind in the place of standard output and error, at the start of a process.

    A descriptor of the three that is closed is opened on nothing, or else the next file that is opened would get its
    number, and with it what is meant for the terminal.
    """
    prepare_codec()
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)  # the lowest number that is free, which need not be this one
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = _stream(sys.stdout, 1, keeps_gaps=False)
    sys.stderr = _stream(sys.stderr, 2, keeps_gaps=True)
    for name in ("__stdin__", "__stdout__", "__stderr__"):
        if getattr(sys, name) is None:
            setattr(sys, name, getattr(sys, name.strip("_")))


def prepare_codec() -> None:
    """Let codecs know `SIGNS`, which every `Stream` uses."""
    codecs.register_error(SIGNS, _plain)


def as_written(text: str) -> str:
    """`text` as standard output will show it, where its encoding may lack characters."""
    if not isinstance(sys.stdout, Stream) or text.isascii():
        return text
    return text.encode(sys.stdout.encoding, SIGNS).decode(sys.stdout.encoding)


def _stream(before: TextIO | None, number: int, keeps_gaps: bool) -> Stream:
    with contextlib.suppress(OSError, AttributeError):
        before.flush()  # type: ignore[union-attr]
    return Stream(number, (before and before.encoding) or "utf-8", keeps_gaps)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What is written for characters that an encoding lacks: for those that draw one alike, for letters an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_sign, error.object[error.start : error.end])), error.end


def _sign(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    if 0x2500 <= ord(character) < 0x25A0:  # lines and blocks
        return "+" if ord(character) < 0x2580 else "#"
    if unicodedata.category(character) == "So" and 0x2800 <= ord(character) < 0x2900:  # dots, as in plots
        return "*"
    return character.encode("ascii", "backslashreplace").decode()
