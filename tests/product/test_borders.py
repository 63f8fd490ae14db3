"""Borders between the rooms, held on what is really imported: no screens in the engine, no weight at the start."""

import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT, SAMPLE, Cli

SCREENS = ("textual", "plotext", "rich", "cyclopts", "tui")


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded once it ran `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_the_whole_engine_loads_no_front_end() -> None:
    everything = "import pkgutil, importlib, engine\n" + (
        "for m in pkgutil.walk_packages(engine.__path__, 'engine.'): importlib.import_module(m.name)"
    )
    loaded = loaded_by(everything)
    assert "engine" in loaded and not loaded & set(SCREENS)
    assert "tensorflow" not in loaded, "importing the engine must not load TensorFlow before it is needed"


def test_the_command_line_loads_neither_textual_nor_tensorflow() -> None:
    assert not loaded_by("import tui.cli") & {"textual", "plotext", "tensorflow", "keras", "sklearn", "scipy", "PIL"}


def test_scan_and_layers_run_without_tensorflow() -> None:
    for arguments in (["scan", str(SAMPLE)], ["layers"]):
        loaded = loaded_by(f"from tui.cli import run; assert run({arguments!r}) == 0")
        assert not loaded & {"tensorflow", "keras", "textual"}


def test_training_runs_without_textual(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("runs")
    arguments = ["--train", str(SAMPLE), "--classes", "COVID,Normal", "--weights", "none", "--epochs", "1",
                 "--augment", "none", "--out", str(out)]  # fmt: skip
    loaded = loaded_by(f"from tui.cli import run; assert run({arguments!r}) == 0")
    assert "tensorflow" in loaded and not loaded & {"textual", "plotext"}


@pytest.mark.alone
@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_version_and_help_come_at_once(cli: Cli, flag: str) -> None:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert cli(flag).returncode == 0
        times.append(time.perf_counter() - start)
    # 0.3 s on a quiet machine (benchmarks/start.py); twice that here, for a slower one.
    assert min(times) < 0.6
