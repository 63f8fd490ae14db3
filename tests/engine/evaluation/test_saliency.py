"""Where a model looks: its heat against arithmetic of other kinds, on a planted sign, in the lungs, and on paper."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, RunError, Stopped
from engine.base.runtime import cache_dir, choose_precision, make_repeatable, tensorflow
from engine.data.image.reader import read, to_input
from engine.data.masks import central_rectangle, mask_beside, read_mask
from engine.data.pixel_store import open_store
from engine.data.scan import scan
from engine.evaluation.calibration import softmax
from engine.evaluation.predictor import Predictor, save_contract
from engine.evaluation.saliency import (
    CELLS,
    FINE,
    Explainer,
    Method,
    correlation,
    cost_of_covering,
    explain,
    mass_inside,
    spread,
)
from engine.evaluation.saliency_overlap import Overlap, means, measure_part
from engine.network.backbones import BACKBONES, backbone
from engine.network.classifier import backbone_shapes, build, preprocess
from engine.network.freezing import plan
from engine.network.pretrained import pretrained
from engine.recipe.config import AugmentConfig, FitConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs.directory import Run
from engine.runs.writer import create
from engine.training import loop
from engine.training.batches import Images, PixelSource, choose
from tests.conftest import SAMPLE, Cli
from tests.makers.examples import examples
from tests.makers.signed import SQUARES, mask_of, write_signed
from tests.makers.small import SIDE, shrink

CELLS_OF_BLOCK4 = 28
IMAGE = SAMPLE / "COVID" / "images" / "COVID-1.png"

maps = arrays(np.float32, (7, 7), elements=st.floats(0, 1000, width=32))


@pytest.fixture(scope="module")
def predictor(trained: dict[str, Any]) -> Predictor:
    return Predictor(Run(trained["run"]))


@dataclass(frozen=True)
class Signed:
    """A model of healthy phantoms, half of which bear a square and nothing else that tells them apart."""

    predictor: Predictor
    unseen: list[Path]
    """Phantoms with the square that it did not learn from."""
    mask: np.ndarray
    """Where the square is, bool (224, 224)."""


@pytest.fixture(scope="module", params=range(len(SQUARES)), ids=[f"{square[0]} pixels" for square in SQUARES])
def signed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Signed:
    seed = request.param
    root = tmp_path_factory.mktemp("signed")
    data, unseen = write_signed(root, SQUARES[seed], seed)
    return Signed(Predictor(taught(data, root / "runs", seed)), unseen, mask_of(SQUARES[seed]))


def taught(data: Path, out: Path, seed: int) -> Run:
    """A run whose block5 and head learnt all images of `data`, in the number format that a training would take."""
    recipe = TrainConfig(
        network=NetworkConfig(mode="partial", unfreeze="block5"),
        augment=AugmentConfig(augment="none"),
        fit=FitConfig(epochs=15, batch=8, patience=0),
        output=OutputConfig(out=out, name="signed"),
    )
    found, stop = scan(data), Stop()
    classes = tuple(found.classes)
    make_repeatable(seed)
    precision = choose_precision("auto").precision
    network = build(plan(recipe.network), len(classes), precision, seed=seed, blank=True)
    network.load(pretrained("imagenet", network.plan.backbone, backbone_shapes(network), Context(print, stop)))
    store, _ = open_store(data, found.records, 224, cache_dir())
    pixels = PixelSource(Images.of(found.records, classes, store), network, store, recipe)
    sources = choose(pixels, pixels, precision, cache_dir(), Context(print, stop))
    loop.fit(network, *sources, recipe, Context(stop=stop))
    with create(data, recipe) as writer:
        save_contract(writer.run, classes, network)
    return writer.run


def inputs(*files: Path) -> np.ndarray:
    return np.stack([to_input(read(file).pixels, 224) for file in files])


def activations(network: Any, layer: str, images: np.ndarray) -> np.ndarray:
    """What the layer gives for network inputs, float64."""
    cut = tensorflow().keras.Model(network.input, network.get_layer(layer).output)
    return np.asarray(cut(preprocess(images, backbone("vgg16"))), np.float64)


def log_odds_above_block4(network: Any, a: np.ndarray, target: int) -> float:
    """Log-odds of one of two classes from block4_conv3's activations (28, 28, 512): VGG's end in NumPy and float64."""
    a = a.reshape(14, 2, 14, 2, -1).max(axis=(1, 3))
    for name in ("block5_conv1", "block5_conv2", "block5_conv3"):
        kernel, bias = (np.float64(w) for w in network.get_layer(name).get_weights())
        patches = np.lib.stride_tricks.sliding_window_view(np.pad(a, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
        a = np.maximum(np.tensordot(patches, kernel, ((3, 4, 2), (0, 1, 2))) + bias, 0)
    pooled = a.reshape(7, 2, 7, 2, -1).max(axis=(1, 3)).mean(axis=(0, 1))
    layers = (network.get_layer(name).get_weights() for name in ("dense", "logits"))
    (w1, b1), (w2, b2) = ([np.asarray(one, np.float64) for one in layer] for layer in layers)
    logits = np.maximum(pooled @ w1 + b1, 0) @ w2 + b2
    return float(logits[target] - logits[1 - target])


@pytest.mark.parametrize("method", ["hirescam", "gradcam"])
def test_plain_numpy_gets_the_same_maps_from_activations_and_weights(predictor: Predictor, method: Method) -> None:
    """Log-odds = w relu(W1 mean(A) + b1) + b of the last pooling: there both methods are the same, and their map adds
    up to the log-odds less what the biases add.
    """
    explainer, network = Explainer(predictor, "block5_pool", method), predictor.network
    images = inputs(IMAGE, SAMPLE / "Viral Pneumonia" / "images" / "Viral Pneumonia-2.png")
    a = activations(network, "block5_pool", images)
    layers = (network.get_layer(name).get_weights() for name in ("dense", "logits"))
    (w1, b1), (w2, b2) = ([np.asarray(one, np.float64) for one in layer] for layer in layers)
    hidden = a.mean(axis=(1, 2)) @ w1 + b1
    for target in (0, 1):
        w, b = (one[..., target] - one[..., 1 - target] for one in (w2, b2))
        slopes = ((hidden > 0) * w) @ w1.T / (a.shape[1] * a.shape[2])
        expected = (a * slopes[:, None, None, :]).sum(axis=3)
        found, logits = explainer.maps(images, [target, target])
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-4 * np.abs(expected).max())
        assert logits == pytest.approx(np.maximum(hidden, 0) @ w2 + b2, rel=1e-3, abs=1e-4)
        less = ((hidden > 0) * w) @ b1 + b
        assert found.sum(axis=(1, 2)) == pytest.approx(logits[:, target] - logits[:, 1 - target] - less, abs=1e-3)


def test_heat_whose_lower_layers_ncnn_computed_is_that_of_keras(predictor: Predictor) -> None:
    ours, keras = Explainer(predictor), Explainer(Predictor(predictor.run, asked="keras"))
    images = inputs(IMAGE, SAMPLE / "Viral Pneumonia" / "images" / "Viral Pneumonia-2.png")
    assert predictor.maps(ours.layer, images) is not None and keras.predictor.maps(keras.layer, images) is None
    for found, expected in zip(ours.maps(images, [0, 1]), keras.maps(images, [0, 1]), strict=True):
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    assert ours.logits(images) == pytest.approx(keras.logits(images), abs=1e-4)


def test_heat_of_a_place_is_the_finite_difference_of_the_log_odds_as_the_place_is_dimmed(predictor: Predictor) -> None:
    """HiResCAM by another way: block4_conv3's activations at a place are scaled, and NumPy computes what follows."""
    network = predictor.network
    found = Explainer(predictor).maps(inputs(IMAGE), [1])[0][0]
    a = activations(network, "block4_conv3", inputs(IMAGE))[0]
    assert found.shape == a.shape[:2] == (28, 28)
    order = np.argsort(found, axis=None)
    step = 1e-4
    for place in (*order[:3], *order[-3:], *order[::260]):
        at = np.unravel_index(place, found.shape)
        up, down = a.copy(), a.copy()
        up[at] *= 1 + step
        down[at] *= 1 - step
        difference = log_odds_above_block4(network, up, 1) - log_odds_above_block4(network, down, 1)
        assert found[at] == pytest.approx(difference / (2 * step), rel=0.01, abs=1e-3 * np.abs(found).max())


