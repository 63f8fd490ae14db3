"""Files that a user names for a result: nothing is written over unasked, an input never, and all is known before."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App

from engine.base.errors import ConfigError, CovidTuiError
from engine.base.outputs import require_new, writing
from tests.conftest import ROOT, SAMPLE, Cli
from tui.cli import app, run
from tui.cli.app import app as frame
from tui.cli.outputs import writes

VERBS = ("", *(name for name in app if not name.startswith("-")))
"""With the workbench, which is no verb."""
READ = {
    *("data", "split", "config", "paths", "files", "file", "run", "on", "first", "second", "audit", "suggest"),
    *("resume", "out", "labels", "corrections"),
}
"""Parameters that hold paths and name no result: what is read, and the folder in which runs are made."""
CHECKED_BY_THE_JOB = {("export", "to")}
"""A folder or a file, whose name the engine makes of run and format; `test_export` has its checks."""
COMMANDS = {
    ("predict", "csv"): ("predict", "1.png", "--csv"),
    ("explain", "png"): ("explain", "1.png", "--png"),
    ("lr-find", "plot"): ("lr-find", "images", "--plot"),
    ("scan", "csv"): ("scan", "images", "--csv"),
    ("review", "csv"): ("review", "images", "--csv"),
}
"""A command for each flag that names a result, up to the name."""


def parser(verb: str) -> App:
    return frame[verb] if verb else frame


def holds_path(hint: object) -> bool:
    return hint is Path or any(map(holds_path, typing.get_args(hint)))


def command_of(verb: str) -> Callable[..., Any]:
    command = parser(verb).default_command
    assert command
    return command


def outputs(verb: str) -> set[str]:
    return set(writes(command_of(verb)))


@pytest.mark.parametrize("verb", VERBS)
def test_a_flag_that_takes_a_path_is_known_to_be_read_or_is_checked_as_an_output(verb: str) -> None:
    for argument in parser(verb).assemble_argument_collection():
        name = argument.field_info.name
        if holds_path(argument.hint):
            known = name in READ or name in outputs(verb) or (verb, name) in CHECKED_BY_THE_JOB
            assert known, f"{verb} --{name}: is it read, or must it be marked by Writes?"
    assert not outputs(verb) or "--force" in {
        flag for argument in parser(verb).assemble_argument_collection() for flag in argument.names
    }


def test_each_output_has_a_command_below() -> None:
    assert set(COMMANDS) == {(verb, name) for verb in VERBS for name in outputs(verb)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with X-rays and a table, which must all be what they were when the test ends."""
    (tmp_path / "images" / "COVID").mkdir(parents=True)
    for number in (1, 2, 3):
        picture = SAMPLE / "COVID" / "images" / f"COVID-{number}.png"
        shutil.copy(picture, tmp_path / f"{number}.png")
        shutil.copy(picture, tmp_path / "images" / "COVID" / f"{number}.png")
    for name in ("labels.csv", "drawing.svg", "images/table.csv"):
        (tmp_path / name).write_text("file,label\n1.png,COVID\n")
    monkeypatch.chdir(tmp_path)
    before = sums(tmp_path)
    yield tmp_path
    after = sums(tmp_path)
    assert {name: after.get(name) for name in before} == before


def sums(folder: Path) -> dict[str, str]:
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("made")
    }


