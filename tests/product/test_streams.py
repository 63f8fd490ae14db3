"""Standard streams that are closed, full, unread or of another encoding: no work ends by them, no loss is silent.

Every command runs in a process of its own, through a shell, as users and schedulers run it.
"""

import errno
import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from engine.base import streams
from engine.runs.directory import Run
from tests.conftest import ROOT, SAMPLE, Cli

COMMAND = f'"{sys.executable}" -c "from tui.cli import main; main()"'
SMALL = f'"{sys.executable}" -c "from tests.makers import small; small.follow(); from tui.cli import main; main()"'
"""With the small pictures of makers/small.py."""
PICTURE = SAMPLE / "COVID" / "images" / "COVID-1.png"
BROKEN = ("Traceback", "internal error", "Exception ignored", "Error", "None")
RECIPE = (
    "--weights none --augment none --epochs 2 --batch 4 --test-share 0.2 --no-near-duplicates --precision float32 "
    "--frozen-engine ncnn"
)

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to write to")


def shell(line: str, folder: Path, command: str = COMMAND, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `covid-tui` is the command."""
    return subprocess.run(
        ["bash", "-c", f'covid-tui() {{ {command} "$@"; }}\n{line}'],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=240,
    )


def whole(text: str) -> None:
    assert not any(word in text for word in BROKEN), text


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for label in ("COVID", "Normal"):
        (root / label).mkdir()
        for picture in sorted((SAMPLE / label / "images").iterdir())[:8]:
            os.link(picture, root / label / picture.name)
    return root


CLOSED = ("<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-")
VERBS = (("inspect {picture}", 0), ("scan {data}", 0), ("--help", 0), ("scan {data}/nowhere", 3))


@pytest.mark.parametrize(
    ("verb", "code", "closed"),
    [
        pytest.param(*verb, closed, marks=() if verb is VERBS[0] or closed is CLOSED[-1] else pytest.mark.slow)
        for verb in VERBS
        for closed in CLOSED
    ],
)  # each verb and each way daily, all pairs in `make test-all`
def test_closed_streams_take_everything(verb: str, code: int, closed: str, data: Path, tmp_path: Path) -> None:
    done = shell(f"covid-tui {verb.format(data=data, picture=PICTURE)} {closed}", tmp_path)
    assert done.returncode == code
    whole(done.stdout + done.stderr)
    if ">&-" not in closed.replace("2>&-", "") and code == 0:
        assert done.stdout


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    look = (
        "import os; from engine.base import streams; streams.prepare(); "
        "print(open('x', 'w').fileno(), file=open('n', 'w'))"
    )
    line = f"\"{sys.executable}\" -c \"{look}; os.write(1, b'to stdout'); os.write(2, b'to stderr')\" <&- >&- 2>&-"
    assert shell(line, tmp_path).returncode == 0
    assert int((tmp_path / "n").read_text()) > 2 and (tmp_path / "x").read_bytes() == b""


@pytest.mark.parametrize(
    "verb",
    [
        *("inspect {picture} --json", "inspect {picture}", "train --help"),
        *(pytest.param(verb, marks=pytest.mark.slow) for verb in ("scan {data}", "scan {data} --json", "layers")),
    ],
)
def test_data_that_a_full_disk_did_not_take_is_an_error(verb: str, data: Path, tmp_path: Path) -> None:
    done = shell(f"covid-tui {verb.format(data=data, picture=PICTURE)} >/dev/full", tmp_path)
    assert done.returncode == 1
    sentence = "covid-tui: Standard output can't be written (No space left on device): make room there."
    assert done.stderr.splitlines()[-1] == sentence
    assert shell(f"covid-tui {verb.format(data=data, picture=PICTURE)} 2>/dev/full", tmp_path).returncode == 0


@pytest.mark.parametrize("verb", ["inspect $(yes {picture} | head -400)", "completion bash", "train --help", "layers"])
def test_a_reader_that_goes_away_ends_a_verb_quietly(verb: str, tmp_path: Path) -> None:
    line = f"covid-tui {verb.format(picture=PICTURE)} | head -1; echo ${{PIPESTATUS[0]}}"
    done = shell(line, tmp_path, PYTHONUNBUFFERED="1")
    assert done.stderr == "" and done.stdout.splitlines()[-1] in ("0", "1")
    gone = shell(f"covid-tui {verb.format(picture=PICTURE)} | true; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert gone.stderr == "" and gone.stdout == "1\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirected", "out"),
    [
        ("2>&1 | head -1", None),
        ("--json 2>&1 | head -2", None),
        ("2>/dev/full", "test accuracy"),
        (">/dev/full 2>/dev/full", ""),
        (">&- 2>&-", ""),
    ],
)
def test_a_training_outlives_its_audience(
    redirected: str, out: str | None, data: Path, tmp_path: Path, small_pictures: None
) -> None:
    done = shell(f"covid-tui --train {data} --name r {RECIPE} {redirected}; exit ${{PIPESTATUS[0]}}", tmp_path, SMALL)
    assert done.returncode == 0
    whole(done.stdout + done.stderr)
    assert out is None or (done.stdout.startswith(out) and done.stderr == "")
    assert_whole(tmp_path)


def assert_whole(folder: Path) -> None:
    """The run there was trained, tested and kept."""
    run = Run(folder / "runs" / "r")
    assert run.state() == "finished" and len(run.epochs()) == 2
    assert (run.path / "test.json").is_file() and (run.path / "model.keras").is_file()


def test_a_training_outlives_a_full_disk_and_says_that_its_result_is_in_the_run(
    data: Path, tmp_path: Path, small_pictures: None
) -> None:
    """The daily one of those above."""
    done = shell(f"covid-tui --train {data} --name r {RECIPE} >/dev/full", tmp_path, SMALL)
    assert done.returncode == 0
    assert_whole(tmp_path)
    assert "(No space left on device)" in done.stderr and str(tmp_path / "runs" / "r") in done.stderr.splitlines()[-1]


def test_the_exit_code_of_a_training_that_nobody_hears_tells_that_it_failed(data: Path, tmp_path: Path) -> None:
    done = shell(
        f"covid-tui --train {data} --classes COVID,Mumps {RECIPE} 2>&1 | true; exit ${{PIPESTATUS[0]}}", tmp_path
    )
    assert done.returncode == 2


@pytest.mark.slow
def test_predictions_are_all_in_their_file_though_the_reader_of_the_table_has_left(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    for number, rest in enumerate(("| true", "--json | true", "--json >/dev/full", ">/dev/full")):
        folder = SAMPLE / "COVID" / "images"
        line = f"covid-tui predict {folder} --run {trained['run']} --csv {number}.csv {rest}; exit ${{PIPESTATUS[0]}}"
        done = shell(line, tmp_path)
        assert done.returncode == 1
        whole(done.stderr)
        assert len((tmp_path / f"{number}.csv").read_text().splitlines()) == 31
        assert ("make room" in done.stderr) == ("full" in rest)


ENCODINGS = (
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "iso-8859-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
)
in_any_encoding = pytest.mark.parametrize(
    "environment",
    [pytest.param(one, marks=() if number else pytest.mark.slow) for number, one in enumerate(ENCODINGS)],
    ids=str,
)  # ASCII is daily where its errors are named, and in what is drawn


@in_any_encoding
def test_an_encoding_that_lacks_a_character_gets_one_alike_or_an_escape(
    environment: dict[str, str], tmp_path: Path
) -> None:
    name = tmp_path / "肺-é.png"
    name.symlink_to(PICTURE)
    done = shell(f"covid-tui inspect '{name}'; echo $?; covid-tui inspect --json '{name}'", tmp_path, **environment)
    assert "histogram, black to white" in done.stdout and "\n0\n" in done.stdout
    whole(done.stdout + done.stderr)
    assert json.loads(done.stdout.splitlines()[-1])["width"] == 299
    failed = shell("covid-tui scan ./肺; echo $?; covid-tui --help", tmp_path, **environment)
    assert "does not exist" in failed.stderr and failed.stdout.startswith("3\n")
    whole(failed.stdout + failed.stderr)


def test_signs_that_draw_have_one_alike_and_a_table_stays_a_table(data: Path, tmp_path: Path) -> None:
    done = shell(f"covid-tui inspect {PICTURE}; covid-tui train --help", tmp_path, PYTHONIOENCODING="ascii")
    assert "\\u" not in done.stdout and "+- Parameters ---" in done.stdout
    (tmp_path / "Lungé").symlink_to(data / "COVID")
    (tmp_path / "Normal").symlink_to(data / "Normal")
    table = shell("covid-tui scan . --follow-links", tmp_path, PYTHONIOENCODING="ascii").stdout.splitlines()
    assert table[1].startswith("Lung\\xe9  ") and table[0].index("images") == table[2].index(" 8 ") - 4


def test_a_training_s_bars_are_drawn_in_any_encoding_and_on_a_tiny_terminal(data: Path, tmp_path: Path) -> None:
    from tests.makers.screen import Terminal

    terminal = Terminal(["scan", str(data)], columns=1, lines=1, PYTHONIOENCODING="ascii", TERM="xterm")
    assert terminal.wait() == 0
    whole(terminal.raw.decode())


@in_any_encoding
def test_the_workbench_starts_in_any_encoding(environment: dict[str, str], tmp_path: Path) -> None:
    from tests.makers.screen import workbench

    with workbench("--out", tmp_path / "runs", cache=tmp_path, **environment) as terminal:
        terminal.until("1 Dataset")
        terminal.press("q")
        assert terminal.wait() == 0


def test_a_name_that_a_locale_can_not_write_is_one_sentence(tmp_path: Path, data: Path) -> None:
    (tmp_path / "recipe.toml").write_text('[data]\nsplit = "é.csv"\n')
    done = shell(f"covid-tui train {data} --config recipe.toml", tmp_path, **ENCODINGS[3])
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "can't be named in this locale (ascii): set LC_ALL=C.UTF-8." in done.stderr


def test_a_pipe_that_does_not_block_is_waited_for(tmp_path: Path) -> None:
    ours, its = os.pipe()
    os.set_blocking(its, False)
    fcntl.fcntl(its, fcntl.F_SETPIPE_SZ, 4096)
    child = subprocess.Popen(
        [sys.executable, "-c", "from tui.cli import main; main()", "completion", "bash"],
        stdout=its, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(its)
    with os.fdopen(ours, "rb") as pipe:
        got = pipe.read()
    assert child.wait(60) == 0 and got.rstrip().endswith(b"covid-tui") and len(got) > 40_000


def test_what_is_lost_is_known_and_messages_go_on_where_data_end(tmp_path: Path) -> None:
    streams.prepare_codec()
    full = os.open("/dev/full", os.O_WRONLY)
    for keeps_gaps in (False, True):
        stream = streams.Stream(full, "utf-8", keeps_gaps)
        print("lost", file=stream)
        assert stream.lost == errno.ENOSPC
        good = os.open(tmp_path / "good", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(good, full)
        print("after", file=stream)
        assert (tmp_path / "good").read_text() == ("after\n" if keeps_gaps else "")
        os.dup2(os.open("/dev/full", os.O_WRONLY), full)


@pytest.mark.parametrize(
    "columns",
    [
        *("1", "²", "9" * 30),  # too narrow, no number, too wide
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("0", "2", "3", "7", "10", "-1", "x", "", "1e3")),
    ],
)
def test_help_ends_whatever_columns_says(columns: str, cli: Cli) -> None:
    every = (
        "from tui.cli import app, run; [run([*verb, '--help']) for verb in [[], *([n] for n in app if n[0] != '-')]]"
    )
    done = subprocess.run(
        [sys.executable, "-c", every],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": columns},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count("Usage: covid-tui") >= 16
    assert max(map(len, done.stdout.splitlines())) <= 1000


@pytest.mark.parametrize("columns", [0, 1, 2, 5])
def test_help_ends_on_a_terminal_of_any_width(columns: int, tmp_path: Path) -> None:
    main, child = os.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 1, columns, 0, 0))
    done = subprocess.run(
        ["bash", "-c", f"{COMMAND} train --help > out"],
        cwd=tmp_path, stdin=child, stderr=child, timeout=60,
        env={**{k: v for k, v in os.environ.items() if k != "COLUMNS"}, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(main)
    os.close(child)
    assert done.returncode == 0 and "--classes" in (tmp_path / "out").read_text()
