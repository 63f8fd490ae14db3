"""The verbs that judge and use a trained run: predict, evaluate, compare, report, and trainings done several times."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.context import Context
from engine.base.errors import ConfigError, DataError
from engine.base.outputs import require_new
from engine.base.result import Elsewhere, Judged, Shift, Tested
from engine.base.typed_files import plain_object
from engine.evaluation.predictions_table import write_predictions
from engine.recipe.config import TrainConfig
from engine.runs import directory as run_directories
from tui.cli.progress import also_in, finishing, put, put_json, reporting, say, stop_on_signals, until_stopped
from tui.cli.verbs import put_table
from tui.words.numbers import as_interval, as_number, as_number_within, as_share

if TYPE_CHECKING:
    from engine.evaluation.predictor import Predictor
    from engine.export.onnx_predictor import OnnxModel
    from engine.jobs.repeat import Repeated


def predict(
    paths: Sequence[Path],
    run: Path | None,
    out: Path,
    csv: Path | None,
    force: bool,
    as_json: bool,
    follow_links: bool = False,
) -> int:
    """`covid-tui predict`."""
    from engine.data.image.notes import noted
    from engine.data.image.reader import ImageError
    from engine.evaluation.prediction import NOT_FOR_DIAGNOSIS, listed

    if not paths:
        raise ConfigError("Name at least one image file or folder to predict.")
    found = listed(paths, follow_links)
    files = found.files
    if csv:
        require_new(csv, ".csv", force, files, beside=True)  # now that all that a folder holds is known
    lines = list[dict[str, Any]]()
    with finishing() if csv else nullcontext(), stop_on_signals() as (stop, signals):

        def work() -> tuple[str, ...]:
            predictor = _predictor(run, out)
            say(f"{predictor.title}. {NOT_FOR_DIAGNOSIS}")
            for text in found.left_out:
                say(text)
            for answer in predictor.predict(files, stop):
                if isinstance(answer, ImageError):
                    lines.append({"file": str(answer.path), "error": answer.reason})
                else:
                    lines.append(answer.to_dict())
                if as_json:
                    put_json(lines[-1])
            return predictor.classes

        classes, code = until_stopped(work, signals)
        if classes is None:
            return code
        if csv:
            write_predictions(csv, lines, classes, force)
        if not as_json:
            _put_predictions(lines, classes)
    for item in noted((line["file"], line["notes"]) for line in lines if "notes" in line):
        say(f"{item.sentence}.")
    return DataError.exit_code if any("error" in line for line in lines) else 0


def evaluate(run: Path, on: Path | None, mapping: str, out: Path, as_json: bool, follow_links: bool = False) -> int:
    """`covid-tui evaluate`."""
    from engine.evaluation.evaluate import evaluate_on, open_test
    from engine.evaluation.external import parse_mapping

    if mapping and not on:
        raise ConfigError("--map goes with --on: it names the other folder's classes.")
    if follow_links and not on:
        raise ConfigError("--follow-links goes with --on: the run knows what its own images are.")
    chosen, pairs = run_directories.find(run, out), parse_mapping(mapping)
    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        result, code = until_stopped(
            lambda: (
                evaluate_on(chosen, on, Context(emit, stop), pairs, follow_links)
                if on
                else open_test(chosen, Context(emit, stop))
            ),
            signals,
        )
    if result is None:
        return code
    if as_json:
        numbers = {name: value for name, value in plain_object(result).items() if name != "curves"}
        where = {"run": str(chosen.path), "on": str(on) if on else "test"}
        put_json({**where, **numbers, "only_answer": result.only_answer})
        return 0
    _put_result(f"on {on}" if on else "test", result)
    if isinstance(result, Elsewhere) and result.drop:
        put()
        put_table([("measure", "own test", "here", "difference", "95% interval")] + [
            (name, f"{row.test:.3f}", f"{row.here:.3f}", f"{row.difference:+.3f}",
             "{:+.3f} to {:+.3f}".format(*row.difference_ci))
            for name, row in result.drop.items()
        ])  # fmt: skip
    if isinstance(result, Elsewhere) and result.shift:
        put()
        for line in shift_lines(result.shift):
            put(line)
    return 0


def compare(first: Path, second: Path, out: Path, as_json: bool) -> int:
    """`covid-tui compare`."""
    from engine.evaluation.compare import compare_runs

    one, other = run_directories.find(first, out), run_directories.find(second, out)
    found = compare_runs(one, other)
    if as_json:
        put_json({"runs": [str(one.path), str(other.path)], **found.to_dict(), "verdict": found.verdict})
        return 0
    put_table([
        ("", one.name, other.name, "difference", "95% interval"),
        ("accuracy", *(f"{value:.1%}" for value in found.accuracies), f"{found.difference:+.1%}",
         "{:+.1%} to {:+.1%}".format(*found.difference_ci)),
        ("AUC", *(as_number(value) for value in found.aucs or (None, None)),
         "-" if found.auc_difference is None else f"{found.auc_difference:+.3f}",
         "-" if found.auc_difference_ci is None else "{:+.3f} to {:+.3f}".format(*found.auc_difference_ci)),
        ("right alone", str(found.only_first), str(found.only_second), "", ""),
    ])  # fmt: skip
    put()
    put(found.verdict)
    return 0


def repeat(data: Path | None, config: TrainConfig, seeds: int, folds: int, as_json: bool) -> int:
    """`covid-tui train --seeds N` and `--folds K`."""
    from engine.jobs import repeat as repeated

    if data is None:
        raise ConfigError("Name the folder of X-rays to train on: covid-tui --train DATA.")
    if seeds and folds:
        raise ConfigError("--seeds and --folds are two ways to repeat a training: give one of them.")
    job, count = (repeated.over_seeds, seeds) if seeds else (repeated.over_folds, folds)
    with stop_on_signals() as (stop, signals), reporting(as_json) as emit:
        result, code = until_stopped(lambda: job(data, config, count, Context(emit, stop)), signals)
    if result is None:
        return code
    with also_in("the runs"):
        if as_json:
            put_json({"event": "repeated", **result.to_dict()})
        else:
            _put_repeated(result)
    return 128 + signals[0] if signals else 0


def report(run: Path, out: Path, audit: Path | None, as_json: bool) -> int:
    """`covid-tui report`."""
    from engine.report.sections import write_card

    chosen = run_directories.find(run, out)
    written = write_card(chosen, audit)
    if as_json:
        put_json({"run": str(chosen.path), "files": [str(path) for path in written]})
    else:
        for path in written:
            put(path)
    return 0


def shift_lines(shift: Shift) -> list[str]:
    """How far another folder lies from the training images, in a few lines."""
    lines = [
        f"{name}: {facts.here:.0f} here, {facts.training:.0f} in training "
        f"(Kolmogorov-Smirnov distance {facts.ks:.2f}, p = {facts.p:.2g})"
        for name, facts in shift.facts.items()
    ]
    own = shift.features
    low, high = own.beyond_ci
    lines.append(
        f"features: {own.beyond:.0%} ({low:.0%} to {high:.0%}) of the images are unlike anything seen in training, "
        f"where 1% is usual; median distance {own.median_distance:.2f}, in training {own.usual_distance:.2f}"
    )
    if shift.told_apart is not None:
        lines.append(
            f"told apart: a classifier tells these images from the training's with AUC {shift.told_apart:.2f} "
            "(0.5: no shift; 1: complete)"
        )
    return lines


def _predictor(run: Path | None, out: Path) -> "Predictor | OnnxModel":
    """What predicts: the run that was named, the newest one, or an exported ONNX file."""
    if run and run.suffix.lower() == ".onnx" and not run.is_dir():
        from engine.export.onnx_predictor import OnnxModel

        return OnnxModel(run)
    from engine.evaluation.predictor import Predictor

    return Predictor(run_directories.find(run, out) if run else run_directories.newest(out))


def _put_predictions(lines: Iterable[dict[str, Any]], classes: Sequence[str]) -> None:
    rows = [("file", "label", *classes, "calibrated", "decides", "distance")]
    warnings = []
    for line in lines:
        if "error" in line:
            rows.append((line["file"], f"error: {line['error']}", *("" for _ in classes), "", "", ""))
            continue
        calibrated, decision = line["calibrated"], line["decision"]
        rows.append((
            line["file"], line["label"], *(f"{p:.4f}" for p in line["probabilities"].values()),
            as_number(calibrated and calibrated[line["label"]]), decision["says"] if decision else "-",
            as_number(line["distance"], 2),
        ))  # fmt: skip
        warnings += [f"warning: {line['file']} {caution}." for caution in line["cautions"]]
    put_table(rows)
    for text in warnings:
        put(text)


def _put_result(name: str, result: Judged) -> None:
    from engine.evaluation.metrics import one_sided

    put(
        f"{name}: {result.correct}/{result.n} = {result.accuracy:.1%} "
        f"(95% interval {as_interval(result.accuracy_ci)}); always saying {result.baseline_class}: "
        f"{result.baseline:.1%}; AUC {as_number(result.auc)}; loss {result.loss:.4f}"
    )
    if text := one_sided(result, "images"):
        put(f"warning: {text}")
    put()
    put_table([("truth \\ said", *result.classes, "sensitivity", "95% interval", "specificity", "95% interval")] + [
        (name, *map(str, counts), as_share(c.sensitivity), as_interval(c.sensitivity_ci),
         as_share(c.specificity), as_interval(c.specificity_ci))
        for (name, c), counts in zip(result.classes.items(), result.confusion, strict=True)
    ])  # fmt: skip
    put()
    put_table([("95% interval in brackets", "precision", "F1", "AUC", "MCC")] + [
        (name, *(as_number_within(*own.measured(key)) for key in ("precision", "f1", "auc", "mcc")))
        for name, own in {**result.classes, "mean of classes": result.macro}.items()
    ])  # fmt: skip
    if not isinstance(result, Tested):
        return
    if after := result.calibrated:
        put()
        put(
            f"calibration: error {result.ece:.3f}, at temperature {after.temperature:.2f} {after.ece:.3f}; "
            f"loss {result.loss:.4f}, at that temperature {after.loss:.4f}"
        )
    if own := result.operating:
        put(
            f"threshold: {own.positive} from {own.threshold:.3f} on (chosen on validation: {own.rule}): "
            f"sensitivity {as_number_within(own.sensitivity, own.sensitivity_ci)}, "
            f"specificity {as_number_within(own.specificity, own.specificity_ci)}"
        )


def _put_repeated(result: "Repeated") -> None:
    done, runs = len(result.runs), "seeds" if result.kind == "seeds" else "folds"
    put(f"{done} of {result.planned} {runs} trained.")
    put_table([("measure", "mean", "sd", "lowest", "highest")] + [
        (name, as_number(m.mean, 4), as_number(m.sd, 4), as_number(m.low, 4), as_number(m.high, 4))
        for name, m in result.measures.items()
    ])  # fmt: skip
    put()
    for run in result.runs:
        put(f"run  {run}")
    if result.pooled:
        put()
        _put_result("all folds, each image tested once", result.pooled)
