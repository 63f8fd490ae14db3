"""What each verb does: one call of the engine, and its result as text or JSON. Every function gives an exit code."""

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from engine.base.context import Context
from engine.base.crash_log import keep_details
from engine.base.errors import ConfigError, CovidTuiError, DataError, RunError
from engine.base.events import Event, Failed, Finished, Helped, Interrupted
from engine.base.streams import as_written
from engine.base.typed_files import plain
from engine.recipe.config import NetworkConfig, TrainConfig
from engine.runs import directory as run_directories
from tui.cli.progress import also_in, in_thread, put, put_json, reporting, say, stop_on_signals
from tui.words.error_text import error_sentence, expected
from tui.words.event_text import summary
from tui.words.numbers import as_interval, as_number, as_share, histogram_line
from tui.words.safe_text import display_name

SECONDS_BETWEEN_LOOKS = 0.5


def train(data: Path | None, config: TrainConfig, as_json: bool, resume: Path | None = None) -> int:
    """`covid-tui train`."""
    from engine.jobs import train as jobs
    from engine.training.cluster import seat

    with stop_on_signals() as (stop, signals), reporting(as_json) as tell:
        failed: list[Failed] = []

        def emit(event: Event) -> None:
            """Tell it, but for the end by an error, which is told below: once, wherever the error came from."""
            if isinstance(event, Failed):
                failed.append(event)
            else:
                tell(event)

        work: Callable[[], jobs.End]
        if not seat(config.machine.devices).chief:
            work = partial(jobs.assist, data, config, Context(emit, stop))
        elif resume:
            run = run_directories.find(resume, config.output.out)
            work = partial(jobs.resume, run, config, Context(emit, stop), data)
        elif data:
            work = partial(jobs.train, data, config, Context(emit, stop))
        else:
            raise ConfigError("Name the folder of X-rays to train on: covid-tui --train DATA.")
        try:
            result = in_thread(work, signals)
        except CovidTuiError as error:
            if signals:
                say(error)
                return 128 + signals[0]
            if as_json:
                tell(Failed(str(error)))
            raise
        except Exception:
            for event in failed if as_json else ():
                tell(event)
            raise
    if isinstance(result, Interrupted):
        return 128 + signals[0] if signals else 0
    if isinstance(result, Helped):
        emit(result)
    elif not as_json:
        with also_in(result.run):
            for line in summary(result):
                put(line)
    return 0


def inspect(files: Sequence[Path], backbone: str, as_json: bool) -> int:
    """`covid-tui inspect`."""
    from engine.data.image.inspect import inspect as inspect_file
    from engine.data.image.reader import ImageError
    from engine.network.backbones import backbone as named

    size = named(backbone).size

    if not files:
        raise ConfigError("Name at least one image file to inspect.")
    code = 0
    for file in files:
        try:
            facts = inspect_file(file, size)
        except ImageError as error:
            code = DataError.exit_code
            if as_json:
                put_json({"file": str(file), "error": error.reason})
            else:
                say(f"covid-tui: {error}")
            continue
        put_json(facts) if as_json else _put_facts(facts)
    return code


def attach(run: Path, out: Path) -> int:
    """`covid-tui attach`."""
    chosen = run_directories.find(run, out)
    if sys.stdin.isatty() and sys.stdout.isatty():
        from tui.cli.workbench import open_workbench

        return open_workbench(None, chosen.path.parent, None, None, attached=chosen.path)
    from engine.runs.watch import Tail

    tail = Tail(chosen)
    with stop_on_signals() as (stop, signals), reporting(as_json=False) as emit:
        while not stop.is_set():
            live = chosen.state() == "live"
            while events := tail.read():
                for event in events:
                    emit(event)
                    for line in summary(event) if isinstance(event, Finished) else ():
                        put(line)
            if not live:
                if tail.trouble:
                    raise RunError(tail.trouble)
                return 0
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return 128 + signals[0]


def runs(out: Path, as_json: bool) -> int:
    """`covid-tui runs`."""
    rows = [("run", "state", "mode", "epochs", "validation", "test", "95% interval", "seconds")]
    troubles = []
    for run in run_directories.all_runs(out):
        facts = _run_facts(run)
        troubles += [facts["error"]] if facts["error"] else []
        if as_json:
            put_json(facts)
            continue
        test = facts["test"] or {}
        rows.append((
            facts["name"], facts["state"], facts["mode"] or "unreadable", as_number(facts["epochs"], 0),
            as_share(facts["val_accuracy"]),
            as_share(test.get("accuracy")), as_interval(test.get("accuracy_ci")), as_number(facts["seconds"], 1),
        ))  # fmt: skip
    if not as_json:
        put_table(rows) if len(rows) > 1 else say(f"There are no runs under {out}.")
        for trouble in troubles:
            say(trouble)
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
    put_table([("#", "layer", "block", "output", "parameters", "trains")] + [
        ("-" if row.index is None else str(row.index), row.name, row.block, "x".join(map(str, row.shape)),
         f"{row.parameters:,}", "" if row.trains is None else "yes" if row.trains else "frozen")
        for row in rows
    ])  # fmt: skip
    put()
    put(f"{trainable + frozen:,} parameters: {trainable:,} train, {frozen:,} are frozen.")
    put(f"An epoch on kept activations takes about {chosen.epoch_share:.0%} of the work of one without.")
    return 0


