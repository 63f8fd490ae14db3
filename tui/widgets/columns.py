"""Panes beside each other, whose border can be dragged; on a narrow screen below each other."""

from textual.containers import Container
from textual.events import MouseDown, MouseMove, MouseUp

NARROWEST = 20
"""Columns that each side keeps."""


class Columns(Container):
    """Two panes; a drag of the border between them makes one wider and the other narrower."""

    DEFAULT_CLASSES = "columns"
    _dragged = False

    def on_mouse_down(self, event: MouseDown) -> None:
        """Take the border, where it is that."""
        if len(self.children) == 2 and self._beside and abs(event.screen_x - self._border) <= 1:
            self._dragged = True
            self.capture_mouse()
            event.stop()

    def on_mouse_move(self, event: MouseMove) -> None:
        """Move it."""
        if self._dragged:
            left, most = self.children[0], self.region.width - NARROWEST
            width = max(NARROWEST, min(most, event.screen_x - self.region.x))
            left.styles.width = width
            left.styles.min_width, left.styles.max_width = NARROWEST, most
            right = self.children[1].styles
            right.width, right.min_width, right.max_width = "1fr", NARROWEST, None

    def on_mouse_up(self, event: MouseUp) -> None:
        """Leave it."""
        if self._dragged:
            self._dragged = False
            self.release_mouse()

    def on_resize(self) -> None:
        """Below each other each takes the whole width again; that they are is known once the screen is laid out."""
        self.call_after_refresh(self._put_back)

    def _put_back(self) -> None:
        if self.screen.has_class("-narrow"):
            for child in self.children:
                for rule in ("width", "min_width", "max_width"):
                    child.styles.inline.clear_rule(rule)
                child.refresh(layout=True)

    @property
    def _beside(self) -> bool:
        left, right = self.children
        return left.region.y == right.region.y and bool(left.region.area and right.region.area)

    @property
    def _border(self) -> int:
        """The column where the second pane begins."""
        return self.children[1].region.x
