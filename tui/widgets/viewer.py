"""One picture on the whole screen: zoom, move, levels from black to white, heat, and the lung mask's edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import MouseDown, MouseMove, MouseScrollDown, MouseScrollUp, MouseUp

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from engine.data.image.view import WHITE, View
from tui.host.terminal import Abilities
from tui.widgets.bars import shortened
from tui.widgets.dialog import Dialog, closed_by
from tui.widgets.pick_dialog import AskFile, free_name
from tui.widgets.picture_file import save_picture
from tui.widgets.safe_cells import content
from tui.widgets.xray import GRAPHICS, Way, Xray, heat_scale
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels
    from engine.evaluation.heat_colours import Heat

NEARER = 1.25
ASIDE = 0.2
"""Of what is seen, so much goes by with one arrow."""
STEP = 16
"""Levels by which a key changes the window."""
DRAGGED = 4
"""Levels by which a column, or a row, of a mouse's drag does."""
ONLY_ONE = tr("There is only one picture here.")
NO_MASK = tr("This image has no lung mask.")
NO_HEAT = tr("There is no heat for this picture: g asks for it on the screens Results and Predict.")
WHOLE = tr("The whole picture is in sight: + goes nearer.")
AT_THE_EDGE = tr("There is no more of the picture on that side.")
SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
AS_IT_IS = tr("The picture is shown as it is already.")
EDGE = (255, 215, 95)
SHORTEST = 12
"""Columns of a file's name for whose sake what is as usual leaves the title."""
FINER = 6
"""A line is as thick as a column is wide; in the terminal's own graphics it is so many times thinner."""


