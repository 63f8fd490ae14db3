"""How far a run is, in a few lines: the epoch at hand, the whole, the time left, and how it ended."""

from textual.content import Content

from engine.base.events import Failed, Finished, Interrupted, Progress
from engine.base.language import tr
from engine.runs.directory import state_at
from engine.runs.watch import RunView
from tui.widgets.safe_cells import content
from tui.words.cells import padded
from tui.words.glyphs import Glyphs
from tui.words.headline import headline
from tui.words.numbers import duration
from tui.words.recipe_terms import in_recipe_terms

BAR, NAMED = 24, 10
STOPPING = {
    "keep": tr("stops after the batch at hand, then tests the best epoch"),
    "now": tr("stops after the batch at hand"),
}


def course(view: RunView, glyphs: Glyphs) -> list[Content]:
    """The lines."""
    rows: list[Content] = []
    if view.live and (view.progress or view.doing):
        rows.append(content(_task(view.progress, glyphs) if view.progress else f"{view.doing} ..."))
    elif view.live and view.batch:
        b = view.batch
        left = duration(view.seconds_left_of_epoch())
        label = padded(tr("epoch {number:>4}", number=b.epoch), NAMED)
        pace = tr("{pace:,.0f} images/s", pace=b.images_per_second)
        far = [label, glyphs.bar(b.step / b.steps, BAR), f"{b.step}/{b.steps}", pace, _left(left)]
        rows.append(content("  ".join(filter(None, far))))
    if view.live and view.started:
        left = duration(view.seconds_left())
        label = padded(tr("rungs") if view.unit == "rung" else tr("whole"), NAMED)
        far = [label, glyphs.bar(view.share, BAR), f"{view.done}/{view.started.epochs}", _left(left)]
        rows.append(content("  ".join(filter(None, [*far, _phase(view), _patience(view)]))))
    elif view.live and not rows:
        rows.append(content(tr("starting ...")))
    if view.live and view.stopping:
        rows.append(content(f"{glyphs.stopped} {STOPPING[view.stopping]}", "bold $warning"))
    return rows + _end(view, glyphs)


def _task(task: Progress, glyphs: Glyphs) -> str:
    """How far a task is; its name alone where nobody knows."""
    if task.total is None:
        return f"{task.title}  {task.done:,}" if task.done else f"{task.title} ..."
    bar = glyphs.bar(task.done / max(1, task.total), BAR)
    return tr("{task}  {bar}  {done:,} of {total:,}", task=task.title, bar=bar, done=task.done, total=task.total)


def _left(left: str) -> str:
    return tr("{left} left", left=left) if left else ""


def _phase(view: RunView) -> str:
    phase = view.phase
    if phase is None or phase.count < 2:
        return ""
    return tr("phase {number} of {count}", number=phase.number, count=phase.count)


def _patience(view: RunView) -> str:
    if not view.patience:
        return ""
    return tr("patience {used} of {allowed}", used=view.patience[0], allowed=view.patience[1])


def _end(view: RunView, glyphs: Glyphs) -> list[Content]:
    match view.end:
        case Finished() as end:
            shut = tr("{headline}; the test part is still shut", headline=headline(tr("validation"), end.val))
            text = headline(tr("test"), end.test) if end.test else shut
            if end.through:
                return [content(f"{glyphs.finished} {text}", "bold $success")]
            state = state_at(end)
            rows = [
                content(f"{glyphs.state(state)} {tr('{state}: {text}', state=tr(state), text=text)}", "bold $warning")
            ]
            return [
                *rows,
                content(tr("Not all of its recipe is done: r on the screen Runs goes on with it."), "$warning"),
            ]
        case Interrupted():
            return [content(f"{glyphs.stopped} {in_recipe_terms(view.end.reason)}", "$warning")]
        case Failed():
            return [content(f"{glyphs.failed} {in_recipe_terms(view.end.reason)}", "bold $error")]
    if view.state == "died":
        return [content(f"{glyphs.died} {tr('Its process died; what it had kept is still there.')}", "$warning")]
    return []
