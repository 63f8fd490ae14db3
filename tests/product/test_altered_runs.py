"""One altered file of a run, a sweep or an audit: one sentence for it, and all others are shown as before."""

import contextlib
import io
import json
import shutil
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import CovidTuiError
from engine.base.events import Epoch
from engine.base.files import write_json
from engine.base.typed_files import plain
from engine.evaluation.calibration import calibrate
from engine.evaluation.evaluate import keep_predictions
from engine.evaluation.predictions_table import worst_first
from engine.jobs import repair
from engine.runs.directory import Run
from engine.runs.watch import Library
from engine.sweep import store
from engine.training import checkpoint
from tests.conftest import ROOT
from tests.makers import made
from tests.makers.altered import Alteration, alterations, altered
from tests.makers.examples import examples
from tui import cli
from tui.cli.job_tables import put_sweep
from tui.screens.results.screen import class_rows
from tui.screens.runs.comparison import differences
from tui.screens.sweep import text as swept
from tui.state import audit_job, sweep_job

EXAMPLE = ROOT / "docs" / "example"
SLOW_EXAMPLES = 2000


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A folder of runs with the files of it that are altered."""

    out: Path
    files: tuple[str, ...]


def silent(event: object) -> None:
    """Tell nobody."""


def ask(*arguments: object) -> Answer:
    """What the real command says to these arguments, in this process."""
    crashes: list[str] = []

    def crash() -> Path:
        crashes.append(traceback.format_exc())
        return Path("error.log")

    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr("tui.cli.errors.log_crash", crash)
        code = cli.run(list(map(str, arguments)))
    assert not crashes, crashes[0]
    assert "Traceback" not in err.getvalue() and "of its own" not in err.getvalue() + out.getvalue()
    return Answer(code, out.getvalue(), err.getvalue())


def strict(text: str) -> list[Any]:
    """The lines of JSON, which must be JSON to the letter."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


def files_below(folder: Path, root: Path) -> tuple[str, ...]:
    return tuple(sorted(path.relative_to(root).as_posix() for path in folder.rglob("*") if path.is_file()))


