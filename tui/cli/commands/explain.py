"""The verb `explain`: where a model looks."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.outputs import writing
from engine.base.wording import in_turn, whole_percent
from engine.runs import directory as run_directories
from tui.cli.app import RUNS
from tui.cli.console import drawing, put, put_json, put_table, say
from tui.cli.outputs import Writes
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.numbers import as_interval, as_number, as_share

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels
    from engine.evaluation.saliency import Explainer, Explanation, Method
    from engine.evaluation.saliency_overlap import PartOverlap


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
    if (file is None) == (not part):
        raise ConfigError(tr("Name one image file to explain, or a part of the run's split: --part test."))
    if part and (png or target or covering):
        raise ConfigError(tr("--png, --for and --covering go with one image file, not with --part."))
    chosen = run_directories.find(run, out) if run else run_directories.newest(out)
    from engine.evaluation.prediction import NOT_FOR_DIAGNOSIS
    from engine.evaluation.saliency import explain as explain_file
    from engine.evaluation.saliency_overlap import measure_part

    say(in_turn(tr("Run {name}.", name=chosen.name), NOT_FOR_DIAGNOSIS))
    with stoppable() as (context, signals):

        def work() -> "Explanation | PartOverlap":
            explainer = _explainer(chosen, layer, method)
            if file is None:
                return measure_part(explainer, part, context)
            return explain_file(explainer, file, target, covering, context)

        explained, code = until_stopped(work, signals)
    if explained is None:
        return code
    from engine.evaluation.saliency import Explanation

    if not isinstance(explained, Explanation):
        put_json({"run": str(chosen.path), **explained.to_dict()}) if json else _put_part(explained)
        return 0
    from engine.data.image.reader import read

    image = read(explained.file)
    for note in image.notes:
        say(f"{explained.file} {note}.")
    if png:
        from engine.evaluation.heat_colours import overlay

        _write_png(png, overlay(image.pixels, explained.heat), force)
    if json:
        put_json({"run": str(chosen.path), **explained.to_dict(), "png": str(png) if png else None})
    else:
        _put_explanation(explained, image.pixels)
    return 0


def _explainer(run: run_directories.Run, layer: str, method: "Method") -> "Explainer":
    from engine.evaluation.predictor import Predictor
    from engine.evaluation.saliency import Explainer

    return Explainer(Predictor(run), layer, method)


def _write_png(path: Path, picture: "Pixels", force: bool) -> None:
    from PIL import Image

    with writing(path, force) as file:
        Image.fromarray(picture).save(file, format="PNG")


def _put_explanation(explained: "Explanation", pixels: "Pixels") -> None:
    if sys.stdout.isatty() and drawing():
        from tui.cli.picture import put_picture

        put_picture(pixels, explained.heat)
    put(explained.file)
    for name, share in explained.shares.items():
        put(f"  {'>' if name == explained.label else ' '} {name} {share:.1%}")
    from engine.evaluation.saliency import TITLES

    put(
        "  "
        + tr(
            "heat for {target}: {method} of {layer}",
            target=explained.target,
            method=TITLES[explained.method],
            layer=explained.layer,
        )
    )
    inside, evenly = as_share(explained.inside), whole_percent(explained.area)
    put(
        "  "
        + tr(
            "inside the {region}: {inside} of the heat; spread evenly it were {evenly}",
            region=tr(explained.region),
            inside=inside,
            evenly=evenly,
        )
    )
    put("  " + tr("mirrored image: correlation {value}", value=as_number(explained.mirrored, 2)))
    if explained.covered is not None:
        put("  " + tr("covering squares: correlation {value}", value=as_number(explained.covered, 2)))


def _put_part(explained: "PartOverlap") -> None:
    from engine.evaluation.saliency import TITLES

    put(
        tr(
            "Heat inside the {region}, {part} part, {method} of {layer}, for the class that the model says:",
            region=tr(explained.region),
            part=tr(explained.part),
            method=TITLES[explained.method],
            layer=explained.layer,
        )
    )
    put()
    rows = [(tr("class"), tr("answers"), tr("images"), tr("inside"), tr("95% interval"), tr("spread evenly"))]
    for mean in explained.means:
        name = mean.label or tr("all classes")
        inside, ends = as_share(mean.inside), as_interval(mean.inside_ci)
        rows.append((name, tr(mean.outcome), f"{mean.n:,}", inside, ends, as_share(mean.area)))
    put_table(rows)