def refused(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """The sentence with which a command is refused, before it has looked for a run or read an image."""
    assert run([*command, "--out", "no-runs"] if command[0] not in ("lr-find", "scan") else [*command]) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    return said.err


@pytest.mark.parametrize("key", COMMANDS, ids=" ".join)
def test_what_is_there_is_not_written_over_without_force(
    key: tuple[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suffix = writes(command_of(key[0]))[key[1]].suffix
    there = {".csv": "labels.csv", ".png": "2.png", ".svg": "drawing.svg"}[suffix]
    assert "exists already: give --force" in refused(capsys, *COMMANDS[key], there)
    (here / f"made-link{suffix}").symlink_to("nowhere")
    assert "exists already" in refused(capsys, *COMMANDS[key], f"made-link{suffix}")


@pytest.mark.parametrize("key", COMMANDS, ids=" ".join)
def test_force_replaces_only_files_of_its_kind_in_folders_that_there_are(
    key: tuple[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = COMMANDS[key]
    other = "labels.csv" if key == ("explain", "png") else "2.png"
    assert "is not replaced" in refused(capsys, *command, other, "--force")
    assert "is a folder" in refused(capsys, *command, ".", "--force")
    suffix = writes(command_of(key[0]))[key[1]].suffix
    assert "There is no folder" in refused(capsys, *command, f"nowhere/x{suffix}")
    assert "can't be written (File name too long)" in refused(capsys, *command, "x" * 300 + suffix)


def test_the_shells_glob_after_an_output_flag_destroys_no_image(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for force in ((), ("--force",)):
        assert "1.png" in refused(capsys, "predict", *force, "--csv", "1.png", "2.png", "3.png")


@pytest.mark.parametrize("name", ["1.png", "./images/../1.png", "made-hard.png", "made-soft.png", "made/1.png"])
def test_an_input_is_never_written_by_whatever_name(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.link(here / "1.png", here / "made-hard.png")
    (here / "made-soft.png").symlink_to("1.png")
    (here / "made").symlink_to(".")
    assert "one of the files that this command reads" in refused(capsys, "explain", "1.png", "--png", name, "--force")


def test_tables_and_weights_that_a_command_reads_are_inputs_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.link(here / "labels.csv", here / "made-split.svg")
    for flag in ("--split", "--weights"):
        command = ("lr-find", "images", flag, "labels.csv", "--plot", "made-split.svg", "--force")
        assert "one of the files that this command reads" in refused(capsys, *command)


def test_what_a_run_is_made_of_is_never_written(here: Path, trained: dict[str, Any]) -> None:
    own = trained["run"] / "history.csv"
    before = own.read_bytes()
    for arguments in (("predict", "1.png", "--csv"), ("lr-find", "images", "--plot")):
        with pytest.raises(ConfigError, match="belongs to the run"):
            require_new(own, ".csv", force=True, beside=True)
        assert run([*arguments, str(own), "--force"]) == 2
    assert own.read_bytes() == before


def test_a_file_in_a_folder_that_is_read_counts_as_an_input_unless_its_kind_is_not_read_there(here: Path) -> None:
    table = here / "images" / "table.csv"
    with pytest.raises(ConfigError, match="which this command reads"):
        require_new(table, ".csv", force=True, inputs=[here / "images"])
    require_new(table, ".csv", force=True, inputs=[here / "images"], beside=True)
    require_new(here / "images" / "new.csv", ".csv", force=False, inputs=[here / "images"])


def test_predictions_are_written_whole_replaced_by_force_and_put_into_pipes(
    cli: Cli, trained: dict[str, Any], tmp_path: Path
) -> None:
    picture, csv = SAMPLE / "COVID" / "images" / "COVID-1.png", tmp_path / "out.csv"
    predict = ("predict", picture, "--run", trained["run"], "--csv")
    assert cli(*predict, csv).returncode == 0
    whole = csv.read_bytes()
    assert whole.startswith(b"file,label,") and csv.stat().st_mode & 0o777 == 0o600
    again = cli(*predict, csv)
    assert again.returncode == 2 and again.stdout == "" and "exists already" in again.stderr
    csv.write_text("old")
    assert cli(*predict, csv, "--force").returncode == 0 and csv.read_bytes() == whole
    # In a process of its own, whose standard output is a pipe.
    assert cli(*predict, "/dev/stdout", PYTHONUNBUFFERED="1").stdout.encode().startswith(whole.replace(b"\r\n", b"\n"))
    full = cli(*predict, "/dev/full")
    assert full.returncode == 1 and "/dev/full can't be written (No space left on device): make room" in full.stderr
    assert list(tmp_path.iterdir()) == [csv]


def test_an_explanation_is_drawn_where_nothing_is(cli: Cli, trained: dict[str, Any], tmp_path: Path) -> None:
    picture = SAMPLE / "COVID" / "images" / "COVID-1.png"
    explain = ("explain", picture, "--run", trained["run"], "--json", "--png")
    done = cli(*explain, tmp_path / "x.png")
    assert done.returncode == 0 and json.loads(done.stdout)["png"] == str(tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert cli(*explain, tmp_path / "x.png").returncode == 2


def test_what_came_while_the_work_was_done_stays_and_the_result_is_kept_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    require_new(path, ".csv", force=False)
    with (
        pytest.raises(ConfigError, match=r"came to be while .* the result is in .*out-2\.csv"),
        writing(path, False) as f,
    ):
        f.write(b"result")
        path.write_bytes(b"somebody else's")
    assert path.read_bytes() == b"somebody else's" and (tmp_path / "out-2.csv").read_bytes() == b"result"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_result_that_can_not_be_finished_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), writing(path, True) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path: Path) -> None:
    path, other = tmp_path / "out.csv", tmp_path / "other.csv"
    other.write_bytes(b"other")
    path.symlink_to(other)
    require_new(path, ".csv", force=True)
    with writing(path, True) as file:
        file.write(b"new")
    assert other.read_bytes() == b"other" and path.read_bytes() == b"new" and not path.is_symlink()


def test_a_full_disk_is_no_wrong_command(tmp_path: Path) -> None:
    with pytest.raises(CovidTuiError, match="make room there") as failed, writing(Path("/dev/full"), False) as file:
        file.write(b"x" * 10_000)
    assert failed.value.exit_code == 1


def test_a_pipe_takes_a_result_as_it_stands(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    require_new(pipe, ".csv", force=False)
    with writing(pipe, False) as file:
        file.write(b"result")
    reader.join(10)
    assert got == [b"result"] and pipe.is_fifo()


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a mount")
def test_a_read_only_folder_is_known_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    shutil.copy(SAMPLE / "COVID" / "images" / "COVID-1.png", tmp_path / "1.png")
    mount = f"mount -t tmpfs -o ro none {tmp_path}/disk || exit 77"
    command = f'{mount}; "{sys.executable}" -c "from tui.cli import main; main()" predict 1.png --csv disk/x.csv'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    if (done.returncode in (1, 77) and "unshare" in done.stderr) or done.returncode == 77:
        pytest.skip("this system lets no user mount")
    assert done.returncode == 2, done.stderr
    assert "disk/x.csv can't be written (Read-only file system): name another file." in done.stderr


def test_an_audit_learns_before_its_trainings_that_its_folder_can_not_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cli("audit", SAMPLE, "--out", tmp_path / "file" / "runs")
    assert done.returncode == 2 and "choose another folder with --out" in done.stderr
    assert len(done.stderr.splitlines()) == 1
