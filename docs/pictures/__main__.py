"""Draws all pictures of the workbench: docs/screens/*.svg, and the README's moving one, docs/tour.svg.

    make pictures

Every picture is what the workbench showed: real trainings on the sample data, kept in build/pictures, and the Train
screen as `covid-tui replay` plays one of them back. The first time that takes minutes, later ones less than one.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from textual.pilot import Pilot
from textual.widgets import DataTable

from docs.pictures import runs
from docs.pictures.svg import Frame, moving, picture
from engine.runs.replay import USUAL_SPEED
from tui.app import Workbench
from tui.host.private_apis import shown_text
from tui.screens.review.text import NOTHING
from tui.words.settings import Settings

SIZE = (120, 38)
LARGEST = 300_000
"""Bytes of the moving picture."""
HALF_WAY = 8
"""Epochs after which the replay is pictured."""
TOUR = (
    ("dataset", "What is in the folder, and is anything wrong with it?"),
    ("layers", "Which layers shall learn, and what does that cost?"),
    ("training", "It trains. Curves and epochs are live; here a training is played back."),
    ("train", "It has trained, and was tested on images that it never saw."),
    ("results", "How good is it on those, and how sure is that?"),
    ("predict", "What does it say about one image? For research and teaching only."),
    ("audit", "Does it read the lungs, or something else?"),
)
"""The frames of the moving picture, with their captions."""


def main() -> None:
    """Train what is missing, walk through the workbench, and write the pictures."""
    runs.make_workplace()
    # Short names stand in the pictures, not this machine's; colours are those of a usual terminal.
    with contextlib.chdir(runs.WORK), mock.patch.object(Path, "absolute", lambda self: self):
        runs.make_runs()
        with mock.patch.dict(os.environ, {"COLORTERM": "truecolor"}):
            os.environ.pop("NO_COLOR", None)
            seen = asyncio.run(walk())
    docs = runs.ROOT / "docs"
    for name, svg in seen.items():
        if (docs / "screens" / f"{name}.md").is_file():
            drawn = picture(svg, f"covid-tui, {name}", SIZE)
            (docs / "screens" / f"{name}.svg").write_text(drawn, encoding="utf-8")
    tour = moving([Frame(caption, seen[name]) for name, caption in TOUR], "covid-tui on its sample data", SIZE)
    if len(tour.encode()) > LARGEST:
        raise SystemExit(f"The moving picture takes {len(tour.encode()):,} bytes, more than {LARGEST:,}.")
    (docs / "tour.svg").write_text(tour, encoding="utf-8")


async def walk() -> dict[str, str]:
    """Textual's picture of each screen, and of the Train screen half-way through a training."""
    seen = dict[str, str]()
    settings = Settings(theme="covid-dark", image_protocol="sextant", recipe=runs.RECIPE)
    app = Workbench(
        runs.RUNS, data=runs.SAMPLE, attached=runs.RUNS / runs.EPOCHS, speed=USUAL_SPEED, settings=settings
    )  # fmt: skip
    async with app.run_test(size=SIZE) as pilot:

        async def keep(name: str) -> None:
            await quiet(pilot, app)
            seen[name] = await taken(pilot, app)

        await until(pilot, lambda: app.session.split is not None and len(app.session.library.entries()) == 2)
        await until(pilot, lambda: app.session.replay is not None)
        await pilot.press("j", "space")  # to the end, and once more from the beginning
        await until(pilot, lambda: pilot.app.screen.query_one("#epochs", DataTable).row_count >= HALF_WAY)
        seen["training"] = await taken(pilot, app)
        await pilot.press("j")
        await keep("train")
        await pilot.press("4")
        await quiet(pilot, app)
        await pilot.press("f")  # another run, so that no title speaks of the replay any more
        await until(pilot, lambda: app.session.replay is None)
        await pilot.press("1")
        await keep("dataset")
        await pilot.press("4")
        await quiet(pilot, app)
        await pilot.press("space", "down", "space")
        await keep("runs")
        app.session.judged = app.session.asked = runs.RUNS / runs.CHOSEN
        await pilot.press("5")
        await keep("results")
        app.session.picture = runs.PICTURE
        await pilot.press("6")
        await until(pilot, lambda: "The model says" in shown_text(app.screen))
        await pilot.press("g")
        await keep("predict")
        await pilot.press("escape", "7")
        await keep("audit")
        await pilot.press("escape", "8")
        await until(pilot, lambda: "frontier" in shown_text(app.screen).lower())
        await keep("sweep")
        await pilot.press("escape", "9", "s")
        await quiet(pilot, app)
        if NOTHING in shown_text(app.screen):
            await pilot.press("m")
        await keep("review")
        await pilot.press("escape", "2", "b")
        await keep("layers")
    return seen


async def taken(pilot: Pilot[None], app: Workbench) -> str:
    """The picture of the open screen, without messages."""
    app.clear_notifications()
    await pilot.pause()
    return app.export_screenshot()


async def quiet(pilot: Pilot[None], app: Workbench) -> None:
    """Wait until nothing is under way and the screen stays as it is."""
    before = ""
    while True:
        await until(pilot, lambda: not app.session.jobs)
        app.clear_notifications()
        await pilot.pause(0.4)
        if not app.session.jobs and (now := shown_text(app.screen)) == before:
            return
        before = now if not app.session.jobs else ""


async def until(pilot: Pilot[None], holds: Callable[[], bool], seconds: float = 900) -> None:
    """Wait until this holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"the screen did not come so far:\n{shown_text(pilot.app.screen)}")
        await pilot.pause(0.05)


if __name__ == "__main__":
    main()
