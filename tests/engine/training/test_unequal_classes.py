"""Unequal and small classes, and the model that they lead to, are named wherever someone would be misled."""

import json
from pathlib import Path
from typing import Any

import pytest

from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw
from tests.conftest import Cli
from tests.makers.folders import put

pytestmark = pytest.mark.usefixtures("small_pictures")

MANY, FEW = 40, 8


@pytest.fixture(scope="module")
def unequal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 phantoms of one class and 8 of another."""
    root = tmp_path_factory.mktemp("unequal")
    for label, disease, count in (("COVID", Disease.COVID, MANY), ("Normal", Disease.NORMAL, FEW)):
        for number in range(count):
            put(root, f"{label}/{label}-{number}.png", draw(phantom_for(disease, 1 + number, 5), disease, 64)[0])
    return root


@pytest.fixture(scope="module")
def trained(unequal: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A training on them whose steps are lost in rounding, so that patience ends it in every number format."""
    out = tmp_path_factory.mktemp("runs")
    done = cli(
        *("--train", unequal, "--weights", "none", "--augment", "none", "--lr", "1e-12", "--batch", "8"),
        *("--epochs", "30", "--patience", "1", "--test-share", "0.25", "--out", out, "--name", "one"),
        *("--no-near-duplicates",),
    )
    assert done.returncode == 0, done.stderr
    return {"run": out / "one", "out": out, "lines": done.stderr.splitlines()}


def test_a_scan_says_so_as_text_and_as_json(unequal: Path, cli: Cli) -> None:
    told = cli("scan", unequal, "--no-near-duplicates").stdout
    assert "always saying COVID would be right in 83%" in told and "5.0 images for each of the smallest" in told
    assert "too few images to tell how good a model is: Normal 8" in told
    beware = json.loads(cli("scan", unequal, "--no-near-duplicates", "--json").stdout)["beware"]
    numbers = {one["kind"]: (one["numbers"], one["classes"]) for one in beware}
    assert numbers["unequal"] == ({"share": 40 / 48, "imbalance": 5.0}, {"COVID": 40, "Normal": 8})
    assert numbers["few"] == ({"fewest": 30}, {"Normal": 8})


def test_a_training_says_so_and_names_the_remedy(trained: dict[str, Any]) -> None:
    told = "\n".join(trained["lines"])
    assert "warning: Unequal classes: always saying COVID would be right in 83%" in told
    assert "--class-weight balanced makes each class count alike" in told
    assert "warning: Too few images to tell how good a model is: Normal 8." in told


def test_a_training_that_patience_ends_says_so_in_its_plain_lines(trained: dict[str, Any]) -> None:
    epochs = sum(line.startswith("epoch ") for line in trained["lines"])
    assert epochs < 30
    assert any(
        line.startswith(f"Training ends after epoch {epochs} of 30: 1 epoch without") for line in trained["lines"]
    )


def test_a_model_that_gives_one_class_for_every_image_is_named_by_every_verb(trained: dict[str, Any], cli: Cli) -> None:
    named = '"COVID" for every one of the 12'
    assert any(line.startswith("warning: The model says") and named in line for line in trained["lines"])
    assert named in cli("evaluate", trained["run"]).stdout
    assert json.loads(cli("evaluate", trained["run"], "--json").stdout)["only_answer"] == "COVID"
    cli("report", trained["run"])
    assert "for every one of the 12 test images" in (trained["run"] / "card.md").read_text()
