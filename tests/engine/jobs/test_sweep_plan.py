"""A sweep's queue before it is trained: what each training will train, as the images have it."""

from pathlib import Path

import pytest

from engine.data.records import Row
from engine.data.split import Split
from engine.jobs.sweep import Sweep
from engine.jobs.sweep_plan import Plan
from engine.recipe.config import OutputConfig, TrainConfig
from engine.sweep.result import Grid
from tests.conftest import SAMPLE


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_what_trains_is_counted_for_the_classes_that_the_folder_has(tmp_path: Path, classes: int) -> None:
    """The recipe names none of them: the images say how many there are, as they do in a training."""
    sweep = Sweep(
        SAMPLE,
        TrainConfig(output=OutputConfig(tmp_path, "s")),
        Grid(("vgg16",), ("head", "block5_conv3"), (1e-3,), (0, 1)),
    )
    parts = ("train", "train", "validation", "test")
    rows = (Row(f"{label}/{n}", f"class {label}", part) for label in range(classes) for n, part in enumerate(parts))
    planned = Plan.of(sweep, Split(tuple(rows)))
    assert planned.images == 2 * classes
    for one in planned.queue:
        assert planned.trainable(one) == one.point.plan.parameters(classes)[0]
