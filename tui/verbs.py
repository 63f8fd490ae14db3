"""What each verb does: one call of the engine, and its result as text or JSON. Every function gives an exit code."""

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from engine import runs as run_directories
from engine.config import NetworkConfig, TrainConfig, split_list
from engine.errors import ConfigError, CovidTuiError, DataError
from engine.events import Failed, Finished, Interrupted
from engine.files import open_private
from tui.answers import write_predictions
from tui.headless import in_thread, put, put_json, reporting, say, stop_on_signals, summary
from tui.text import display_name

SECONDS_BETWEEN_LOOKS = 0.5


def train(data: Path | None, config: TrainConfig, as_json: bool, resume: Path | None = None) -> int:
    """`covid-tui train`."""
    from engine import jobs

    with stop_on_signals() as (stop, signals), reporting(as_json) as emit:
        work: Callable[[], Finished | Interrupted]
        if resume:
            run = run_directories.find(resume, config.output.out)
            work = partial(jobs.resume, run, config, emit, stop, data)
        elif data:
            work = partial(jobs.train, data, config, emit, stop)
        else:
            raise ConfigError("Name the folder of X-rays to train on: covid-tui --train DATA.")
        try:
            result = in_thread(work, signals)
        except CovidTuiError as error:
            if signals:
                say(error)
                return 128 + signals[0]
            if as_json:
                put_json(Failed(str(error)).to_dict())
            raise
    if isinstance(result, Interrupted):
        return 128 + signals[0] if signals else 0
    if not as_json:
        for line in summary(result):
            put(line)
    return 0


def scan(data: Path, classes: str, as_json: bool) -> int:
    """`covid-tui scan`."""
    from engine.dataset.scan import scan as scan_folder

    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        try:
            found = scan_folder(data, split_list(classes), emit, stop)
        except CovidTuiError as error:
            if signals:
                say(error)
                return 128 + signals[0]
            raise
    if as_json:
        put_json(found.to_dict())
        return 0
    rows: list[Sequence[str]] = [("class", "images", "share", "masks", "formats", "sizes", "modes", "mean", "sources")]
    for name, c in found.classes.items():
        share = f"{c.images / max(len(found.records), 1):.0%}"
        sources = f"{len(c.sources)}" if c.sources else "-"
        texts = [_counts(c.formats), _counts(c.sizes), _counts(c.modes)]
        rows.append(
            (
                name,
                f"{c.images:,}",
                share,
                f"{c.masks:,}",
                *texts,
                "-" if c.mean_intensity is None else f"{c.mean_intensity:.0f}",
                sources,
            )
        )
    put_table(rows)
    groups = found.duplicates
    if groups:
        put()
        put(f"{len(groups)} groups of files with the same pixels:")
        for group in groups:
            put("  " + ", ".join(group))
    if found.problems:
        put()
        put(f"{len(found.problems)} problems:")
        for problem in found.problems:
            put(f"  {problem.file}: {problem.reason}")
    return 0


def inspect(files: Sequence[Path], as_json: bool) -> int:
    """`covid-tui inspect`."""
    from engine.dataset.images import ImageError
    from engine.dataset.inspect import inspect as inspect_file

    if not files:
        raise ConfigError("Name at least one image file to inspect.")
    code = 0
    for file in files:
        try:
            facts = inspect_file(file)
        except ImageError as error:
            code = DataError.exit_code
            if as_json:
                put_json({"file": str(file), "error": error.reason})
            else:
                say(f"covid-tui: {error}")
            continue
        put_json(facts) if as_json else _put_facts(facts)
    return code


