"""A run, sweep, audit or cache that somebody else made may hold links: whatever is done with it, nothing outside of it
is written, emptied, renamed or removed. Each place in it is tried, and every verb that needs no real model.
"""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from engine.audit import store as auditfolder
from engine.base import cache as caches
from engine.base.context import Context
from engine.base.errors import CovidTuiError, RunError
from engine.base.events import Epoch, Notice
from engine.base.result import Elsewhere
from engine.data.split import Split
from engine.evaluation import external
from engine.evaluation.evaluate import forget_test, keep_predictions
from engine.jobs import repair as leftovers
from engine.jobs.sweep import Sweep
from engine.runs import directory
from engine.runs.bin import delete
from engine.runs.directory import Run
from engine.runs.writer import RunWriter
from engine.training import checkpoint
from tests.conftest import ROOT, SAMPLE
from tests.engine.training.test_checkpoint import point
from tests.makers import fake, made
from tests.makers.extent import ALL
from tests.makers.outside import DEAD, ORIGIN, filled, folder_written, picture, pictures, planted, whole_run, written
from tui.cli import run as command
from tui.cli.errors import log_crash

EXAMPLE = ROOT / "docs" / "example"
Deed = Callable[[Path], object]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power is cut here, so nobody waits for the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    return whole_run(tmp_path_factory.mktemp("base"), images)


def gone_on_with(path: Path) -> Iterator[Callable[[], object]]:
    """What a training that goes on with a run writes and removes, one after the other, but for the training itself."""
    run = Run(path)
    with contextlib.suppress(CovidTuiError, OSError), RunWriter(run, again=True) as writer:
        yield lambda: writer.append(Notice("warning", "It goes on."))
        yield lambda: writer.rewind(run.epochs())
        yield lambda: writer.append(Epoch(3, 0.1, 0.9, 0.1, 0.9, 1e-4, 1.0))
        config = run.config()
        config = dataclasses.replace(config, fit=dataclasses.replace(config.fit, epochs=9))
        yield lambda: writer.keep_config(config, path)
    keepers: list[checkpoint.Keeper] = []

    def keep_all(epoch: int) -> None:
        for one in keepers:
            one.keep(point(epoch))

    yield lambda: keepers.append(checkpoint.Keeper(path, 5))
    for epoch in (5, 6):
        yield partial(keep_all, epoch)
        yield partial(checkpoint.write, path / "checkpoint", point(epoch + 2))
    yield lambda: forget_test(run)
    test = fake.TEST
    yield lambda: external.keep(run, Elsewhere(**vars(test), folder="elsewhere"))
    yield lambda: Split(()).write(path / "split.csv")
    yield lambda: keep_predictions(path / "predictions.csv", made.CLASSES, [])
    yield lambda: keep_predictions(path / "validation.csv", made.CLASSES, [])
    for name in ("best.weights.h5", "model.keras"):
        yield partial(written, path / name)
    yield lambda: written(path / "export" / "run.onnx", path)
    yield lambda: folder_written(path / "export" / "run.savedmodel", path)


def train_on(path: Path) -> None:
    for step in gone_on_with(path):
        with contextlib.suppress(CovidTuiError, OSError, ValueError, LookupError, TypeError):
            step()


def repair(out: Path) -> None:
    for left in leftovers.find(out, out / "cache", out / "keras"):
        with contextlib.suppress(RunError):
            leftovers.mend(left)


def said(*words: object) -> Deed:
    return lambda path: command([str(path) if word is ... else str(word) for word in words])


RUN_DEEDS: dict[str, Deed] = {
    "runs": lambda run: command(["runs", "--out", str(run.parent)]),
    "runs --json": lambda run: command(["runs", "--json", "--out", str(run.parent)]),
    "attach": said("attach", ...),
    "evaluate": said("evaluate", ...),
    "compare": said("compare", ..., ...),
    "predict": said("predict", SAMPLE / "COVID" / "images" / "COVID-1.png", "--run", ...),
    "export": said("export", ..., "--format", "keras,savedmodel", "--force"),
    "explain": said("explain", SAMPLE / "COVID" / "images" / "COVID-1.png", "--run", ...),
    "report": said("report", ...),
    "report --audit": said("report", ..., "--audit", EXAMPLE),
    "train --resume": said("train", "/nonexistent", "--resume", ..., "--epochs", "9"),
    "a request to stop": lambda run: Run(run).request_stop("keep"),
    "a repair": lambda run: repair(run.parent),
    "a training": train_on,
    "a second repair": lambda run: repair(run.parent),
    "deletion": lambda run: delete([Run(run)], Context()),
}


def changes(deeds: dict[str, Deed], what: str, path: Path, *others: Path) -> list[str]:
    """Do each of the deeds with the thing at `path`: those that changed what its links lead to, or the others."""
    outside = (Path(f"{path.parent}-outside"), *others)
    found, before = [], picture(*outside)
    for name, deed in deeds.items():
        with contextlib.suppress(CovidTuiError, OSError):
            deed(path)
        if (now := picture(*outside)) != before:
            found.append(f"{what}: {name}")
            before = now
    return found