def test_grad_cams_channel_weight_is_the_finite_difference_of_the_log_odds(predictor: Predictor) -> None:
    """Raising a whole channel by e raises the log-odds by e times the sum of its gradients, N times eq. 1's weight."""
    layer = "block4_conv3"
    explainer, network, tf = Explainer(predictor, layer, "gradcam"), predictor.network, tensorflow()
    above = tf.keras.Model(network.get_layer(layer).output, network.output)
    a = activations(network, layer, inputs(IMAGE)).astype(np.float32)
    with tf.GradientTape() as tape:
        watched = tf.constant(a)
        tape.watch(watched)
        logits = above(watched)
        odds = logits[:, 1] - logits[:, 0]
    slopes = tape.gradient(odds, watched).numpy()[0].sum(axis=(0, 1))
    step = 1e-3 * float(a.max())
    for channel in np.argsort(-np.abs(slopes))[:4]:
        up, down = a[0].astype(np.float64), a[0].astype(np.float64)
        up[..., channel] += step
        down[..., channel] -= step
        difference = log_odds_above_block4(network, up, 1) - log_odds_above_block4(network, down, 1)
        assert difference / (2 * step) == pytest.approx(slopes[channel], rel=0.05)
    expected = (a[0] * slopes / (a.shape[1] * a.shape[2])).sum(axis=2)
    found = explainer.maps(inputs(IMAGE), [1])[0][0]
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-4 * float(np.abs(expected).max()))


