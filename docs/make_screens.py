"""Draws the site's pictures of the workbench as SVG, from a real training and a real sweep on the sample data.

    python docs/make_screens.py [--runs FOLDER] [SCREEN...]

With --runs the newest trained run, audit and sweep of that folder are shown in place of new ones, which take some
minutes. With names of screens, only those are drawn.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

from textual.pilot import Pilot
from textual.widgets import DataTable

from engine.recipe.config import AugmentConfig, DataConfig, FitConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.recipe.plans import SweepConfig
from tui.app import Workbench
from tui.words.settings import Settings

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
    parser.add_argument("screens", nargs="*", help="names of the screens to draw, all when none is given")
    given, screens = parser.parse_args().runs, parser.parse_args().screens
    with tempfile.TemporaryDirectory() as folder:
        if given:
            Path(folder, "runs").symlink_to(given.resolve())
        Path(folder, "sample_data").symlink_to(ROOT / "sample_data")
        # Short names stand in the pictures, not this machine's.
        with contextlib.chdir(folder), mock.patch.object(Path, "absolute", lambda self: self):
            if not given:
                train()
                sweep()
                shutil.copytree(ROOT / "docs" / "example", Path("runs", "covid-audit"))
            asyncio.run(draw(screens))


def train() -> None:
    """Two real trainings: the head alone, and the last block with it, which is the newer one."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from engine.base.context import Context
    from engine.jobs.train import train as job

    for name, network in (("transfer", NetworkConfig()), ("partial-block5", RECIPE.network)):
        recipe = dataclasses.replace(RECIPE, network=network, output=OutputConfig(out=Path("runs"), name=name))
        print(job(Path("sample_data"), recipe, Context()))


def sweep() -> None:
    """A real sweep, with its split's test part shut."""
    from engine.base.context import Context
    from engine.jobs.sweep import Grid, Sweep

    data = dataclasses.replace(RECIPE.data, classes="COVID,Viral Pneumonia", val_share=0.3, near_duplicates=False)
    recipe = dataclasses.replace(
        RECIPE, data=data, network=NetworkConfig(), augment=AugmentConfig(augment="none"),
        fit=FitConfig(epochs=20, batch=8, patience=6), output=OutputConfig(out=Path("runs"), name="which-layers"),
    )  # fmt: skip
    grid = Grid.of(SweepConfig(depths="head,block5_conv3,block5,block4,only:block3"), recipe)
    Sweep(Path("sample_data"), recipe, grid).train(Context())


async def draw(wanted: Sequence[str]) -> None:
    """Walk through the screens, keeping the pictures of those that are wanted, of all where none is named."""
    settings = Settings(theme="covid-dark", image_protocol="halfblock")
    app = Workbench(Path("runs"), data=Path("sample_data"), settings=settings)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.session.split is not None and bool(app.session.library.entries()))
        await keep(pilot, app, "dataset", wanted)
        await pilot.press("2", "b")
        await keep(pilot, app, "layers", wanted)
        await pilot.press("t", "4")
        await quiet(pilot, app)
        await pilot.press("space", "space")
        await keep(pilot, app, "runs", wanted)
        if wanted and not set(wanted) - {"dataset", "layers", "runs"}:
            return
        await pilot.press("u", "home", "f")
        await keep(pilot, app, "train", wanted)
        await pilot.press("5")
        await keep(pilot, app, "results", wanted)
        await pilot.press("p")
        await until(pilot, lambda: "says " in str(app.screen.query_one("#answer").render()))
        await keep(pilot, app, "predict", wanted)
        await pilot.press("escape", "7")
        await keep(pilot, app, "audit", wanted)
        await pilot.press("escape", "8")
        await until(pilot, lambda: app.screen.query_one("#recipes", DataTable).row_count > 0)
        await keep(pilot, app, "sweep", wanted)
        if wanted and "review" not in wanted:
            return
        await pilot.press("escape", "9", "s")
        await until(pilot, lambda: "decided" in str(app.screen.query_one("#progress").render()))
        await keep(pilot, app, "review", wanted)


async def quiet(pilot: Pilot[None], app: Workbench) -> None:
    """Wait until nothing is under way and all is drawn."""
    for _ in range(3):
        await pilot.pause(0.4)
        await until(pilot, lambda: not app.session.jobs)


async def keep(pilot: Pilot[None], app: Workbench, name: str, wanted: Sequence[str] = ()) -> None:
    """Write the picture of the open screen, where it is wanted."""
    if wanted and name not in wanted:
        return
    await quiet(pilot, app)
    app.clear_notifications()
    await pilot.pause()
    picture = without_web_fonts(app.export_screenshot(title=f"covid-tui, {name}"))
    (SCREENS / f"{name}.svg").write_text(picture, encoding="utf-8")


def without_web_fonts(svg: str) -> str:
    """A picture without its fonts' addresses: whoever shows it fetches nothing, and takes a font that is there."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


async def until(pilot: Pilot[None], holds: Callable[[], bool], seconds: float = 600) -> None:
    """Wait until this holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"the screen {pilot.app.screen} did not come so far")
        await pilot.pause(0.05)


if __name__ == "__main__":
    main()