def test_no_verb_changes_what_a_link_in_a_run_leads_to(
    base: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, kept, count = list[str](), list[str](), 0
    for what, run in planted(base, tmp_path):
        found += changes(RUN_DEEDS, what, run, base.parent, images)
        kept += [what] if (run / "config.json").exists() else []
        count += 1
    assert found == [] and kept == [] and count > (100 if ALL else 40)
    capsys.readouterr()


def test_the_links_are_all_that_keeps_the_run_from_being_gone_on_with(base: Path, tmp_path: Path) -> None:
    """The same steps do write where there is no link, or this file would show nothing."""
    run = tmp_path / "run"
    shutil.copytree(base, run)
    for step in gone_on_with(run):
        step()
    assert [path.name for path in checkpoint.points(run / "checkpoint")] == ["000008-00000000", "000006-00000000"]
    assert (run / "events.jsonl").read_text().count("It goes on.") == 1
    assert not (run / "test.json").exists() and (run / "model.keras").read_bytes() == b"new"
    assert [path.name for path in (run / "export" / "run.savedmodel").iterdir()] == ["saved_model.pb"]
    assert {left.kind for left in leftovers.find(tmp_path, tmp_path / "cache", tmp_path)} == {"died", "part"}
    repair(tmp_path)
    assert [left.kind for left in leftovers.find(tmp_path, tmp_path / "cache", tmp_path)] == ["died"]


def train_on_all(sweep: Path) -> None:
    for path in sorted(sweep.glob("*seed0")):
        if not path.is_symlink():
            train_on(path)


SWEEP_DEEDS: dict[str, Deed] = {
    "runs": said("runs", "--out", ...),
    "writing": lambda sweep: Sweep.begun(sweep).write(),
    "choosing": lambda sweep: Sweep.begun(sweep).choose("", Context()),
    "training": lambda sweep: Sweep.begun(sweep).train(Context(), 0),
    "training a run": train_on_all,
    "a repair": repair,
    "a repair beside it": lambda sweep: repair(sweep.parent),
    "deletion": lambda sweep: delete(directory.all_runs(sweep), Context()),
}


def test_no_verb_changes_what_a_link_in_a_sweep_leads_to(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base" / "sweep"
    made.kept_sweep(base, images)
    for path in {*base.glob("*seed1"), *base.glob("*block*")}:  # two runs show it
        shutil.rmtree(path)
    found = [one for what, sweep in planted(base, tmp_path) for one in changes(SWEEP_DEEDS, what, sweep, images)]
    assert found == []
    capsys.readouterr()


def test_a_sweep_does_not_go_on_in_a_run_that_lies_elsewhere(images: Path, tmp_path: Path) -> None:
    made.kept_sweep(tmp_path / "sweep", images)
    name = "vgg16-head-lr0.0001-seed0"
    (tmp_path / "sweep" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "sweep" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=f"{name} is a link to {tmp_path / 'elsewhere'}"):
        Sweep.begun(tmp_path / "sweep")


def test_no_link_in_an_audit_is_written_through(images: Path, tmp_path: Path) -> None:
    base = tmp_path / "base" / "audit"
    base.mkdir(parents=True)
    for name in ("audit.json", "audit.svg"):
        shutil.copy(EXAMPLE / name, base)
    found = auditfolder.read(EXAMPLE)
    deeds: dict[str, Deed] = {
        "audit": lambda path: auditfolder.write(found, path.parent),
        "audit --name": lambda path: auditfolder.write(found, path.parent, path.name),
        "into it": lambda path: auditfolder.write(found, path, "audit.json"),
        "a repair": lambda path: repair(path.parent),
    }
    for what, audit in planted(base, tmp_path):
        assert changes(deeds, what, audit, EXAMPLE) == []


def mend_cache(cache: Path) -> None:
    for left in leftovers.find(cache / "runs", cache, cache / "keras"):
        with contextlib.suppress(RunError):
            leftovers.mend(left)


def test_no_link_in_a_cache_is_followed(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "base" / "cache"
    filled(base, images)
    for name in ("weights/vgg16-imagenet.weights.h5", f"pixels/{DEAD}-0123456789abcdef.tmp",
                 f"weights/.{DEAD}.part.vgg16.h5",
                 f"pixels/{'1' * 64}.u8", "error.log", "workbench.log", "precision.json"):  # fmt: skip
        (base / name).parent.mkdir(exist_ok=True)
        (base / name).write_bytes(b"half")
        os.utime(base / name, (1e9, 1e9))
    store = base / "features" / ORIGIN.key[:32]
    for name in ("rows", "index"):
        with (store / name).open("ab") as file:
            file.write(b"cut off")
    shutil.copytree(store, base / "features" / ("0" * 32))
    deeds: dict[str, Deed] = {
        "a repair": mend_cache,
        "filling": lambda cache: filled(cache, images, 1),
        "a log of a crash": lambda cache: log_crash(),
        "trimming": lambda cache: caches.trim(cache, 0),
        "filling again": lambda cache: filled(cache, images, 2),
        "clearing": caches.clear,
    }
    found = []
    for what, cache in planted(base, tmp_path):
        monkeypatch.setenv("COVID_TUI_CACHE", str(cache))
        found += changes(deeds, what, cache, base, images)
    assert found == []
