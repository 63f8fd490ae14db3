"""Turned, upside-down and inverted X-rays are told from upright ones, in folders and in single files."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.image.orientation import POSES, Pose, pose, poses, reduced, table_file
from engine.data.image.reader import Pixels, read
from engine.data.scan import scan
from engine.data.warnings import folder_warnings
from engine.evaluation.plausibility import cautions
from sample_data import orientation
from tests.conftest import SAMPLE, Cli
from tests.makers.examples import examples
from tests.makers.folders import put

WRONG = POSES[1:]


def grey(files: list[Path]) -> list[Pixels]:
    pixels = [read(file).pixels for file in files]
    return [one if one.ndim == 2 else one.mean(axis=2).astype(np.uint8) for one in pixels]


@pytest.fixture(scope="module")
def real(xray: Path) -> list[Pixels]:
    return grey(sorted(xray.glob("*/images/*.png")))


@pytest.fixture(scope="module")
def drawn() -> list[Pixels]:
    return grey(sorted(SAMPLE.glob("*/images/*.png"))[::4])


def laid(picture: Pixels, quarters: int, inverted: bool) -> Pixels:
    turned = np.rot90(picture, quarters)
    return np.asarray(255 - turned if inverted else turned)


@pytest.mark.parametrize(("quarters", "inverted"), WRONG)
def test_99_of_100_real_xrays_that_lie_wrongly_are_named_rightly(
    real: list[Pixels], quarters: int, inverted: bool
) -> None:
    """The probe was fitted on drawings alone: none of these was ever seen."""
    found = [pose(laid(picture, quarters, inverted)) for picture in real]
    assert np.mean([one == Pose(quarters, inverted) for one in found]) >= 0.99


def test_no_real_xray_is_accused_as_it_is_nor_mirrored(real: list[Pixels]) -> None:
    assert {pose(picture).words for picture in real} == {""}
    assert {pose(picture[:, ::-1]).words for picture in real} == {""}


def test_a_tilt_a_crop_a_border_or_another_exposure_accuses_none(real: list[Pixels]) -> None:
    dice = np.random.default_rng(3)
    upright = [orientation.changed(picture, dice) for picture in real]
    assert np.mean([bool(pose(picture).words) for picture in upright]) <= 0.01
    for quarters, inverted in WRONG:
        named = [bool(pose(laid(picture, quarters, inverted)).words) for picture in upright]
        assert np.mean(named) >= 0.97, (quarters, inverted)


def test_drawn_ones_are_judged_as_well(drawn: list[Pixels]) -> None:
    for quarters, inverted in POSES:
        assert {pose(laid(picture, quarters, inverted)) for picture in drawn} == {Pose(quarters, inverted)}


@given(st.integers(0, 255), st.tuples(st.integers(1, 80), st.integers(1, 80)), st.booleans())
@settings(max_examples=examples(30), deadline=None)
def test_a_flat_picture_of_any_size_lies_as_it_should(level: int, size: tuple[int, int], colour: bool) -> None:
    assert pose(np.full((*size, 3) if colour else size, level, np.uint8)) == Pose(0, False)


def test_many_at_once_are_judged_as_each_alone(drawn: list[Pixels]) -> None:
    mixed = [laid(picture, *POSES[place % 8]) for place, picture in enumerate(drawn * 12)]
    assert poses(np.stack([reduced(picture) for picture in mixed])) == [pose(picture) for picture in mixed]


def test_a_prediction_warns_of_it(drawn: list[Pixels]) -> None:
    assert cautions(drawn[0]) == ()
    for quarters, inverted in WRONG:
        told = " ".join(cautions(laid(drawn[0], quarters, inverted)))
        assert f"looks {Pose(quarters, inverted).words}," in told
    assert Pose(2, True).words == "inverted and upside down"


def test_a_scan_names_each_and_warns_of_a_class_that_is_inverted_as_a_whole(
    drawn: list[Pixels], tmp_path: Path, cli: Cli
) -> None:
    half = len(drawn) // 2
    for number, picture in enumerate(drawn):
        inverted = number >= half
        put(tmp_path, f"{'Normal' if inverted else 'COVID'}/{number}.png", laid(picture, 0, inverted))
    put(tmp_path, "COVID/turned.png", np.rot90(drawn[0]).copy())
    found = scan(tmp_path)
    named = {problem.file for problem in found.problems if problem.kind == "pose"}
    assert named == {record.file for record in found.records if record.label == "Normal"} | {"COVID/turned.png"}
    wrong = next(one.sentence for one in folder_warnings(found) if one.kind == "turned")
    assert wrong.endswith(f"1 of {half + 1} COVID, {len(drawn) - half} of {len(drawn) - half} Normal")
    shown = cli("scan", tmp_path, "--no-near-duplicates")
    assert wrong in shown.stdout and "turned by 90 degrees to the left" in shown.stdout
    assert wrong in json.loads(cli("scan", tmp_path, "--no-near-duplicates", "--json").stdout)["warnings"]


def test_upright_folders_raise_no_such_problem(xray: Path) -> None:
    for folder in (SAMPLE, xray):
        assert [problem for problem in scan(folder).problems if problem.kind == "pose"] == []


@pytest.mark.slow
def test_the_table_is_what_the_phantoms_give() -> None:
    again = orientation.fitted(orientation.training_pictures()).astype(np.float32)
    kept = np.load(table_file()).astype(np.float32)
    assert kept.shape == again.shape and np.abs(kept - again).max() <= 2e-3 * np.abs(kept).max()


def test_the_table_is_installed_with_the_package() -> None:
    import tomllib

    settings = tomllib.loads((SAMPLE.parent / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "tables/*.npy" in settings["package-data"]["engine.data.image"]
    assert table_file().parent.name == "tables" and table_file().suffix == ".npy"
