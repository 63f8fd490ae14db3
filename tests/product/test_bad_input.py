"""Bad input: one plain sentence on stderr, the right exit code, no traceback, and a scan that goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import SAMPLE, Cli
from tests.makers.many import Answer, commands


def picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8)).save(path)
    return path


def classes(root: Path, **counts: int) -> Path:
    for name, count in counts.items():
        for number in range(count):
            picture(root / name / "images" / f"{name}-{number}.png", hash((name, number)) % 2**32)
    return root


def empty(root: Path) -> Path:
    return root


def one_class(root: Path) -> Path:
    return classes(root, COVID=9)


def one_image(root: Path) -> Path:
    return classes(root, COVID=9, Normal=1)


def missing(root: Path) -> Path:
    return root / "nowhere"


def a_file(root: Path) -> Path:
    return picture(root / "x.png")


FOLDERS: dict[Callable[[Path], Path], str] = {
    empty: "image", one_class: "one class", one_image: "Normal", missing: "nowhere", a_file: "x.png",
}  # fmt: skip
"""Folders that can't be trained on, each with a word of the reason."""
COMMANDS: tuple[tuple[tuple[object, ...], str], ...] = (
    (("train", SAMPLE, "--bogus", "1"), "--bogus"),
    (("train", SAMPLE, "--classes", "COVID,Measles"), "Measles"),
    (("train", SAMPLE, "--epochs", "many"), "--epochs"),
    (("train", SAMPLE, "--epochs", "0"), "--epochs"),
    (("train", SAMPLE, "--mode", "sideways"), "sideways"),
    (("train", SAMPLE, "--mode", "partial", "--unfreeze", "block9"), "block9"),
    (("train", SAMPLE, "--unfreeze", "block5"), "--mode partial"),
    (("train", SAMPLE, "--name", "../up"), "--name"),
    (("train",), "--train DATA"),
    (("--dance",), "--dance"),
    (("train", SAMPLE, "now"), "now"),
    (("inspect",), "at least one"),
    (("predict",), "at least one"),
)
"""Commands that don't exist or fit, likewise."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    """The real command's answers to all of those, from one process."""
    root = tmp_path_factory.mktemp("bad")
    for make in FOLDERS:
        (root / make.__name__).mkdir()
    trainings = [("--train", make(root / make.__name__), "--out", root / "out") for make in FOLDERS]
    return commands(*trainings, *(arguments for arguments, _ in COMMANDS), cwd=root)


@pytest.mark.parametrize("number", range(len(FOLDERS)), ids=[make.__name__ for make in FOLDERS])
def test_a_folder_that_can_not_be_trained_on(number: int, answers: list[Answer]) -> None:
    done = answers[number]
    check_sentence(done.stderr, list(FOLDERS.values())[number])
    assert done.code == 3 and done.stdout == ""


@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_a_command_that_does_not_exist_or_fit(number: int, answers: list[Answer]) -> None:
    done = answers[len(FOLDERS) + number]
    check_sentence(done.stderr, COMMANDS[number][1])
    assert done.code == 2 and done.stdout == ""


def test_a_run_without_weights_and_no_run_at_all(cli: Cli, tmp_path: Path) -> None:
    from engine.recipe.config import OutputConfig, TrainConfig
    from engine.runs.writer import create

    run = create(SAMPLE, TrainConfig(output=OutputConfig(out=tmp_path, name="bare"))).run
    file = SAMPLE / "COVID" / "images" / "COVID-1.png"
    for arguments, words in (
        (("predict", file, "--run", run.path), "best.weights.h5"),
        (("predict", file, "--out", tmp_path), "no trained run"),
        (("predict", file, "--run", tmp_path / "nowhere"), "nowhere"),
        (("evaluate", run.path), "split.csv"),
        (("evaluate", tmp_path), "not a run directory"),
    ):
        done = cli(*arguments)
        check_sentence(done.stderr, words)
        assert done.returncode == (3 if "split.csv" in words else 1), done.stderr


def test_weights_that_are_missing_or_no_weights(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "junk.weights.h5").write_text("junk")
    for file in ("nowhere.weights.h5", "junk.weights.h5"):
        done = cli("--train", SAMPLE, "--weights", tmp_path / file, "--out", tmp_path / "out")
        assert file in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr and done.returncode == 1
        sentence = done.stderr.splitlines()[-1].removeprefix("covid-tui: ")
        assert done.stderr.count(sentence) == 1
    done = cli("--train", SAMPLE, "--weights", tmp_path / file, "--out", tmp_path / "out", "--json")
    (failed,) = [event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "failed"]
    assert failed["reason"] == sentence


BAD_FILES = {
    "text.png": b"this is no picture",
    "empty.png": b"",
    "cut.jpg": None,
}


def bad_files(folder: Path) -> None:
    for name, content in BAD_FILES.items():
        (folder / name).write_bytes(content or b"")
    whole = folder / "whole.jpg"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64), np.uint8)).save(whole)
    (folder / "cut.jpg").write_bytes(whole.read_bytes()[:-400])
    whole.unlink()


def test_a_scan_goes_on_past_bad_files_and_lists_them(cli: Cli, tmp_path: Path) -> None:
    root = classes(tmp_path, COVID=4, Normal=3)
    bad_files(root / "COVID" / "images")
    done = cli("scan", root, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert {name: c["images"] for name, c in found["classes"].items()} == {"COVID": 4, "Normal": 3}
    problems = {Path(p["file"]).name: p for p in found["problems"]}
    assert problems.keys() == BAD_FILES.keys() and all(p["reason"] and p["kind"] for p in problems.values())
    assert all(p["file"].startswith("COVID/images/") for p in problems.values())
    assert found["duplicates"] == {"exact": [], "near": []}
    table = cli("scan", root).stdout
    assert "3 problems" in table and "cut.jpg" in table


def test_inspect_and_predict_name_the_bad_file_and_go_on(cli: Cli, tmp_path: Path, trained: dict[str, Path]) -> None:
    good = picture(tmp_path / "good.png")
    bad_files(tmp_path)
    files = [tmp_path / "empty.png", good, tmp_path / "cut.jpg", tmp_path / "nowhere.png", tmp_path]
    done = cli("inspect", *files, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3 and [("error" in line) for line in lines] == [True, False, True, True, True]
    assert lines[1].items() >= {"width": 32, "height": 32, "mode": "L", "bit_depth": 8, "format": "PNG"}.items()
    done = cli("predict", *files[:4], "--run", trained["run"], "--json", "--csv", tmp_path / "out.csv")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3 and [line["file"] for line in lines] == [str(f) for f in files[:4]]
    assert [("error" in line) for line in lines] == [True, False, True, True]
    assert set(lines[1]) == {
        *("file", "label", "probabilities", "notes", "calibrated", "decision", "distance", "distance_limit"),
        *("cautions", "likeness", "unlike", "use", "possible", "refused"),
    }
    assert sum(lines[1]["probabilities"].values()) > 0.999
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 5
    assert "Traceback" not in done.stderr


def check_sentence(stderr: str, words: str) -> None:
    lines = [line for line in stderr.splitlines() if line.strip()]
    assert len(lines) == 1, stderr
    assert words.lower() in lines[0].lower() and lines[0].rstrip().endswith((".", ")")), stderr
    assert "Traceback" not in stderr and len(lines[0]) < 500
