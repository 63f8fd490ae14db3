"""What version 0.1.0 wrote opens, goes on and compares: the runs, the sweep and the audit in old/house.tar.xz.

Their configs name the folder of images as it was then, which is nowhere now. What they say of the weights they began
with, and of a sweep's folder, is put right when they are unpacked: a run can't be told that those have moved.
"""

import csv
import dataclasses
import json
import math
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.audit import store as audit_store
from engine.base.events import Epoch
from engine.base.typed_files import plain_object
from engine.jobs.sweep import Sweep
from engine.recipe.config import TrainConfig, to_dict
from engine.runs.directory import Run
from engine.sweep import store as sweep_store
from tests.conftest import SAMPLE, Cli

ARCHIVE = Path(__file__).parent / "old" / "house.tar.xz"
OLD = "/old-house"
WEIGHTS = "vgg16.weights.h5"
ADDED: dict[str, dict[str, str | None]] = {
    "choice": {"recipe": "report", "budget": "auto"},
    "machine": {"frozen_engine": "auto"},
    "data": {"labels": None, "label_column": "", "corrections": None},
}
"""Fields that recipes have got since, with the value that an old one's then has."""
RUNS = {"whole": "finished", "other": "finished", "stopped": "stopped", "died": "died"}
SWEPT = ("--classes", "COVID,Normal", "--augment", "none", "--precision", "float32", "--batch", "8",
         "--val-share", "0.2", "--test-share", "0.2", "--epochs", "6", "--patience", "0",
         "--depths", "head,block5_conv3", "--lrs", "0.01,0.001", "--seeds", "1", "--name", "swept")  # fmt: skip
CLOSE = 1e-5
"""Other processors round otherwise: so far, relative or absolute, a loss or a share may lie from what it was."""
FITTED = {"temperature": 1e-4}
"""What is fitted to few of those answers lies further from it: by 2.2e-5 of the temperature on a Zen 3."""


@dataclass(frozen=True)
class House:
    """What the old version wrote, unpacked."""

    place: Path

    @property
    def runs(self) -> Path:
        """The folder of its runs."""
        return self.place / "runs"

    @property
    def weights(self) -> Path:
        """The file of weights that all its trainings began with."""
        return self.place / WEIGHTS

    def run(self, name: str) -> Run:
        """One of its runs."""
        return Run(self.runs / name)

    def told(self, name: str) -> list[dict[str, Any]]:
        """The lines of JSON that the old command printed."""
        text = (self.place / "told" / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.replace(f"{OLD}/runs", str(self.runs)).splitlines()]


def unpacked(place: Path, *names: str) -> House:
    """The archive's folders of these names (all of it where none is given), and the weights, below `place`."""
    wanted = (WEIGHTS, "told", *names) if names else ()
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            if not wanted or member.name.startswith(wanted):
                archive.extract(member, place, filter="data")
    for file in (*place.glob("runs/**/config.json"), *place.glob("runs/*/sweep.json")):
        text = file.read_text(encoding="utf-8")
        text = text.replace(f'"{WEIGHTS}"', json.dumps(str(place / WEIGHTS)))
        file.write_text(text.replace(f"{OLD}/runs", str(place / "runs")), encoding="utf-8")
    return House(place)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """All of it, to be read."""
    return unpacked(tmp_path_factory.mktemp("house"))


def close(value: Any, old: Any, far: float = CLOSE) -> bool:
    """Is this what it was, numbers but for rounding, with nothing lost? Keys may have been added."""
    if isinstance(old, dict):
        return isinstance(value, dict) and all(
            name in value and close(value[name], old[name], FITTED.get(name, CLOSE)) for name in old
        )
    if isinstance(old, list):
        return len(value) == len(old) and all(map(close, value, old))
    if isinstance(old, float):
        return math.isclose(value, old, rel_tol=far, abs_tol=far)
    return bool(value == old)


