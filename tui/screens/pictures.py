"""What the screens with a picture have: a key that shows it on the whole screen."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from engine.base.language import tr
from tui.screens.base import WorkScreen
from tui.widgets.viewer import Enlarged, Viewer

NO_PICTURE = tr("There is no picture to enlarge yet.")


class PictureScreen(WorkScreen):
    """A screen with a picture, which a subclass names as `enlarged`; one with several overrides `pictures`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "F,shift+f",
            "enlarge",
            tr("Enlarge"),
            key_display="F",
            id="picture.enlarge",
            tooltip=tr("The picture on the whole screen: zoom, contrast and brightness, lung mask."),
        ),
    ]

    def why_not(self, action: str) -> str:
        """Is there a picture?"""
        return NO_PICTURE if action == "enlarge" and self.enlarged() is None else super().why_not(action)

    def enlarged(self) -> Enlarged | None:
        """The picture at hand; None where there is none."""
        raise NotImplementedError

    def pictures(self) -> tuple[Sequence[Enlarged], int]:
        """All pictures that are there, and the place of the one at hand."""
        seen = self.enlarged()
        return ([seen] if seen else []), 0

    def action_enlarge(self) -> None:
        """Show it on the whole screen."""
        seen, place = self.pictures()
        if not seen:
            return
        way, abilities = self.workbench.picture_way, self.workbench.abilities
        self.app.push_screen(Viewer(seen, way, abilities, self.session.glyphs.dot, place))
