"""What a sweep leaves on disk beside its runs: sweep.json with every number, sweep.md with the table, sweep.svg."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from engine.base.errors import RunError
from engine.base.escape import escaped
from engine.base.files import replacing, write_json
from engine.base.result import Tested
from engine.base.typed_files import (
    Amount,
    Count,
    Ends,
    Name,
    Positive,
    Share,
    Signed,
    SignedEnds,
    UnfitError,
    checked,
    json_object,
)
from engine.base.wording import counted, noun, unwritable
from engine.evaluation.headline import Headline, percent, percents
from engine.report.document import inline
from engine.report.svg import HEIGHT, WIDTH, Axis, Dot, dots
from engine.sweep.pareto import steps

REPORT, TABLE, PLOT = "sweep.json", "sweep.md", "sweep.svg"
COSTS = (("seconds", "training seconds"), ("trainable", "parameters that train"))
HEADER = (
    "", "recipe", "validation", "95% interval", "loss", "seconds", "kept once", "trains", "lead of the best", "p"
)  # fmt: skip


def write(folder: Path, result: dict[str, Any]) -> None:
    """Write the three files, each whole or not at all. Raises RunError where the folder can't be written."""
    try:
        write_json(folder / REPORT, result)
        with replacing(folder / TABLE) as file:
            file.write(page(result).encode())
        with replacing(folder / PLOT) as file:
            file.write(svg(result["candidates"]).encode())
    except OSError as error:
        raise RunError(unwritable(folder, error)) from error


@dataclass(frozen=True)
class SweptPoint:
    """A training of the queue, as sweep.json has it."""

    name: Name
    recipe: Name
    state: str


@dataclass(frozen=True, kw_only=True)
class SweptRecipe:
    """A recipe with a finished training: what the table, the plot and the advice are drawn from."""

    name: Name
    trainable: Count
    n: Positive
    accuracy: Share
    accuracy_ci: Ends
    accuracies: Annotated[list[Share], Meta(min_length=1)]
    loss: Amount
    seconds: Amount
    filling: list[Amount]
    label: str
    frontier: bool


@dataclass(frozen=True, kw_only=True)
class SweptGap:
    """The lead of the most accurate recipe over another."""

    name: Name
    value: Signed
    ci: SignedEnds
    p: Share


@dataclass(frozen=True)
class SweptAdvice:
    """Which recipe is recommended."""

    name: Name
    best: Name
    gaps: list[SweptGap]
    sentence: str


@dataclass(frozen=True)
class SweptChoice:
    """The run whose test part was opened."""

    run: Name
    test: Tested


@dataclass(frozen=True)
class SweptGrid:
    """What was varied; see `engine.jobs.sweep.Grid`."""

    backbones: list[str]
    depths: list[str]
    lrs: list[Amount | Literal["auto"]]
    seeds: list[Count]


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What sweep.json holds."""

    grid: SweptGrid
    recipe: dict[str, dict[str, Any]]
    points: list[SweptPoint]
    candidates: list[SweptRecipe]
    advice: SweptAdvice | None
    chosen: SweptChoice | None

    def __post_init__(self) -> None:
        """Raises UnfitError where the advice is not on the recipes that there are."""
        names = {one.name for one in self.candidates}
        named = {self.advice.name, self.advice.best} if self.advice else set()
        if bool(names) != bool(named) or not named <= names:
            raise UnfitError('its "advice" names no recipe of the sweep')


def read(folder: Path) -> dict[str, Any]:
    """What sweep.json holds. Raises RunError where it is missing, or damaged so that its table can't be drawn."""
    path = folder / REPORT
    try:
        values = json_object(path)
        checked(values, Swept)
    except UnfitError as error:
        raise RunError(f"{path} is no sweep that can be read: {error}.") from None
    return values


def all_sweeps(out: Path) -> list[Path]:
    """The folders of the sweeps under `out`, newest first."""
    try:
        found = [path for path in out.absolute().iterdir() if os.path.lexists(path / REPORT)]
    except OSError:
        return []
    return sorted(found, key=lambda path: ((path / REPORT).lstat().st_mtime_ns, path.name), reverse=True)


def chosen(folder: Path) -> dict[str, Any] | None:
    """The run that was chosen and tested, where one was."""
    return read(folder).get("chosen") if os.path.lexists(folder / REPORT) else None