def test_of_many_classes_the_answer_is_the_log_odds_against_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without biases a logit is the sum of its own map; so the log-odds' is that of the logits by their slopes."""
    shrink(monkeypatch)
    freeze = plan(NetworkConfig(mode="transfer"))
    network = build(freeze, 3, "float32", seed=3).model
    made = SimpleNamespace(
        backbone=freeze.backbone, plan=freeze, classes=("a", "b", "c"), network=network, maps=lambda layer, given: None
    )
    explainer = Explainer(made, "block5_pool")  # type: ignore[arg-type]
    pictures = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    for target in range(3):
        found, logits = explainer.maps(pictures, [target] * 2)
        others = [k for k in range(3) if k != target]
        expected = logits[:, target] - (softmax(logits[:, others].astype(np.float64)) * logits[:, others]).sum(axis=1)
        assert found.sum(axis=(1, 2)) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_the_default_layer_is_fine_for_hirescam_and_the_papers_for_grad_cam(predictor: Predictor) -> None:
    assert Explainer(predictor).layer == "block4_conv3" == FINE["vgg16"]
    assert Explainer(predictor, method="gradcam").layer == "block5_conv3"
    assert all(name in backbone(base).by_name for base, name in FINE.items() if base in BACKBONES)


@pytest.mark.slow
def test_the_heat_lies_on_the_only_sign_there_is(signed: Signed) -> None:
    explainer = Explainer(signed.predictor)
    found = [explain(explainer, file, "marked") for file in signed.unseen]
    assert {one.label for one in found} == {"marked"}
    shares = [mass_inside(one.heat, signed.mask) or 0.0 for one in found]
    most = sharpest(signed.mask, CELLS_OF_BLOCK4)
    assert most > 0.79 and min(shares) >= 0.87 * most and np.mean(shares) >= 0.9 * most, (most, shares)


def sharpest(mask: np.ndarray, cells: int) -> float:
    """The share of a map's heat inside the mask where each of cells x cells has as much heat as it has of it: more
    than this the layer's cells can hardly show.
    """
    share = np.asarray(Image.fromarray(mask.astype(np.float32)).resize((cells, cells), Image.Resampling.BOX))
    return mass_inside(spread(share, len(mask)), mask) or 0.0


