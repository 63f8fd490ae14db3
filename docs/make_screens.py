"""Draws the README's pictures of the workbench: five screens as SVG, from a real training on the sample data.

    python docs/make_screens.py [--runs FOLDER]

With --runs the newest trained run of that folder is shown in place of a new training, which takes a minute or two.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from textual.pilot import Pilot

from engine.config import DataConfig, FitConfig, NetworkConfig, OutputConfig, TrainConfig
from tui.app import Workbench
from tui.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SCREENS = ROOT / "docs" / "screens"
SIZE = (120, 38)
RECIPE = TrainConfig(
    data=DataConfig(classes="COVID,Viral Pneumonia,Normal", test_share=0.2),
    network=NetworkConfig(mode="partial", unfreeze="block5"),
    fit=FitConfig(epochs=20, batch=8, patience=6),
)


def main() -> None:
    """Train where needed, then draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=Path, help="folder of runs to show, in place of a new training")
    given = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        if given:
            Path(folder, "runs").symlink_to(given.resolve())
        Path(folder, "sample_data").symlink_to(ROOT / "sample_data")
        # Short names stand in the pictures, not this machine's.
        with contextlib.chdir(folder), mock.patch.object(Path, "absolute", lambda self: self):
            if not given:
                train()
                shutil.copytree(ROOT / "docs" / "example", Path("runs", "covid-audit"))
            asyncio.run(draw())


def train() -> None:
    """A real training."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from engine.jobs import train as job
    from engine.stopping import Stop

    output = OutputConfig(out=Path("runs"), name="partial-block5")
    print(job(Path("sample_data"), dataclasses.replace(RECIPE, output=output), lambda event: None, Stop()))


async def draw() -> None:
    """Walk through the screens."""
    settings = Settings(theme="covid-dark", image_protocol="halfblock")
    app = Workbench(Path("runs"), data=Path("sample_data"), settings=settings)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.session.split is not None and bool(app.session.library.entries()))
        await keep(pilot, app, "dataset")
        await pilot.press("4")
        await quiet(pilot, app)
        await pilot.press("f")
        await keep(pilot, app, "train")
        await pilot.press("5")
        await keep(pilot, app, "results")
        await pilot.press("p")
        await until(pilot, lambda: "says " in str(app.screen.query_one("#answer").render()))
        await keep(pilot, app, "predict")
        await pilot.press("escape", "7")
        await keep(pilot, app, "audit")


async def quiet(pilot: Pilot[None], app: Workbench) -> None:
    """Wait until nothing is under way and all is drawn."""
    for _ in range(3):
        await pilot.pause(0.4)
        await until(pilot, lambda: not app.session.jobs)


async def keep(pilot: Pilot[None], app: Workbench, name: str) -> None:
    """Write the picture of the open screen."""
    await quiet(pilot, app)
    app.clear_notifications()
    await pilot.pause()
    (SCREENS / f"{name}.svg").write_text(app.export_screenshot(title=f"covid-tui, {name}"), encoding="utf-8")


async def until(pilot: Pilot[None], holds: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until this holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"the screen {pilot.app.screen} did not come so far")
        await pilot.pause(0.05)


if __name__ == "__main__":
    main()
