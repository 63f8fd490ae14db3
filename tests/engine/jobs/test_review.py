"""A review of real and drawn X-rays: flipped labels are found, clean ones left alone, the test part stays shut."""

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from sklearn.datasets import load_sample_image

from engine.base.context import Context
from engine.data.corrections import Correction
from engine.data.corrections_file import CorrectionsFile
from engine.data.split import Split
from engine.evaluation.result_files import TEST
from engine.jobs.review import effect, review
from engine.recipe.config import DataConfig, MachineConfig, TrainConfig
from engine.report.facts import gather
from engine.runs.directory import CORRECTIONS, Run
from tests.conftest import SAMPLE, Cli

PICKED = ("COVID", "Viral Pneumonia")


def linked(source: Path, target: Path, flips: int, seed: int) -> dict[str, str]:
    """A folder of links to the images of another, some in a wrong class; by file, the true label of those."""
    labels = sorted(one.name for one in source.iterdir() if (one / "images").is_dir())
    images = [(label, file) for label in labels for file in sorted((source / label / "images").iterdir())]
    random, wrong = np.random.default_rng(seed), dict[str, str]()
    chosen = set(random.choice(len(images), flips, replace=False).tolist())
    for place, (label, file) in enumerate(images):
        put = label
        if place in chosen:
            others = [one for one in labels if one != label]
            put = others[random.integers(len(others))]
            wrong[f"{put}/{file.name}"] = label
        (target / put).mkdir(parents=True, exist_ok=True)
        os.link(file, target / put / file.name) if _same_disk(file, target) else shutil.copy(file, target / put)
    return wrong


def _same_disk(file: Path, folder: Path) -> bool:
    return file.stat().st_dev == folder.stat().st_dev


