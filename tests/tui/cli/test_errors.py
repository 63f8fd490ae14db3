"""From an error to a sentence and an exit code: no traceback on the terminal, the details of an internal one kept."""

import errno
import os
from pathlib import Path

import pytest

from engine.base.errors import ConfigError, CovidTuiError, DataError, RunError
from tui.cli.errors import say_error


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COVID_TUI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def say(error: Exception) -> int:
    try:
        raise error
    except Exception as caught:
        return say_error(caught)


@pytest.mark.parametrize(
    ("error", "code"), [(CovidTuiError("So."), 1), (ConfigError("So."), 2), (DataError("So."), 3), (RunError("So."), 1)]
)
def test_what_the_user_can_mend_is_one_sentence_and_its_code(
    error: CovidTuiError, code: int, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(error) == code
    assert capsys.readouterr().err == "covid-tui: So.\n" and not cache.exists()


def test_a_full_disk_is_no_internal_error(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x.csv")) == 1
    text = capsys.readouterr().err
    assert text.startswith("covid-tui: x.csv can't be written") and "make room" in text and not cache.exists()


def test_what_nobody_foresaw_is_internal_and_its_traceback_kept(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(ZeroDivisionError("division by zero")) == 1
    assert capsys.readouterr().err == (
        f"covid-tui: Internal error, ZeroDivisionError: division by zero The details are in {cache / 'error.log'}.\n"
    )
    assert "Traceback (most recent call last)" in (cache / "error.log").read_text()


def test_a_log_that_can_t_be_kept_is_said_so(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache.write_text("a file where the folder should be")
    assert say(KeyError("x")) == 1
    assert "The details can't be kept: " in capsys.readouterr().err


def test_a_link_in_the_place_of_the_log_is_not_written_through(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("mine")
    cache.mkdir(mode=0o700)
    (cache / "error.log").symlink_to(tmp_path / "mine")
    assert say(KeyError("x")) == 1
    assert "is a link" in capsys.readouterr().err and (tmp_path / "mine").read_text() == "mine"
