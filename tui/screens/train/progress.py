"""How far a run is, in a few lines: the epoch at hand, the whole, the time left, and how it ended."""

from textual.content import Content

from engine.base.events import Failed, Finished, Interrupted, Progress
from engine.runs.directory import state_at
from engine.runs.watch import RunView
from tui.widgets.safe_cells import content
from tui.words.glyphs import Glyphs
from tui.words.headline import headline
from tui.words.numbers import duration

BAR = 24
STOPPING = {"keep": "stops after the batch at hand, then tests the best epoch", "now": "stops after the batch at hand"}


def course(view: RunView, glyphs: Glyphs) -> list[Content]:
    """The lines."""
    rows: list[Content] = []
    if view.live and (view.progress or view.doing):
        rows.append(content(_task(view.progress, glyphs) if view.progress else f"{view.doing} ..."))
    elif view.live and view.batch:
        b = view.batch
        left = duration(view.seconds_left_of_epoch())
        text = f"epoch {b.epoch:>4}  {glyphs.bar(b.step / b.steps, BAR)}  {b.step}/{b.steps}"
        rows.append(content(f"{text}  {b.images_per_second:,.0f} images/s" + (f"  {left} left" if left else "")))
    if view.live and view.started:
        left = duration(view.seconds_left())
        what = "rungs" if view.unit == "rung" else "whole"
        text = f"{what}       {glyphs.bar(view.share, BAR)}  {view.done}/{view.started.epochs}"
        rows.append(content(text + (f"  {left} left" if left else "") + _phase(view) + _patience(view)))
    elif view.live and not rows:
        rows.append(content("starting ..."))
    if view.live and view.stopping:
        rows.append(content(f"{glyphs.stopped} {STOPPING[view.stopping]}", "bold $warning"))
    return rows + _end(view, glyphs)


def _task(task: Progress, glyphs: Glyphs) -> str:
    """How far a task is; its name alone where nobody knows."""
    if task.total is None:
        return f"{task.task}  {task.done:,}" if task.done else f"{task.task} ..."
    return f"{task.task}  {glyphs.bar(task.done / max(1, task.total), BAR)}  {task.done:,} of {task.total:,}"


def _phase(view: RunView) -> str:
    phase = view.phase
    return f"  phase {phase.number} of {phase.count}" if phase and phase.count > 1 else ""


def _patience(view: RunView) -> str:
    return "  patience {} of {}".format(*view.patience) if view.patience else ""


def _end(view: RunView, glyphs: Glyphs) -> list[Content]:
    match view.end:
        case Finished() as end:
            shut = f"{headline('validation', end.val)}; the test part is still shut"
            text = headline("test", end.test) if end.test else shut
            if end.through:
                return [content(f"{glyphs.finished} {text}", "bold $success")]
            state = state_at(end)
            rows = [content(f"{glyphs.state(state)} {state}: {text}", "bold $warning")]
            return [*rows, content("Not all of its recipe is done: r on the screen Runs goes on with it.", "$warning")]
        case Interrupted():
            return [content(f"{glyphs.stopped} {view.end.reason}", "$warning")]
        case Failed():
            return [content(f"{glyphs.failed} {view.end.reason}", "bold $error")]
    if view.state == "died":
        return [content(f"{glyphs.died} Its process died; what it had kept is still there.", "$warning")]
    return []