def predict(paths: Sequence[Path], run: Path | None, out: Path, csv: Path | None, as_json: bool) -> int:
    """`covid-tui predict`."""
    from engine.dataset.images import ImageError
    from engine.results.predict import NOT_FOR_DIAGNOSIS, Predictor, image_files

    if not paths:
        raise ConfigError("Name at least one image file or folder to predict.")
    chosen = run_directories.find(run, out) if run else run_directories.newest(out)
    files = list(image_files(paths))
    if not files:
        raise DataError(f"{paths[0]} holds no image files: name files, or a folder that has some.")
    code, lines = 0, list[dict[str, Any]]()
    with stop_on_signals() as (stop, _):
        predictor = Predictor(chosen)
        say(f"Run {chosen.name}. {NOT_FOR_DIAGNOSIS}")
        for answer in predictor.predict(files, stop):
            if isinstance(answer, ImageError):
                code = DataError.exit_code
                lines.append({"file": str(answer.path), "error": answer.reason})
            else:
                lines.append({"file": str(answer.file), "label": answer.label, "probabilities": answer.probabilities})
            if as_json:
                put_json(lines[-1])
    if not as_json:
        _put_predictions(lines, predictor.classes)
    if csv:
        write_predictions(csv, lines, predictor.classes)
    return code


def evaluate(run: Path, on: Path | None, out: Path, as_json: bool) -> int:
    """`covid-tui evaluate`."""
    from engine.results.evaluate import evaluate_on, evaluate_test

    chosen = run_directories.find(run, out)
    with stop_on_signals() as (stop, _), reporting(as_json=False) as emit:
        result = evaluate_on(chosen, on, emit, stop) if on else evaluate_test(chosen, emit, stop)
    if as_json:
        put_json({"run": str(chosen.path), "on": str(on) if on else "test", **result})
        return 0
    low, high = result["accuracy_ci"]
    put(
        f"{'on ' + str(on) if on else 'test'}: {result['correct']}/{result['n']} = {result['accuracy']:.1%} "
        f"(95% interval {low:.1%} to {high:.1%}); always saying {result['baseline_class']}: {result['baseline']:.1%}; "
        f"AUC {_number(result['auc'])}; loss {result['loss']:.4f}"
    )
    put()
    put_table([("truth \\ said", *result["classes"], "sensitivity", "95% interval", "specificity", "AUC")] + [
        (name, *map(str, counts), _share(c["sensitivity"]), _interval(c["sensitivity_ci"]), _share(c["specificity"]),
         _number(c["auc"]))
        for (name, c), counts in zip(result["classes"].items(), result["confusion"], strict=True)
    ])  # fmt: skip
    return 0


def attach(run: Path, out: Path) -> int:
    """`covid-tui attach`."""
    chosen = run_directories.find(run, out)
    if sys.stdin.isatty() and sys.stdout.isatty():
        from tui.workbench import open_workbench

        return open_workbench(None, chosen.path.parent, None, None, attached=chosen.path)
    from tui.watch import Tail

    tail = Tail(chosen)
    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        while not stop.is_set():
            live = chosen.state() == "live"
            for event in tail.read():
                emit(event)
            if not live:
                return 0
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return 128 + signals[0]


def runs(out: Path, as_json: bool) -> int:
    """`covid-tui runs`."""
    rows = [("run", "state", "mode", "epochs", "validation", "test", "95% interval", "seconds")]
    for run in run_directories.all_runs(out):
        facts = _run_facts(run)
        if as_json:
            put_json(facts)
            continue
        test = facts["test"] or {}
        rows.append((
            facts["name"], facts["state"], facts["mode"], str(facts["epochs"]), _share(facts["val_accuracy"]),
            _share(test.get("accuracy")), _interval(test.get("accuracy_ci")), _number(facts["seconds"], 1),
        ))  # fmt: skip
    if not as_json:
        put_table(rows) if len(rows) > 1 else say(f"There are no runs under {out}.")
    return 0


def layers(network: NetworkConfig, classes: int, as_json: bool) -> int:
    """`covid-tui layers`."""
    from engine.network.freezing import plan, table

    if classes < 2:
        raise ConfigError(f"--classes is {classes}: give a whole number from 2.")
    chosen = plan(network)
    trainable, frozen = chosen.parameters(classes)
    rows = table(chosen, classes)
    if as_json:
        put_json({
            "backbone": network.backbone, "mode": network.mode, "trainable": trainable, "frozen": frozen,
            "parameters": trainable + frozen, "layers": [vars(row) for row in rows],
        })  # fmt: skip
        return 0
    put_table([("#", "layer", "output", "parameters", "trains")] + [
        ("-" if row.index is None else str(row.index), row.name, "x".join(map(str, row.shape)), f"{row.parameters:,}",
         "" if row.trains is None else "yes" if row.trains else "frozen")
        for row in rows
    ])  # fmt: skip
    put()
    put(f"{trainable + frozen:,} parameters: {trainable:,} train, {frozen:,} are frozen.")
    put(f"An epoch on kept activations takes about {chosen.epoch_share:.0%} of the work of one without.")
    return 0