@pytest.mark.slow
def test_mirroring_and_covering_agree_with_the_heat_where_the_sign_is_known(signed: Signed) -> None:
    explainer, file = Explainer(signed.predictor), signed.unseen[0]
    found = explain(explainer, file, "marked", covering=True)
    assert found.label == "marked" and found.mirrored is not None and found.covered is not None
    assert found.mirrored > 0.8 and found.covered > 0.5
    costs = cost_of_covering(explainer, to_input(read(file).pixels, 224), explainer.classes.index("marked"))
    row, column = np.unravel_index(int(costs.argmax()), costs.shape)
    cell = 224 // CELLS
    assert signed.mask[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell].any()
    stop = Stop()
    stop.request("now")
    with pytest.raises(Stopped):
        explain(explainer, file, covering=True, context=Context(stop=stop))


@given(maps)
def test_heat_is_scaled_to_one_and_splits_between_a_mask_and_the_rest(small: np.ndarray) -> None:
    heat, mask = spread(small, 56), central_rectangle(56)
    assert heat.shape == (56, 56) and heat.dtype == np.float32 and heat.min() >= 0
    inside, outside = mass_inside(heat, mask), mass_inside(heat, ~mask)
    if inside is None or outside is None:
        assert heat.max() == 0 and inside is outside
    else:
        assert heat.max() == pytest.approx(1) and inside + outside == pytest.approx(1)


@given(maps, maps, st.floats(0.1, 10), st.floats(-5, 5))
@settings(max_examples=examples(50))
def test_correlation_is_pearsons(one: np.ndarray, other: np.ndarray, scale: float, shift: float) -> None:
    found = correlation(one, other)
    if one.std() > 1e-3 and other.std() > 1e-3:
        expected = np.corrcoef(one.astype(np.float64).ravel(), other.astype(np.float64).ravel())[0, 1]
        assert found == pytest.approx(expected, abs=1e-9)
        assert correlation(one.astype(np.float64), one.astype(np.float64) * scale + shift) == pytest.approx(1)
    assert correlation(one, np.full_like(other, 3)) is None


def test_what_speaks_against_the_class_is_no_heat_and_cancels_what_speaks_for_it_beside() -> None:
    small = np.zeros((7, 7), np.float32)
    small[3, 3], small[3, 4] = 1, -1
    heat, alone = spread(small, 56), spread(np.maximum(small, 0), 56)
    assert heat.min() == 0 and heat.max() == 1 and alone[28, 33] > 0 == heat[28, 33]
    assert heat[28, :28] == pytest.approx(alone[28, :28])
    assert spread(small - 1, 56).max() == 0 and mass_inside(spread(small - 1, 56), central_rectangle(56)) is None


def test_means_over_classes_and_outcomes() -> None:
    rows = [("A", "A", 0.2), ("A", "A", 0.4), ("A", "B", 0.9), ("B", "B", None), ("B", "B", 0.5)]
    images = [Overlap(str(k), truth, said, inside, 0.3) for k, (truth, said, inside) in enumerate(rows)]
    table = {(mean.label, mean.outcome): mean for mean in means(images, ("A", "B"))}
    assert len(table) == 9
    right = table["A", "right"]
    assert right.n == 2 and right.inside == pytest.approx(0.3) and right.area == pytest.approx(0.3)
    from scipy.stats import t

    expected = t.interval(0.95, 1, 0.3, 0.1)
    assert right.inside_ci == (max(0, expected[0]), min(1, expected[1]))
    assert table["A", "wrong"].inside == pytest.approx(0.9) and table["A", "wrong"].inside_ci is None
    assert (table["B", "wrong"].n, table["B", "wrong"].inside) == (0, None)
    assert table["", "all"].n == 4 and table["", "all"].inside == pytest.approx(0.5)