def doctor(clear_cache: bool, repair: bool, out: Path, as_json: bool) -> int:
    """`covid-tui doctor`."""
    from engine.base.cache import clear
    from engine.base.runtime import cache_dir
    from engine.jobs.doctor import examine, half_written
    from engine.jobs.repair import mend

    if clear_cache:
        say(f"{clear(cache_dir()) / 1e6:,.1f} MB removed from the caches.")
    left = half_written(out)
    mended = [repair and mend(item) for item in left]
    found = examine()
    if as_json:
        items = [{**item.to_dict(), "repaired": done} for item, done in zip(left, mended, strict=True)]
        put_json({**found, "half-written": items})
        return 0
    for name, value in found.items():
        if isinstance(value, dict):
            put(f"{name}")
            put_table([(f"  {key}", str(item)) for key, item in value.items()])
        else:
            put(f"{name}: {value}")
    put("half-written" if left else "half-written: nothing")
    for item, done in zip(left, mended, strict=True):
        remedy = item.remedy if done or item.by_hand else f"--repair: {item.remedy}"
        put(f"  {item.path}: {item.what} ({remedy})")
    return 0


def say_error(error: Exception) -> int:
    """Say in one sentence what went wrong; gives the exit code."""
    if isinstance(error, CovidTuiError):
        say(f"covid-tui: {error}")
        return error.exit_code
    say(f"covid-tui: {_unforeseen(error)}")
    return 1


def _unforeseen(error: Exception) -> str:
    """A sentence on an error that no other place foresaw; its traceback is kept where the user can find it."""
    sentence = error_sentence(error)
    if expected(error):
        return sentence
    try:
        return f"{sentence} The details are in {log_crash()}."
    except OSError:
        return f"{sentence} There is no room to keep the details."
    except CovidTuiError as refused:
        return f"{sentence} The details can't be kept: {refused}"


def log_crash() -> Path:
    """Keep the traceback of the error at hand where the user can find it.

    Raises OSError or a CovidTuiError where that is impossible.
    """
    from engine.base.runtime import cache_dir

    path = cache_dir() / "error.log"
    keep_details(path, traceback.format_exc())
    return path


def put_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows of texts in aligned columns on stdout, the first row being the header; numbers align right."""
    from rich.cells import cell_len

    shown = [[as_written(display_name(cell)) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    numeric = [all(c[:1].isdigit() or c in ("-", "") for c in col) for col in zip(*shown[1:], strict=True)]
    for row in shown:
        cells = []
        for cell, width, right in zip(row, widths, numeric or [False] * len(widths), strict=True):
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if right else cell + space)
        put("  ".join(cells).rstrip())


def _run_facts(run: run_directories.Run) -> dict[str, Any]:
    """What the list says of a run; None for what can't be read, and in "error" why."""
    facts: dict[str, Any] = {
        "name": run.name, "run": str(run.path), "state": run.state(), "mode": None, "epochs": None,
        "val_accuracy": None, "test": None, "seconds": None, "error": None,
    }  # fmt: skip
    try:
        finished, epochs = run.finished(), run.epochs()
        facts |= {
            "epochs": len(epochs),
            "val_accuracy": max((epoch.val_accuracy for epoch in epochs), default=None),
            "test": plain(finished.test) if finished else None,
            "seconds": finished.seconds if finished else None,
        }
        facts["mode"] = run.config().network.mode
        run.folder()
    except CovidTuiError as error:
        facts["error"] = str(error)
    return facts


def _put_facts(facts: dict[str, Any]) -> None:
    seen = facts["network_input"]
    put(facts["file"])
    put(f"  {facts['format']}, {facts['width']}x{facts['height']}, mode {facts['mode']}, {facts['bit_depth']} bit")
    put(f"  intensity {facts['minimum']} to {facts['maximum']}, mean {facts['mean']:.0f}, sd {facts['std']:.0f}")
    put(f"  {histogram_line(facts['histogram'])}  histogram, black to white")
    put(f"  EXIF orientation {facts['orientation']}" + ("" if facts["orientation"] == 1 else " (undone)"))
    put(f"  the network sees {seen['size'][0]}x{seen['size'][1]}, mean {seen['mean']:.0f}")
    for line in facts["dicom"]["told"] if facts["dicom"] else ():
        put(f"  {line}")
    for note in facts["notes"]:
        put(f"  note: {note}")
