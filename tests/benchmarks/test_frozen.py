"""What `benchmarks.frozen` measures by is right: its float64, its errors, its limit, and the tiles that it compares."""

import numpy as np
import pytest
from scipy.signal import correlate

from benchmarks.frozen import speed_rows
from benchmarks.frozen_parts import (
    TILES,
    allocated,
    block_ends,
    blocks,
    bound,
    exact,
    in_a_process,
    instructions,
    megabytes,
    spread,
    tiled,
    wrong_by,
)
from engine.network.backbones import BACKBONES, Layer

SIDE, DEPTH, WIDTH = 28, 16, 32
BEFORE = Layer(0, "before", "", "Input", (SIDE, SIDE, DEPTH), 0, 0, 0, True)
LAYERS = (
    Layer(1, "conv", "block", "Conv2D", (SIDE, SIDE, WIDTH), 0, 0, 0, True),
    Layer(2, "pool", "block", "MaxPooling2D", (SIDE // 2, SIDE // 2, WIDTH), 0, 0, 0, True),
)


def maps() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(SIDE, SIDE, DEPTH)).astype(np.float32)


def weights(name: str) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.normal(size=shape).astype(np.float32) for shape in ((3, 3, DEPTH, WIDTH), (WIDTH,))]


def test_the_reference_is_a_convolution_in_float64() -> None:
    kernel, bias = (one.astype(np.float64) for one in weights("conv"))
    padded = np.pad(maps().astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    sums = np.stack(
        [correlate(padded, kernel[..., number], "valid", "direct")[..., 0] + bias[number] for number in range(WIDTH)],
        axis=-1,
    )
    whole = np.maximum(sums, 0)
    quarters = [whole[y::2, x::2] for y in range(2) for x in range(2)]
    found = exact(LAYERS, maps(), weights)
    assert found.dtype == np.float64 and found.shape == LAYERS[-1].shape
    assert np.allclose(found, np.max(quarters, axis=0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", TILES)
def test_tiles_of_every_size_compute_the_same_layers(size: int) -> None:
    found = tiled(LAYERS, BEFORE, weights, size)(maps())
    assert wrong_by(found[None], exact(LAYERS, maps(), weights)[None]) < 1e-4


def test_larger_tiles_round_more() -> None:
    truth = exact(LAYERS, maps(), weights)[None]
    errors = {size: wrong_by(tiled(LAYERS, BEFORE, weights, size)(maps())[None], truth) for size in TILES}
    assert len(set(errors.values())) == len(TILES), "ncnn computed two sizes in the same way"
    assert errors[2] < errors[4]


def test_an_error_is_a_share_of_the_largest_value_of_its_own_image() -> None:
    truth = np.array([[[1000.0, 1.0]], [[-2.0, 1.0]]])
    assert wrong_by(truth, truth) == 0
    assert wrong_by(truth + np.array([0.0, 1.0]), truth) == 0.5


def test_the_limit_follows_from_the_networks_multiplications() -> None:
    # Simonyan and Zisserman's VGG16 at 224: 15.3 billion multiply-adds in its convolutions.
    assert bound(2 * 15.3466, BACKBONES["vgg16"]) == pytest.approx(1, abs=1e-4)
    assert bound(200) == 2 * bound(100) and bound(100, BACKBONES["vgg19"]) < bound(100)


def test_blocks_are_whole_and_end_with_their_pooling() -> None:
    backbone = BACKBONES["vgg16"]
    assert [layer for block in blocks(backbone) for layer in block] == list(backbone.layers[1:])
    assert block_ends(backbone) == [f"block{number}_pool" for number in range(1, 6)]


def test_speeds_are_medians_against_the_limit_and_the_first_contestant() -> None:
    facts = [{"name": "matrix product", "gigaflops": speed} for speed in (80.0, 100.0, 90.0)]
    for name, rates in (("Keras, float32", (1.0, 3.0, 2.0)), ("ncnn, float32", (5.0, 4.0, 60.0))):
        facts += [{"name": name, "rate": rate, "milliseconds": 1000 / rate} for rate in rates]
    limit, keras, ncnn = speed_rows(facts, 1)
    assert "100 GFLOP/s" in limit[1] and limit[2] == "3.26"
    assert keras[2:] == ("2.00 (1.00 to 3.00)", "500 (333 to 1000)", "61%", "1.00")
    assert ncnn[2:] == ("5.00 (4.00 to 60.00)", "200 (17 to 250)", "153%", "2.50")


def test_what_can_be_said_of_the_machine_is_said() -> None:
    assert spread([3.0, 1.0, 2.5], ".1f") == "2.5 (1.0 to 3.0)"
    assert "BLAS computes for" in instructions() and "any" not in instructions().split()
    assert 1 < megabytes("VmRSS") <= megabytes("VmHWM")
    assert np.isnan(megabytes("VmNothing"))


def test_the_memory_of_weights_is_counted_once_they_are_there_and_no_more_once_they_are_not() -> None:
    before = allocated()
    held = [np.ones((1 << 20, 8), np.float32)]
    assert allocated() - before == pytest.approx(32, abs=1)
    held.clear()
    assert allocated() - before == pytest.approx(0, abs=1)


def test_a_part_that_fails_is_no_empty_table() -> None:
    with pytest.raises(RuntimeError, match="nothing ended with 1"):
        list(in_a_process("nothing", 1))
