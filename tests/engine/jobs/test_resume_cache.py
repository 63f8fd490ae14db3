"""A training killed while it fills the feature cache: the next one goes on where it stopped, to the same weights."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.network.backbones import BACKBONES
from engine.network.hdf5_reader import read_weights
from tests.conftest import ROOT, SAMPLE, Cli
from tests.engine.network.test_pretrained import SHAPES

RECIPE = ("--train", str(SAMPLE), "--classes", "COVID,Viral Pneumonia", "--mode", "partial", "--unfreeze", "17",
          "--augment", "none", "--epochs", "2", "--batch", "8", "--json")  # fmt: skip


@pytest.mark.slow
def test_killed_while_filling_the_next_run_continues_and_gets_the_same(cli: Cli, tmp_path: Path) -> None:
    caches = [tmp_path / "interrupted", tmp_path / "whole"]
    environment = {"COVID_TUI_CACHE": str(caches[0]), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from tui.cli import main; main()", *RECIPE, "--out", str(tmp_path / "killed")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as process:
        assert process.stdout
        for event in map(json.loads, process.stdout):
            if event["event"] == "progress" and event["task"] == "frozen layers" and event["done"]:
                break
        process.kill()
    kept = next((caches[0] / "features").glob("*/index"))
    rows = kept.stat().st_size // 48
    assert 0 < rows < 54
    weights = []
    for cache in caches:
        done = cli(*RECIPE, "--out", tmp_path / "runs", "--name", cache.name, COVID_TUI_CACHE=str(cache))
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        totals = [line["total"] for line in lines if line["event"] == "progress" and line["task"] == "frozen layers"]
        weights.append((totals[0], read_weights(tmp_path / "runs" / cache.name / "best.weights.h5", SHAPES)))
    (left, continued), (every, whole) = weights
    assert left == every - rows
    assert BACKBONES["vgg16"].by_name.keys() >= continued.keys()
    assert all(np.array_equal(a, b) for name in whole for a, b in zip(continued[name], whole[name], strict=True))
