"""Every screen of the workbench with data on it: runs, a sweep, an audit and a folder, always under the same names."""

import functools
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.segment import Segment
from textual.pilot import Pilot
from textual.widgets import DataTable, Input

from engine.data.image.reader import held
from engine.data.scan import scan
from engine.data.split import Split
from engine.evaluation.level_likeness import Likeness, likeness, measured
from engine.evaluation.predictions_table import worst_first
from engine.evaluation.training_reference import DEVIATION, Reference, facts_of
from engine.review.suspects import Review
from engine.runs.directory import Run
from tests.makers import made
from tests.makers.drive import DATA, until
from tests.makers.scanned import scanned
from tui.app import Workbench
from tui.screens.frame import MODES
from tui.screens.train.machine import Gauge, Machine
from tui.services.models import Models

RUNS = Path(__file__).parent / "data" / "runs"
EXAMPLE = DATA.parent / "docs" / "example"
GAUGES = [Gauge("cpu", 0.75, "75% of 2"), Gauge("memory", 0.25, "8.0/32 GB"), Gauge("program", 0.05, "1.6 GB")]
PICTURE = "COVID/images/COVID-4.png"


def said(*_: object) -> Any:
    """What the model of the kept run said about the picture, without its weights."""
    from engine.evaluation.prediction import Prediction

    answer = next(answer for answer in worst_first(Run(Path("runs/partial-vgg16"))) if answer.file == PICTURE)
    return Prediction(Path("sample_data") / PICTURE, answer.said, answer.shares, likeness=beside_training_images())


def reviewed(*_: object) -> Review:
    """What a review of the sample data found, as `covid-tui review sample_data --json` said it, of the rest the first
    three.
    """
    return msgspec.json.decode((RUNS.parent / "review.json").read_bytes(), type=Review)


@functools.cache
def beside_training_images() -> Likeness:
    """How the picture looks beside the training images of the kept run."""
    records = {record.file: record for record in scan(DATA).records}
    trained = [records[file] for file in Split.read(RUNS / "partial-vgg16" / "split.csv").files("train")]
    facts = {**facts_of(trained), DEVIATION: np.array([record.deviation for record in trained])}
    with held(DATA / PICTURE) as image:
        return likeness(measured(image), Reference(np.zeros((len(trained), 1), np.float32), facts).levels)


def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs and data under names that are the same everywhere, and a machine that stands still."""
    shutil.copytree(RUNS, tmp_path / "runs")
    for number, name in enumerate(("transfer-vgg16", "partial-vgg16")):
        os.utime(tmp_path / "runs" / name / "config.json", (1.75e9 + 600 * number,) * 2)
    (tmp_path / "runs" / "covid-audit").mkdir()
    for name in ("audit.json", "audit.svg"):
        shutil.copy(EXAMPLE / name, tmp_path / "runs" / "covid-audit")
        os.utime(tmp_path / "runs" / "covid-audit" / name, (1.75e9 + 43200, 1.75e9 + 43200))
    shutil.copytree(DATA, tmp_path / "sample_data", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    made.kept_sweep(Path("runs/which"), Path("sample_data"))
    monkeypatch.setattr(Path, "absolute", lambda self: self)
    monkeypatch.setattr(Machine, "on_mount", lambda self: self.show(GAUGES))
    monkeypatch.setattr(Models, "predict", said)
    monkeypatch.setattr(Models, "terms", lambda *_: None)  # the kept run has no weights to promise by
    monkeypatch.setattr("engine.jobs.review.review", reviewed)
    monkeypatch.setattr("tui.state.session.scan_folder", scanned)
    return tmp_path


async def still(pilot: Pilot[None], app: Workbench, looks: int = 4) -> None:
    """Wait until no work is under way and the screen, without its messages, looks the same four times, a sixth of a
    second apart: on a busy machine the last layout may come a while after the last event. Fewer looks are for what
    takes no picture.
    """
    before: list[list[Segment]] = []
    same = 0
    for _ in range(120):
        await until(pilot, lambda: not app.session.jobs)
        app.clear_notifications()
        for field in app.screen.query(Input):
            field.cursor_blink = False  # twice a second, so that it would never be still
        await pilot.pause(1 / 6)
        now = [list(strip) for strip in app.screen._compositor.render_strips()]
        same = same + 1 if now == before and not app.session.jobs else 0
        if same == looks - 1:
            return
        before = now


async def arrive(pilot: Pilot[None], app: Workbench, mode: str) -> None:
    """Open a screen in the state to be pictured."""
    if mode == "train":
        await pilot.press("4")
        await still(pilot, app)
        await pilot.press("f")
    elif mode == "runs":
        await pilot.press("escape", "4", "space", "down", "space")
    elif mode == "predict":
        app.session.picture, app.session.asked = Path("sample_data") / PICTURE, Path("runs/partial-vgg16")
        await pilot.press("escape", "6")
    elif mode == "review":
        await pilot.press("escape", "9")
        await still(pilot, app)
        await pilot.press("s")
    else:
        await pilot.press("escape", str(1 + MODES.index(mode)))
    await still(pilot, app)


def sideways(app: Workbench) -> list[str]:
    """The tables in sight whose columns need more room than there is."""
    return [
        f"{app.current_mode} {app.size.width}: {table.id} {table.virtual_size.width} in {table.size.width}"
        for table in app.screen.query(DataTable)
        if table.size.area and table.virtual_size.width > table.scrollable_content_region.width
    ]
