"""What is open while somebody works by questions: the folder, the recipe and the runs; and how a command is run."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.wording import listing
from engine.recipe.config import TrainConfig
from engine.recipe.fields import Field, Tree, parts
from tui.cli.console import put_command
from tui.state.memory import Memory
from tui.words import settings

NO_FOLDER = tr("Open a folder first: answer 1.")
NO_RUN = tr("There are no runs in {out} yet: answer 3 makes one.")
Run = Callable[[list[str]], int]
"""Runs a command line; its exit code."""


class Bench:
    """A folder, a recipe and the runs; `memory` knows the folders of other times, `run` runs a command."""

    def __init__(self, data: Path | None, out: Path, run: Run, memory: Memory) -> None:
        self.data, self.out, self.memory = data, out, memory
        self._run, self._recipes = run, [settings.load().recipe]

    @property
    def recipe(self) -> TrainConfig:
        """The recipe of the next training. Whatever is set here can be undone."""
        return self._recipes[-1]

    @recipe.setter
    def recipe(self, recipe: TrainConfig) -> None:
        if recipe != self._recipes[-1]:
            self._recipes.append(recipe)

    def undo(self) -> bool:
        """Take the last change of the recipe back; False where there is none."""
        if len(self._recipes) == 1:
            return False
        self._recipes.pop()
        return True

    @property
    def folder(self) -> Path:
        """The folder that is open. Raises ConfigError where none is."""
        if self.data is None:
            raise ConfigError(NO_FOLDER)
        return self.data

    def command(self, *arguments: object) -> int:
        """Say a command and run it; its exit code."""
        words = [str(argument) for argument in arguments]
        self.tell(words)
        return self._run(words)

    def tell(self, words: Sequence[str]) -> None:
        """Say which command does the same."""
        put_command(tr("This is: covid-tui {words}", words=shlex.join(words)))

    def recipe_flags(self, *groups: str) -> list[str]:
        """What is not usual of the recipe, as flags; of these groups alone where some are named."""
        return [flag(field, value) for field, value in unusual(self.recipe, groups)]

    def changed(self) -> str:
        """What is not usual of the recipe beside who chooses, by the names of its fields."""
        return listing(
            f"{field.name.replace('_', ' ')} {field.text(value)}"
            for field, value in unusual(self.recipe)
            if field.name != "recipe"
        ) or tr("as usual")


def unusual(tree: Tree, groups: Sequence[str] = ()) -> list[tuple[Field, object]]:
    """The fields with a value that is not the usual one; of these groups alone where some are named."""
    fields = (field for part in parts(type(tree)) for field in part.fields)
    found = ((field, field.value(tree)) for field in fields if not groups or field.part in groups)
    return [(field, value) for field, value in found if value != field.default and field.name != "out"]


def flag(field: Field, value: object) -> str:
    """A field with a value as a flag of a command."""
    if isinstance(value, bool):
        return field.flag if value else f"--no-{field.flag[2:]}"
    return f"{field.flag}={field.text(value)}"


def told(tree: Tree) -> str:
    """All fields of the first group, with their values."""
    fields = parts(type(tree))[0].fields
    return listing(f"{field.name.replace('_', ' ')} {field.text(field.value(tree)) or tr('empty')}" for field in fields)