def rows(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """The table, a line a recipe in the order of cost; "*" marks the frontier, ">" the recommended one."""
    advice = result["advice"] or {"name": "", "gaps": ()}
    gaps = {one["name"]: one for one in advice["gaps"]}
    return [_row(one, advice["name"], gaps.get(one["name"])) for one in by_cost(result["candidates"])]


def by_cost(candidates: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The recipes, the quickest first."""
    return sorted(candidates, key=lambda one: (one["seconds"], one["trainable"]))


def _row(one: dict[str, Any], recommended: str, gap: dict[str, Any] | None) -> tuple[str, ...]:
    return (
        (">" if one["name"] == recommended else "") + ("*" if one["frontier"] else ""),
        one["name"],
        percent(one["accuracy"]),
        percents(one["accuracy_ci"]),
        f"{one['loss']:.3f}",
        f"{one['seconds']:.1f}",
        f"{sum(one['filling']):.1f}",
        f"{one['trainable']:,}",
        "-" if gap is None else f"{100 * gap['value']:.1f} ({100 * gap['ci'][0]:+.1f} to {100 * gap['ci'][1]:+.1f})",
        "-" if gap is None else f"{gap['p']:.2g}",
    )


def counts(result: dict[str, Any]) -> str:
    """How much of the grid is trained, in a sentence."""
    states = [point["state"] for point in result["points"]]
    n = result["candidates"][0]["n"] if result["candidates"] else 0
    text = f"{states.count('finished')} of {counted(len(states), 'training')} {noun(len(states), 'is', 'are')} finished"
    return f"{text}, all judged on the same {counted(n, 'validation image')}." if n else f"{text}."


def tested(result: dict[str, Any]) -> str:
    """What the test of the chosen recipe gave, or that it is still shut."""
    if not result["chosen"]:
        return "The test part is shut: no recipe was chosen yet."
    own = checked(result["chosen"]["test"], Tested)
    return f"Chosen: {result['chosen']['run']}; test {Headline.of(own).sentence()}."


def page(result: dict[str, Any]) -> str:
    """The table, what it means and the plot, as Markdown."""
    lines = ["# Sweep", "", counts(result), ""]
    if result["candidates"]:
        table = [HEADER, tuple("---" for _ in HEADER), *rows(result)]
        lines += [f"| {' | '.join(map(_plain, row))} |" for row in table]
        lines += [
            "",
            "\\* no other recipe is as accurate, as quick and as small; > recommended. Seconds: mean training time of "
            "a run, without what is computed once and kept for all seeds (beside it, the sum over the runs). Lead: how "
            "many points the most accurate recipe is ahead on the same images.",
            "",
            _plain(result["advice"]["sentence"]),
            "",
            inline(tested(result)),
            "",
            f"![Validation accuracy by cost]({PLOT})",
        ]
    return "\n".join(lines) + "\n"


def svg(candidates: Sequence[dict[str, Any]]) -> str:
    """Validation accuracy against training seconds and, beside it, against the parameters that train."""
    panels = [_panel(candidates, key, label) for key, label in COSTS] if candidates else []
    inside = [
        panel.replace("<svg ", f'<svg x="{place * WIDTH}" y="0" ', 1).replace('role="img"', "")
        for place, panel in enumerate(panels)
    ]
    size = f'viewBox="0 0 {2 * WIDTH} {HEIGHT}" width="{2 * WIDTH}" height="{HEIGHT}"'
    back = f'<rect width="{2 * WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{back}{"".join(inside)}</svg>\n'


def _panel(candidates: Sequence[dict[str, Any]], key: str, label: str) -> str:
    costs = [max(float(one[key]), 0.01) for one in candidates]
    lowest = min(one["accuracy_ci"][0] for one in candidates)
    x = Axis(f"{label} (logarithmic)", min(costs) / 1.3, max(costs) * 1.3, log=True)
    y = Axis("validation accuracy", int(lowest * 20) / 20, 1.0)
    points = [
        Dot(one["label"], cost, one["accuracy_ci"][0], one["accuracy"], one["accuracy_ci"][1],
            one["frontier"])
        for one, cost in zip(candidates, costs, strict=True)
    ]  # fmt: skip
    return dots(points, steps([(point.x, point.value) for point in points]), x, y)


def _plain(text: str) -> str:
    return escaped(text).replace("|", "\\|").replace(">", "\\>")
