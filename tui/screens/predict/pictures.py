"""The two pictures of the Predict screen: as it is in the file, and as the network sees it, with where it looked."""

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical

from engine.base.language import tr
from tui.host.terminal import Abilities
from tui.services.models import Heated
from tui.services.read_picture import Picture
from tui.widgets.panes import Panes
from tui.widgets.safe_cells import content
from tui.widgets.viewer import Enlarged
from tui.widgets.xray import Way, Xray, heat_scale

BESIDE_TITLE = 6
"""Columns of a pane that its frame and the gaps around its title take."""
AS_SEEN = tr("X-ray as the network sees it")


class Seen(Xray):
    """The network's input."""

    HELP = tr(
        "The picture as the network takes it: squashed to the square of its backbone, grey in three equal channels."
    )


class Pictures(Panes):
    """Both, each in a pane with what it shows as its title."""

    def __init__(self, way: Way, abilities: Abilities, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._way, self._abilities = way, abilities
        self._picture: Picture | None = None
        self._heated: Heated | None = None

    def compose(self) -> ComposeResult:
        """The panes."""
        with Vertical(classes="pane", id="file-pane"):
            yield Xray(self._way, self._abilities, id="as-file")
        with Vertical(classes="pane", id="seen-pane"):
            yield Seen(self._way, self._abilities, id="as-seen")

    def on_mount(self) -> None:
        """Titles."""
        self.query_one("#file-pane").border_title = tr("X-ray as in the file")
        self.query_one("#seen-pane").border_title = AS_SEEN

    def show(self, picture: Picture | None) -> None:
        """Show a file's picture, or none."""
        self._picture = picture
        self.query_one("#as-file", Xray).show(picture.shown if picture else None)
        self.lay(None)

    def lay(self, heated: Heated | None) -> None:
        """Lay heat over what the network sees, or take it off."""
        self._heated = heated
        pane, found = self.query_one("#seen-pane"), heated.explanation if heated else None
        title = tr("Where it looked: {target}", target=found.target) if found else AS_SEEN
        room = pane.size.width - BESIDE_TITLE  # the class stands in the answer too
        pane.border_title = content(tr("Where it looked") if found and 0 < room < cell_len(title) else title)
        pane.border_subtitle = heat_scale(self.app, self._way) if found else ""
        picture = self._picture
        self.query_one(Seen).show(picture.seen if picture else None, found.heat if found and picture else None)

    def enlarged(self) -> Enlarged | None:
        """What the network sees while heat lies over it, or it is in focus; else the file's own picture."""
        picture, heat = self._picture, self._heated.explanation if self._heated else None
        if picture is None:
            return None
        if heat:
            return Enlarged(picture.path.name, picture.seen, heat.heat, heat.target, picture.mask)
        pixels = picture.seen if self.query_one(Seen).has_focus else picture.shown
        return Enlarged(picture.path.name, pixels, mask=picture.mask)