def full_run(out: Path, name: str, folder: Path) -> Run:
    """A finished and tested run with every file that one may have, but for the weights."""
    lines = [(f"{label}/{n}.png", label, [0.9 - n / 20, 0.1 + n / 20]) for label in made.CLASSES for n in range(12)]
    run = made.finished_run(out, name, folder, lines)
    test = run.read_json("test.json")
    labels, logits = np.array([0, 1] * 8), np.random.default_rng(0).normal(size=(16, 2))
    taught = calibrate(labels, logits, made.CLASSES, run.config().judge)
    after = {"temperature": 1.5, "loss": 0.4, "ece": 0.1}
    bins = [{"low": 0.9, "high": 1.0, "n": 4, "confidence": 0.95, "accuracy": 1.0, "accuracy_ci": [0.4, 1.0]}]
    curve = {"roc": [[0.0, 0.0], [1.0, 1.0]], "precision_recall": [[0.0, 1.0], [1.0, 0.5]], "average_precision": 0.7}
    test |= {"ece": 0.2, "calibrated": after, "operating": plain(taught.operating)}
    test["curves"] = {made.CLASSES[0]: curve, "reliability": bins}
    write_json(run.path / "test.json", test)
    write_json(run.path / "calibration.json", plain(taught))
    write_json(run.path / "model.json", {"classes": list(made.CLASSES), "backbone": "vgg16", "input": [224, 224, 3]})
    write_json(run.path / "environment.json", {"versions": {"python": "3"}, "processors": 2, "precision": "float32"})
    drop = {"accuracy": {"test": 0.9, "here": 0.8, "difference": -0.1, "difference_ci": [-0.2, 0.1]}}
    shift = {
        "facts": {"width": {"training": 299.0, "here": 512.0, "ks": 1.0, "p": 0.0}}, "told_apart": 0.7,
        "features": {"median_distance": 0.5, "usual_distance": 0.3, "limit": 0.8, "beyond": 0.1,
                     "beyond_ci": [0.0, 0.2]},
    }  # fmt: skip
    (run.path / "external").mkdir()
    elsewhere = {"folder": "e", "mapping": {"A": "COVID"}, "left_out": {"B": 5}, "learnt_from": 2, "drop": drop}
    write_json(run.path / "external" / "e.json", {**test, **elsewhere, "shift": shift})
    keep_predictions(run.path / "validation.csv", made.CLASSES, lines)
    epoch = Epoch(1, 0.5, 0.75, 0.3, 1.0, 1e-4, 1.5)
    arrays = {"trained": [np.ones((3, 2), np.float32)], "optimizer": [np.array(7)]}
    point = checkpoint.Point(checkpoint.Position(2), (epoch,), epoch, 2.0, {"phase": "0"}, arrays)
    (run.path / checkpoint.FOLDER).mkdir()
    checkpoint.write(run.path / checkpoint.FOLDER, point)
    return run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two runs, a sweep and an audit in a folder; the other run, and those of the sweep, are for being shown."""
    out = tmp_path_factory.mktemp("altered") / "runs"
    folder = out.parent / "images-are-away"
    full_run(out, "one", folder)
    full_run(out, "other", folder)
    made.kept_sweep(out / "swept", folder)
    (out / "audited").mkdir()
    for file in ("audit.json", "audit.svg"):
        shutil.copy(EXAMPLE / file, out / "audited")
    own = ("sweep.json", "vgg16-head-lr0.0001-seed0/config.json", "vgg16-head-lr0.0001-seed0/events.jsonl")
    return Place(out, (*files_below(out / "one", out), *(f"swept/{name}" for name in own), "audited/audit.json"))


def held(work: Callable[[], Any]) -> Any:
    """What `work` gives, or None where it says in a sentence why it gives nothing."""
    try:
        return work()
    except CovidTuiError as error:
        assert str(error).rstrip().endswith("."), str(error)
        return None


def runs_are_listed(out: Path, altered_run: str) -> None:
    """All runs stand in the list, in the JSON, and in what the screens hear, and all but one with their numbers."""
    for answer in (ask("runs", "--out", out), ask("runs", "--out", out, "--json")):
        assert answer.code == 0
        for name in ("one", "other"):
            assert name in answer.out
    for facts in strict(answer.out):
        if facts["name"] != altered_run:
            assert facts["error"] is None and facts["val_accuracy"] == 0.5 and facts["state"] == "finished"
        elif facts["error"]:
            assert facts["error"].endswith(".") and str(out / altered_run) in facts["error"]
    library = Library(out)
    library.take(library.look())
    entries = library.entries()
    assert {entry.run.name for entry in entries} >= {"one", "other"}
    differences(entries)
    for entry in entries:
        assert (entry.view.share <= 1 and entry.view.seconds_left() is None) or entry.view.live
        if entry.test:
            class_rows(entry.test, ("sensitivity", "AUC", "MCC"))


def one_sentence(answer: Answer, codes: Sequence[int] = (0, 1, 3)) -> None:
    """It was done, or one sentence says why not."""
    assert answer.code in codes, answer
    if answer.code:
        said = [line for line in answer.err.splitlines() if line.startswith("covid-tui: ")]
        assert len(said) == 1 and said[0].endswith("."), answer.err


def all_hold(place: Place, alteration: Alteration) -> None:
    """What is promised of a folder in which one file is altered."""
    out = place.out
    name, *_ = alteration.file.split("/")
    with altered(out, alteration):
        runs_are_listed(out, name if name == "one" else "")
        held(lambda: repair.find(out, out / "no-cache", out / "no-keras"))
        if name == "one":
            the_run_is_used(out)
        elif name == "swept":
            the_sweep_is_shown(out / name)
        else:
            the_audit_is_shown(out, alteration)


def the_run_is_used(out: Path) -> None:
    """Every verb does its work with the run, or says in a sentence why it can't."""
    one, other = out / "one", out / "other"
    before = contents(one)
    for arguments in (
        ("attach", one), ("evaluate", one, "--json"), ("evaluate", one), ("compare", one, other, "--json"),
        ("compare", other, one),
    ):  # fmt: skip
        answer = ask(*arguments, "--out", out)
        one_sentence(answer)
        if "--json" in arguments:
            strict(answer.out)
    one_sentence(ask("train", "--resume", one, "--out", out), (1, 2, 3))
    assert contents(one) == before, "a refused resume changes nothing"
    one_sentence(ask("report", one, "--out", out))
    for card in one.glob("card.*"):
        card.unlink()
    held(lambda: worst_first(Run(one)))


def the_audit_is_shown(out: Path, alteration: Alteration) -> None:
    """It is listed and reported, or a sentence says why not."""
    audits, troubles = audit_job.kept_audits(out, Context(silent, Stop()))
    assert len(audits) + len(troubles) == (0 if alteration.how == "gone" else 1)
    for _, audit in audits:
        audit_job.ends(audit), strict(json.dumps(audit.to_dict()))
    answer = ask("report", out / "other", "--audit", out / "audited", "--out", out)
    one_sentence(answer)
    assert bool(audits) == (answer.code == 0)
    for card in (out / "other").glob("card.*"):
        card.unlink()


