"""Standard output and error: aligned tables, alarms in colour only where it is allowed, losses that are no failure."""

import errno
import json
import os
from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from engine.base.streams import Stream
from tui.cli.console import (
    ReaderGone,
    Unwritten,
    also_in,
    finishing,
    in_lines,
    put,
    put_alarm,
    put_command,
    put_json,
    put_raw,
    put_table,
    say,
)


def lost(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let standard output be one that has lost something by this error."""
    stream = Stream(os.open(os.devnull, os.O_WRONLY), "utf-8", keeps_gaps=False)
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr(type(stream), "lost", number)


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=6))
def test_the_columns_of_a_table_begin_at_one_place_whatever_is_in_them(rows: list[tuple[str, str, str]]) -> None:
    lines = list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tui.cli.console.put", lines.append)
        put_table([("name", "|", "more"), *((f"x{a}", "|", f"y{c}") for a, _, c in rows)])
    assert len(lines) == len(rows) + 1
    assert len({cell_len(line[: line.index("  |  ")]) for line in lines}) == 1 or any("|" in row[0] for row in rows)
    assert all(line == line.rstrip() and not any(category(sign) == "Cc" for sign in line) for line in lines)


def test_between_questions_a_row_is_a_line_and_a_sentence_names_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with in_lines():
        put_table([("run", "", "epochs"), ("--a", "\u2588", "9"), ("b", "", "120")])
        put_table([("processors", "2")], headed=False)
        put("Try --batch 8, or `covid-tui --train X`.")
        put_command("This is: covid-tui train X --batch=8")
    assert capsys.readouterr().out.splitlines() == [
        "run --a, \u2588, epochs 9",
        "run b, epochs 120",
        "processors: 2",
        "Try batch 8, or `covid-tui --train X`.",
        "This is: covid-tui train X --batch=8",
    ]


def test_numbers_stand_right_and_words_left(capsys: pytest.CaptureFixture[str]) -> None:
    put_table([("run", "epochs"), ("a", "9"), ("longer", "120"), ("none", "-")])
    assert capsys.readouterr().out.splitlines() == [
        "run     epochs",
        "a            9",
        "longer     120",
        "none         -",
    ]


def test_a_foreign_text_acts_on_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    put("\x1b[31mred")
    say("\x1b]0;title\x07")
    put_json({"name": "\x9b肺"})
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "\\x1b[31mred" and shown.err == "\\x1b]0;title\\x07\n"
    assert json.loads(shown.out.splitlines()[1]) == {"name": "\x9b肺"} and shown.out.isascii()


@pytest.mark.parametrize(("terminal", "no_colour", "red"), [(True, "", True), (True, "1", False), (False, "", False)])
def test_an_alarm_is_red_only_where_colour_is_allowed(
    terminal: bool, no_colour: str, red: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    monkeypatch.setenv("NO_COLOR", no_colour)
    monkeypatch.setenv("TERM", "xterm")
    put_alarm("! leaks")
    assert capsys.readouterr().out == ("\x1b[1;31m! leaks\x1b[0m\n" if red else "! leaks\n")


def test_a_reader_that_left_and_a_full_disk_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    lost(errno.EPIPE, monkeypatch)
    with pytest.raises(ReaderGone):
        put("x")
    lost(errno.ENOSPC, monkeypatch)
    with pytest.raises(Unwritten, match=r"Standard output can't be written .* make room"):
        put_raw("x")


def test_other_outputs_come_to_their_end_before_the_loss_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    lost(errno.ENOSPC, monkeypatch)
    done = list[int]()
    with pytest.raises(Unwritten), finishing():
        put("x")
        done.append(1)
    assert done == [1]


def test_what_is_kept_elsewhere_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost(errno.ENOSPC, monkeypatch)
    with also_in(tmp_path):
        put("x")
    assert f"The result is kept in {tmp_path}." in capsys.readouterr().err
