"""How much memory all readers of pictures together may take, whatever the pictures are and however many read.

BUDGET bytes are shared by all threads, and whoever needs more than is left of it waits. One picture at a time may go
beyond, by no more than MOST: so nobody waits for ever, and never is more than BUDGET + MOST in use. That is what is
counted: file content, decoded and converted pixels, the decoders' buffers. What the allocator has of it back it may
keep for a while, so it is told to give back.
"""

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from functools import cache

MB = 10**6
BUDGET = 350 * MB
MOST = 900 * MB
"""A picture that needs more is refused: 100 million pixels in colour, decoded and converted, take 700 MB."""
SLACK = 250 * MB
"""What the allocator may hold beyond what is counted."""
BOUND = BUDGET + MOST + SLACK
"""Bytes that reading may take in all, beyond what the libraries do."""


class NoRoomError(MemoryError):
    """A picture that needs `bytes`, more than MOST."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"{needed // MB} MB are more than the {MOST // MB} MB that a picture may take")
        self.bytes = needed


class Claim:
    """A reader's share of the room."""

    def __init__(self, room: "Room") -> None:
        self._room, self._thread = room, threading.get_ident()
        self.bytes = 0

    def grow_to(self, wanted: int) -> None:
        """Take `wanted` bytes in all, as soon as there is room for them. Raises NoRoomError where they are too many."""
        if wanted > MOST:
            raise NoRoomError(wanted)
        self._room.take(self, wanted - self.bytes, self._thread)


class Room:
    """The memory that readers share."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget, self._changed = budget, threading.Condition()
        self._taken = 0
        self._beyond: int | None = None
        """The thread that went beyond the budget."""
        self._since_trimmed = 0

    @contextlib.contextmanager
    def claim(self) -> Iterator[Claim]:
        """A claim that ends with the block."""
        claim = Claim(self)
        try:
            yield claim
        finally:
            self._give_back(claim)

    def take(self, claim: Claim, more: int, thread: int) -> None:
        """Add to the claim; at once where nothing is added."""
        if more <= 0:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._fits(more) or self._beyond in (None, thread))
            if not self._fits(more):
                self._beyond = thread
            self._taken += more
            claim.bytes += more

    def _fits(self, more: int) -> bool:
        return self._taken + more <= self._budget

    def _give_back(self, claim: Claim) -> None:
        with self._changed:
            self._taken -= claim.bytes
            if self._taken <= self._budget:
                self._beyond = None
            self._since_trimmed += claim.bytes
            trimmed = self._since_trimmed >= self._budget
            if trimmed:
                self._since_trimmed = 0
            self._changed.notify_all()
        if trimmed:
            _trim()


ROOM = Room()
"""The one that every reader of this process shares."""


def _trim() -> None:
    """Give freed memory back to the system, of every thread's arena, where the C library can."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> "ctypes._NamedFuncPointer | None":
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
