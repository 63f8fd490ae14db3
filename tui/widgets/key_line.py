"""The last line: the keys that do something now, each to be clicked; help and leave stay in sight at any width.

Where there is no room for all, those leave first that stand last, but for a few that their screen wants to be seen.

One widget that draws a line, where Textual's footer makes a widget of each key anew whenever one of them changes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import RenderResult
from textual.binding import ActiveBinding
from textual.content import Content
from textual.events import Click
from textual.screen import Screen
from textual.widget import Widget

from engine.base.language import tr
from tui.words.safe_text import display_name

CLOSE = "close_dialog"
ALWAYS = ("help", CLOSE, "quit", "command_palette")
"""The actions whose keys stay, in this order, at the right."""
BETWEEN = 2


@dataclass(frozen=True)
class KeyItem:
    """A key as it is shown: its action, what it presses, its name, what it does, and whether it can act now."""

    action: str
    key: str
    name: str
    text: str
    enabled: bool

    @property
    def width(self) -> int:
        """Characters that it takes."""
        return cell_len(f"{self.name} {self.text}")


class KeyLine(Widget):
    """Keys with what they do."""

    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; width: 1fr; background: $panel; color: $foreground; padding: 0 1; }
    """

    def __init__(self, first: Callable[[], tuple[str, ...]] = tuple) -> None:
        """`first` names the actions whose keys leave last, the most wanted one first; it is asked again and again."""
        super().__init__()
        self._first = first
        self._places: list[tuple[int, int, KeyItem]] = []
        """Where each key stands, from column to column."""
        self._shown: object = None

    def on_mount(self) -> None:
        """Hear of other keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if (*self._items(), self._first()) != self._shown:
            self.refresh()

    def _items(self) -> tuple[tuple[KeyItem, ...], tuple[KeyItem, ...]]:
        """The keys of the screen, and those that stay."""
        active = list(self.screen.active_bindings.values())
        stay = [
            one
            for action in ALWAYS
            for one in sorted(active, key=lambda one: len(self.app.get_key_display(one.binding)))
            if one.binding.action.removeprefix("app.") == action
        ]
        others = [one for one in active if one.binding.show and one not in stay and not self._typed(one.binding.key)]
        return tuple(self._named(others)), tuple(self._named(stay))

    def _typed(self, key: str) -> bool:
        """Whether the field in focus takes a capital letter as a character; of all else Textual says so itself."""
        capital, focused = key.removeprefix("shift+").upper(), self.screen.focused
        return key == f"shift+{capital.lower()}" and focused is not None and focused.check_consume_key(capital, capital)

    def _named(self, active: Iterable[ActiveBinding]) -> Iterable[KeyItem]:
        """One for each action, its first key named."""
        seen = set[str]()
        for _, binding, enabled, _ in active:
            if binding.action not in seen and binding.description:
                seen.add(binding.action)
                name = self.app.get_key_display(binding)
                text = display_name(tr(binding.description))  # Textual's own are not translated yet
                yield KeyItem(binding.action, binding.key, display_name(name), text, enabled)

    def render(self) -> RenderResult:
        """The line; of the screen's keys as many as there is room for."""
        (others, stay), first = self._items(), self._first()
        self._shown = others, stay, first
        room = self.content_size.width
        right = sum(one.width + BETWEEN for one in stay)
        self._places, parts, at = [], list[Content](), 0
        for one in fitting(others, first, room - right):
            at = self._put(one, at, parts)
        gap = max(0, room - at - right + BETWEEN)
        parts.append(Content(" " * gap))
        at += gap
        for one in stay:
            at = self._put(one, at, parts)
        return Content("").join(parts)

    def _put(self, one: KeyItem, at: int, parts: list[Content]) -> int:
        self._places.append((at, at + one.width, one))
        style = "" if one.enabled else "$text-muted"
        key = "bold $footer-key-foreground" if one.enabled else style
        parts += [Content.styled(one.name, key), Content.styled(f" {one.text}{' ' * BETWEEN}", style)]
        return at + one.width + BETWEEN

    @property
    def places(self) -> tuple[tuple[int, int, KeyItem], ...]:
        """The keys that are shown, each with the columns of the screen where it begins and where it ends."""
        left = self.region.x + self.styles.padding.left
        return tuple((left + begin, left + end, one) for begin, end, one in self._places)

    def on_click(self, event: Click) -> None:
        """As if the key was pressed."""
        column = event.x - self.styles.padding.left
        for begin, end, one in self._places:
            if begin <= column < end:
                self.app.simulate_key(one.key)
                event.stop()


def fitting(items: Sequence[KeyItem], first: Sequence[str], room: int) -> list[KeyItem]:
    """Those of the items that fit into so many columns, in their order: first those whose actions are named, then the
    others, of which those come last that can't act, until one has no room.
    """
    wanted = [one for action in first for one in items if one.action.removeprefix("screen.") == action]
    kept = list[KeyItem]()
    others = sorted((one for one in items if one not in wanted), key=lambda one: not one.enabled)
    for one in (*wanted, *others):
        room -= one.width
        if room < 0:
            break
        kept.append(one)
        room -= BETWEEN
    return [one for one in items if one in kept]
