"""The matrix of sets: a picture in two folders is learnt from and counted nowhere, every cell is what its files say,
tables give labels and corrections change them, and a matrix that was killed goes on.
"""

import dataclasses
import json
import os
import re
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from engine.base.errors import ConfigError
from engine.data.corrections import Correction, read_corrections
from engine.data.corrections_file import CorrectionsFile
from engine.data.records import Scan
from engine.data.scan import scan
from engine.data.split import Split
from engine.evaluation.intervals import exact_interval
from engine.evaluation.predictions_csv import PREDICTIONS, VALIDATION, read_predictions
from engine.evaluation.result_files import read_external
from engine.evaluation.transport import Matrix
from engine.jobs.matrix import MatrixJob, common_classes, set_names
from engine.recipe.config import ChoiceConfig, DataConfig, LabelTable, NetworkConfig, OutputConfig, TrainConfig
from engine.recipe.plans import SetTables
from engine.report import matrix as store
from engine.runs.directory import CORRECTIONS, Run
from tests.conftest import SAMPLE, Cli, Start, within

LABELS = ("COVID", "Viral Pneumonia")
small = pytest.mark.usefixtures("small_pictures")
TABLE = "labels.csv"
FLAGS = (
    *("--precision", "float32", "--frozen-engine", "keras", "--labels", "none", "--labels", TABLE),
    *("--label-column", "says", "--json"),
)


def mended(folders: Sequence[Path]) -> tuple[str, ...]:
    """The flag of the corrections that lie beside the folders."""
    return "--corrections", str(folders[0].parent / "corrections.csv")


def scanned(folder: Path, classes: Sequence[str] = ()) -> Scan:
    """A folder by its table, where it has one."""
    table = LabelTable(folder / TABLE, "says") if (folder / TABLE).is_file() else None
    return scan(folder, tuple(classes), labels=table)


def halves(folder: Path, source: Path, labels: Sequence[str], names: Sequence[str]) -> list[Path]:
    """The pictures of a folder of classes, dealt by turns to as many folders as there are names."""
    made = [folder / name for name in names]
    for label in labels:
        for one in made:
            (one / label).mkdir(parents=True)
        for place, path in enumerate(sorted((source / label / "images").iterdir())):
            os.link(path, made[place % len(made)] / label / path.name)
    return made


def run_of(matrix: Path, name: str) -> Run:
    return Run(matrix / f"trained-on-{name}")


def counted(matrix: Path, result: Matrix) -> dict[tuple[str, str], set[str]]:
    """The images behind each cell, after the cell was seen to be what its answers say."""
    files = {}
    for cell in result.cells:
        run = run_of(matrix, cell.train)
        names = (VALIDATION, PREDICTIONS) if cell.own else (f"external/{cell.test}.csv",)
        said = [read_predictions(run, name) for name in names]
        assert cell.n == sum(len(one.files) for one in said) and cell.correct == sum(
            int(one.right.sum()) for one in said
        )
        assert cell.accuracy_ci == exact_interval(cell.correct, cell.n)
        assert cell.out_of_fold == (len(said[0].files) if cell.own else 0)
        files[cell.train, cell.test] = {file for one in said for file in one.files}
    return files