@dataclass(frozen=True, eq=False)
class Enlarged:
    """What is looked at: a file's name, its pixels, uint8 (h, w) or (h, w, 3), and what may be laid over them.

    `heat`, (h, w) from 0 to 1, is for the class `target`. `mask`, of any size, is white where the lungs are.
    """

    name: str
    pixels: "Pixels"
    heat: "Heat | None" = None
    target: str = ""
    mask: "Pixels | None" = None

    @cached_property
    def wide_heat(self) -> "Heat | None":
        """The heat at the size of the picture."""
        from engine.evaluation.heat_colours import spread_over

        height, width = self.pixels.shape[:2]
        return None if self.heat is None else spread_over(self.heat, width, height)

    @cached_property
    def _edges(self) -> "dict[int, Pixels]":
        return {}

    def edge(self, thickness: int) -> "Pixels":
        """The lungs' edge at the size of the picture, so many pixels thick: 1 there, else 0. There must be a mask."""
        import numpy as np
        from PIL import Image

        from engine.data.image.view import outline

        if thickness not in self._edges:
            assert self.mask is not None
            height, width = self.pixels.shape[:2]
            grey = Image.fromarray(self.mask).convert("L").resize((width, height), Image.Resampling.NEAREST)
            self._edges[thickness] = outline(np.asarray(grey) > WHITE // 2, thickness).astype(np.uint8)
        return self._edges[thickness]


def told(what: str, view: View, name: str, separator: str, width: int) -> str:
    """What is seen, of which file, how near, and which levels are black and white, in so many columns."""
    near = tr("whole picture") if view.zoom == 1 else tr("{zoom:.1f} times nearer", zoom=view.zoom)
    low, high = max(0, view.ends[0]), min(WHITE, view.ends[1])
    if view.inverted:
        levels = tr("white {low}, black {high}", low=low, high=high)
    else:
        levels = tr("black {low}, white {high}", low=low, high=high)
    usual, room = View(), width - cell_len(what) - min(SHORTEST, cell_len(display_name(name)))
    parts = [(near, view.zoom == usual.zoom), (levels, (view.ends, view.inverted) == (usual.ends, usual.inverted))]
    for part in tuple(parts):  # what is as usual goes before anything is cut
        if part[1] and sum(cell_len(separator + text) for text, _ in parts) > room:
            parts.remove(part)
    shown = "".join(separator + text for text, _ in parts)
    return f"{what}{shortened(name, max(8, width - cell_len(what) - cell_len(shown)))}{shown}"


class Viewer(Dialog[None]):
    """The picture, above the keys."""

    HELP = tr(
        "The picture as large as the terminal. Plus and minus go nearer and back, arrows move it. "
        "A narrower window has more contrast; a lower level makes the picture brighter. Dragging "
        "with the mouse does both: sideways the window, up and down the level; the wheel zooms. Of "
        "several pictures tab shows the next one in the same way. s saves what is seen as a new file."
    )
    DEFAULT_CSS = """
    Viewer { background: $background; }
    Viewer #whole { width: 1fr; height: 1fr; }
    """
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(1)", tr("Zoom"), key_display="+-", id="view.nearer",
                tooltip=tr("Nearer with +, back with -.")),
        Binding("minus", "zoom(-1)", "", show=False, key_display="-", id="view.farther", tooltip=tr("Go back.")),
        Binding("left", "move(-1, 0)", tr("Move"), key_display=tr("arrows"), id="view.left",
                tooltip=tr("Move the picture; this is to the left.")),
        Binding("right", "move(1, 0)", "", show=False, id="view.right", tooltip=tr("To the right.")),
        Binding("up", "move(0, -1)", "", show=False, id="view.up", tooltip=tr("Up.")),
        Binding("down", "move(0, 1)", "", show=False, id="view.down", tooltip=tr("Down.")),
        Binding("c", "window(-1, 0)", tr("Contrast"), key_display="cC", id="view.narrower",
                tooltip=tr("More contrast with c, by a narrower window; less with C.")),
        Binding("C,shift+c", "window(1, 0)", "", show=False, key_display="C", id="view.wider",
                tooltip=tr("A wider window: less contrast.")),
        Binding("b", "window(0, -1)", tr("Light"), key_display="bB", id="view.lower",
                tooltip=tr("Brighter with b, by a lower level; darker with B.")),
        Binding("B,shift+b", "window(0, 1)", "", show=False, key_display="B", id="view.higher",
                tooltip=tr("A higher level: darker.")),
        Binding("i", "invert", tr("Invert"), id="view.invert", tooltip=tr("White for black, and back.")),
        Binding("m", "mask", tr("Lungs"), id="view.mask", tooltip=tr("The edge of the lung mask, or none.")),
        Binding("g", "heat", tr("Heat"), id="view.heat", tooltip=tr("Where the model looked, or the picture alone.")),
        Binding("tab", "turn(1)", tr("Next"), id="view.next", tooltip=tr("The next picture, in the same way.")),
        Binding("shift+tab", "turn(-1)", "", show=False, id="view.before", tooltip=tr("The picture before.")),
        Binding("s", "save", tr("Save"), id="view.save", tooltip=tr("Save what is seen as a picture (PNG).")),
        Binding("0", "reset", tr("All"), id="view.reset", tooltip=tr("The whole picture as it is.")),
        closed_by("F,shift+f"),
    ]  # fmt: skip

    def __init__(
        self, pictures: Sequence[Enlarged], way: Way, abilities: Abilities, separator: str, first: int = 0
    ) -> None:
        """One of the pictures is looked at, the one at `first` first. `separator` parts what the title says."""
        super().__init__()
        self._pictures, self._place = tuple(pictures), first
        seen = self._seen
        self._way, self._abilities, self._separator = way, abilities, separator
        self.looked = View()
        """How the picture is looked at."""
        self._hot, self._edged = seen.heat is not None, False
        self._shown: Pixels | None = None
        self._heat: Heat | None = None
        """What is seen, and the heat over it."""
        self._dragged: tuple[int, int] | None = None
        """Where the mouse was last while it drags."""

    @property
    def _seen(self) -> Enlarged:
        return self._pictures[self._place]

    @property
    def _shape(self) -> float:
        """How many times as wide as high the place of the picture is."""
        xray = self.query_one(Xray)
        return max(1, xray.content_size.width) / max(1, xray.content_size.height) / xray.cell

    def body(self) -> ComposeResult:
        """The picture in a frame with its title."""
        with Vertical(classes="pane", id="whole"):
            yield Xray(self._way, self._abilities, id="enlarged")

    def on_mount(self) -> None:
        """Draw it as soon as its place has a size."""
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """What is seen has another shape."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        """The part that is seen, through the window, under what is laid over it."""
        from engine.data.image.view import cut, levels

        xray, view, seen = self.query_one(Xray), self.looked, self._seen
        columns, rows = xray.content_size
        if not columns or not rows:
            return
        height, width = seen.pixels.shape[:2]
        part = view.part(height, width, self._shape)
        shown, line = levels(view)[cut(seen.pixels, part)], None
        if self._edged and seen.mask is not None:
            drawn = min(columns, rows * xray.cell * part.width / part.height) * (FINER if self._way in GRAPHICS else 1)
            edge = cut(seen.edge(max(1, round(part.width / drawn))), part) > 0
            if self._way == "grey":
                line = edge.astype("uint8")
            else:
                shown = shown if shown.ndim == 3 else shown[..., None].repeat(3, axis=2)
                shown[edge] = EDGE
        self._shown, heat = shown, seen.wide_heat if self._hot else None
        self._heat = None if heat is None else heat[part.top :, part.left :][: part.height, : part.width]
        xray.show(shown, self._heat, line)
        frame = self.query_one("#whole")
        what = tr("Where it looked: {name}, ", name=seen.target) if heat is not None else tr("X-ray: ")
        frame.border_title = content(told(what, view, seen.name, f" {self._separator} ", frame.size.width - 6))
        frame.border_subtitle = heat_scale(self.app, self._way) if heat is not None else ""

    def _look(self, view: View) -> None:
        if view != self.looked:
            self.looked = view
            self._draw()
            self.refresh_bindings()

    def action_zoom(self, way: int) -> None:
        """Nearer, or back."""
        self._look(self.looked.zoomed(NEARER**way))

    def action_move(self, right: int, down: int) -> None:
        """Aside."""
        view = self._moved(right, down)
        if view == self.looked:
            self.app.notify(AT_THE_EDGE, severity="warning", markup=False)
        self._look(view)

    def _moved(self, right: int, down: int) -> View:
        height, width = self._seen.pixels.shape[:2]
        return self.looked.moved_within(ASIDE * right, ASIDE * down, height, width, self._shape)

    def action_window(self, wider: int, higher: int) -> None:
        """Other levels from black to white."""
        self._look(self.looked.windowed(STEP * wider, STEP * higher))

    def action_invert(self) -> None:
        """White for black."""
        self._look(self.looked.turned())

    def action_mask(self) -> None:
        """The edge of the lung mask."""
        self._edged = not self._edged
        self._draw()

    def action_heat(self) -> None:
        """Where the model looked."""
        self._hot = not self._hot
        self._draw()

    def action_reset(self) -> None:
        """The whole picture as it is."""
        self._look(View())

    def why_not(self, action: str) -> str:
        """What there is nothing for, or nothing to change."""
        if action == "mask" and self._seen.mask is None:
            return NO_MASK
        if action == "heat" and self._seen.heat is None:
            return NO_HEAT
        if action.startswith("zoom(-1)") and self.looked.zoom == 1:
            return WHOLE
        if action.startswith("move") and all(self._moved(*side) == self.looked for side in SIDES):
            return WHOLE
        if action.startswith("turn") and len(self._pictures) < 2:
            return ONLY_ONE
        return AS_IT_IS if action == "reset" and self.looked == View() else super().why_not(action)

    def action_turn(self, by: int) -> None:
        """Another picture, as near and in the same levels."""
        self._place = (self._place + by) % len(self._pictures)
        self._draw()
        self.refresh_bindings()

    def action_save(self) -> None:
        """Ask for a file."""
        if self._shown is not None:
            first = free_name(Path.cwd() / f"{Path(self._seen.name).stem}-seen.png")
            ask = AskFile(tr("Save what is seen to which file?"), first, suffixes=[".png"], writes=True, exact=True)
            self.app.push_screen(ask, partial(self._save, self._shown, self._heat))

    def _save(self, shown: "Pixels", heat: "Heat | None", path: Path | None) -> None:
        """Write it, and say where."""
        if path is None:
            return
        try:
            save_picture(shown, heat, path)
        except CovidTuiError as error:
            self.app.notify(display_name(in_recipe_terms(error)), severity="error", markup=False)
        else:
            self.app.notify(tr("Saved as {path}.", path=display_name(path)), markup=False)

    # The mouse, as in a viewer of radiologists

    def on_mouse_down(self, event: MouseDown) -> None:
        """A drag may begin."""
        if event.button == 1 and self.query_one(Xray).region.contains(event.screen_x, event.screen_y):
            self._dragged = event.screen_x, event.screen_y

    def on_mouse_up(self, event: MouseUp) -> None:
        """It is over."""
        self._dragged = None

    def on_mouse_move(self, event: MouseMove) -> None:
        """Sideways the window's width, up and down its level."""
        if self._dragged:
            (column, row), self._dragged = self._dragged, (event.screen_x, event.screen_y)
            self._look(self.looked.windowed(DRAGGED * (event.screen_x - column), DRAGGED * (event.screen_y - row)))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Nearer."""
        self.action_zoom(1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Back."""
        self.action_zoom(-1)
