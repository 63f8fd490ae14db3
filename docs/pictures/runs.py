"""What the pictures show: two trainings and a sweep on the sample data, made once and kept in build/pictures.

They take a few minutes where the frozen layers' activations are not kept yet, and nothing the next time. Remove that
folder to have them made anew. The audit is the one in docs/example, of real X-rays.
"""

import dataclasses
import os
import shutil
from pathlib import Path

from engine.base.context import Context
from engine.recipe.config import FIRST, AugmentConfig, DataConfig, FitConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.recipe.plans import SweepConfig
from engine.runs.directory import Run

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "pictures"
RUNS, SAMPLE = Path("runs"), Path("sample_data")
"""Below WORK, by the names that stand in the pictures."""
EPOCHS, CHOSEN, SWEEP, AUDIT = "last-layer", "auto", "which-layers", "covid-audit"
PICTURE = SAMPLE / "COVID" / "images" / "COVID-21.png"
"""An image of the test part."""
DATA = DataConfig(classes="COVID,Viral Pneumonia,Normal", test_share=0.2)
RECIPE = dataclasses.replace(FIRST, data=DATA)
"""The recipe that the workbench begins with, on three classes."""
BY_EPOCHS = TrainConfig(
    data=DATA,
    network=NetworkConfig(mode="partial", unfreeze="block5_conv3"),
    augment=AugmentConfig(augment="mirror"),
    fit=FitConfig(epochs=20, batch=8, patience=8),
)
SWEPT = TrainConfig(
    data=dataclasses.replace(DATA, val_share=0.3, near_duplicates=False),
    augment=AugmentConfig(augment="none"),
    fit=FitConfig(epochs=12, batch=8, patience=6),
)
GRID = SweepConfig(depths="ladder,head,block5_conv3", seeds=1)


def make_workplace() -> None:
    """The folder that the pictures are taken in, with the sample data and the audit."""
    (WORK / RUNS).mkdir(parents=True, exist_ok=True)
    if not (WORK / SAMPLE).exists():
        (WORK / SAMPLE).symlink_to(ROOT / SAMPLE)
    shutil.copytree(ROOT / "docs" / "example", WORK / RUNS / AUDIT, dirs_exist_ok=True)


def make_runs() -> None:
    """Train what is not there yet, in the folder at hand: first by epochs, then as the workbench chooses by itself."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name, recipe in ((EPOCHS, BY_EPOCHS), (CHOSEN, RECIPE)):
        if not _trained(RUNS / name):
            print(f"{name}: training ...", flush=True)
            from engine.jobs.train import train

            train(SAMPLE, dataclasses.replace(recipe, output=OutputConfig(out=RUNS, name=name)), Context())
    _make_sweep()


def _trained(path: Path) -> bool:
    """Is there a whole run? What is left of one that was interrupted goes."""
    if path.is_dir() and not Run(path).finished():
        shutil.rmtree(path)
    return path.is_dir()


def _make_sweep() -> None:
    from engine.jobs.sweep import Sweep
    from engine.sweep.result import Grid

    recipe = dataclasses.replace(SWEPT, output=OutputConfig(out=RUNS, name=SWEEP))
    job = Sweep(SAMPLE, recipe, Grid.of(GRID, recipe))
    if any(one.state != "finished" for one in job.plan(1)):
        print(f"{SWEEP}: training ...", flush=True)
        job.train(Context())