def told_then(text: str) -> str:
    """A sentence as it was told when a p-value stood bare, to compare the rest of it."""
    chance = r"chance alone would (?:part them so far in [^,]+ of cases|hardly ever part them so far), (p = [\d.e-]+)"
    audit = rf", on the same ([\d,]+ images); {chance} by McNemar's test\)"
    text = re.sub(audit, r"; McNemar \2, on the same \1)", text)
    text = re.sub(rf"exact paired test decides \({chance}\)", r"exact paired test decides (paired \1)", text)
    return re.sub(chance, r"\1", text)


def lines(text: str) -> list[dict[str, Any]]:
    """Lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]


def history(file: Path) -> list[dict[str, float]]:
    """The lines of a history.csv, without the seconds."""
    with file.open(encoding="utf-8") as table:
        return [{k: float(v) for k, v in line.items() if k != "seconds"} for line in csv.DictReader(table)]


def answer(cli: Cli, *arguments: object) -> str:
    """What the command prints; it must end well."""
    done = cli(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(text: str) -> set[str]:
    """The numbers in a text."""
    return set(re.findall(r"\d+(?:\.\d+)?%?", text))


def best(epochs: list[Epoch]) -> Epoch:
    """The epoch that the loop keeps: the highest accuracy on validation, of equal ones that of the lower loss."""
    return max(epochs, key=lambda epoch: (epoch.val_accuracy, -epoch.val_loss))


class TestOpens:
    def test_every_run_is_listed_with_its_state_and_its_numbers(self, house: House, cli: Cli) -> None:
        listed = {facts["name"]: facts for facts in lines(answer(cli, "runs", "--out", house.runs, "--json"))}
        assert {name: facts["state"] for name, facts in listed.items()} == RUNS
        assert all(facts["error"] is None for facts in listed.values())
        for old in house.told("runs.jsonl"):
            if old["state"] != "finished":
                assert old.pop("seconds") is None, "it was not known then of such a run"
            assert close(listed[old["name"]], old)

    @pytest.mark.parametrize("name", RUNS)
    def test_every_field_of_a_recipe_is_read_as_it_was_written(self, house: House, name: str) -> None:
        run = house.run(name)
        saved = json.loads((run.path / "config.json").read_text(encoding="utf-8"))
        for name_of_part, added in ADDED.items():
            saved[name_of_part] = {**saved.get(name_of_part, {}), **added}
        assert saved == {"folder": f"{OLD}/sample_data", **to_dict(run.config())}
        assert run.folder() == Path(OLD, "sample_data")
        for part in dataclasses.fields(TrainConfig):
            there = getattr(run.config(), part.name)
            assert {field.name for field in dataclasses.fields(there)} == saved[part.name].keys()
            for field in dataclasses.fields(there):
                value = saved[part.name][field.name]
                kind = Path if field.name in ("out", "split") and value is not None else type(value)
                assert isinstance(getattr(there, field.name), kind), field.name

    @pytest.mark.parametrize("name", RUNS)
    def test_every_event_is_read_with_all_that_it_says(self, house: House, name: str) -> None:
        run = house.run(name)
        written = lines((run.path / "events.jsonl").read_text(encoding="utf-8"))
        read = [json.loads(event.to_json()) | {"time": at} for at, event in run.timed_events()]
        assert close(read, written)

    def test_the_events_give_the_epochs_of_the_history_and_the_best_of_them(self, house: House) -> None:
        for name in RUNS:
            run = house.run(name)
            epochs = [dataclasses.asdict(epoch) for epoch in run.epochs()]
            kept = history(run.path / "history.csv")
            assert [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in epochs] == kept
        for name in ("whole", "other"):
            end = house.run(name).finished()
            folded = house.run(name).summary().best
            assert folded is not None and folded == best(house.run(name).epochs())
            assert end is not None and end.best_epoch == folded.epoch
            assert end.ended == {"whole": "all epochs", "other": "patience"}[name]
        tied = [epoch.val_accuracy for epoch in house.run("whole").epochs()]
        assert tied.count(max(tied)) > 1, "epochs of one accuracy, of which the lower loss is the best"

    @pytest.mark.parametrize("name", ["whole", "other"])
    def test_it_predicts_as_it_did(self, house: House, cli: Cli, name: str) -> None:
        old = house.told(f"predict-{name}.jsonl")
        files = [SAMPLE.parent / line["file"] for line in old]
        told = lines(answer(cli, "predict", *files, "--run", name, "--out", house.runs, "--json"))
        assert [Path(line.pop("file")) for line in told] == files
        for line, before in zip(told, old, strict=True):
            assert close(line, {key: value for key, value in before.items() if key != "file"})

    @pytest.mark.parametrize("name", ["whole", "other"])
    def test_its_test_is_what_it_was_and_is_not_measured_again(self, house: House, cli: Cli, name: str) -> None:
        before = (house.run(name).path / "test.json").read_bytes()
        (told,) = lines(answer(cli, "evaluate", name, "--out", house.runs, "--json"))
        (old,) = house.told(f"evaluate-{name}.json")
        assert close(told, old)
        assert (house.run(name).path / "test.json").read_bytes() == before

    def test_two_are_compared_as_they_were(self, house: House, cli: Cli) -> None:
        (told,) = lines(told_then(answer(cli, "compare", "whole", "other", "--out", house.runs, "--json")))
        (old,) = house.told("compare.json")
        assert close(told, old)

    def test_the_audit_is_read_whole_and_stands_in_a_card_with_the_tests(self, house: House, cli: Cli) -> None:
        (path,) = audit_store.all_audits(house.runs)
        saved = json.loads((path / "audit.json").read_text(encoding="utf-8"))
        assert path.name == "audited" and saved.pop("environment")
        audit = audit_store.read(path)
        anew = {"verdict": audit.verdict, "heads": []}  # told from the numbers; audits of before chose no heads
        assert json.loads(json.dumps(audit.to_dict())) == {**saved, **anew}
        assert told_then(audit.verdict).partition(" That is")[0] == saved["verdict"].partition(" That is")[0]
        answer(cli, "report", "other", "--audit", path, "--out", house.runs)
        (test,) = house.told("evaluate-other.json")
        card = (house.run("other").path / "card.md").read_text(encoding="utf-8")
        assert audit.verdict in card and f"{test['accuracy']:.1%}" in card
        for variant in audit.variants:
            assert variant.title in card

    def test_a_card_is_written_anew_with_every_number_of_the_old_one(self, cli: Cli, tmp_path: Path) -> None:
        own = unpacked(tmp_path, "runs/whole", "runs/audited")
        path = own.run("whole").path
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        (path / "config.json").write_text(json.dumps(config | {"folder": str(SAMPLE)}))  # the sources stand there
        before, hashes, _ = (path / "card.md").read_text(encoding="utf-8").partition("## Environment and hashes")
        assert hashes, "what follows has the digest of config.json, whose paths were changed in unpacking"
        answer(cli, "report", "whole", "--audit", own.runs / "audited", "--out", own.runs)
        now = (path / "card.md").read_text(encoding="utf-8")
        assert len(numbers(before)) > 50 and numbers(before) <= numbers(now)


def assert_ends_as(run: Run, history_file: Path, test_file: Path) -> None:
    """It is what the old version made of the same training in one go."""
    assert run.state() == "finished"
    assert close(history(run.path / "history.csv"), history(history_file))
    old = json.loads(test_file.read_text(encoding="utf-8"))
    assert close(json.loads((run.path / "test.json").read_text(encoding="utf-8")), old)
    assert [epoch.epoch for epoch in run.epochs()] == list(range(1, len(history(history_file)) + 1))


class TestGoesOn:
    @pytest.mark.slow
    def test_a_stopped_run_goes_on_with_its_images_elsewhere_and_ends_as_in_one_go(
        self, house: House, cli: Cli, tmp_path: Path
    ) -> None:
        own = unpacked(tmp_path, "runs/stopped")
        run = own.run("stopped")
        kept = (run.path / "events.jsonl").read_bytes()
        refused = cli("--train", "--resume", "stopped", "--out", own.runs)
        assert refused.returncode == 3 and f"{OLD}/sample_data" in refused.stderr
        assert (run.path / "events.jsonl").read_bytes() == kept and run.state() == "stopped"
        told = lines(answer(cli, "--train", SAMPLE, "--resume", "stopped", "--out", own.runs, "--json"))
        (went_on,) = (line for line in told if line["event"] == "resumed")
        done = history(house.run("stopped").path / "history.csv")
        assert went_on["epoch"] == len(done) + 1 and went_on["step"] > 0, "it was stopped within an epoch"
        assert history(run.path / "history.csv")[: len(done)] == done, "what was trained before stays to the bit"
        whole = house.run("whole").path
        assert_ends_as(run, whole / "history.csv", whole / "test.json")
        assert run.folder() == SAMPLE
        (same,) = lines(answer(cli, "compare", "stopped", house.run("whole").path, "--out", own.runs, "--json"))
        assert same["difference"] == 0 and same["only_first"] == same["only_second"] == 0

    @pytest.mark.slow
    def test_a_run_killed_in_its_second_phase_goes_on_and_ends_as_in_one_go(self, cli: Cli, tmp_path: Path) -> None:
        own = unpacked(tmp_path, "runs/died")
        assert own.run("died").state() == "died"
        answer(cli, "--train", SAMPLE, "--resume", own.run("died").path)
        twin = own.place / "told" / "twins" / "died"
        assert_ends_as(own.run("died"), twin / "history.csv", twin / "test.json")


class TestSweep:
    def test_it_opens_with_its_results_and_with_what_is_left_of_it(self, house: House, cli: Cli) -> None:
        (path,) = sweep_store.all_sweeps(house.runs)
        saved = json.loads((path / "sweep.json").read_text(encoding="utf-8"))
        assert close(json.loads(told_then(json.dumps(plain_object(sweep_store.read(path))))), saved)
        assert [point["state"] for point in saved["points"]] == ["finished", "finished", "stopped", "waiting"]
        sweep = Sweep.begun(path, SAMPLE)
        assert [one.state for one in sweep.plan(72)] == ["finished", "finished", "half", "waiting"]
        for point in sweep.points:
            if run := sweep.run_of(point):
                assert run.trouble() == ""
        weights = ("--weights", house.weights, "--out", house.runs)
        assert close(
            lines(answer(cli, "sweep", SAMPLE, *SWEPT, *weights, "--plan", "--json")), house.told("plan.jsonl")
        )

    @pytest.mark.slow
    def test_it_goes_on_with_what_is_left_and_ends_as_in_one_go(self, cli: Cli, tmp_path: Path) -> None:
        own = unpacked(tmp_path, "runs/swept")
        path, twin = own.runs / "swept", own.place / "told" / "twins" / "swept"
        weights = ("--weights", own.weights, "--out", own.runs)
        told = lines(answer(cli, "sweep", SAMPLE, *SWEPT, *weights, "--json"))
        started = [line["run"].rpartition("/")[2] for line in told if line["event"] == "started"]
        old = json.loads((twin / "sweep.json").read_text(encoding="utf-8"))
        assert started == [point["name"] for point in old["points"][2:]], "what was finished is not trained again"
        ended = sweep_store.read(path)
        assert [point.state for point in ended.points] == ["finished"] * 4
        clock = ("seconds", "each_seconds", "filling", "frontier")
        for one, before in zip(ended.candidates, old["candidates"], strict=True):
            assert close(plain_object(one), {key: value for key, value in before.items() if key not in clock})
        for point in old["points"]:
            assert close(history(path / point["name"] / "history.csv"), history(twin / point["name"] / "history.csv"))
