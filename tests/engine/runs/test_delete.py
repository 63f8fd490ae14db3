"""Deleting runs: what can't be deleted is named for what it is, and a live run is never deleted."""

import os
import threading
from pathlib import Path

import pytest

from engine.base.context import Context
from engine.base.errors import RunError
from engine.base.locks import SECONDS_BETWEEN_TRIES, wait_for_lock
from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs import delete as deleting
from engine.runs.delete import delete
from engine.runs.writer import create


def a_run(out: Path) -> TrainConfig:
    return TrainConfig(output=OutputConfig(out=out, name="run"))


def test_a_run_whose_files_may_not_be_removed_is_not_called_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, root: Path) -> None:
        raise PermissionError(13, os.strerror(13))

    run = create(tmp_path, a_run(tmp_path)).run
    monkeypatch.setattr(deleting, "remove", refused)
    with pytest.raises(RunError, match=r"run can't be deleted \(Permission denied\)"):
        delete([run], Context())


def test_a_live_run_is_refused_and_one_that_is_only_looked_at_is_deleted(tmp_path: Path) -> None:
    with create(tmp_path, a_run(tmp_path)) as writer:
        with pytest.raises(RunError, match="run is live: stop it"):
            delete([writer.run], Context())
        assert (writer.run.path / "config.json").is_file()
    with (writer.run.path / "lock").open("rb") as looks:
        wait_for_lock(looks, shared=True)
        threading.Timer(5 * SECONDS_BETWEEN_TRIES, looks.close).start()
        assert delete([writer.run], Context()) == ["run"]
    assert not writer.run.path.exists()