def require_apart(matrix: Path, result: Matrix, folders: Sequence[Path], gone: dict[str, set[str]]) -> None:
    """No picture that is gone from a set is learnt from, tested on or counted; all others are, once in each cell."""
    files = counted(matrix, result)
    for one, folder in zip(result.sets, folders, strict=True):
        every = {record.file for record in scanned(folder, result.classes).records}
        assert gone[one.name] <= every and one.pictures_out + one.left_out == len(gone[one.name])
        assert one.images == len(every) - len(gone[one.name])
        for path in (matrix / f"trained-on-{one.name}.csv", run_of(matrix, one.name).path / "split.csv"):
            assert {row.file for row in Split.read(path).rows} == every - gone[one.name]
        for train in result.sets:
            assert files[train.name, one.name] == every - gone[one.name]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two halves of two classes of the sample data, with one picture in both, and one with other pixels.

    The second half is a flat folder with a table of labels; corrections beside both are about two images of the first.
    """
    made = halves(tmp_path_factory.mktemp("halves"), SAMPLE, LABELS, ("first", "second"))
    same, changed = (sorted((made[0] / label).iterdir())[0] for label in LABELS)
    shutil.copy(same, made[1] / "COVID" / "same.png")
    Image.open(changed).convert("L").resize((210, 210)).save(made[1] / LABELS[1] / "near.jpg")
    rows = [(path.name, label) for label in LABELS for path in sorted((made[1] / label).iterdir())]
    for name, label in rows:
        (made[1] / label / name).rename(made[1] / name)
    (made[1] / TABLE).write_text("".join(f"{name},{label}\n" for name, label in [("file", "says"), *rows]))
    first, last = (scan(made[0]).records[place] for place in (3, -3))
    table = CorrectionsFile(made[0].parent / "corrections.csv")
    table.decide(Correction(first.file, first.sha, first.label, "leave-out"))
    table.decide(Correction(last.file, last.sha, last.label, "relabel", LABELS[0]))
    return made


@pytest.fixture(scope="module")
def whole(folders: list[Path], cli: Cli, tmp_path_factory: pytest.TempPathFactory, small_pictures: None) -> Path:
    """The folder of a matrix that was done in one go."""
    out = tmp_path_factory.mktemp("matrix")
    done = cli("matrix", *folders, "--out", out, *FLAGS, *mended(folders))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["event"] == "matrix" and lines[-1]["folder"] == str(out / "matrix")
    told = [line for line in lines if line["event"] == "progress" and line["task"] == "matrix"]
    assert [line["done"] for line in told] == [0, 1, 3, 4] and {line["total"] for line in told} == {4}
    assert lines[-1]["gap"] == json.loads((out / "matrix" / store.REPORT).read_text())["gap"]
    return out / "matrix"


@small
@pytest.mark.slow
def test_a_picture_in_two_folders_is_learnt_from_and_counted_nowhere(whole: Path, folders: list[Path]) -> None:
    result = store.read(whole)
    assert (result.same_pixels, result.near, result.classes) == (1, 1, LABELS) and result.complete
    same, changed = (sorted((folders[0] / label).iterdir())[0].name for label in LABELS)
    left_out = scan(folders[0]).records[3].file
    first = {f"COVID/{same}", f"{LABELS[1]}/{changed}", left_out}
    require_apart(whole, result, folders, {"first": first, "second": {"same.png", "near.jpg"}})


@small
@pytest.mark.slow
def test_a_corrected_label_is_learnt_and_tested_everywhere_and_told(whole: Path, folders: list[Path]) -> None:
    result, wrong = store.read(whole), scan(folders[0]).records[-3]
    assert [(one.relabelled, one.left_out) for one in result.sets] == [(1, 1), (0, 0)]
    assert "by corrections 1 image relabelled, 1 left out" in (whole / store.TABLE).read_text()
    rows = {row.file: row.label for row in Split.read(run_of(whole, "first").path / "split.csv").rows}
    elsewhere = read_predictions(run_of(whole, "second"), "external/first.csv")
    said = elsewhere.classes[elsewhere.labels[elsewhere.files.index(wrong.file)]]
    assert wrong.label == LABELS[1] and rows[wrong.file] == said == LABELS[0]
    assert [one.decision for one in read_corrections(run_of(whole, "first").path / CORRECTIONS)] == [
        "leave-out", "relabel",
    ]  # fmt: skip


@small
@pytest.mark.slow
def test_the_runs_are_ordinary_ones_that_keep_what_was_tested_elsewhere(whole: Path) -> None:
    result = store.read(whole)
    for one, other in (("first", "second"), ("second", "first")):
        run = run_of(whole, one)
        assert run.state() == "finished" and run.config().way == "auto"
        (kept,) = read_external(run)
        cell = result.cell(one, other)
        assert cell and (kept.folder, kept.n, kept.correct, kept.learnt_from) == (other, cell.n, cell.correct, 0)


@small
@pytest.mark.slow
def test_the_table_and_the_plot_have_every_number(whole: Path) -> None:
    result, text = store.read(whole), (whole / store.TABLE).read_text()
    shown = "".join(ElementTree.fromstring((whole / store.PLOT).read_text()).itertext())
    for cell in result.cells:
        assert f"{cell.accuracy:.1%} ({100 * cell.accuracy_ci[0]:.1f} to {100 * cell.accuracy_ci[1]:.1f})" in text
        assert f"{cell.accuracy:.1%}" in shown
        assert cell.balanced is not None and f"{cell.balanced:.1%}" in text
    assert result.gap and f"{100 * result.gap.value:+.1f} points" in text and "None is learnt from or counted" in text
    for name, own in result.lost.items():
        assert f"| {name} |" in text and f"{100 * own.value:+.1f} ({100 * own.ci[0]:+.1f} to" in text.replace("\\", "")


@small
@pytest.mark.slow
def test_killed_it_goes_on_and_ends_as_in_one_go(
    whole: Path, folders: list[Path], cli: Cli, start: Start, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "matrix")
    shutil.rmtree(tmp_path / "matrix" / "trained-on-second")
    shutil.rmtree(tmp_path / "matrix" / "trained-on-first" / "external")
    for name in (store.REPORT, store.TABLE, store.PLOT):
        (tmp_path / "matrix" / name).unlink()
    before = (tmp_path / "matrix" / "trained-on-first" / "events.jsonl").read_bytes()
    with start("matrix", *folders, "--out", tmp_path, *FLAGS, *mended(folders)) as process:
        assert process.stdout
        for line in process.stdout:
            if json.loads(line)["event"] == "rung":
                break
        process.send_signal(signal.SIGKILL)
    assert [cell.own for cell in store.read(tmp_path / "matrix").cells] == [True]
    assert "1 of 4 cells are known" in (tmp_path / "matrix" / store.TABLE).read_text()
    done = cli("matrix", *folders, "--out", tmp_path, *FLAGS, *mended(folders))
    assert done.returncode == 0, done.stderr
    assert "Going on with the training on second" in done.stdout and "Training on first" not in done.stdout
    assert (tmp_path / "matrix" / "trained-on-first" / "events.jsonl").read_bytes() == before
    assert store.read(tmp_path / "matrix") == store.read(whole)


@small
@pytest.mark.slow
def test_stopped_it_tells_what_it_has_and_goes_on(
    whole: Path, folders: list[Path], cli: Cli, start: Start, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "matrix")
    for name in ("first", "second"):
        shutil.rmtree(tmp_path / "matrix" / f"trained-on-{name}" / "external")
    shutil.rmtree(tmp_path / "matrix" / "trained-on-second")
    with start("matrix", *folders, "--out", tmp_path, *FLAGS, *mended(folders)) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if [one["event"] for one in lines].count("rung") == 1 == (lines[-1]["event"] == "rung"):
                process.send_signal(signal.SIGINT)  # once: a second one would end it at once
    assert process.wait() == 128 + signal.SIGINT
    assert lines[-1]["event"] == "matrix" and len(lines[-1]["cells"]) == 1 and lines[-1]["gap"] is None
    assert "1 of 4 cells are known; the same command goes on" in lines[-1]["sentence"]
    assert cli("matrix", *folders, "--out", tmp_path, *FLAGS, *mended(folders)).returncode == 0
    assert store.read(tmp_path / "matrix") == store.read(whole)


def test_mistyped_weights_are_refused_before_a_scan(tmp_path: Path) -> None:
    done = within(tmp_path, ("matrix", SAMPLE, tmp_path, "--weights", "mistyped.weights.h5", "--out", tmp_path / "out"))
    (sentence,) = [line for line in done.stderr.splitlines() if line]
    assert done.returncode == 1 and "mistyped.weights.h5 is missing" in sentence
    assert not (tmp_path / "out").exists()


@small
@pytest.mark.slow
def test_what_is_done_is_told_again_without_any_work(whole: Path, folders: list[Path], cli: Cli) -> None:
    done = cli("matrix", *folders, "--out", whole.parent, *FLAGS[:-1], *mended(folders))
    assert done.returncode == 0 and "Training" not in done.stderr and "Testing" not in done.stderr, done.stderr
    result = store.read(whole)
    assert result.sentence in done.stdout and re.search(r"^first +█{3} ", done.stdout, re.MULTILINE)


@small
@pytest.mark.slow
def test_a_matrix_of_other_images_or_another_recipe_is_not_gone_on_with(
    whole: Path, folders: list[Path], cli: Cli, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "matrix")
    other = cli("matrix", *folders, "--out", tmp_path, *FLAGS, *mended(folders), "--seed", "3")
    assert other.returncode == 2 and "begun with another --seed: choose another --name" in other.stderr
    shutil.copytree(folders[0], tmp_path / "first")
    sorted((tmp_path / "first" / "COVID").iterdir())[3].unlink()
    other = cli("matrix", tmp_path / "first", folders[1], "--out", tmp_path, *FLAGS, *mended(folders))
    assert other.returncode == 2 and "begun with other images, or other labels, of first" in other.stderr
    assert store.read(tmp_path / "matrix") == store.read(whole)


def test_folders_that_do_not_fit_together_are_refused_in_a_sentence(tmp_path: Path) -> None:
    config = TrainConfig(choice=ChoiceConfig(), output=OutputConfig(out=tmp_path))
    for names in (["a"], ["a", "a"], ["a", "a/b"]):
        with pytest.raises(ConfigError, match=r"two folders|are one folder|lie one in the other"):
            MatrixJob([tmp_path / name for name in names], config)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(ConfigError, match="are one folder"):
        MatrixJob([tmp_path / "a", tmp_path / "link"], config)
    by_hand = TrainConfig(network=NetworkConfig(mode="finetune"), output=config.output)
    with pytest.raises(ConfigError, match="leave --mode out"):
        MatrixJob([tmp_path / "a", tmp_path / "b"], by_hand)
    with pytest.raises(ConfigError, match="leave --split out"):
        MatrixJob([tmp_path / "a", tmp_path / "b"], TrainConfig(data=DataConfig(split=tmp_path / "s.csv")))
    three = [Path("a"), Path("b"), Path("c")]
    for tables in (SetTables(corrections=(*three, *three)), SetTables(labels=(*three[:2],))):
        with pytest.raises(ConfigError, match=r"given \d times for 3 folders: give it once for all of them, or once"):
            MatrixJob([tmp_path / name for name in three], config, tables)
    with pytest.raises(ConfigError, match="--label-column goes with --labels"):
        MatrixJob([tmp_path / "a", tmp_path / "b"], config, SetTables(label_columns=("class",)))


def test_tables_are_for_all_folders_or_for_each_in_their_order() -> None:
    data, a, b = DataConfig(group_by="none"), Path("a.csv"), Path("b.csv")
    assert SetTables().of_each(data, 2) == [data, data]
    one = dataclasses.replace(data, labels=a, label_column="class", corrections=b)
    assert SetTables((a,), ("class",), (b,)).of_each(data, 3) == [one, one, one]
    first, second, third = SetTables((a, Path("none"), b), ("class",), (Path("none"), a, b)).of_each(data, 3)
    assert (first.label_table, first.corrections) == (LabelTable(a, "class"), None)
    assert (second.label_table, second.corrections) == (None, a)
    assert (third.label_table, third.corrections) == (LabelTable(b, "class"), b)
    first, second = SetTables((a, b), ("x", "y")).of_each(data, 2)
    assert (first.label_column, second.label_column) == ("x", "y")


def test_a_table_of_corrections_that_is_not_there_is_refused_in_a_sentence_before_a_scan(tmp_path: Path) -> None:
    asked = ("matrix", SAMPLE, tmp_path, "--corrections", tmp_path / "none.csv", "--out", tmp_path / "out")
    done = within(tmp_path, asked)
    (sentence,) = [line for line in done.stderr.splitlines() if line]
    assert done.returncode == 3 and "none.csv does not exist; check the path given with --corrections." in sentence


def test_classes_are_those_that_all_folders_have_and_fewer_than_two_are_refused(tmp_path: Path) -> None:
    for name, labels in {"x": "abc", "y": "cbd", "z": ("a", "B", "e")}.items():
        for label in labels:
            (tmp_path / name / label).mkdir(parents=True)
            Image.new("L", (8, 8), 9).save(tmp_path / name / label / "1.png")
    x, y, z = (scan(tmp_path / name) for name in "xyz")
    assert common_classes([x, y]) == ("b", "c") and common_classes([y, x], ("c", "b")) == ("c", "b")
    with pytest.raises(ConfigError, match=r"no class in common.*\"b\" and \"B\" differ in") as refused:
        common_classes([y, z])
    assert str(tmp_path / "z") in str(refused.value)
    with pytest.raises(ConfigError, match=r"one class \(a\) in common"):
        common_classes([x, z])
    with pytest.raises(ConfigError, match='has no class "d"; it has a, b, c'):
        common_classes([x, y], ("b", "d"))


def test_folders_with_one_name_get_two_names_that_no_file_system_confuses() -> None:
    names = set_names([Path("/a/data"), Path("/b/Data"), Path("/c/data"), Path("/d/../e\x1b[2J"), Path("/f/***")])
    assert names[:3] == ["data", "Data-2", "data-3"]
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name) for name in names)


@pytest.mark.slow
def test_on_sample_data_and_two_halves_of_real_xrays_a_picture_in_all_is_not_counted(
    cli: Cli, xray: Path, tmp_path: Path
) -> None:
    labels = ("COVID", "Normal", "Viral Pneumonia")
    folders = [*halves(tmp_path, xray, labels, ("half-a", "half-b")), *halves(tmp_path, SAMPLE, labels, ("sample",))]
    everywhere = sorted((folders[0] / "COVID").iterdir())[0]
    for folder in folders[1:]:
        shutil.copy(everywhere, folder / "COVID" / "everywhere.png")
    done = cli("matrix", *folders, "--out", tmp_path / "runs", "--json", timeout=3000)
    assert done.returncode == 0, done.stderr
    result: Any = store.read(tmp_path / "runs" / "matrix")
    assert result.complete and result.gap and len(result.cells) == 9
    files = counted(tmp_path / "runs" / "matrix", result)
    for one, folder in zip(result.sets, folders, strict=True):
        name = everywhere.name if folder is folders[0] else "everywhere.png"
        for train in result.sets:
            assert f"COVID/{name}" not in files[train.name, one.name]
        assert all(files[train.name, one.name] == files[one.name, one.name] for train in result.sets)
        assert one.images + one.pictures_out == len(scan(folder).records)
    assert result.same_pixels >= 1
