"""Sweeps: the frontier and the advice as pure functions, the queue, and real grids, killed, resumed and cut short."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.context import Context
from engine.base.errors import ConfigError, RunError
from engine.base.events import Finished
from engine.base.locks import is_locked
from engine.base.result import Validated
from engine.data.split import Split
from engine.evaluation.compare import mcnemar
from engine.evaluation.evaluate import keep_validation
from engine.evaluation.predictions_csv import VALIDATION, Predictions, read_predictions
from engine.evaluation.resampling import sign_flips
from engine.jobs.sweep import Sweep
from engine.network.backbones import backbone
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.recipe.plans import SweepConfig
from engine.runs.directory import Run
from engine.runs.writer import create, take_lock
from engine.sweep import store
from engine.sweep.pareto import Candidate, frontier, gap, recommend, steps
from engine.sweep.points import queue, unfreezing
from engine.sweep.result import Advice, Grid, Swept, SweptChoice
from engine.sweep.store import svg
from tests.conftest import ROOT, SAMPLE, Cli, within
from tests.makers import small
from tests.makers.examples import examples
from tests.makers.fake import TEST

GRID = Grid(("vgg16",), ("head", "block5_conv3"), (1e-3,), (0, 1))
RECIPE = ("--weights", "none", "--augment", "none", "--batch", "4", "--val-share", "0.2", "--lr", "1e-3",
          "--epochs", "2", "--depths", "head,block5_conv3", "--name", "s")  # fmt: skip
RUNS = [f"vgg16-{depth}-lr0.001-seed{seed}" for depth in ("head", "block5_conv3") for seed in (0, 1)]


def candidate(name: str, right: Any, seconds: float = 1.0, trainable: int = 1, loss: float = 1.0) -> Candidate:
    rows = np.atleast_2d(np.asarray(right, bool))
    return Candidate(name, trainable, rows, (loss,) * len(rows), (seconds,) * len(rows), (0.0,) * len(rows))


@st.composite
def sweeps(draw: st.DrawFn) -> list[Candidate]:
    n, k = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    rows = st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=3)
    return [
        candidate(f"r{place}", draw(rows), draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.floats(0, 2)))
        for place in range(k)
    ]


def beats(one: Candidate, other: Candidate) -> bool:
    pairs = ((one.accuracy, other.accuracy), (-one.cost, -other.cost), (-one.trainable, -other.trainable))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


class TestFrontier:
    @given(sweeps())
    @settings(deadline=None)
    def test_it_is_exactly_what_nothing_beats(self, found: list[Candidate]) -> None:
        kept = frontier(found)
        assert kept == [one for one in found if not any(beats(other, one) for other in found)]
        assert any(one.accuracy == max(c.accuracy for c in found) for one in kept)

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(1, 9).map(float), st.integers(0, 9).map(float)), min_size=1, max_size=12))
    def test_its_stairs_only_rise_and_lie_under_no_point(self, points: list[tuple[float, float]]) -> None:
        found = steps(points)
        assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(found))
        for cost, accuracy in points:
            assert max(height for at, height in found if at <= cost) >= accuracy


def either_sign(ways: Counter[int], value: int) -> Counter[int]:
    return Counter({n + value: k for n, k in ways.items()}) + Counter({n - value: k for n, k in ways.items()})


class TestAdvice:
    @settings(deadline=None)
    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
    def test_with_one_seed_the_paired_test_is_mcnemars(self, pairs: list[tuple[bool, bool]]) -> None:
        one, two = (np.array(column, int) for column in zip(*pairs, strict=True))
        expected = mcnemar(int((one > two).sum()), int((two > one).sum()))
        assert sign_flips(one - two) == pytest.approx(expected, abs=1e-12)

    @settings(deadline=None)
    @given(st.lists(st.integers(-4, 4), max_size=9))
    def test_with_more_it_counts_every_choice_of_signs(self, values: list[int]) -> None:
        sizes = np.abs(values)
        signs = (
            np.array(np.meshgrid(*[[-1, 1]] * len(values))).reshape(len(values), -1).T if values else np.zeros((1, 0))
        )
        sums = np.abs(signs @ sizes) if values else np.zeros(1)
        assert sign_flips(np.array(values, int)) == pytest.approx((sums >= abs(sum(values))).mean())

    @settings(deadline=None)
    @given(st.lists(st.integers(-25, 25), max_size=150))
    def test_it_is_exact_in_whole_numbers(self, values: list[int]) -> None:
        ways = Counter({0: 1})
        for value in values:
            ways = either_sign(ways, value)
        far = sum(count for total, count in ways.items() if abs(total) >= abs(sum(values)))
        assert sign_flips(np.array(values, int)) == pytest.approx(float(Fraction(far, 2 ** len(values))), abs=1e-12)

    def test_thousands_of_images_take_no_seconds(self) -> None:
        random = np.random.default_rng(0)
        values = random.integers(1, 6, 3000) * random.choice([-1, 1], 3000, p=[0.48, 0.52])
        began = time.process_time()
        p = sign_flips(values)
        assert time.process_time() - began < 0.5
        z = abs(values.sum()) / np.sqrt((values**2).sum())
        assert p == pytest.approx(math.erfc(z / math.sqrt(2)), abs=0.01)

    def test_a_lead_whose_interval_leaves_0_out_is_said_to_be_decided_by_the_test(self) -> None:
        cheap = candidate("head", [True] * 96 + [False] * 4, 1.0)
        told = recommend([cheap, candidate("all", [True] * 100, 99.0)])
        (gap,) = told.gaps
        assert told.name == "head" and gap.p == 0.125 and gap.ci[0] > 0 and gap.divided == 4
        assert "the exact paired test decides (chance alone would part them so far in 12% of cases" in told.sentence
        assert "by paired bootstrap" in told.sentence and "4 images divide the two" in told.sentence

    @given(sweeps())
    @settings(deadline=None)
    def test_nothing_cheaper_is_passed_over_but_for_being_worse(self, found: list[Candidate]) -> None:
        advice = recommend(found)
        by_name = {one.name: one for one in found}
        chosen, best = by_name[advice.name], by_name[advice.best]
        assert best.accuracy == max(one.accuracy for one in found)
        gaps = {gap.name: gap for gap in advice.gaps}
        assert set(gaps) == set(by_name) - {best.name} and all(gap.value >= 0 for gap in advice.gaps)
        assert chosen is best or gaps[chosen.name].p >= 0.05
        for one in found:
            if (one.cost, one.trainable, one.name) < (chosen.cost, chosen.trainable, chosen.name):
                assert gaps[one.name].p < 0.05
        assert all(gap.ci[0] <= gap.value + 1e-9 and gap.value - 1e-9 <= gap.ci[1] for gap in advice.gaps)

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=5, max_size=30), st.integers(2, 4))
    @settings(deadline=None, max_examples=20)
    def test_images_of_one_patient_count_as_one(self, pairs: list[tuple[bool, bool]], each: int) -> None:
        """A patient with several images on which the recipes agree weighs as one with one image."""
        one, other = (np.array([[pair[place] for pair in pairs]]) for place in (0, 1))
        patients = np.repeat(np.arange(len(pairs)), each)
        alone = gap(candidate("a", one), candidate("b", other))
        several = [
            dataclasses.replace(candidate(name, np.repeat(rows, each, axis=1)), patients=patients)
            for name, rows in (("a", one), ("b", other))
        ]
        together = gap(*several)
        assert together.p == pytest.approx(alone.p) and together.value == pytest.approx(alone.value)
        by_image = gap(*(dataclasses.replace(one, patients=None) for one in several))
        width, narrow = together.ci[1] - together.ci[0], by_image.ci[1] - by_image.ci[0]
        assert not alone.divided or narrow <= width + 0.02

    def test_a_clear_lead_is_worth_its_cost_and_a_small_one_is_not(self) -> None:
        cheap = candidate("head", [True] * 50 + [False] * 10, 1.0)
        dear = candidate("all", [True] * 60, 99.0)
        assert recommend([cheap, dear]).name == "all"
        assert "most accurate recipe, and" in recommend([cheap, dear]).sentence
        near = candidate("head", [True] * 58 + [False] * 2, 1.0)
        told = recommend([near, dear])
        assert (told.name, told.best) == ("head", "all") and "in 50% of cases, p = 0.5" in told.sentence
        assert "3.3 points" in told.sentence and "60 validation images" in told.sentence

    def test_equal_answers_still_leave_a_doubt(self) -> None:
        (only,) = recommend([candidate("a", [True] * 30), candidate("b", [True] * 30, 2.0)]).gaps
        assert only.p == 1 and only.ci[1] == pytest.approx(1 - 0.025 ** (1 / 30))

    def test_other_images_are_refused(self) -> None:
        with pytest.raises(RunError, match="different validation images"):
            recommend([candidate("a", [True]), candidate("b", [True, False])])


class TestQueue:
    def test_a_depth_is_all_from_there_on_unless_it_says_only(self) -> None:
        def layers(depth: str) -> set[str]:
            return set(plan(unfreezing(depth, NetworkConfig())).trainable)

        every = {layer.name for layer in backbone("vgg16").layers if layer.parameters}
        assert layers("head") == set() and layers("all") == every == layers("block1")
        assert layers("block5_conv2") == {"block5_conv2", "block5_conv3"}
        assert layers("block4") == {name for name in every if name[5] in "45"}
        assert layers("only:block4") == {name for name in every if name[5] == "4"}
        assert layers("only:block1_conv1+block5") == {"block1_conv1", *layers("block5")}
        with pytest.raises(ConfigError, match="block9"):
            layers("block9")

    @given(
        st.lists(
            st.sampled_from(["head", "block5_conv3", "block5", "block4", "only:block3", "all"]), min_size=1, unique=True
        ),
        st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
        st.sampled_from(["none", "report"]),
    )
    @settings(max_examples=examples(30), deadline=None)
    def test_the_cheap_come_first_and_each_point_once(self, depths: list[str], seeds: list[int], augment: Any) -> None:
        config = TrainConfig(augment=AugmentConfig(augment=augment), output=OutputConfig(name="s"))
        points = queue(config, Grid(("vgg16",), tuple(depths), (1e-3, 1e-4), tuple(seeds)))
        assert len({point.name for point in points}) == len(points) == 2 * len(depths) * len(seeds)
        costs = [point.work(100)[1] for point in points]
        assert costs == sorted(costs)
        cuts = [point.plan.cut for point in points]
        assert len([a for a, b in pairwise(cuts) if a != b]) == len(set(cuts)) - 1
        assert not any(point.config.judge.test for point in points)

    def test_what_is_kept_is_counted_once(self, tmp_path: Path) -> None:
        def filled(augment: Any) -> list[bool]:
            output = OutputConfig(tmp_path, "s")
            config = TrainConfig(augment=AugmentConfig(augment=augment), output=output)
            return [one.filling > 0 for one in Sweep(SAMPLE, config, GRID).plan(40)]

        assert filled("none") == [True, False, True, False] and filled("report") == [True] * 4

    def test_the_recipe_that_chooses_by_itself_is_a_point_without_a_rate(self) -> None:
        config = TrainConfig(output=OutputConfig(name="s"))
        points = queue(config, Grid(("vgg16",), ("head", "ladder"), (1e-3, 1e-4), (0, 1)))
        ladders = [point for point in points if point.config.way == "auto"]
        assert [point.name for point in ladders] == ["vgg16-ladder-seed0", "vgg16-ladder-seed1"]
        assert len({point.recipe for point in ladders}) == 1 and len(points) == 6
        assert all(point.plan.head.reads and point.work(10)[0] > 0 for point in ladders)
        assert {point.config.way for point in points} == {"auto", "transfer"}

    def test_the_same_layers_by_two_names_are_one_point(self) -> None:
        config = TrainConfig(output=OutputConfig(name="s"))
        assert len(queue(config, Grid(("vgg16",), ("all", "block1", "only:1-18"), (1e-3,), (0,)))) == 1


class TestGoingOn:
    def test_a_folder_says_by_itself_which_sweep_it_is(self, tmp_path: Path) -> None:
        config = TrainConfig(network=NetworkConfig(weights="none"), output=OutputConfig(tmp_path, "s"))
        wanted = SweepConfig(depths="head,only:block3", lrs="auto,1e-3", seeds=3)
        sweep = Sweep(SAMPLE, config, Grid.of(wanted, config))
        sweep.path.mkdir()
        sweep.write()
        assert str(tmp_path) not in (sweep.path / "sweep.json").read_text()
        with pytest.raises(RunError, match="no run yet"):
            Sweep.begun(sweep.path)
        again = Sweep.begun(sweep.path, SAMPLE)
        assert (again.path, again.grid, again.points) == (sweep.path, sweep.grid, sweep.points)
        with create(SAMPLE, sweep.points[0].config):
            pass
        assert Sweep.begun(sweep.path).folder == SAMPLE

    def test_recipes_judged_on_other_images_are_not_paired(self, tmp_path: Path) -> None:
        config = TrainConfig(output=OutputConfig(tmp_path, "s"))
        sweep = Sweep(SAMPLE, config, Grid(("vgg16",), ("head", "block5"), (1e-3,), (0,)))
        for point, files in zip(sweep.points, (("A/1", "B/1"), ("A/1", "B/2")), strict=True):
            with create(SAMPLE, point.config) as writer:
                shares = np.array([[0.9, 0.1], [0.2, 0.8]])
                keep_validation(writer.run, Predictions(("A", "B"), files, np.array([0, 1]), shares))
                val = Validated(accuracy=1.0, loss=0.2)
                writer.append(Finished(str(writer.run.path), 1, 1.0, val, None, 1, "all epochs"))
        with pytest.raises(RunError, match=r"head-.* and .*block5-.* were judged on different validation images"):
            sweep.candidates()

    def test_a_rate_that_was_found_is_no_other_recipe(self, tmp_path: Path) -> None:
        config = TrainConfig(output=OutputConfig(tmp_path, "s"))
        grid = Grid.of(SweepConfig(depths="head", lrs="auto", seeds=1), config)
        (point,) = Sweep(SAMPLE, config, grid).points
        found = dataclasses.replace(point.config, fit=dataclasses.replace(point.config.fit, lr=3e-3))
        with create(SAMPLE, point.config) as writer:
            writer.keep_config(found, SAMPLE)
        Sweep(SAMPLE, config, grid)
        other = dataclasses.replace(config, fit=dataclasses.replace(config.fit, batch=8))
        with pytest.raises(ConfigError, match="begun with another --batch"):
            Sweep(SAMPLE, other, grid)

    def test_nobody_chooses_while_another_trains(self, tmp_path: Path) -> None:
        config = TrainConfig(output=OutputConfig(tmp_path, "s"))
        sweep = Sweep(SAMPLE, config, GRID)
        sweep.path.mkdir()
        with (sweep.path / "lock").open("w") as lock:
            take_lock(lock, sweep.path)
            assert is_locked(sweep.path / "lock")
            with pytest.raises(RunError, match="by another process"):
                sweep.choose("", Context())
        assert not is_locked(sweep.path / "lock")
        with pytest.raises(ConfigError, match="nothing to choose from"):
            sweep.choose("", Context())

    @pytest.mark.parametrize(
        "text",
        ["[]", "{}", '{"points": [', '{"points": [], "candidates": [{"name": 1}], "advice": null, "chosen": null}'],
    )
    def test_a_damaged_report_is_refused_in_a_sentence(self, tmp_path: Path, text: str) -> None:
        folder = tmp_path / "out" / "s"
        folder.mkdir(parents=True)
        (folder / "sweep.json").write_text(text)
        with pytest.raises(RunError, match=r"sweep\.json"):
            store.read(folder)
        assert store.all_sweeps(folder.parent) == [folder]


def line(text: str) -> dict[str, Any]:
    return dict(json.loads(text.splitlines()[-1]))


def shut(folder: Path) -> bool:
    return not [*folder.rglob("test.json"), *folder.rglob("predictions.csv")]


@pytest.mark.slow
def test_a_grid_shares_split_and_cache_and_opens_the_test_when_one_is_chosen(
    cli: Cli, few: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path)
    planned = cli("sweep", few, *RECIPE, *out, "--plan", "--json")
    assert planned.returncode == 0 and not (tmp_path / "s").exists(), planned.stderr
    assert [json.loads(one)["name"] for one in planned.stdout.splitlines()] == RUNS

    apart = {"COVID_TUI_CACHE": str(tmp_path / "cache")}  # other sweeps of these images have filled the shared one
    done = cli("sweep", few, *RECIPE, *out, "--json", timeout=900, **apart)
    assert done.returncode == 0, done.stderr
    result, folder = line(done.stdout), tmp_path / "s"
    assert result["event"] == "swept" and {point["state"] for point in result["points"]} == {"finished"}
    assert shut(folder) and result["chosen"] is None
    runs = [Run(folder / name) for name in RUNS]
    splits = {tuple(Split.read(run.path / "split.csv").rows) for run in runs}
    assert splits == {tuple(Split.read(folder / "split.csv").rows)}
    said = [read_predictions(run, VALIDATION) for run in runs]
    assert {one.files for one in said} == {Split.read(folder / "split.csv").files("validation")}
    for run, own in zip(runs, said, strict=True):
        end = run.finished()
        assert end and end.test is None and own.right.mean() == end.val.accuracy
    head, last = result["candidates"]
    assert head["accuracies"] == [said[0].right.mean(), said[1].right.mean()] and head["trainable"] == 263_682
    assert last["trainable"] == 263_682 + 2_359_808
    assert min(head["filling"]) > 0, "random weights differ by seed, so nothing that was kept serves another"
    assert json.loads((folder / "sweep.json").read_text()) == {
        k: v for k, v in result.items() if k not in ("event", "folder")
    }
    assert result["advice"]["sentence"] in (folder / "sweep.md").read_text().replace("\\>", ">")
    ElementTree.fromstring((folder / "sweep.svg").read_text())

    before = {run.name: (run.path / "events.jsonl").read_bytes() for run in runs}
    again = cli("sweep", few, *RECIPE, *out, "--choose", "vgg16-block5_conv3-lr0.001", timeout=900, **apart)
    assert again.returncode == 0 and "Chosen: vgg16-block5_conv3" in again.stdout, again.stderr
    chosen = json.loads((folder / "sweep.json").read_text())["chosen"]
    tested = [run for run in runs if not shut(run.path)]
    assert [run.name for run in tested] == [chosen["run"]]
    assert tested[0].finished().test.n == chosen["test"]["n"] == 2  # type: ignore[union-attr]
    assert all((run.path / "events.jsonl").read_bytes() == before[run.name] for run in runs if run not in tested)
    other = cli("sweep", few, *(("8" if flag == "4" else flag) for flag in RECIPE), *out)
    assert other.returncode == 2 and "begun with another --batch" in other.stderr


@pytest.mark.slow
def test_the_recipe_that_chooses_by_itself_is_held_against_others_on_the_same_images(
    cli: Cli, few: Path, tmp_path: Path
) -> None:
    grid = ("--depths", "head,ladder", "--seeds", "1", "--val-share", "0.3", "--test-share", "0.2", "--epochs", "2")
    done = cli("sweep", few, *grid, "--name", "s", "--weights", "none", "--out", tmp_path, "--json", timeout=900)
    assert done.returncode == 0, done.stderr
    result = line(done.stdout)
    ladder, head = sorted(result["candidates"], key=lambda one: "ladder" not in one["name"])
    assert ladder["n"] == head["n"] == len(Split.read(tmp_path / "s" / "split.csv").files("validation"))
    assert ladder["seconds"] > 0 and min(ladder["filling"]) > 0 and shut(tmp_path / "s")


@pytest.mark.slow
def test_killed_and_cut_short_it_goes_on_where_it_was(cli: Cli, cache: Path, few: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path, "--checkpoint-minutes", "0")
    late = cli("sweep", few, *RECIPE, *out, "--budget", "0.001", "--json")
    told = [json.loads(one) for one in late.stdout.splitlines()]
    assert late.returncode == 0 and any("4 of 4 trainings are left" in one.get("text", "") for one in told)
    command = [sys.executable, "-c", "from tui.cli import main; main()", "sweep", few, *RECIPE, *out]
    environment = {**os.environ, "COVID_TUI_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(list(map(str, command)), cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    third = Run(tmp_path / "s" / RUNS[2])
    end = time.monotonic() + 900
    try:
        while not any((third.path / "checkpoint").glob("*/state.json")):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert third.state() == "died"
    kept = {name: (tmp_path / "s" / name / "events.jsonl").read_bytes() for name in RUNS[:2]}
    done = cli("sweep", few, *RECIPE, *out, "--json", timeout=900)
    assert done.returncode == 0, done.stderr
    events = [json.loads(one) for one in done.stdout.splitlines()]
    assert [one["event"] for one in events].count("resumed") == 1 and len(third.epochs()) == 2
    assert all((tmp_path / "s" / name / "events.jsonl").read_bytes() == text for name, text in kept.items())
    assert {point["state"] for point in events[-1]["points"]} == {"finished"} and shut(tmp_path / "s")


def test_an_untested_training_says_so_and_evaluate_opens_it(
    cli: Cli, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.shrink(monkeypatch)
    own = ("--weights", "none", "--augment", "none", "--epochs", "1")
    done = cli("train", few, *own, "--no-test", "--out", tmp_path, "--name", "a")
    assert done.returncode == 0 and "shut; `covid-tui evaluate" in done.stdout and shut(tmp_path), done.stderr
    assert line(cli("runs", "--out", tmp_path, "--json").stdout)["test"] is None
    opened = line(cli("evaluate", "a", "--out", tmp_path, "--json").stdout)
    assert opened["n"] == 2 and not shut(tmp_path)
    assert line(cli("runs", "--out", tmp_path, "--json").stdout)["test"]["correct"] == opened["correct"]


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    for flags, word in (
        (("--depths", "block9"), "block9"),
        (("--depths", "head,head"), "--depths"),
        (("--seeds", "0"), "--seeds"),
        (("--lrs", "fast"), "--lrs"),
        (("--budget", "-1"), "--budget"),
    ):
        done = within(tmp_path, ("sweep", SAMPLE, "--out", tmp_path, "--name", "s", *flags))
        assert done.returncode == 2 and word in done.stderr, done.stderr
    assert within(tmp_path, ("sweep", SAMPLE, "--out", tmp_path)).returncode == 2
    assert not any(tmp_path.iterdir())


def test_a_class_name_acts_nowhere_in_the_table() -> None:
    evil = "<img src=x> | [x](javascript:1)"
    own = candidate("a", [True, False]).swept("a", frontier=True)
    test = dataclasses.replace(TEST, baseline_class=evil)
    result = Swept(grid=GRID, recipe={}, points=(), candidates=(own,), advice=Advice("a", "a", (), "It is."),
                   chosen=SweptChoice(run="a-seed0", test=test))  # fmt: skip
    text = store.page(result)
    assert "always saying &lt;img src=x&gt; \\| \\[x\\](" in text and "<img" not in text


def test_the_plot_has_every_recipe_and_fits_any_numbers() -> None:
    made = [
        candidate(name, row, seconds, size).swept(name, name == "a")
        for name, row, seconds, size in (("a", [True, False], 0.0, 1), ("b<i>", [False, False], 1e4, 10**8))
    ]
    drawn = ElementTree.fromstring(svg(made))
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("a") == texts.count("b<i>") == 2 and "nan" not in svg(made)
