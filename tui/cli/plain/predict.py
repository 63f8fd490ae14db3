"""A prediction by questions: first the answer, then what else can be asked of it, again and again."""

import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from engine.base.errors import DataError
from engine.base.language import tr
from engine.base.wording import whole_percent
from engine.recipe.fields import as_path
from engine.runs.directory import WEIGHTS, all_runs
from tui.cli.console import put
from tui.cli.plain.ask import asked, choose, new_file
from tui.cli.plain.bench import NO_RUN, Bench

ALIKE = 5
"""Training images that are named."""
ABOUT = tr(
    "X-rays of the kind that the model was trained on. Several are typed with spaces between them; a path with spaces "
    "stands in quotes."
)


@dataclass(frozen=True)
class Wanted:
    """What is asked about these images; a run of None is the newest one, a level of None the usual one."""

    paths: tuple[Path, ...]
    run: Path | None = None
    level: float | None = None
    risk: float | None = None
    alike: bool = False

    def words(self, out: Path) -> list[str]:
        """As a command line."""
        words = ["predict", *map(str, self.paths), "--out", str(out)]
        words += ["--run", str(self.run)] if self.run else []
        words += ["--level", f"{self.level:g}"] if self.level else []
        words += ["--risk", f"{self.risk:g}"] if self.risk else []
        return [*words, "--neighbours", str(ALIKE)] if self.alike else words


def predict(bench: Bench) -> None:
    """Ask for images, say what the model sees in them, and then what else is wanted."""
    paths = asked(tr("Path of an image, or of a folder of them"), _paths, ABOUT)
    if not paths:
        return
    wanted = Wanted(paths)
    if bench.command(*wanted.words(bench.out)) not in (0, DataError.exit_code):
        return
    answers = (
        tr("Say where the model looked"), tr("Name the training images most like it"), tr("Ask another run"),
        tr("How sure must an answer be? Refuse others"), tr("How seldom may the true class be left out?"),
        tr("Write it all as a CSV file"),
    )  # fmt: skip
    while (place := choose(tr("What else about it?"), answers)) >= 0:
        if place == 0:
            _heat(bench, wanted)
            continue
        if place == 5:
            _write(bench, wanted)
            continue
        after = _other(bench, wanted, place)
        if after != wanted or place == 1:
            wanted = after
            bench.command(*wanted.words(bench.out))


def _paths(text: str) -> tuple[Path, ...]:
    """Raises DataError where one of them is not there."""
    whole = as_path(text)
    if os.path.lexists(whole):
        return (whole,)
    try:
        named = tuple(as_path(one) for one in shlex.split(text))
    except ValueError:
        named = (whole,)
    if missing := [one for one in named if not os.path.lexists(one)]:
        raise DataError(tr("There is no {path}.", path=missing[0]))
    return named


def _other(bench: Bench, wanted: Wanted, place: int) -> Wanted:
    """The same question in another way."""
    if place == 1:
        return replace(wanted, alike=True)
    if place == 2:
        return _by_another(bench, wanted)
    if place == 3:
        from engine.evaluation.refusal import RISKS

        risks = [tr("At most {share} of the answers given are wrong", share=whole_percent(risk)) for risk in RISKS]
        which = choose(tr("Which answers are refused?"), [*risks, tr("Refuse none")])
        return wanted if which < 0 else replace(wanted, risk=RISKS[which] if which < len(RISKS) else None)
    from engine.evaluation.conformal import LEVELS

    shares = [tr("Of {share} of the images of each class it is named", share=whole_percent(level)) for level in LEVELS]
    which = choose(tr("How often is the true class to be among those that are named?"), shares)
    return wanted if which < 0 else replace(wanted, level=LEVELS[which])


def _by_another(bench: Bench, wanted: Wanted) -> Wanted:
    runs = [run for run in all_runs(bench.out) if (run.path / WEIGHTS).is_file()]
    if not runs:
        put(NO_RUN.format(out=bench.out))
        return wanted
    which = choose(tr("Which run?"), [run.name for run in runs])
    return wanted if which < 0 else replace(wanted, run=runs[which].path)


def _heat(bench: Bench, wanted: Wanted) -> None:
    files = [path for path in wanted.paths if not path.is_dir()]
    if not files:
        put(tr("That is said of single images: predict one of them."))
    for path in files:
        bench.command("explain", path, "--out", bench.out, *(["--run", wanted.run] if wanted.run else []))


def _write(bench: Bench, wanted: Wanted) -> None:
    if found := new_file(tr("Write the predictions to which file?"), ".csv"):
        bench.command(*wanted.words(bench.out), "--csv", found[0], *(["--force"] if found[1] else []))
