"""The Dataset screen by keys, on real folders: choosing, picking, looking, and everything that it warns of."""

import json
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Event, Notice
from engine.data.confounding import confounding
from engine.data.patients import patients
from engine.data.records import Scan
from engine.data.scan import scan
from engine.data.split import Split
from engine.data.subset import joined, subset
from engine.data.tables import read_table
from engine.data.warnings import FolderWarning, folder_warnings
from engine.recipe.config import DataConfig, TrainConfig
from engine.recipe.lists import split_list
from engine.training.data import scanned
from tests.conftest import Cli
from tests.makers.dataset_screen import measured, ready, workbench
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.screens.dataset.banner import Banner
from tui.screens.dataset.split_dialog import SplitDialog
from tui.state.session import scan_folder
from tui.words.recipe_terms import in_recipe_terms
from tui.words.settings import Settings


def drawn_split(app: Workbench) -> Split | None:
    """The split as it is now."""
    return app.session.split


def test_classes_are_picked_with_space_without_reading_again(tmp_path: Path, messy: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=(160, 50)) as pilot:
            await ready(app, pilot)
            shown = text(app)
            assert "[x] COVID" in shown and "53%" in shown and "299x299" in shown  # 10 of 19
            await pilot.press("down", "space")
            await pilot.pause()
            assert app.session.config.data.class_names == ("COVID", "Viral Pneumonia")
            assert "scan" not in app.session.jobs and app.session.split
            assert "[ ] Normal" in text(app) and "67%" in text(app)
            assert app.session.scan == scan(messy, ("COVID", "Viral Pneumonia"))
            await pilot.press("space")
            assert app.session.config.data.classes == "" and app.session.scan == app.session.whole
            await pilot.click("#classes", offset=(2, 3))  # the box of the third class
            await pilot.pause()
            assert app.session.config.data.class_names == ("COVID", "Normal")
            await pilot.press("up", "space")
            await pilot.pause()
            assert drawn_split(app) is None and "needs at least two" in text(app)

    run(scenario())


def test_a_subset_of_a_scan_is_the_scan_of_the_subset(messy: Path) -> None:
    whole = scan(messy)
    for names in (("COVID", "Normal"), ("Viral Pneumonia", "COVID"), ("Normal", "Viral Pneumonia")):
        assert subset(whole, names) == scan(messy, names)
    assert split_list(joined(['a "b", c', "d", "e\nf"])) == ('a "b", c', "d", "e\nf")


def test_what_to_beware_of_is_told(messy: Path) -> None:
    found = scan(messy)
    said = "\n".join(one.sentence for one in folder_warnings(found, confounding(found)))
    assert "CONFOUNDED: the source alone tells the class" in said and "2 groups of equal images" in said
    assert "always saying COVID would be right in 53%" in said and "too few images" in said
    found = scan(DATA)
    assert [one for one in folder_warnings(found, confounding(found)) if one.grave] == []


def lines(app: Workbench) -> list[str]:
    """What the screen says to beware of, the banner first, without the keys that list it."""
    banner = app.screen.query_one(Banner)
    above = str(banner.render()).splitlines() if banner.display else []
    rows = [*above, *str(app.screen.query_one("#beware", Static).render()).splitlines()]
    return [row[2:].partition(" (see ")[0] for row in rows]


def test_the_screen_a_scan_and_a_training_warn_of_the_same(tmp_path: Path, messy: Path, cli: Cli) -> None:
    shutil.copytree(messy, tmp_path / "data")
    shutil.copy(messy / "COVID" / "images" / "COVID-3.png", tmp_path / "data" / "Normal" / "images" / "Normal-99.png")
    found = scan(tmp_path / "data", near=True)
    warnings = folder_warnings(found, confounding(found), patients(found))
    kinds = {one.kind for one in warnings}
    assert kinds >= {"confounded", "label-conflict", "unequal", "few", "equal-images", "problems", "patients"}
    told = json.loads(cli("scan", tmp_path / "data", "--json").stdout)
    assert told["beware"] == [one.to_dict() for one in warnings]
    assert told["warnings"] == [one.sentence for one in warnings]
    shown = cli("scan", tmp_path / "data").stdout
    assert all(one.sentence in shown for one in warnings if one.kind in ("confounded", "unequal", "few"))
    assert "! 1 image has the same pixels as one of another class: a label is wrong." in shown
    events: list[Event] = []
    scanned(tmp_path / "data", TrainConfig(), Context(events.append))
    notices = "\n".join(event.text for event in events if isinstance(event, Notice))
    assert all(one.capitalised in notices for one in warnings if one.kind != "problems")
    assert "problems in the folder" in notices

    async def scenario() -> None:
        app = workbench(tmp_path, tmp_path / "data")
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: lines(app) == [in_recipe_terms(one.sentence) for one in warnings], 60)

    run(scenario())


def test_a_red_banner_stands_over_classes_that_their_sources_tell_apart(
    tmp_path: Path, messy: Path, dozen: Path
) -> None:
    async def scenario() -> None:
        for folder, alarm in ((messy, True), (dozen, False)):
            app = workbench(tmp_path, folder)
            async with app.run_test(size=(120, 40)) as pilot:
                await ready(app, pilot)
                banner = app.screen.query_one(Banner)
                await until(pilot, partial(measured, banner))
                await pilot.pause()
                assert banner.display is alarm
                assert ("CONFOUNDED: the source alone tells the class of every image" in text(app)) is alarm

    run(scenario())


