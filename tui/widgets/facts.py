"""Text of a few lines that changes with the cursor: the screen is laid out anew only where it takes another height."""

from collections.abc import Callable

from textual.events import Resize
from textual.visual import VisualType
from textual.widgets import Static


class Facts(Static):
    """A Static as high as its text. To lay a screen out takes longer than to paint the line under the cursor."""

    _drawn: Callable[[int], VisualType] | None = None
    _width = 0

    def draw(self, text: Callable[[int], VisualType]) -> None:
        """Show what `text` makes of the columns that there are, now and whenever they are others."""
        self._width = self.content_size.width
        self.update(text(self._width))
        self._drawn = text

    def on_resize(self, event: Resize) -> None:
        """There may be other columns."""
        if self._drawn and self.content_size.width != self._width:
            self.draw(self._drawn)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show another text."""
        self._drawn = None
        before = self.size.height
        super().update(content, layout=False)
        width = self.content_size.width
        if not layout or (width and self._lines(content, width) == before):
            return
        self.refresh(layout=True)

    def _lines(self, content: VisualType, width: int) -> int:
        height = self.get_content_height(self.size, self.screen.size, width)
        most = self.styles.max_height
        return min(height, int(most.value)) if most is not None and most.is_cells else height
