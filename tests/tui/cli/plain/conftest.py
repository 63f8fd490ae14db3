"""Talks with the workbench in lines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.makers.talk import SMALL, Begin, Talk


@pytest.fixture
def begin(tmp_path: Path, cache: Path) -> Iterator[Begin]:
    """Begins a talk about the runs in tmp_path, which is ended with the test."""
    made = list[Talk]()

    def one(*arguments: object, language: str = "en", code: str = SMALL) -> Talk:
        made.append(Talk(tmp_path / "runs", *arguments, language=language, code=code))
        return made[-1]

    yield one
    for talk in made:
        talk.close()
