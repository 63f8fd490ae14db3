"""Runs, sweeps and audits altered on disk: every screen shows the others, tells of these, and goes on."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.makers.altered import Alteration, alterations, put
from tests.makers.drive import text, until
from tests.product.test_altered_runs import CHECKS, Place, place  # noqa: F401  (a fixture)
from tui.app import Workbench
from tui.screens.audit.screen import AuditScreen
from tui.screens.runs.screen import RunsScreen
from tui.screens.sweep.kept_list import KeptSweeps
from tui.screens.sweep.screen import SweepScreen

RUNS, OTHERS = 6, 2


def spread(out: Path, place: Place, found: list[Alteration]) -> set[str]:  # noqa: F811
    """Copies below `out`, a file altered in each, beside one run, one sweep and one audit as they were; their names."""
    for name in ("one", "swept", "audited"):
        shutil.copytree(place.out / name, out / f"whole-{name}")
    names = set()
    for number, alteration in enumerate(found):
        folder, *below = alteration.file.split("/")
        names.add(f"{folder}-{number}")
        shutil.copytree(place.out / folder, out / f"{folder}-{number}")
        put((out / f"{folder}-{number}").joinpath(*below), alteration)
        note(f"{folder}-{number}: {alteration.file}: {alteration.how}")
    return names


async def look_at_everything(pilot: Pilot[None], app: Workbench, names: set[str]) -> None:
    """Every screen, every run under the cursor, two picked, every result, sweep and audit opened."""
    await pilot.press("4")
    await until(pilot, lambda: app.session.library.get(app.session.runs / "whole-one"))
    await pilot.pause()
    shown: object = app.screen
    assert isinstance(shown, RunsScreen)
    for _ in names:
        await pilot.press("down")
    await pilot.press("space", "up", "space", "up", "space")
    await pilot.pause()
    for entry in app.session.library.entries():
        app.session.show(entry.view)
        await pilot.press("3")
    await pilot.press("5")
    for _ in names:
        await pilot.press("n")
        await pilot.pause()
    await pilot.press("6", "7")
    await until(pilot, lambda: not app.session.jobs)
    audits: object = app.screen
    assert isinstance(audits, AuditScreen) and audits._kept
    for one in audits._kept:
        audits._open(one)
        await pilot.pause()
    await pilot.press("8")
    await until(pilot, lambda: not app.session.jobs)
    sweeps: object = app.screen
    assert isinstance(sweeps, SweepScreen)
    listed = app.screen.query_one(KeptSweeps).kept
    assert listed
    for kept in listed:
        sweeps._open(kept.path)
        await until(pilot, lambda: not app.session.jobs)
        await pilot.pause(0.3)
    await pilot.press("4")
    await pilot.pause()
    assert "whole-one" in text(app)


def all_hold(place: Place, found: list[Alteration], out: Path) -> None:  # noqa: F811
    names = spread(out, place, found)

    async def scenario() -> None:
        app = Workbench(out)
        told: list[str] = []
        say = app.say

        def saying(text: str, severity: Any = "information") -> None:
            told.append(text)
            say(text, severity)

        app.say = saying  # type: ignore[method-assign]
        async with app.run_test(size=(120, 40)) as pilot:
            await look_at_everything(pilot, app, names)
        assert not [said for said in told if "rror of its own" in said or "nternal error" in said], told

    asyncio.run(asyncio.wait_for(scenario(), 600))


@pytest.mark.parametrize("size", [pytest.param(1, id="few"), pytest.param(12, marks=pytest.mark.slow, id="many")])
def test_altered_runs_sweeps_and_audits_leave_the_screens_at_work(
    place: Place,  # noqa: F811
    size: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    kinds = [tuple(file for file in place.files if file.startswith(kind)) for kind in ("one/", "swept/", "audited/")]
    counts = (RUNS, OTHERS, OTHERS)
    lists = [st.lists(alterations(place.out, own), min_size=n, max_size=n)
             for own, n in zip(kinds, counts, strict=True)]  # fmt: skip

    @settings(max_examples=size, deadline=None, suppress_health_check=CHECKS, database=None, phases=[Phase.generate])
    @given(found=st.tuples(*lists))
    def looked_at(found: tuple[list[Alteration], ...]) -> None:
        all_hold(place, [one for own in found for one in own], tmp_path_factory.mktemp("spread"))

    looked_at()
