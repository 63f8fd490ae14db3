"""The verbs that use a trained run, judge it, and ask what it learnt from."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from engine.recipe.config import (
    AuditConfig,
    AugmentConfig,
    DataConfig,
    FitConfig,
    MachineConfig,
    NetworkConfig,
    OutputConfig,
    SweepConfig,
    TrainConfig,
)
from tui.cli.app import RUNS, Flat, app
from tui.cli.outputs import Writes


@app.command
def predict(
    *paths: Path,
    run: Path | None = None,
    out: Path = RUNS,
    csv: Annotated[Path | None, Writes(".csv", beside=True)] = None,
    force: bool = False,
    follow_links: bool = False,
    json: bool = False,
) -> int:
    """Say which class a run's model sees in images. For research and teaching only, not for diagnosis.

    Parameters
    ----------
    paths
        Image files, or folders of them.
    run
        The run to predict with, by name or path (the newest trained one when not given), or an ONNX file that
        `export` wrote, which needs no TensorFlow.
    out
        Folder that holds the run directories.
    csv
        Also write the predictions to this file, with the calibrated probabilities, decisions and cautions.
    force
        Let --csv replace a file.
    follow_links
        Also read what symbolic links in the folders lead to outside them.
    json
        Print a line of JSON a file.
    """
    from tui.cli import judging

    return judging.predict(list(paths), run, out, csv, force, json, follow_links)


@app.command
def evaluate(
    run: Path,
    *,
    on: Path | None = None,
    mapping: Annotated[str, Parameter(name="--map")] = "",
    follow_links: bool = False,
    out: Path = RUNS,
    json: bool = False,
) -> int:
    """Show how good a run is: on its own test part, opened once, or on another folder.

    Parameters
    ----------
    run
        The run, by name or path.
    on
        Another folder with the run's classes to measure it on, compared with the run's own test.
    mapping
        For --on: which of the folder's classes are which of the run's, as "theirs=ours,theirs=ours".
    follow_links
        For --on: also read what symbolic links lead to outside the folder.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from tui.cli import judging

    return judging.evaluate(run, on, mapping, out, json, follow_links)


@app.command
def compare(first: Path, second: Path, *, out: Path = RUNS, json: bool = False) -> int:
    """Say whether one of two runs is better on the same test images: McNemar's test and paired bootstrap.

    Parameters
    ----------
    first
        A run, by name or path.
    second
        Another one, tested on the same images (trained with --split of the first).
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from tui.cli import judging

    return judging.compare(first, second, out, json)


@app.command
def report(run: Path, *, audit: Path | None = None, out: Path = RUNS, json: bool = False) -> int:
    """Write a run's model card, card.md and card.html, into the run: data, recipe, results, limits.

    Parameters
    ----------
    run
        The run, by name or path.
    audit
        The folder of a shortcut audit of the same images, or its audit.json, to report with it.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from tui.cli import judging

    return judging.report(run, out, audit, json)


@app.command
def export(
    run: Path, *, format: str, to: Path | None = None, force: bool = False, out: Path = RUNS, json: bool = False
) -> int:
    """Write a run's model in other formats, preprocessing and class names inside, each compared with the run first.

    Parameters
    ----------
    run
        The run, by name or path.
    format
        One or more of keras, savedmodel, onnx, litert, separated by commas.
    to
        Where to write: a file with the format's suffix (.keras, .savedmodel, .onnx, .tflite), or a folder (the run's
        own folder export when not given).
    force
        Replace files of these formats that are there.
    out
        Folder that holds the run directories.
    json
        Print a line of JSON a file.
    """
    from tui.cli.commands import export as exporting

    return exporting.export(run, format, to, force, out, json)


@app.command
def explain(
    file: Path | None = None,
    *,
    run: Path | None = None,
    part: Literal["", "train", "validation", "test"] = "",
    layer: str = "",
    method: Literal["hirescam", "gradcam"] = "hirescam",
    target: Annotated[str, Parameter(name="--for")] = "",
    covering: bool = False,
    png: Annotated[Path | None, Writes(".png")] = None,
    force: bool = False,
    out: Path = RUNS,
    json: bool = False,
) -> int:
    """Show where a run's model looks in an image (HiResCAM), or how much of it is lung over a part of its split.

    Parameters
    ----------
    file
        An image file.
    run
        The run to explain, by name or path (the newest trained one when not given).
    part
        In place of a file, a part of the run's split: mean share of the heat inside the lungs, by class (of the test
        part once it was opened).
    layer
        The layer whose activations are looked at (when empty, block4_conv3 for HiResCAM of VGG16, else the last
        convolution or activation).
    method
        HiResCAM: activation times gradient, place by place. Grad-CAM, coarser: times the mean gradient of all places.
    target
        The class to explain (the one that the model says when empty).
    covering
        Also cover square after square of the image and compare what that costs with the heat.
    png
        Write the image with its heat to this file.
    force
        Let --png replace a file.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from tui.cli.commands import explain as explaining

    return explaining.explain(file, run, out, part, layer, method, target, covering, png, force, json)


@app.command
def audit(
    data: Path,
    *,
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    plan: Annotated[AuditConfig, Flat] = AuditConfig(),  # noqa: B008
    out: Path = RUNS,
    name: str = "",
    json: bool = False,
) -> int:
    """Say whether a training learns from the lungs or from shortcuts: it is repeated on parts of the images.

    The whole image, lungs only, lungs blacked out, the mask's silhouette, the outer border, a 16x16 thumbnail, and
    shuffled labels get the same split, recipe and number of epochs, without augmentation.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, with CLASS/masks beside them where there are lung masks.
    out
        Folder in which the audit's own folder is made, with audit.json and audit.svg.
    name
        Name of that folder (date and time when empty).
    json
        Print one JSON object.
    """
    from tui.cli.commands import explain as explaining

    config = TrainConfig(data=images, network=network, machine=machine, output=OutputConfig(out, name))
    return explaining.audit(data, config, plan, json)


@app.command
def sweep(
    data: Path,
    *,
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    augmentation: Annotated[AugmentConfig, Flat] = AugmentConfig(),  # noqa: B008
    fit: Annotated[FitConfig, Flat] = FitConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    output: Annotated[OutputConfig, Flat] = OutputConfig(),  # noqa: B008
    grid: Annotated[SweepConfig, Flat] = SweepConfig(),  # noqa: B008
    weights: str = "imagenet",
    plan: bool = False,
    choose: str = "",
    json: bool = False,
) -> int:
    """Say which layers are worth training: a grid of recipes on one split, the test part shut until one is chosen.

    The runs lie under OUT/NAME with sweep.json, sweep.md and sweep.svg. The same command goes on where it was stopped.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    weights
        Where the backbone starts: imagenet, none (random), or a Keras .weights.h5 file.
    plan
        Only show the queue and what each training costs.
    choose
        Afterwards open the test part for this recipe or run; "auto" takes the recommended one.
    json
        Print each event as a line of JSON on stdout.
    """
    from tui.cli.commands import sweep as sweeping

    network = NetworkConfig(weights=weights)
    recipe = TrainConfig(images, network, augmentation, fit, machine, output=output)
    return sweeping.sweep(data, recipe, grid, plan, choose, json)