def recipe() -> TrainConfig:
    data = DataConfig(val_share=0.1, test_share=0.01, near_duplicates=False)
    return TrainConfig(data=data, machine=MachineConfig(precision="float32"))


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The drawn X-rays of two classes, two of them in the wrong one."""
    for label in PICKED:
        shutil.copytree(SAMPLE / label / "images", tmp_path / "data" / label)
    for name, label, wrong in (("COVID-1.png", *PICKED), ("COVID-5.png", *PICKED)):
        (tmp_path / "data" / label / name).rename(tmp_path / "data" / wrong / name)
    yield tmp_path / "data"


@pytest.mark.usefixtures("small_pictures")
def test_the_test_part_is_shut_or_blind_and_no_image_is_touched(data: Path, cli: Cli, tmp_path: Path) -> None:
    before = {file: hashlib.sha256(file.read_bytes()).digest() for file in data.rglob("*.png")}
    out = ("--out", tmp_path, "--precision", "float32")
    done = cli("review", data, *out, "--blind-test", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = {one["file"] for one in (*found["suspects"], *found["next"])}
    blind = [one["file"] for one in found["blind"]]
    assert len(blind) == found["shut"] > 0 and not told & set(blind)
    assert all(set(one) == {"file", "sha", "label"} for one in found["blind"])
    assert not any(one["file"] in blind for each in found["suspects"] for one in each["neighbours"])
    assert "in an order drawn by lot, without an answer" in found["looked_at"]
    assert not (tmp_path / CORRECTIONS).exists()
    assert {file: hashlib.sha256(file.read_bytes()).digest() for file in data.rglob("*.png")} == before


@pytest.mark.usefixtures("small_pictures")
@pytest.mark.slow
def test_a_run_learns_with_the_corrections_and_keeps_them_and_its_card_says_so(
    data: Path, cli: Cli, tmp_path: Path
) -> None:
    table, out = CorrectionsFile(tmp_path / CORRECTIONS), ("--out", tmp_path, "--precision", "float32")
    listed = json.loads(cli("review", data, *out, "--json").stdout)
    every = {one["file"]: one for one in (*listed["suspects"], *listed["next"])}
    first, second, *_ = every.values()
    other = PICKED[first["label"] == PICKED[0]]
    table.decide(Correction(first["file"], first["sha"], first["label"], "relabel", other, time="2020-01-01T00:00:00Z"))
    left_out = table.decide(Correction(second["file"], second["sha"], second["label"], "leave-out"))
    told = cli("review", data, *out, "--effect")
    assert told.returncode == 0 and "1 label corrected and 1 image left out" in told.stdout, told.stderr
    done = cli("train", data, *out, "--corrections", table.path, "--name", "run", "--test-share", "0.2")
    assert done.returncode == 0, done.stderr
    run = Run(tmp_path / "run")
    rows = {row.file: row.label for row in Split.read(run.path / "split.csv").rows}
    assert rows[first["file"]] == other and second["file"] not in rows
    assert table.take_back(left_out)  # the run has a table of its own
    assert len(CorrectionsFile(run.path / CORRECTIONS).read()) == 2
    tested = next(row for row in Split.read(run.path / "split.csv").rows if row.part == "test")
    late = Correction(tested.file, tested.sha, tested.label, "leave-out", time="2999-01-01T00:00:00+00:00")
    table.decide(late)
    facts = gather(run)
    assert "1 image was relabelled and 1 left out" in facts.mended.used and (run.path / TEST).is_file()
    assert any("1 image of the test part was relabelled or left out" in doubt for doubt in facts.mended.doubts)


@pytest.mark.slow
def test_of_real_x_rays_flipped_labels_are_found_and_clean_ones_left_alone(xray: Path, tmp_path: Path) -> None:
    """5% of labels flipped, five seeds: precision among as many suspects as flips."""
    clean = review(xray, recipe(), Context())
    assert len(clean.suspects) < 0.03 * clean.images
    precisions = []
    for seed in range(5):
        wrong = linked(xray, tmp_path / f"flipped-{seed}", 16, seed)
        found = review(tmp_path / f"flipped-{seed}", recipe(), Context())
        ranked = [*found.suspects, *found.next][:16]
        precisions.append(np.mean([one.file in wrong for one in ranked]))
    assert np.mean(precisions) >= 0.8, precisions


@pytest.mark.slow
def test_of_drawn_x_rays_clean_labels_are_left_alone() -> None:
    found = review(SAMPLE, recipe(), Context())
    assert len(found.suspects) < 0.03 * found.images


@pytest.mark.slow
@pytest.mark.parametrize("real", [True, False])
def test_pictures_that_are_no_x_rays_are_found_among_real_and_drawn_ones(
    request: pytest.FixtureRequest, real: bool, tmp_path: Path
) -> None:
    """Two photographs, a CT and an MR slice, an X-ray inverted, and one that is blank; all of them grey."""
    folder = tmp_path / "data"
    linked(request.getfixturevalue("xray") if real else SAMPLE, folder, 0, 0)
    into = min(folder.iterdir())
    for name in ("china.jpg", "flower.jpg"):
        Image.fromarray(load_sample_image(name)).convert("L").save(into / f"planted-{name}.png")
    for name in ("CT_small.dcm", "MR_small.dcm"):
        shutil.copy(str(get_testdata_file(name)), into / f"planted-{name}")
    with Image.open(min(into.glob("COVID*.png"))) as upright:
        upright.convert("L").point(lambda level: 255 - level).save(into / "planted-inverted.png")
    Image.new("L", (299, 299), 17).save(into / "planted-blank.png")
    found = review(folder, recipe(), Context())
    seen = {Path(one.file).name for one in found.suspects if {"picture", "unlike"} & {*one.kinds}}
    planted = {file.name for file in into.glob("planted-*")}
    assert planted - seen == set()
    assert len(seen - planted) <= 0.01 * found.images


@pytest.mark.usefixtures("small_pictures")
def test_corrections_are_worth_what_a_model_learns_from_them(data: Path) -> None:
    """Judged where nobody touched a label; with nothing to correct there is nothing to say."""
    config = dataclasses.replace(recipe(), data=DataConfig(near_duplicates=False, test_share=0.05))
    found = review(data, config, Context())
    made = [
        Correction(one.file, one.sha, one.label, "relabel", PICKED[one.label == PICKED[0]])
        for one in (*found.suspects, *found.next)
        if one.file.endswith(("COVID-1.png", "COVID-5.png"))
    ]
    if made:
        gained = effect(data, config, made, Context())
        assert gained.relabelled == len(made) and gained.images == found.images - len(made)
        assert gained.as_corrected >= gained.as_given
