"""A screen that changes the recipe of the next training, and whose key takes the last change back."""

from textual.binding import Binding

from engine.base.language import tr
from tui.screens.base import WorkScreen

UNDO = Binding(
    "z", "undo_change", tr("Undo"), id="recipe.undo",
    tooltip=tr("Take back the last change of the next training's recipe."),
)  # fmt: skip
NOTHING = tr("Nothing to undo: the recipe of the next training has not been changed.")


class RecipeScreen(WorkScreen):
    """A screen of the workbench that undoes changes of the recipe, by the key UNDO, which it puts among its own."""

    def keys_first(self) -> tuple[str, ...]:
        """What takes a change back, as soon as there is one."""
        return () if self.why_not("undo_change") else ("undo_change",)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Is there a change to undo?"""
        if action == "undo_change" and self.why_not(action):
            return None
        return super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """Why nothing can be undone."""
        if action == "undo_change":
            return "" if self.session.last_change else NOTHING
        return super().why_not(action)

    def action_undo_change(self) -> None:
        """Take the last change back, and say which one that was."""
        if change := self.session.undo_change():
            self.workbench.say(tr("Undone: {change}.", change=change))
