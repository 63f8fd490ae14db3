"""The log of errors that nobody foresaw: dated, private, one below the other, never through a link."""

import re
import stat
from pathlib import Path

import pytest

from engine.base.crash_log import keep_details
from engine.base.errors import LinkError


def test_each_error_is_kept_below_the_last_one_with_its_time(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    keep_details(log, "first\n")
    keep_details(log, "second\n")
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n"
    assert re.fullmatch(f"{when}first\n\n{when}second\n\n", log.read_text())
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "mine.txt"
    victim.write_text("mine")
    (tmp_path / "error.log").symlink_to(victim)
    with pytest.raises(LinkError):
        keep_details(tmp_path / "error.log", "details")
    assert victim.read_text() == "mine"
