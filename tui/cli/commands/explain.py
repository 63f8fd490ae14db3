"""The verbs `explain` and `audit`: where a model looks, and whether there is more to it than shortcuts."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from engine.base.context import Context
from engine.base.errors import ConfigError
from engine.base.outputs import writing
from engine.base.wording import counted
from engine.recipe.config import AuditConfig, TrainConfig
from engine.runs import directory
from tui.cli.picture import put_picture
from tui.cli.progress import also_in, put, put_json, reporting, say, stop_on_signals, until_stopped
from tui.cli.verbs import put_table
from tui.words.numbers import as_interval, as_number, as_share

if TYPE_CHECKING:
    from engine.audit.verdict import Audit
    from engine.data.image.reader import Pixels
    from engine.evaluation.saliency import Explainer, Explanation, Method
    from engine.evaluation.saliency_overlap import PartOverlap

T = TypeVar("T")
BAR = 40
"""Columns of a full bar."""


def explain(
    file: Path | None,
    run: Path | None,
    out: Path,
    part: str,
    layer: str,
    method: "Method",
    target: str,
    covering: bool,
    png: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """`covid-tui explain`."""
    if (file is None) == (not part):
        raise ConfigError("Name one image file to explain, or a part of the run's split: --part test.")
    if part and (png or target or covering):
        raise ConfigError("--png, --for and --covering go with one image file, not with --part.")
    chosen = directory.find(run, out) if run else directory.newest(out)
    from engine.evaluation.prediction import NOT_FOR_DIAGNOSIS
    from engine.evaluation.saliency import explain as explain_file
    from engine.evaluation.saliency import overlay
    from engine.evaluation.saliency_overlap import measure_part

    say(f"Run {chosen.name}. {NOT_FOR_DIAGNOSIS}")
    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:

        def work() -> "Explanation | PartOverlap":
            explainer = _explainer(chosen, layer, method)
            if file is None:
                return measure_part(explainer, part, Context(emit, stop))
            return explain_file(explainer, file, target, covering, Context(emit, stop))

        found, code = until_stopped(work, signals)
    if found is None:
        return code
    from engine.evaluation.saliency import Explanation

    if not isinstance(found, Explanation):
        put_json({"run": str(chosen.path), **found.to_dict()}) if as_json else _put_part(found)
        return 0
    from engine.data.image.reader import read

    image = read(found.file)
    for note in image.notes:
        say(f"{found.file} {note}.")
    picture = overlay(image.pixels, found.heat)
    if png:
        _write_png(png, picture, force)
    if as_json:
        put_json({"run": str(chosen.path), **found.to_dict(), "png": str(png) if png else None})
    else:
        _put_explanation(found, picture)
    return 0


def audit(data: Path, config: TrainConfig, plan: AuditConfig, as_json: bool) -> int:
    """`covid-tui audit`."""
    from engine.audit import store
    from engine.audit.audit import audit as audit_folder
    from engine.audit.verdict import Audit
    from engine.network import pretrained
    from engine.network.backbones import backbone

    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:

        def work() -> Audit:
            pretrained.require(config.network.weights, backbone(config.network.backbone), Context(emit, stop))
            store.require_free(config.output.out, config.output.name)  # makes the folder, so it comes second
            return audit_folder(data, plan.recipe(config), Context(emit, stop), plan.folds)

        found, code = until_stopped(work, signals)
    if found is None:
        return code
    folder = store.write(found, config.output.out, config.output.name)
    with also_in(folder):
        if as_json:
            put_json({"audit": str(folder), **found.to_dict()})
        else:
            _put_audit(found)
            put()
            put(f"audit: {folder}")
    return 0


def _explainer(run: directory.Run, layer: str, method: "Method") -> "Explainer":
    from engine.evaluation.predictor import Predictor
    from engine.evaluation.saliency import Explainer

    return Explainer(Predictor(run), layer, method)


def _write_png(path: Path, picture: "Pixels", force: bool) -> None:
    from PIL import Image

    with writing(path, force) as file:
        Image.fromarray(picture).save(file, format="PNG")


def _put_explanation(found: "Explanation", picture: "Pixels") -> None:
    if sys.stdout.isatty():
        put_picture(picture, found.heat)
    put(found.file)
    for name, share in found.probabilities.items():
        put(f"  {'>' if name == found.label else ' '} {name} {share:.1%}")
    from engine.evaluation.saliency import TITLES

    put(f"  heat for {found.target}: {TITLES[found.method]} of {found.layer}")
    put(f"  inside the {found.region}: {as_share(found.inside)} of the heat; spread evenly it were {found.area:.0%}")
    put(f"  mirrored image: correlation {as_number(found.mirrored, 2)}")
    if found.covered is not None:
        put(f"  covering squares: correlation {as_number(found.covered, 2)}")


def _put_part(found: "PartOverlap") -> None:
    from engine.evaluation.saliency import TITLES

    how = f"{TITLES[found.method]} of {found.layer}"
    put(f"Heat inside the {found.region}, {found.part} part, {how}, for the class that the model says:")
    put()
    rows = [("class", "answers", "images", "inside", "95% interval", "spread evenly")]
    for mean in found.means:
        name = mean.label or "all classes"
        inside, ends = as_share(mean.inside), as_interval(mean.inside_ci)
        rows.append((name, mean.outcome, f"{mean.n:,}", inside, ends, as_share(mean.area)))
    put_table(rows)


def _put_audit(found: "Audit") -> None:
    rows = [("shown", "", "accuracy", "95% interval", "AUC")]
    for variant in found.variants:
        shown, ends = bar(variant.accuracy, found.baseline), as_interval(variant.accuracy_ci)
        rows.append((variant.title, shown, as_share(variant.accuracy), ends, as_number(variant.auc)))
    put_table(rows)
    how = f"{found.folds} folds, each image tested once" if found.folds > 1 else "one split"
    tested = counted(sum(found.tested.values()), "test image")
    put(f"{tested}, {how}; | always {found.baseline_class}: {found.baseline:.1%}")
    put()
    put(found.verdict)


def bar(share: float, baseline: float, width: int = BAR) -> str:
    """A bar of block characters as long as the share (0 to 1) of `width`, with the baseline's place as "|"."""
    signs = list(("█" * round(share * width)).ljust(width, "·"))
    signs[min(width - 1, round(baseline * width))] = "|"
    return "".join(signs)
