"""What a run keeps of its tests is shown whole, or refused in one sentence that names the file."""

import copy
import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import RunError
from engine.base.typed_files import checked, plain
from engine.evaluation.result_files import read_external, read_test
from engine.report.facts import gather
from engine.report.sections import card
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Cli
from tests.makers.extent import ALL
from tui.cli import run as command
from tui.cli.result_tables import put_result

JUNK: tuple[Any, ...] = (None, "x", -1, 2.5, True, [], {}, [[1]], float("nan"))
ELSEWHERE = {
    "folder": "elsewhere",
    "mapping": {"Lung_Opacity": "COVID"},
    "left_out": {"Normal": 5},
    "learnt_from": 2,
    "drop": {"accuracy": {"test": 0.9, "here": 0.8, "difference": -0.1, "difference_ci": [-0.2, 0.1]}},
    "shift": {
        "facts": {"width": {"training": 299.0, "here": 512.0, "ks": 1.0, "p": 0.0}}, "told_apart": 0.7,
        "features": {"median_distance": 0.5, "usual_distance": 0.3, "limit": 0.8, "beyond": 0.1,
                     "beyond_ci": [0.0, 0.2]},
    },
}  # fmt: skip


@pytest.fixture
def run(trained: dict[str, Any], tmp_path: Path) -> Run:
    """A copy of the trained run, to damage."""
    shutil.copytree(trained["run"], tmp_path / "r")
    (tmp_path / "r" / "external").mkdir(exist_ok=True)
    return Run(tmp_path / "r")


def damages(values: Any) -> Iterator[Any]:
    """`values` with one thing in it, however deep, left out or replaced; of a list the first two items.

    Daily each is left out and replaced by two kinds of junk, the next one by the next two; in `make test-all` by all.
    """

    def places(inner: Any, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        keys = list(inner) if isinstance(inner, dict) else list(range(min(2, len(inner))))
        for key in keys:
            yield (*way, key)
            if isinstance(inner[key], dict | list):
                yield from places(inner[key], (*way, key))

    for turn, (*way, last) in enumerate(places(values, ())):
        for junk in (KeyError, *JUNK) if ALL else (KeyError, *(JUNK[(2 * turn + n) % len(JUNK)] for n in (0, 1))):
            whole = copy.deepcopy(values)
            inner = whole
            for key in way:
                inner = inner[key]
            if junk is KeyError:
                del inner[last]
            else:
                inner[last] = junk
            yield whole


def test_whatever_is_damaged_is_refused_by_name_or_can_be_shown(run: Run) -> None:
    facts, test = gather(run), run.read_json("test.json")
    kinds = ((run.path / "test.json", test), (run.path / "external" / "x.json", {**test, **ELSEWHERE}))
    for path, sound in kinds:
        refused = shown = 0
        for values in damages(sound):
            path.write_text(json.dumps(values))
            try:
                found = read_test(run) if path.name == "test.json" else read_external(run)[0]
                assert checked(json.loads(json.dumps(plain(found))), type(found)) == found
            except RunError as error:
                refused += 1
                assert str(error).startswith(f"{path} is damaged: its ") and "remove it" in str(error)
                continue
            shown += 1
            parts = {"test": found} if path.name == "test.json" else {"externals": [found]}
            assert len(card(dataclasses.replace(facts, **parts))) == 17
            put_result("test", found)
        assert refused > (300 if ALL else 90) and shown > (30 if ALL else 9), "what older runs lack may be missing"
        path.write_text(json.dumps(sound))
        assert plain(read_test(run)) == test


@pytest.mark.parametrize("name", ["test.json", "external/elsewhere.json", "calibration.json"])
@pytest.mark.parametrize("text", ["{}", '{"n": 1', "[]"])
def test_a_damaged_file_ends_the_verbs_in_one_sentence(
    run: Run, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    (run.path / name).write_text(text)
    verbs = {"report": ["report", run.path]}
    if name == "test.json":
        verbs |= {"evaluate": ["evaluate", run.path], "on": ["evaluate", run.path, "--on", SAMPLE]}
    for line in verbs.values():
        code, done = command(list(map(str, line))), capsys.readouterr()
        assert code == 1 and done.out == "", done.out
        (said,) = done.err.splitlines()
        assert str(run.path / name) in said and "remove it" in said and "of its own" not in said


def test_what_is_removed_as_told_is_measured_anew(run: Run, cli: Cli) -> None:
    sound = json.loads(cli("evaluate", run.path, "--json").stdout)
    (run.path / "test.json").write_text("{}")
    assert f"`covid-tui evaluate {run.name}` measures the test part anew" in cli("report", run.path).stderr
    (run.path / "test.json").unlink()
    again = json.loads(cli("evaluate", run.path, "--json").stdout)
    assert again["confusion"] == sound["confusion"] and again["loss"] == pytest.approx(sound["loss"], rel=1e-5)
    shutil.rmtree(run.path / "external")
    assert read_external(run) == [] and cli("report", run.path).returncode == 0
