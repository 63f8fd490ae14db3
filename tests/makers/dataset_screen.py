"""The Dataset screen, opened on a folder and waited for."""

from pathlib import Path

import numpy as np
from textual.pilot import Pilot

from tests.makers.drive import until
from tui.app import Workbench
from tui.screens.dataset.banner import Banner
from tui.widgets.xray import Xray
from tui.words.settings import Settings

ODD = "[red]x\x1b[31m.png"


def same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Are both there, and the same pixels?"""
    return one is not None and other is not None and np.array_equal(one, other)


def measured(banner: Banner) -> bool:
    return banner.confounding is not None


def workbench(tmp_path: Path, data: Path | None) -> Workbench:
    return Workbench(tmp_path / "runs", data=data, settings=Settings(image_protocol="halfblock"))


async def ready(app: Workbench, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: app.session.split is not None)
    await until(pilot, lambda: app.screen.query_one(Xray).pixels is not None and not app.session.jobs)
