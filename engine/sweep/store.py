"""What a sweep leaves on disk beside its runs: sweep.json with every number, sweep.md with the table, sweep.svg."""

import os
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from engine.base.errors import ConfigError, RunError
from engine.base.escape import escaped
from engine.base.files import replacing, write_json
from engine.base.language import tr, trn
from engine.base.typed_files import Stamp, UnfitError, checked, json_object, plain, stamp_of
from engine.base.wording import counted, unwritable, without_stop
from engine.evaluation.headline import Headline, percent, percents
from engine.report.document import inline
from engine.report.svg import HEIGHT, WIDTH, Axis, Dot, dots
from engine.sweep.pareto import steps, told_anew
from engine.sweep.result import Gap, Swept, SweptChoice, SweptRecipe

REPORT, TABLE, PLOT = "sweep.json", "sweep.md", "sweep.svg"
MOST = 256
"""Sweeps that are remembered."""
COSTS = (("seconds", tr("training seconds")), ("trainable", tr("parameters that train")))
HEADER = (
    "", tr("recipe"), tr("validation"), tr("95% interval"), tr("loss"), tr("seconds"), tr("kept once"), tr("trains"),
    tr("lead of the best"), "p",
)  # fmt: skip


def write(folder: Path, result: Swept) -> None:
    """Write the three files, each whole or not at all. Raises RunError where the folder can't be written."""
    try:
        write_json(folder / REPORT, plain(result))
        with replacing(folder / TABLE) as file:
            file.write(page(result).encode())
        with replacing(folder / PLOT) as file:
            file.write(svg(result.candidates).encode())
    except OSError as error:
        raise RunError(unwritable(folder, error)) from error


def read(folder: Path) -> Swept:
    """What sweep.json holds; it is decoded again only where the file is another. Raises RunError where it is missing or
    damaged.
    """
    found = _read(folder / REPORT, stamp_of(folder / REPORT))
    if isinstance(found, str):
        raise RunError(found)
    return found


@lru_cache(MOST)
def _read(path: Path, stamp: Stamp | None) -> Swept | str:
    """What the file holds, told in the language at hand, or why that can't be read."""
    try:
        return told_anew(checked(json_object(path), Swept))
    except (ConfigError, UnfitError) as error:
        return tr("{path} is no sweep that can be read: {why}.", path=path, why=without_stop(str(error)))
    except RunError as error:
        return str(error)


def fresh_name(out: Path) -> str:
    """A name by date and time for a new sweep under `out`, which nothing there has."""
    stamp = f"{time.strftime('%Y%m%d-%H%M')}-sweep"
    names = (stamp, *(f"{stamp}-{number}" for number in range(2, 1000)))
    return next(name for name in names if not os.path.lexists(out / name))


def all_sweeps(out: Path) -> list[Path]:
    """The folders of the sweeps under `out`, newest first."""
    try:
        found = [path for path in out.absolute().iterdir() if os.path.lexists(path / REPORT)]
    except OSError:
        return []
    return sorted(found, key=lambda path: ((path / REPORT).lstat().st_mtime_ns, path.name), reverse=True)


def chosen(folder: Path) -> SweptChoice | None:
    """The run that was chosen and tested, where one was."""
    return read(folder).chosen if os.path.lexists(folder / REPORT) else None


def rows(result: Swept) -> list[tuple[str, ...]]:
    """The table, a line a recipe in the order of cost; "*" marks the frontier, ">" the recommended one."""
    return [_row(one, one == result.recommended, result.gap(one.name)) for one in result.by_cost()]


def _row(one: SweptRecipe, recommended: bool, gap: Gap | None) -> tuple[str, ...]:
    return (
        (">" if recommended else "") + ("*" if one.frontier else ""),
        one.name,
        percent(one.accuracy),
        percents(one.accuracy_ci),
        "-" if one.loss is None else f"{one.loss:.3f}",
        f"{one.seconds:.1f}",
        f"{sum(one.filling):.1f}",
        f"{one.trainable:,}",
        "-" if gap is None else _lead(gap),
        "-" if gap is None else f"{gap.p:.2g}",
    )


def _lead(gap: Gap) -> str:
    low, high = gap.ci
    return tr("{lead:.1f} ({low:+.1f} to {high:+.1f})", lead=100 * gap.value, low=100 * low, high=100 * high)


def counts(result: Swept) -> str:
    """How much of the grid is trained, in a sentence."""
    total, n = len(result.points), result.candidates[0].n if result.candidates else 0
    finished = result.finished
    if not n:
        return trn(
            "{finished} of {number} training is finished.",
            "{finished} of {number} trainings are finished.",
            total,
            finished=finished,
        )
    return trn(
        "{finished} of {number} training is finished, judged on the same {images}.",
        "{finished} of {number} trainings are finished, judged on the same {images}.",
        total,
        finished=finished,
        images=counted(n, "validation image"),
    )


def tested(result: Swept) -> str:
    """What the test of the chosen recipe gave, or that it is still shut."""
    if not result.chosen:
        return tr("The test part is shut: no recipe was chosen yet.")
    sentence = Headline.of(result.chosen.test).sentence()
    return tr("Chosen: {run}; test {sentence}.", run=result.chosen.run, sentence=sentence)


def page(result: Swept) -> str:
    """The table, what it means and the plot, as Markdown."""
    lines = [f"# {tr('Sweep')}", "", counts(result), ""]
    if result.advice:
        table = [HEADER, tuple("---" for _ in HEADER), *rows(result)]
        lines += [f"| {' | '.join(map(_plain, row))} |" for row in table]
        lines += [
            "",
            "\\* "
            + tr(
                "no other recipe is as accurate, as quick and as small; > recommended. Seconds: mean training time of "
                "a run, without what is computed once and kept for all seeds (beside it, the sum over the runs). "
                "Lead: how many points the most accurate recipe is ahead on the same images."
            ),
            "",
            _plain(result.advice.sentence),
            "",
            inline(tested(result)),
            "",
            f"![{tr('Validation accuracy by cost')}]({PLOT})",
        ]
    return "\n".join(lines) + "\n"


def svg(candidates: Sequence[SweptRecipe]) -> str:
    """Validation accuracy against training seconds and, beside it, against the parameters that train."""
    panels = [_panel(candidates, key, label) for key, label in COSTS] if candidates else []
    inside = [
        panel.replace("<svg ", f'<svg x="{place * WIDTH}" y="0" ', 1).replace('role="img"', "")
        for place, panel in enumerate(panels)
    ]
    size = f'viewBox="0 0 {2 * WIDTH} {HEIGHT}" width="{2 * WIDTH}" height="{HEIGHT}"'
    back = f'<rect width="{2 * WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{back}{"".join(inside)}</svg>\n'


def _panel(candidates: Sequence[SweptRecipe], key: str, label: str) -> str:
    costs = [max(float(getattr(one, key)), 0.01) for one in candidates]
    lowest = min(one.accuracy_ci[0] for one in candidates)
    x = Axis(tr("{label} (logarithmic)", label=label), min(costs) / 1.3, max(costs) * 1.3, log=True)
    y = Axis(tr("validation accuracy"), int(lowest * 20) / 20, 1.0)
    points = [
        Dot(one.label, cost, one.accuracy_ci[0], one.accuracy, one.accuracy_ci[1], one.frontier)
        for one, cost in zip(candidates, costs, strict=True)
    ]  # fmt: skip
    return dots(points, steps([(point.x, point.value) for point in points]), x, y)


def _plain(text: str) -> str:
    return escaped(text).replace("|", "\\|").replace(">", "\\>")
