"""A training on a host and a folder that it shares with others: nobody else can read its files, nothing listens, no
shell runs, and images that somebody deletes or replaces meanwhile are told by name while the rest goes on."""

import json
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.data.scan import scan
from engine.data.split import Split, draw
from tests.conftest import ROOT, SAMPLE, Start
from tests.makers.many import ASKING_THE_PROCESSOR, WATCH, Answer, commands

pytestmark = pytest.mark.usefixtures("small_pictures")

TAMPER = """
import shutil
from engine.training import data as material, fit_phases as fitting
from engine.data.split import Split
other = pathlib.Path(os.environ["OTHER"])
def spoil(root, files):
    (root / files[0]).unlink()
    shutil.copy(other, root / files[1])
    (root / files[2]).write_bytes(b"no picture")
real_store, real_fit = material.pixel_store.open_store, fitting.loop.fit
def open_store(root, records, *rest):  # between scan and training
    if root.name == "changing":
        spoil(root, [record.file for record in records if record.label == "COVID"])
    return real_store(root, records, *rest)
def fit(*arguments):  # during it
    run = arguments[-1].keeper.folder.parent
    root = pathlib.Path(json.loads((run / "config.json").read_text())["folder"])
    if root.name == "changing":
        split = Split.read(run / "split.csv")
        spoil(root, split.files("test"))
        for file in split.files("train"):
            (root / file).unlink(missing_ok=True)
    return real_fit(*arguments)
material.pixel_store.open_store, fitting.loop.fit = open_store, fit
"""

SERVING = ROOT / "tui" / "cli" / "browser.py"


@dataclass(frozen=True)
class Host:
    """Where two trainings ran, what they said, and what was heard of sockets and processes."""

    folder: Path
    still: Answer
    changing: Answer
    heard: list[str]


def train(folder: Path, umask: int, start: Start | None = None) -> Host:
    """Train on a folder that nobody changes and on one that somebody does."""
    for name, first in (("still", 0), ("changing", 9)):  # other pictures, which are in no cache yet
        for label in ("COVID", "Normal"):
            (folder / name / label).mkdir(parents=True)
            for picture in sorted((SAMPLE / label / "images").iterdir())[first : first + 9]:
                shutil.copy(picture, folder / name / label)
    shutil.copytree(folder / "changing", folder / "before")
    recipe = ("--weights", "none", "--augment", "none", "--epochs", "2", "--batch", "4", "--test-share", "0.35")
    lines = [
        ("train", folder / name, "--out", folder / "runs", "--name", name, "--tensorboard", *recipe)
        for name in ("still", "changing")
    ]
    names = {"HEARD": "heard.json", "COVID_TUI_CACHE": "cache", "KERAS_HOME": "keras"}
    environment = {key: str(folder / name) for key, name in names.items()}
    environment["OTHER"] = str(SAMPLE / "Normal" / "images" / "Normal-30.png")
    before = WATCH + TAMPER
    still, changing = commands(*lines, cwd=folder, before=before, umask=umask, environment=environment, start=start)
    return Host(folder, still, changing, json.loads((folder / "heard.json").read_text()))


@pytest.fixture(scope="module")
def host(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Host:
    return train(tmp_path_factory.mktemp("host"), 0, start)


def assert_private(host: Host) -> None:
    """Each directory 0700, each file 0600, in the runs and in the cache."""
    seen = 0
    for place in (host.folder / "runs", host.folder / "cache"):
        for path in (place, *place.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), f"{path} {mode:o}"
            seen += 1
    assert seen > 30


def test_the_files_are_the_users_alone_under_an_open_umask(host: Host) -> None:
    assert host.still.code == 0, host.still.stderr
    assert_private(host)


@pytest.mark.slow
def test_the_files_are_the_users_alone_under_a_strict_umask(tmp_path: Path) -> None:
    host = train(tmp_path, umask=0o077)
    assert_private(host)
    assert host.heard in ([], ASKING_THE_PROCESSOR), "nor while a fresh process loads TensorFlow"


def test_nothing_listens_and_no_shell_or_other_process_runs(host: Host) -> None:
    assert host.heard in ([], ASKING_THE_PROCESSOR)
    for path in (*(ROOT / "engine").rglob("*.py"), *(ROOT / "tui").rglob("*.py")):
        text = path.read_text()
        if path == SERVING:  # asked for by its verb, it runs this very command, by its path and without a shell
            text = text.replace("asyncio.create_subprocess_exec(", "")
        assert not re.search(r"shell\s*=\s*True|os\.system\(|os\.popen\(|import pickle|eval\(|exec\(", text), path


def test_what_changed_is_told_by_name_and_the_rest_goes_on(host: Host) -> None:
    answer, root, run = host.changing, host.folder / "changing", host.folder / "runs" / "changing"
    assert answer.code == 0 and "Traceback" not in answer.stderr, answer.stderr
    split = Split.read(run / "split.csv")
    told = [line for line in answer.stderr.splitlines() if "Left out" in line]
    assert len(told) == 6, answer.stderr
    before, during = told[:3], told[3:]
    assert all("COVID/COVID-" in line for line in before)
    for lines in (before, during):
        words = " ".join(lines)
        assert "no such file" in words and "other pixels" in words and "text, not an image" in words
    for file in split.files("test")[:3]:
        assert any(str(root / file) in line for line in during)
    test = json.loads((run / "test.json").read_text())
    assert test["n"] == len(split.files("test")) - 3 > 0
    assert any("Left out" in line for line in (run / "train.log").read_text().splitlines())
    drawn = draw(scan(host.folder / "before"), 0.1, 0.35, 0)
    assert set(split.rows) <= set(drawn.rows)  # nothing moved to another part, and no hash is of what came later