def the_sweep_is_shown(path: Path) -> None:
    """The sweep is shown, or a sentence says why not; so are its runs."""
    kept, troubles = sweep_job.kept_sweeps(path.parent, Context(silent, Stop()))
    assert len(kept) + len(troubles) <= 1
    followed = sweep_job.Followed(path)
    if look := followed.look():
        followed.take(look)
    assert len(followed.runs) >= 9
    result = held(lambda: store.read(path))
    if result:
        with contextlib.redirect_stdout(io.StringIO()):
            put_sweep(result, path)
        store.page(result), store.svg(result.candidates), swept.advice(result)
        for mine in result.candidates:
            swept.detail(mine, result), swept.choice(result, mine)
        held(lambda: sweep_job.config_of(result.grid, "none"))
    held(lambda: sweep_job.plan_of(path, None, Context(silent, Stop())))


def contents(run: Path) -> dict[str, bytes]:
    """The bytes of the plain files of a run, but for those that say only that somebody looked."""
    return {
        str(path): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.stat().st_size < 2**26 and path.name not in ("lock", "train.log", "stop")
    }


CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def with_last(run: Path, kind: str, **changes: Any) -> bytes:
    """The run's events, the last of this kind with other values."""
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    last = [line for line in lines if line["event"] == kind] or [lines[-1]]
    last[-1] |= {"event": kind, **changes}
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


DEEP = b'{"event": "notice", "level": "info", "text": ' + b"[" * 5000 + b"]" * 5000 + b"}\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: with_last(run, "epoch", val_accuracy="0.9"), 'its "val_accuracy" should be a number, not text'),
        (lambda run: with_last(run, "epoch", val_accuracy=7), 'its "val_accuracy" should be a number of at most 1'),
        (lambda run: with_last(run, "epoch", time="99999-01-01"), 'its "time" should be a number, not text'),
        (lambda run: with_last(run, "finished", test={"accuracy": float("nan")}), '"test.accuracy" is not a finite'),
        (lambda run: with_last(run, "finished", val=None), 'its "val" should be a group of keys, not nothing'),
        (lambda run: with_last(run, "resumed", epoch="two", step=0), 'its "epoch" should be a whole number, not text'),
        (lambda run: DEEP, "nested without end"),
        (lambda run: "folder", "a folder, not a file"),
        (lambda run: "loop", "Too many levels of symbolic links"),
        (lambda run: "pipe", "a pipe or a device, not a file"),
        (lambda run: "vast", "no such file has more than"),
    ],
)
def test_an_altered_run_is_listed_with_file_and_field_and_the_other_with_its_numbers(
    place: Place, change: Callable[[Path], bytes | str], words: str
) -> None:
    what, file = change(place.out / "one"), "one/events.jsonl"
    alteration = Alteration(file, what) if isinstance(what, str) else Alteration(file, words, what)
    with altered(place.out, alteration):
        answer = ask("runs", "--out", place.out)
        (said,) = answer.err.splitlines()
        assert answer.code == 0 and str(place.out / file) in said and words in said and said.endswith(".")
        assert "50.0%" in next(line for line in answer.out.splitlines() if line.startswith("other"))
        one, other = sorted(strict(ask("runs", "--out", place.out, "--json").out), key=lambda facts: facts["name"])
        assert one["error"] == said and other["error"] is None and other["test"]["correct"] == 12
        for verb in ("attach", "report"):
            refused = ask(verb, "one", "--out", place.out)
            one_sentence(refused, (1,))
            assert words in refused.err


@settings(max_examples=examples(40), deadline=None, suppress_health_check=CHECKS)
@given(data=st.data())
def test_an_altered_file_ends_in_a_sentence_and_hides_no_other(place: Place, data: st.DataObject) -> None:
    alteration = data.draw(alterations(place.out, place.files))
    note(f"{alteration.file}: {alteration.how}")
    all_hold(place, alteration)


@pytest.mark.slow
@settings(max_examples=SLOW_EXAMPLES, deadline=None, suppress_health_check=CHECKS)
@given(data=st.data())
def test_thousands_of_altered_files_end_in_a_sentence_and_hide_no_other(place: Place, data: st.DataObject) -> None:
    alteration = data.draw(alterations(place.out, place.files))
    note(f"{alteration.file}: {alteration.how}")
    all_hold(place, alteration)
