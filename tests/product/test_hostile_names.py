"""Foreign names through every verb and every file: nothing in them acts on a terminal or a spreadsheet, and they come
back exactly as they were.

`engine.base.escape` has the rule for files, `tui.words.safe_text` the one for a terminal; the screens have
`tests/tui/screens/test_names.py`.
"""

import csv
import os
import re
import shutil
from pathlib import Path

import pytest

from engine.base.escape import from_cell
from engine.data.split import Split
from engine.evaluation.predictions_table import worst_first
from engine.runs.directory import Run
from tests.conftest import SAMPLE, Start
from tests.makers.many import Answer, commands
from tui.words.safe_text import display_name

pytestmark = pytest.mark.usefixtures("small_pictures")

FILES = (
    "[red]r.png",
    "[@click=app.quit]z.png",
    "esc\x1b[31mc\x1b[2Jd.png",
    "osc\x1b]0;owned\x07e.png",
    "c1\x9b31mg\x9d0;owned\x9ch.png",
    "new\nline\rret.png",
    "bidi\u202egnp.png",
    "=1+1.png",
    "\t@SUM(1).png",
    "quote\"comma,'\\x41.png",
    os.fsdecode(b"bad\xff\x9b31m.png"),
)
CLASSES = ("=A[red]\x1b[31m", "胸\u202e\nB")
BROKEN = "broken\x1b[31m\n.png"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of hostile names, each with every hostile file and one that is no picture, in a hostile folder."""
    root = tmp_path_factory.mktemp("names") / "d[red]\x1b]0;owned\x07a"
    for label, from_, names in zip(CLASSES, ("COVID", "Normal"), (FILES, FILES[2:6]), strict=True):
        (root / label).mkdir(parents=True)
        for picture, name in zip(sorted((SAMPLE / from_ / "images").iterdir()), names, strict=False):
            shutil.copy(picture, root / label / name)
        (root / label / BROKEN).write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def out(data: Path) -> Path:
    return data.parent / "o\x1b[32mu\x9bt"


@pytest.fixture(scope="module")
def answers(data: Path, out: Path, start: Start) -> dict[tuple[object, ...], Answer]:
    """A training on them, and then every verb, with every word that they said."""
    folder = data / CLASSES[0]
    recipe = ("--weights", "none", "--augment", "none", "--epochs", "1", "--batch", "8")
    lines: list[tuple[object, ...]] = [
        ("train", data, "--out", out, "--name", "run", "--test-share", "0.2", "--tensorboard", *recipe),
        ("scan", data),
        ("scan", data, "--json"),
        ("scan", data, "--classes", "\x1b[31mX"),
        ("inspect", *(folder / name for name in (*FILES, BROKEN)), folder / "gone\x1b[31m\x9b.png"),
        ("inspect", *(folder / name for name in (*FILES, BROKEN)), "--json"),
        ("predict", folder / FILES[2], folder / BROKEN, "--out", out),
        ("predict", folder, "--run", out / "run", "--json", "--csv", out / "answers.csv"),
        ("evaluate", out / "run", "--json"),
        ("runs", "--out", out),
        ("runs", "--out", out, "--json"),
        ("runs", "--out", data / "none\x1b[31m"),
        ("attach", out / "run"),
        ("doctor", "--out", out, "--json"),
        ("train", data, "--name", "../\x1b[31m"),
        ("train", data / "none\x1b[31m\x9b"),
        ("train", data, "--weights", data / "none\x1b[31m", "--out", out),
        ("--\x1b[31m\x9b",),
    ]
    return dict(zip(lines, commands(*lines, cwd=data.parent, start=start), strict=True))


def acting(text: str) -> list[str]:
    """What a terminal would act upon, or a reader would not see."""
    return re.findall(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\udc80-\udcff]", text.replace("\r\n", "\n")
    )


def decoded(raw: bytes) -> str:
    """As a terminal reads it; a byte that is not UTF-8 stays visible as a surrogate."""
    return raw.decode("utf-8", "surrogateescape")


def test_every_verb_says_them_escaped(answers: dict[tuple[object, ...], Answer], data: Path, out: Path) -> None:
    for line, answer in answers.items():
        assert acting(answer.stdout) == acting(answer.stderr) == [], (line, answer)
        assert "Traceback" not in answer.stderr and (answer.stdout or answer.stderr)
    told = "".join(answer.stdout + answer.stderr for answer in answers.values())
    for name in (*FILES, BROKEN, *CLASSES):
        assert display_name(name) in told
    trained, *_ = answers.values()
    assert trained.code == 0, trained.stderr
    with (out / "answers.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert {from_cell(row[0]) for row in rows[1:]} == {str(data / CLASSES[0] / name) for name in (*FILES, BROKEN)}
    assert tuple(from_cell(cell) for cell in rows[0][2:4]) == CLASSES


def test_every_file_holds_them_escaped_and_gives_them_back(
    answers: dict[tuple[object, ...], Answer], data: Path, out: Path
) -> None:
    run = Run(out / "run")
    texts = [path for path in run.path.rglob("*") if path.suffix in (".csv", ".json", ".jsonl", ".md")]
    assert {path.name for path in texts} >= {"split.csv", "predictions.csv", "events.jsonl", "test.json", "history.csv"}
    for path in texts:
        assert acting(decoded(path.read_bytes())) == [], path
    split = Split.read(run.path / "split.csv")
    assert {row.file for row in split.rows if row.label == CLASSES[0]} == {f"{CLASSES[0]}/{name}" for name in FILES}
    assert {row.label for row in split.rows} == set(CLASSES)
    assert {answer.file for answer in worst_first(run)} == set(split.files("test"))
    assert {answer.truth for answer in worst_first(run)} == set(CLASSES)
    assert tuple(run.read_json("model.json")["classes"]) == CLASSES
    assert run.folder() == data
    for name in ("split.csv", "predictions.csv"):
        with (run.path / name).open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell.lstrip().startswith(tuple("=+-@"))]
    split.write(run.path / "again.csv")
    assert (run.path / "again.csv").read_bytes() == (run.path / "split.csv").read_bytes()


def test_a_split_written_so_can_be_trained_on_again(
    answers: dict[tuple[object, ...], Answer], data: Path, out: Path
) -> None:
    from engine.data.scan import scan
    from engine.data.split import reuse

    split, remarks = reuse(out / "run" / "split.csv", scan(data))
    assert remarks == () and len(split.rows) == len(FILES) + 4
