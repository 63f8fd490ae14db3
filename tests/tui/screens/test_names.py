"""Foreign names, of folders, classes, files and in a run's answers, appear literally on every screen and do nothing."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.makers.drive import DATA, run, text, until
from tests.makers.made import Line, answers, finished_run
from tests.makers.screen import Terminal, workbench
from tui.app import Workbench
from tui.words.safe_text import display_name
from tui.words.settings import Settings

HOSTILE = (
    "[red]r.png",
    "x[b]y.png",
    "[@click=app.quit]z.png",
    "esc\x1b[31mc\x1b[2Jd.png",
    "osc\x1b]0;owned\x07e.png",
    "st\x1b]52;c;b3duZWQ=\x1b\\f.png",
    "c1\x9b31mg\x9d0;owned\x9ch.png",
    "new\nline\rret.png",
    "bidi\u202egnp.png",
    "胸部レントゲン.png",
    os.fsdecode(b"bad\xff\xfe.png"),
)
CLASSES = ("[/]A[red]\x1b[31m", "胸[@click=app.quit]\nB")


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, Path]:
    """A dataset in a folder of a hostile name, and the folder of a run on it whose every answer bears such names."""
    data = tmp_path / "d[red]\x1b]0;owned\x07a"
    pictures = sorted((DATA / "COVID" / "images").iterdir())
    for number, label in enumerate(CLASSES):
        name = label.replace("/", "\u2044")  # a slash can't be part of a folder's name
        (data / name).mkdir(parents=True)
        for place, file in enumerate(HOSTILE):
            shutil.copy(pictures[number * len(HOSTILE) + place], data / name / file)
        (data / name / "bad\x1b[31mc.png").write_bytes(b"no picture")
    names = tuple(label.replace("/", "\u2044") for label in CLASSES)
    lines: list[Line] = [line for line in answers(data, names) if "bad\x1b" not in line[0]]
    finished_run(tmp_path / "runs", "run", data, lines, names)
    return data, tmp_path / "runs"


def clean(shown: str) -> bool:
    """Is there nothing in it that a terminal would act upon?"""
    return all(c == "\n" or (c.isprintable() and not 0x80 <= ord(c) < 0xA0) for c in shown)


def walk() -> Iterator[str]:
    """Keys that open all screens and move about in them."""
    for number in "123456":
        yield from ("escape", number, "down", "down", "tab", "down")
    yield from ("escape", "5", "m", "down", "down", "down", "c", "m", "c", "n")
    yield from ("escape", "6", "down", "enter", "down", "down", "enter", "tab", "h", "escape", "c")
    yield from ("1", "escape", "2", "question_mark", "escape", "ctrl+p", "escape", "4", "enter")


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)])
def test_names_are_literal_by_keys(hostile: tuple[Path, Path], size: tuple[int, int]) -> None:
    data, runs = hostile

    async def scenario() -> None:
        app = Workbench(runs, data=data, settings=Settings(image_protocol="grey", theme="covid-dark"))
        seen = ""
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: app.session.scan is not None)
            for key in walk():
                await pilot.press(key)
                assert app.is_running
                shown = text(app)
                seen += shown
                assert clean(shown), (key, [c for c in shown if not clean(c)])
            await until(pilot, lambda: not app.session.jobs)
        assert "\\x1b]0;owned\\x07a" in seen, "the folder's name"
        assert "[red]" in seen and "[@click" in seen and "\\x1b[31m" in seen and "胸" in seen
        assert app.return_code in (0, None)

    run(scenario())


def test_each_name_is_literal_on_results_and_predict(hostile: tuple[Path, Path]) -> None:
    data, runs = hostile

    async def scenario() -> None:
        app = Workbench(runs, data=data, settings=Settings(image_protocol="grey", theme="covid-dark"))
        async with app.run_test(size=(200, 50)) as pilot:
            await pilot.press("5")
            await until(pilot, lambda: "mistakes in" in text(app))
            seen = ""
            for _ in range(2 * len(HOSTILE)):
                await pilot.press("down")
                seen += text(app)
            await pilot.press("6", "down", "enter")
            await until(pilot, lambda: "r.png" in text(app))
            for _ in range(len(HOSTILE) + 2):
                await pilot.press("down", "enter")
                await pilot.pause(0.05)
                seen += text(app)
            assert clean(seen)
            flat = "".join(seen.split())
            for name in HOSTILE:
                assert "".join(display_name(name).split()) in flat, name

    run(scenario())


def test_a_terminal_gets_no_foreign_escape(hostile: tuple[Path, Path], tmp_path: Path) -> None:
    data, runs = hostile
    with workbench(data, "--out", runs, "--image-protocol", "grey", cache=tmp_path, columns=120, lines=40) as terminal:
        terminal.until("Viral" if "Viral" in str(data) else "A[red]")
        for keys in (
            "2",
            "3",
            "4",
            "\x1b[B",
            "5",
            "m",
            *["\x1b[B"] * 6,
            "c",
            "6",
            *["\x1b[B", "\r"] * 8,
            "1",
            "\x1b[B",
        ):
            terminal.press(keys)
            settle(terminal)
        picture = next(path for path in data.rglob("*.png") if path.name.startswith("esc"))
        terminal.press("q")
        assert terminal.wait() == 0
        check(terminal)
    with workbench(
        picture, "--out", runs, "--image-protocol", "grey", cache=tmp_path, columns=80, lines=24
    ) as terminal:
        terminal.until("For research and teaching only")
        settle(terminal)
        terminal.press("tt")
        settle(terminal)
        terminal.press("q")
        assert terminal.wait() == 0
        check(terminal)


def settle(terminal: Terminal) -> None:
    """Let it draw, where it draws anything."""
    drawn = len(terminal.raw)
    for _ in range(8):
        before = len(terminal.raw)
        terminal.read(0.02)
        if drawn < len(terminal.raw) == before:
            return


def check(terminal: Terminal) -> None:
    """Nothing of the names' own was written: no C1, no operating system command but copying, none of the colours."""
    written = terminal.raw.decode("utf-8", "replace")
    assert not [c for c in written if 0x80 <= ord(c) < 0xA0 or c == "\u202e"]
    assert not [
        command for command in re.findall(r"\x1b\]([^\x07\x1b]*)", written) if not command.startswith(("52;c;", "22;"))
    ]
    assert "\x1b]52;c;b3duZWQ=" not in written
    for payload in ("\x1b[31mc", "\x1b[31m/", "\x1b[2Jd", "new\nline", "line\rret"):
        assert payload not in written
