"""No room, or no right to write: exit 1, one clear sentence, no traceback, and the last good resume point loads.

Where this system lets a user mount, the small disks are real ones of 64 MB or less; where not, a limit on the size of
files stands in for them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.recipe.config import OutputConfig, TrainConfig
from engine.runs.directory import Run
from engine.runs.writer import create
from engine.training import checkpoint
from tests.conftest import ROOT, SAMPLE, Cli

MOUNTS = shutil.which("unshare") is not None and not subprocess.run(
    ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True
).returncode  # fmt: skip
COMMAND = "from tui.cli import main; main()"
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); " + COMMAND
RECIPE = ("--weights", "none", "--augment", "none", "--epochs", "2", "--batch", "4", "--test-share", "0.2")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="mounts and limits as on Linux"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for label in ("COVID", "Normal"):
        (root / label).mkdir()
        for picture in sorted((SAMPLE / label / "images").iterdir())[:8]:
            os.link(picture, root / label / picture.name)
    return root


@pytest.fixture(scope="module")
def warm(data: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, once its pixels and activations are in the cache, so that a limit is met in the run directory."""
    done = cli("train", data, "--out", tmp_path_factory.mktemp("warm"), *RECIPE)
    assert done.returncode == 0, done.stderr
    return data


def mounted(mounts: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command after these mounts, which it alone sees, and a copy of what lay in its own at the end."""
    script = f'{mounts}; "$0" -c "{COMMAND}" "$@"; code=$?; [ -z "$KEEP" ] || cp -r "$FROM" "$KEEP"; exit $code'
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
    )


def limited(size: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command where no file may grow beyond `size` bytes."""
    return subprocess.run(
        [sys.executable, "-c", LIMIT.format(size), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
    )


def assert_told(done: subprocess.CompletedProcess[str], *words: str) -> str:
    """Exit 1, and a last line that is a sentence with these words."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr and not done.stdout.strip().startswith("test accuracy")
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith("covid-tui: ") and sentence.endswith((".", ")")), sentence
    assert all(word in sentence for word in words), sentence
    return sentence


def assert_point_loads(run: Path) -> None:
    point, damages = checkpoint.newest(run / checkpoint.FOLDER, {})
    assert point is not None and damages == []
    assert not [path for path in run.rglob("*") if ".part" in path.name]


def test_a_run_without_room_for_its_weights_keeps_its_points_and_goes_on_later(
    data: Path, cli: Cli, tmp_path: Path
) -> None:
    done = limited(20_000_000, "train", data, "--out", tmp_path, "--name", "run", *RECIPE)
    assert_told(done, "can't be written", "File too large")
    assert Run(tmp_path / "run").state() == "failed"
    assert_point_loads(tmp_path / "run")
    done = cli("--train", "--resume", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert Run(tmp_path / "run").state() == "finished"


@pytest.mark.parametrize("size", [100, 900, 2500, 6000, 300_000, 40_000_000, 59_992_000])
def test_wherever_the_room_ends_it_is_one_sentence(warm: Path, tmp_path: Path, size: int) -> None:
    assert_told(limited(size, "train", warm, "--out", tmp_path, "--name", "run", *RECIPE))
    if size > 1_000_000:
        assert_point_loads(tmp_path / "run")


@pytest.mark.skipif(not MOUNTS, reason="this system lets no user mount")
class TestSmallDisks:
    def test_a_small_disk_as_the_run_directory(self, data: Path, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        done = mounted(
            f"mount -t tmpfs -o size=64m none {tmp_path}/disk",
            *("train", data, "--out", tmp_path / "disk", "--name", "run", *RECIPE),
            FROM=str(tmp_path / "disk" / "run"),
            KEEP=str(tmp_path / "kept"),
        )
        assert_told(done, "No space left on device", str(tmp_path / "disk"))
        assert_point_loads(tmp_path / "kept")

    @pytest.mark.parametrize("size", ["100k", "612k", "3m"])
    def test_a_small_disk_as_the_cache(self, data: Path, tmp_path: Path, size: str) -> None:
        (tmp_path / "disk").mkdir()
        done = mounted(
            f"mount -t tmpfs -o size={size} none {tmp_path}/disk",
            *("train", data, "--out", tmp_path, "--name", "run", *RECIPE, "--feature-cache", "on"),
            COVID_TUI_CACHE=str(tmp_path / "disk"),
        )
        if done.returncode:
            assert size != "3m", done.stderr
            assert_told(done, str(tmp_path / "disk"))
        else:  # the pixels had room, and the activations are kept if there is room
            assert size != "100k" and Run(tmp_path / "run").state() == "finished"

    def test_a_read_only_run_directory_and_cache(self, data: Path, cli: Cli, tmp_path: Path) -> None:
        disk = tmp_path / "disk"
        assert cli("train", data, "--out", disk, "--name", "run", *RECIPE).returncode == 0
        read_only = f"mount --bind {disk} {disk} && mount -o remount,ro,bind {disk}"
        picture = next((data / "COVID").iterdir())
        for arguments in (
            ("train", data, "--out", disk, "--name", "other", *RECIPE),
            ("train", "--resume", disk / "run", "--epochs", "3"),
        ):
            assert_told(mounted(read_only, *arguments), str(disk), "Read-only file system")
        cached = mounted(read_only, "train", data, "--out", tmp_path, *RECIPE, COVID_TUI_CACHE=str(disk / "run"))
        assert_told(cached, str(disk), "Read-only file system")
        assert mounted(read_only, "evaluate", disk / "run", "--json").returncode == 0
        said = mounted(read_only, "predict", picture, "--run", disk / "run", "--json")
        assert said.returncode == 0 and json.loads(said.stdout)["label"] in ("COVID", "Normal")
        said = mounted(read_only, "predict", picture, "--run", disk / "run", "--csv", disk / "x.csv")
        assert said.returncode == 2 and "x.csv can't be written (Read-only file system)" in said.stderr
        assert_point_loads(disk / "run")

    def test_a_run_is_deleted_and_brought_back_on_a_disk_that_is_full(self, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        made = create(tmp_path, TrainConfig(output=OutputConfig(out=tmp_path / "kept", name="run"))).run
        script = (
            "import sys; from pathlib import Path; from engine.base.context import Context; "
            "from engine.runs.bin import delete, undo; from engine.runs.directory import all_runs; "
            "out = Path(sys.argv[1]); delete(all_runs(out), Context()); assert all_runs(out) == []; "
            "assert undo(out, Context()) == all_runs(out) != []; print(all_runs(out)[0].config().way)"
        )
        mount = f"mount -t tmpfs -o size=64k,nr_inodes=8 none {tmp_path}/disk && cp -r {made.path} {tmp_path}/disk"
        fill = f"cat /dev/zero > {tmp_path}/disk/x; for n in 1 2 3 4 5 6; do touch {tmp_path}/disk/y$n; done"
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", f'{mount}; {fill}; "$0" -c "{script}" {tmp_path}/disk', sys.executable],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and done.stdout.strip() == made.config().way, done.stderr

    def test_temporary_files_on_another_file_system_and_on_a_full_one(self, data: Path, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        for name, size in (("other", "8m"), ("full", "4k")):
            done = mounted(
                f"mount -t tmpfs -o size={size} none {tmp_path}/disk && cat /dev/zero > {tmp_path}/disk/x; "
                + (f"rm {tmp_path}/disk/x" if name == "other" else "true"),
                *("train", data, "--out", tmp_path / "runs", "--name", name, *RECIPE),
                TMPDIR=str(tmp_path / "disk"),
            )
            assert done.returncode == 0, done.stderr
            assert Run(tmp_path / "runs" / name).state() == "finished"