def test_a_warning_is_said_once_where_lines_are_few(tmp_path: Path, messy: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(app, pilot)
            await until(pilot, partial(measured, app.screen.query_one(Banner)))
            await pilot.pause()
            assert text(app).count("the source alone tells the class of every image") == 1
            assert len([line for line in lines(app) if line in " ".join(text(app).split())]) >= 3

    run(scenario())


def test_problems_equal_images_and_sources_are_listed_and_copied(tmp_path: Path, messy: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=(120, 40)) as pilot:
            await ready(app, pilot)
            await pilot.press("p")
            await until(pilot, lambda: "COVID/images/page.png" in text(app))
            await pilot.press("end")
            await until(pilot, lambda: "a failed download leaves it" in text(app))
            await pilot.press("y")
            assert "COVID/images/page.png\tunreadable\tit is a web page" in app.clipboard
            await pilot.press("escape", "d")
            await until(pilot, lambda: "COVID/images/[red]x\\x1b[31m.png" in text(app))
            await pilot.press("escape", "u")
            await until(pilot, lambda: "the source alone tells the class" in text(app))
            assert "https://example.org/V" in text(app) and "not known" in text(app)
            await pilot.press("escape")
            assert app.is_running

    run(scenario())


def test_the_split_is_edited_and_drawn_anew_at_each_key(tmp_path: Path, few: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, few)
        async with app.run_test(size=(120, 40)) as pilot:
            await ready(app, pilot)
            before = app.session.split
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, SplitDialog))
            await pilot.press("end", "backspace", "3")
            await pilot.pause()
            assert app.session.config.data.val_share == 0.3 and app.session.split
            assert "30.0%" in text(app)
            await pilot.press("backspace", "backspace")  # "0" is no share
            await pilot.pause()
            assert "between 0 and 1" in text(app) and app.session.config.data.val_share == 0.3
            await pilot.press(".", "1")
            await pilot.press("down", "down", "end", "7")
            assert app.session.config.machine.seed == 7
            assert app.session.split.files("test") != before.files("test")  # type: ignore[union-attr]
            await pilot.press("escape")
            await until(pilot, lambda: "seed 7" in text(app))

    run(scenario())


def test_many_images_are_split_in_a_thread(tmp_path: Path, dozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.state.session.MOST_SPLIT_AT_ONCE", 5)

    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await ready(app, pilot)
            assert "train 4" in text(app)
            await pilot.press("down", "space")
            await until(pilot, lambda: "train 3" in text(app))
            assert not app.session.cannot_train()

    run(scenario())


def test_a_list_without_rows_says_that_there_is_nothing_to_copy(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await ready(app, pilot)
            await pilot.press("p", "y")
            await until(pilot, lambda: "There is nothing to copy." in text(app))
            assert not app.clipboard

    run(scenario())


@pytest.mark.parametrize(("theme", "size"), [("covid-light", (80, 24)), ("ansi-dark", (200, 50))])
def test_every_dialog_opens_in_every_size_in_plain_characters(
    tmp_path: Path, dozen: Path, theme: str, size: tuple[int, int]
) -> None:
    allowed = {chr(code) for code in (*range(0x20, 0x7F), *range(0x2500, 0x25A0))} | {"\n"}

    async def scenario() -> None:
        app = Workbench(tmp_path, data=dozen, settings=Settings(theme=theme, image_protocol="grey"))
        async with app.run_test(size=size) as pilot:
            await ready(app, pilot)
            for key in "aspduo":
                await pilot.press(key)
                await pilot.pause(0.05)
                assert len(app.screen_stack) == 2, key
                assert not set(text(app)) - allowed, (key, set(text(app)) - allowed)
                await pilot.press("escape")
                await pilot.pause()

    run(scenario())


def test_a_scan_reads_the_tables_of_its_folder_once_and_none_that_a_link_leads_out_to(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name in ("COVID", "Normal"):
        (folder / name).mkdir(parents=True)
        shutil.copy(DATA / name / "images" / f"{name}-1.png", folder / name)
    for table, who in ((folder / "own.csv", "mine"), (tmp_path / "theirs.csv", "theirs")):
        table.write_text(f"file,patient\nCOVID-1,{who}\n", encoding="utf-8")
    (folder / "linked.csv").symlink_to(tmp_path / "theirs.csv")
    read_table.cache_clear()
    found = scan_folder(folder, DataConfig(), Context())
    assert read_table.cache_info().misses == 1
    assert patients(found).of == {"COVID/COVID-1.png": "mine"}
    assert read_table.cache_info().misses == 1 and read_table.cache_info().hits == 1


def test_classes_that_were_not_compared_to_the_end_are_not_called_harmless(
    tmp_path: Path, dozen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*arguments: Any) -> None:
        while not arguments[-1].stop.is_set():
            time.sleep(0.01)
        raise Stopped("The comparing was stopped.")

    monkeypatch.setattr("tui.screens.dataset.banner.measure", endless)
    monkeypatch.setattr("tui.screens.dataset.text.folder_warnings", partial(quiet, folder_warnings))

    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: list(app.session.jobs) == ["confounding"])
            await until(pilot, lambda: "The classes are being compared" in text(app))
            await until(pilot, lambda: app.session.busy is not None)
            await pilot.press("ctrl+g")
            await until(pilot, lambda: "not compared to the end" in text(app))
            assert "Nothing found" not in text(app)

    run(scenario())


def quiet(real: Callable[..., list[FolderWarning]], found: Scan, *others: Any) -> list[FolderWarning]:
    """What there is to beware of beside what the files themselves show."""
    return [one for one in real(found, *others) if one.kind == "not-compared"]
