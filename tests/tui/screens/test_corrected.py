"""The Dataset screen where the recipe names corrections: each changed image says so, and every count goes by them."""

import dataclasses
from pathlib import Path

import pytest
from textual.widgets import Static

from engine.data.corrections import Correction
from engine.data.corrections_file import CorrectionsFile
from engine.data.records import Record
from engine.data.scan import scan
from engine.review.suspects import Review, Suspect
from engine.runs.directory import CORRECTIONS
from tests.makers.dataset_screen import ready, workbench
from tests.makers.drive import run, text, until
from tui.app import Workbench
from tui.widgets.name_list import NameList


def learnt_from(app: Workbench, label: str) -> list[Record]:
    """The images of a class in the training part that have no copy, in the order of the folder."""
    whole, split = app.session.whole, app.session.split
    assert whole and split
    parts, copies = {row.file: row.part for row in split.rows}, {file for group in whole.duplicates for file in group}
    own = [one for one in whole.records if one.label == label and one.file not in copies]
    return [one for one in own if parts[one.file] == "train"]


def decision(record: Record, to: str = "") -> Correction:
    return Correction(record.file, record.sha, record.label, "relabel" if to else "leave-out", to)


def facts(app: Workbench) -> str:
    return str(app.screen.query_one("#picture-facts", Static).render())


def test_a_corrected_label_is_shown_with_what_it_was_and_counts_say_how_many_changed(
    tmp_path: Path, messy: Path
) -> None:
    table = CorrectionsFile(tmp_path / "corrections.csv")

    async def scenario() -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=(160, 50)) as pilot:
            await ready(app, pilot)
            assert "corrected" not in text(app)
            one, other, *_ = learnt_from(app, "COVID")
            names = [Path(record.file).name for record in (one, other)]
            table.decide(decision(one, "Normal"))
            table.decide(decision(other))
            app.session.configure(data=dataclasses.replace(app.session.config.data, corrections=table.path))
            files = app.screen.query_one(NameList)
            await until(pilot, lambda: f"{names[0]} (now Normal)" in files.names)
            assert f"{names[1]} (left out)" in files.names and len(files.names) == 10
            shown = " ".join(text(app).split())
            assert "1 image relabelled, 1 left out" in shown and "-2 " in shown and "+1 " in shown
            assert "COVID: corrected: 1 now of other classes, 1 left out" in shown
            assert app.session.scan and f"[x] COVID {app.session.scan.classes['COVID'].images}" in shown
            await pilot.press("i", "home")
            for name, said in zip(names, ("was COVID, is Normal", "left out, was COVID"), strict=True):
                files.action_go(next(place for place, own in enumerate(files.names) if own.startswith(name)))
                await until(pilot, lambda said=said: f"corrected: {said}" in facts(app))  # type: ignore[misc]
            assert "in no part" in facts(app)
            await pilot.press("escape", "down")
            await until(pilot, lambda: f"{names[0]} (was COVID)" in files.names)
            assert len(files.names) == 5

    run(scenario())


def test_what_a_review_decides_afterwards_is_shown_too_and_the_image_at_hand_stays(tmp_path: Path, messy: Path) -> None:
    table = CorrectionsFile(tmp_path / "corrections.csv")

    async def scenario() -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(app, pilot)
            one, other, *_ = learnt_from(app, "COVID")
            table.decide(decision(one))
            app.session.configure(data=dataclasses.replace(app.session.config.data, corrections=table.path))
            await until(pilot, lambda: "-1" in text(app))
            await pilot.press("i", "down", "down", "down")
            files = app.screen.query_one(NameList)
            await until(pilot, lambda: files.cursor == 3)
            table.decide(decision(other))
            app.session.corrections_changed(table.path)
            await until(pilot, lambda: sum("(left out)" in name for name in files.names) == 2)
            assert files.cursor == 3
            app.session.configure(data=dataclasses.replace(app.session.config.data, corrections=None))
            await until(pilot, lambda: not any("(left out)" in name for name in files.names))

    run(scenario())


def left_out(app: Workbench) -> list[str]:
    """The marked names in the list of the screen Dataset."""
    lists = app.screen.query(NameList)
    return [name for name in (lists.first().names if lists else ()) if "(left out)" in name]


def test_a_decision_stands_on_the_screen_dataset_as_soon_as_review_is_left_until_a_later_visit_takes_it_back(
    tmp_path: Path, messy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = {record.file: record for record in scan(messy).records}
    shown = [of[f"COVID/images/COVID-{number}.png"] for number in (5, 6)]  # of the training part
    suspects = tuple(
        Suspect(one.file, one.sha, "COVID", "train", ("label",), ("Why.",), 0.0, 0.1, "Normal", 0.9, ())
        for one in shown
    )
    found = Review(str(messy), ("COVID", "Normal", "Viral Pneumonia"), 15, 4, 13, suspects, (), ())
    monkeypatch.setattr("engine.jobs.review.review", lambda *_: found)
    names = [f"COVID-{number}.png (left out)" for number in (5, 6)]

    async def scenario(keys: tuple[str, ...], before: list[str], after: list[str]) -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=(120, 40)) as pilot:
            await ready(app, pilot)
            await pilot.press("9", "s")
            await until(pilot, lambda: "1 of 2" in text(app) or "2 of 2" in text(app))
            await pilot.press(*keys, "t", "1")
            await until(pilot, lambda: left_out(app) == before)
            await pilot.press("9", "x" if len(after) > len(before) else "z")
            await until(pilot, lambda: len(CorrectionsFile(tmp_path / "runs" / CORRECTIONS).read()) == len(after))
            await pilot.press("1")
            await until(pilot, lambda: left_out(app) == after)

    run(scenario(("x",), names[:1], names))
    run(scenario((), names, names[:1]))