def test_masks_are_found_by_name_and_cover_every_pixel_with_lung(tmp_path: Path) -> None:
    found = mask_beside(IMAGE)
    assert found == SAMPLE / "COVID" / "masks" / "COVID-1.png"
    mask = read_mask(found, 224)
    assert mask.shape == (224, 224) and 0.1 < mask.mean() < 0.5
    for folder in ("images", "masks"):
        (tmp_path / "A" / folder).mkdir(parents=True)
    Image.new("L", (10, 10)).save(tmp_path / "A" / "images" / "1.png")
    assert mask_beside(tmp_path / "A" / "images" / "1.png") is None
    Image.new("L", (10, 10), 255).save(tmp_path / "A" / "masks" / "1.bmp")
    assert mask_beside(tmp_path / "A" / "images" / "1.png") == tmp_path / "A" / "masks" / "1.bmp"


def test_unknown_layers_and_classes_are_told(predictor: Predictor) -> None:
    with pytest.raises(ConfigError, match="block5_conv3"):
        Explainer(predictor, "conv99")
    with pytest.raises(ConfigError, match="Viral Pneumonia"):
        explain(Explainer(predictor), IMAGE, "Tuberculosis")


def test_the_command_explains_a_file_and_writes_it(trained: dict[str, Any], cli: Cli, tmp_path: Path) -> None:
    png = tmp_path / "heat.png"
    done = cli("explain", IMAGE, "--run", trained["run"], "--png", png, "--for", "Viral Pneumonia", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["target"], shown["layer"], shown["region"]) == ("Viral Pneumonia", "block4_conv3", "lung mask")
    assert shown["method"] == "hirescam"
    assert 0 <= shown["inside"] <= 1 and -1 <= shown["mirrored"] <= 1 and shown["covered"] is None
    assert shown["area"] == pytest.approx(read_mask(mask_beside(IMAGE) or Path(), 224).mean())
    assert "not for diagnosis" in done.stderr
    with Image.open(png) as picture:
        assert (picture.size, picture.mode) == ((299, 299), "RGB")
        assert np.ptp(np.asarray(picture).astype(int), axis=-1).max() > 30
    answer = json.loads(cli("predict", IMAGE, "--run", trained["run"], "--json").stdout)
    assert shown["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-5)
    assert shown["calibrated"] == pytest.approx(answer["calibrated"], abs=1e-5)
    said = cli("explain", IMAGE, "--run", trained["run"]).stdout
    assert all(f" {name} {share:.1%}\n" in said for name, share in shown["calibrated"].items())


@pytest.mark.slow
def test_the_command_explains_a_part(trained: dict[str, Any], cli: Cli) -> None:
    done = cli("explain", "--part", "test", "--run", trained["run"], "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["part"], shown["region"], len(shown["images"])) == ("test", "lung mask", 6)
    every = next(mean for mean in shown["means"] if mean["label"] == "" and mean["outcome"] == "all")
    shares = [image["inside"] for image in shown["images"] if image["inside"] is not None]
    assert every["n"] == len(shares) and every["inside"] == pytest.approx(np.mean(shares))
    assert every["inside_ci"][0] < every["inside"] < every["inside_ci"][1]
    by_file = {image["file"]: image["said"] for image in shown["images"]}
    answers = json.loads(cli("predict", SAMPLE / next(iter(by_file)), "--run", trained["run"], "--json").stdout)
    assert answers["label"] == next(iter(by_file.values()))


def test_a_test_part_that_is_shut_stays_shut(predictor: Predictor, tmp_path: Path) -> None:
    """How many answers are right is told of a part, and so what the test is kept for."""
    run = Run(tmp_path / "run")
    shutil.copytree(predictor.run.path, run.path)
    (run.path / "test.json").unlink()
    explainer = Explainer(Predictor(run))
    with pytest.raises(RunError, match=f"still shut: `covid-tui evaluate {run.name}` opens it"):
        measure_part(explainer, "test", Context())
    assert len(measure_part(explainer, "validation", Context()).images) == 6


def test_the_command_says_what_does_not_go_together(trained: dict[str, Any], cli: Cli) -> None:
    for arguments, word in (
        (("explain",), "--part test"),
        (("explain", IMAGE, "--part", "test"), "--part test"),
        (("explain", "--part", "test", "--png", "a.png"), "--png"),
    ):
        done = cli(*arguments, "--run", trained["run"])
        assert done.returncode == 2 and word in done.stderr and done.stdout == ""