def doctor(clear_cache: bool, as_json: bool) -> int:
    """`covid-tui doctor`."""
    from engine.caches import clear
    from engine.doctor import examine
    from engine.runtime import cache_dir

    if clear_cache:
        say(f"{clear(cache_dir()) / 1e6:,.1f} MB removed from the caches.")
    found = examine()
    if as_json:
        put_json(found)
        return 0
    for name, value in found.items():
        if isinstance(value, dict):
            put(f"{name}")
            put_table([(f"  {key}", str(item)) for key, item in value.items()])
        else:
            put(f"{name}: {value}")
    return 0


def log_crash() -> Path:
    """Keep the traceback of the error at hand where the user can find it."""
    from engine.runtime import cache_dir

    path = cache_dir() / "error.log"
    with open_private(path, "a") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{traceback.format_exc()}\n")
    return path


def put_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows of texts in aligned columns on stdout, the first row being the header; numbers align right."""
    from rich.cells import cell_len

    shown = [[display_name(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    numeric = [all(c[:1].isdigit() or c in ("-", "") for c in col) for col in zip(*shown[1:], strict=True)]
    for row in shown:
        cells = []
        for cell, width, right in zip(row, widths, numeric or [False] * len(widths), strict=True):
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if right else cell + space)
        put("  ".join(cells).rstrip())


def _run_facts(run: run_directories.Run) -> dict[str, Any]:
    finished, epochs = run.finished(), run.epochs()
    try:
        mode: str = run.config().network.mode
    except CovidTuiError as error:
        mode = f"unreadable: {error}"
    return {
        "name": run.name,
        "run": str(run.path),
        "state": run.state(),
        "mode": mode,
        "epochs": len(epochs),
        "val_accuracy": max((epoch.val_accuracy for epoch in epochs), default=None),
        "test": finished.test if finished else None,
        "seconds": finished.seconds if finished else None,
    }


def _put_facts(facts: dict[str, Any]) -> None:
    seen = facts["network_input"]
    put(facts["file"])
    put(f"  {facts['format']}, {facts['width']}x{facts['height']}, mode {facts['mode']}, {facts['bit_depth']} bit")
    put(f"  intensity {facts['minimum']} to {facts['maximum']}, mean {facts['mean']:.0f}, sd {facts['std']:.0f}")
    put(f"  {bars(facts['histogram'])}  histogram, black to white")
    put(f"  EXIF orientation {facts['orientation']}" + ("" if facts["orientation"] == 1 else " (undone)"))
    put(f"  the network sees {seen['size'][0]}x{seen['size'][1]}, mean {seen['mean']:.0f}")
    for note in facts["notes"]:
        put(f"  note: {note}")


def bars(counts: Sequence[int]) -> str:
    """A histogram in one line of block characters."""
    top = max(counts) or 1
    return "".join(" ▁▂▃▄▅▆▇█"[-(-8 * count // top)] for count in counts)


def _put_predictions(lines: Iterable[dict[str, Any]], classes: Sequence[str]) -> None:
    rows = [("file", "label", *classes)]
    for line in lines:
        if "error" in line:
            rows.append((line["file"], f"error: {line['error']}", *("" for _ in classes)))
        else:
            rows.append((line["file"], line["label"], *(f"{p:.4f}" for p in line["probabilities"].values())))
    put_table(rows)


def _counts(counts: dict[str, int]) -> str:
    items = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name}" if len(items) == 1 else f"{name} ({n:,})" for name, n in items[:3]) + (
        f" and {len(items) - 3} more" if len(items) > 3 else ""
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _interval(ends: Sequence[float] | None) -> str:
    return "-" if ends is None else f"{ends[0]:.1%} to {ends[1]:.1%}"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
