"""The recipes that the next training's took the place of, each with what replaced it: an undo puts them back."""

import dataclasses
from pathlib import Path

from engine.recipe.config import TrainConfig

MOST = 200
"""Changes that are kept."""


@dataclasses.dataclass(frozen=True)
class Former:
    """A recipe as it was while `folder` was open, and `change`: what took its place, in words."""

    recipe: TrainConfig
    folder: Path | None
    change: str


class RecipeChanges:
    """What can be undone, the last change first. Changes of one thing in a row, as by typing, are one change."""

    def __init__(self) -> None:
        self._formers: list[Former] = []

    def note(self, former: Former) -> None:
        """The recipe is another one from now on."""
        last = self._formers[-1] if self._formers else None
        if last is None or (last.change, last.folder) != (former.change, former.folder):
            self._formers = [*self._formers, former][-MOST:]

    def last(self, now: TrainConfig, folder: Path | None) -> Former | None:
        """What an undo would put back in place of the recipe `now`; None for nothing. The classes of another folder
        are not put back.
        """
        while self._formers:
            former = self._formers[-1]
            if former.folder != folder:
                data = dataclasses.replace(former.recipe.data, classes=now.data.classes)
                former = Former(dataclasses.replace(former.recipe, data=data), folder, former.change)
            if former.recipe != now:
                return former
            self._formers.pop()  # nothing came of it, or it was taken back by hand
        return None

    def take_back(self, now: TrainConfig, folder: Path | None) -> Former | None:
        """The same, which is then undone."""
        former = self.last(now, folder)
        if former:
            self._formers.pop()
        return former
