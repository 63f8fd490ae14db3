"""An audit by the recipe "auto": one head a fold, chosen on whole images, and nothing chosen on what is tested."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from engine.audit import store
from engine.audit.heads import Heads
from engine.audit.material import gathered
from engine.audit.variants import VARIANTS
from engine.auto.linear import STRENGTHS
from engine.base.context import Context
from engine.recipe.config import ChoiceConfig, MachineConfig, TrainConfig
from engine.recipe.plans import AuditConfig
from engine.training.resolved import resolve
from tests.conftest import Cli
from tests.makers.shortcuts import planted, plate

pytestmark = pytest.mark.usefixtures("small_pictures")

MACHINE = MachineConfig(precision="float32", frozen_engine="ncnn")
RECIPE = AuditConfig().recipe(TrainConfig(choice=ChoiceConfig("auto"), machine=MACHINE))
NAMES = [variant.name for variant in VARIANTS]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that a plate at the edge alone tells apart."""
    return planted(tmp_path_factory.mktemp("planted") / "data", plate, 8)


@pytest.fixture(scope="module")
def out(data: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an audit of them lies."""
    out = tmp_path_factory.mktemp("audits")
    flags = ("--folds", "2", "--recipe", "auto", "--precision", "float32", "--frozen-engine", "ncnn")
    done = cli("audit", data, "--out", out, "--name", "plate", *flags)
    assert done.returncode == 0, done.stderr
    return out


def test_a_plate_is_a_shortcut_for_the_head_that_the_user_gets(out: Path) -> None:
    audit = store.read(out / "plate")
    by_name = {variant.name: variant for variant in audit.variants}
    assert list(by_name) == NAMES and audit.finding == "shortcut", audit.verdict
    assert by_name["whole"].auc == by_name["without-lungs"].auc == by_name["border"].auc == 1
    assert by_name["lungs"].accuracy < 0.9 and by_name["shuffled"].accuracy < 0.9
    assert all(variant.epochs == () for variant in audit.variants)


def test_the_verdict_says_what_was_compared_and_the_file_which_head_each_fold_chose(out: Path) -> None:
    audit = store.read(out / "plate")
    assert "a linear head on the frozen layers of vgg16 (--recipe auto)" in audit.verdict
    assert audit.way == "vgg16, auto" and len(audit.heads) == audit.folds == 2
    for head in audit.heads:
        assert head.reads[-1] == "block5_pool" and head.strength in STRENGTHS
    values = json.loads((out / "plate" / "audit.json").read_text())
    assert values["recipe"]["choice"]["recipe"] == "auto"
    del values["heads"]
    (out / "older").mkdir()
    for name in ("audit.json", "audit.svg"):
        (out / "older" / name).write_text(json.dumps(values) if name == "audit.json" else "")
    assert store.read(out / "older") == dataclasses.replace(audit, heads=())


@pytest.mark.slow
def test_no_tested_image_has_a_part_in_the_choice_which_is_one_for_all_variants(data: Path) -> None:
    material = gathered(data, RECIPE, resolve(RECIPE).backbone.size, 2, Context())
    tested = material.folds[0]["test"]
    # The same images, but of those that the first fold tests nobody knows the class any more.
    swapped = [
        dataclasses.replace(record, label=material.classes[1 - material.classes.index(record.label)])
        if place in tested
        else record
        for place, record in enumerate(material.records)
    ]
    other = dataclasses.replace(material, records=swapped)
    first = []
    for one in (material, other):
        heads = Heads(one, resolve(RECIPE), Context())
        answers = {variant.name: next(iter(heads.answers(variant))).logits for variant in VARIANTS}
        assert len(heads.heads) == 1
        first.append((heads.heads[0], answers))
    assert first[0][0] == first[1][0]
    for name in NAMES:
        assert np.array_equal(first[0][1][name], first[1][1][name])
