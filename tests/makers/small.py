"""VGG16 for small pictures: the same layers, weights and code, at a tenth of the work.

Most of what a training, a cache or a prediction promises doesn't depend on the side of the pictures. The tests of it
say `pytestmark = pytest.mark.usefixtures("small_pictures")`: VGG16 then takes pictures of SIDE pixels, in their process
and in the commands that they start. `make test-all` leaves it at its own size. Imported by each command: loads little.
"""

import dataclasses
import os
from typing import TYPE_CHECKING

from tests.makers.extent import ALL

if TYPE_CHECKING:
    import pytest

SIDE = 224 if ALL else 64
"""Of the small pictures, in pixels."""
SWITCH = "COVID_TUI_TESTS_SIDE"
"""Names the side in the environment of the commands; empty for VGG16's own."""


def shrink(monkeypatch: "pytest.MonkeyPatch") -> None:
    """Let VGG16 take small pictures, here and in the commands that are started."""
    from engine.network.backbones import BACKBONES

    monkeypatch.setitem(BACKBONES, "vgg16", dataclasses.replace(BACKBONES["vgg16"], size=SIDE))
    monkeypatch.setenv(SWITCH, str(SIDE))


def follow() -> None:
    """In a command: take the pictures that the test which started it has chosen."""
    if side := os.environ.get(SWITCH):
        from engine.network.backbones import BACKBONES

        BACKBONES["vgg16"] = dataclasses.replace(BACKBONES["vgg16"], size=int(side))
