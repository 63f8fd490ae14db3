"""Text of a few lines that changes with the cursor: the screen is laid out anew only where it takes another height."""

from textual.visual import VisualType
from textual.widgets import Static


class Facts(Static):
    """A Static as high as its text. To lay a screen out takes longer than to paint the line under the cursor."""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show another text."""
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
