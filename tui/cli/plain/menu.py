"""What can be done, as a menu: each answer is a command of the command line, which is said before it runs."""

import dataclasses
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.base.errors import ConfigError, CovidTuiError
from engine.base.language import tr
from engine.recipe.config import followed
from engine.recipe.fields import Field, as_path, change, parts
from tui.cli.console import drawing_off, put, say
from tui.cli.plain.ask import agreed, choose, typed
from tui.words import settings

NO_FOLDER = tr("Open a folder first: answer 1.")
NOT_FOR_DIAGNOSIS = tr("For research and teaching only, not for diagnosis.")
Run = Callable[[list[str]], int]
"""Runs a command line; its exit code."""


class Menu:
    """A folder, a recipe and the runs, and what is asked about them; `run` runs a command."""

    def __init__(self, data: Path | None, out: Path, run: Run) -> None:
        self.data, self.out, self.recipe = data, out, settings.load().recipe
        self._run = run

    def loop(self) -> None:
        """Ask what to do until somebody leaves. Raises Left where the input ends."""
        put(
            tr(
                "covid-tui, in lines. {warning} Type the number of an answer and enter. Ctrl-C stops a job.",
                warning=NOT_FOR_DIAGNOSIS,
            )
        )
        actions: tuple[tuple[str, Callable[[], object]], ...] = (
            (tr("Open a folder of X-rays"), self._open),
            (tr("Say what the folder holds"), self._scan),
            (tr("Train a model on it"), self._train),
            (tr("Change the recipe of the training"), self._recipe),
            (tr("Look at the runs and their results"), self._runs),
            (tr("Predict images"), self._predict),
            (tr("Audit: does a model learn from the lungs?"), lambda: self._on_data("audit")),
            (tr("Sweep: which layers are worth training?"), lambda: self._on_data("sweep", "--name", "sweep")),
            (tr("Review doubtful labels"), self._review),
            (tr("Say what more images would bring"), lambda: self._on_data("curve")),
            (tr("Say which layers train"), lambda: self.command("layers", *self._flags(("network",)))),
            (tr("Look after this installation"), lambda: self.command("doctor")),
        )
        while True:
            try:
                place = choose(
                    tr("Folder: {folder}. What next?", folder=self.data or tr("none")),
                    [text for text, _ in actions],
                    tr("Leave"),
                )
                if place < 0:
                    return
                actions[place][1]()
            except KeyboardInterrupt:
                put("")
            except CovidTuiError as error:
                say(error)

    def command(self, *arguments: object) -> int:
        """Say a command and run it, with what draws left out."""
        words = [str(argument) for argument in arguments]
        put(tr("This is: covid-tui {words}", words=shlex.join(words)))
        with drawing_off():
            return self._run(words)

    def _on_data(self, verb: str, *more: object) -> int:
        if self.data is None:
            raise ConfigError(NO_FOLDER)
        groups = {"train": None, "curve": ("data", "network", "machine")}.get(verb, ("data", "machine"))
        place = ("--out", self.out) if verb != "curve" else ()
        return self.command(verb, self.data, *place, *self._flags(groups), *more)

    def _flags(self, groups: Sequence[str] | None) -> list[str]:
        """What is not usual of the recipe, as flags; of these groups alone where some are named."""
        found = []
        for field in (field for part in parts() for field in part.fields):
            value = field.value(self.recipe)
            if value == field.default or field.name == "out" or (groups is not None and field.part not in groups):
                continue
            if isinstance(value, bool):
                found.append(field.flag if value else f"--no-{field.flag[2:]}")
            else:
                found.append(f"{field.flag}={field.text(value)}")
        return found

    # The answers

    def _open(self) -> None:
        folder = as_path(typed(tr("Path of the folder")))
        if not folder.is_dir():
            raise ConfigError(tr("{folder} is no folder; the one that was open stays.", folder=folder))
        self.data = folder
        self._scan()

    def _scan(self) -> None:
        if self.data is None:
            raise ConfigError(NO_FOLDER)
        wanted = self.recipe.data
        classes = [f"--classes={wanted.classes}"] if wanted.classes else []
        self.command("scan", self.data, *classes)

    def _train(self) -> None:
        if self.data is None:
            raise ConfigError(NO_FOLDER)
        changed = " ".join(self._flags(None)) or tr("as usual")
        if agreed(
            tr(
                "The recipe is {recipe}, {changed}. Start the training?",
                recipe=self.recipe.choice.recipe,
                changed=changed,
            ),
            tr("Start"),
        ):
            self._on_data("train")

    def _recipe(self) -> None:
        while (place := choose(tr("Which group of the recipe?"), [part.name for part in parts()])) >= 0:
            part = parts()[place]
            fields = [field for field in part.fields if field.name != "out"]
            texts = [f"{field.name.replace('_', ' ')}: {self._shown(field)}" for field in fields]
            if (which := choose(part.help, texts)) >= 0:
                self._set(fields[which])

    def _shown(self, field: Field) -> str:
        return field.text(field.value(self.recipe)) or tr("empty")

    def _set(self, field: Field) -> None:
        from engine.network.freezing import plan

        put(field.help)
        if field.choices:
            place = choose(tr("It is {value}.", value=self._shown(field)), field.choices)
            if place < 0:
                return
            text = field.choices[place]
        else:
            text = typed(tr("It is {value}. New value, or nothing for the usual one", value=self._shown(field)))
        before = self.recipe
        value = field.parse(text) if text else field.default
        changed = dataclasses.replace(before, **{field.part: change(before, field, value, plan)})
        self.recipe = followed(before, changed)
        if self.recipe != changed:
            put(tr("The recipe is report now, as this says how to train."))

    def _runs(self) -> None:
        from engine.runs.directory import all_runs

        runs = all_runs(self.out)
        if not runs:
            put(tr("There are no runs in {out} yet: answer 3 makes one.", out=self.out))
            return
        self.command("runs", "--out", self.out)
        place = choose(tr("Which run?"), [run.name for run in runs])
        if place >= 0:
            self._about_run(runs[place].path, [run.path for run in runs])

    def _about_run(self, run: Path, every: Sequence[Path]) -> None:
        from engine.evaluation.result_files import TEST

        opened = (run / TEST).exists()
        answers = (
            tr("Its result") if opened else tr("Its result, which opens its test part, once"), tr("Go on with it"),
            tr("Compare it with another one"), tr("Write its card"), tr("Export its model"),
        )  # fmt: skip
        while (place := choose(tr("{name}: what about it?", name=run.name), answers)) >= 0:
            if place == 0:
                self.command("evaluate", run)
            elif place == 1:
                self.command("train", "--resume", run)
            elif place == 2:
                others = [other for other in every if other != run]
                if (which := choose(tr("With which?"), [other.name for other in others])) >= 0:
                    self.command("compare", run, others[which])
            elif place == 3:
                self.command("report", run)
            else:
                formats = ("keras", "savedmodel", "onnx", "litert")
                if (which := choose(tr("In which format?"), formats)) >= 0:
                    self.command("export", run, "--format", formats[which])

    def _predict(self) -> None:
        asked = typed(tr("Path of an image, or of a folder of them"))
        if not asked:
            return
        path = as_path(asked)
        code = self.command("predict", path, "--out", self.out)
        if code == 0 and path.is_file() and agreed(tr("Say where the model looked?"), tr("Say it")):
            self.command("explain", path, "--out", self.out)

    def _review(self) -> None:
        from tui.cli.plain.review import review_by_lines

        if self.data is None:
            raise ConfigError(NO_FOLDER)
        review_by_lines(self.data, self.out, self.recipe)
