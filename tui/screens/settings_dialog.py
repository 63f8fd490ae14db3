"""The settings: theme, language, how pictures are drawn, signs, the keys of the open screen. Each is kept at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.events import Key
from textual.widgets import Static

from engine.base.language import LANGUAGES, tr
from tui.widgets.dialog import Dialog
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.safe_cells import cell, content
from tui.words.settings import Language, Protocol, Settings
from tui.words.settings_file import Value

ABOUT = tr(
    "Enter takes the next choice, or asks for a key; backspace puts it back as it usually is. Kept in config.toml."
)
THEME = tr("The colours. Those whose names begin with ansi are the terminal's own.")
LANGUAGE = tr("The language of all texts, from the next start on.")
PICTURES = tr("How X-rays are drawn, from the next start on. Kitty and sixel are the terminal's own graphics.")
SIGNS = tr("Arrows and other signs that not every terminal's letters have, from the next start on.")
COLUMNS = (
    Column(tr("setting"), "setting", least=12),
    Column(tr("value"), "value", least=6),
)
PRESS = tr("Press the new key for {name}. Escape leaves it as it was.")
SHOWN = {
    "language": {"auto": tr("the system's"), **LANGUAGES},
    "image_protocol": {
        "auto": tr("as the terminal can"),
        "halfblock": tr("blocks, 2 a character"),
        "quadrant": tr("blocks, 4 a character"),
        "sextant": tr("blocks, 6 a character"),
        "octant": tr("blocks, 8 a character"),
        "grey": tr("letters and signs"),
    },
    "unicode": {"no": tr("no"), "yes": tr("yes")},
}
"""How choices are shown that stand otherwise in config.toml, by kind; all others as they stand there."""
Kind = Literal["theme", "language", "image_protocol", "unicode", "key"]
Keep = Callable[[tuple[str, ...], Value], bool]
"""Writes a setting down and acts on it; False where that could not be."""


@dataclass(frozen=True)
class Row:
    """A line: what it sets, its name, its choices and the note below the list; `id` and `name` are those of a key."""

    kind: Kind
    name: str
    choices: tuple[str, ...] = ()
    note: str = ""
    id: str = ""

    @property
    def title(self) -> str:
        """What stands in the list."""
        return tr("key: {name}", name=self.name) if self.kind == "key" else self.name


def setting_rows(themes: Sequence[str], active: Sequence[ActiveBinding]) -> list[Row]:
    """All that can be set here."""
    rows = [
        Row("theme", tr("theme"), tuple(themes), THEME),
        Row("language", tr("language"), get_args(Language), LANGUAGE),
        Row("image_protocol", tr("pictures"), get_args(Protocol), PICTURES),
        Row("unicode", tr("richer signs"), ("no", "yes"), SIGNS),
    ]
    seen = set[str]()
    for _, binding, _, _ in active:
        if binding.id and binding.id not in seen and binding.description:
            seen.add(binding.id)
            rows.append(Row("key", binding.description, (), binding.tooltip or "", binding.id))
    return rows


def usual_keys(node: DOMNode, id: str) -> list[Binding]:
    """The keys of this name as they are where nobody has set others; `node` is what has them."""
    return [
        one
        for kind in type(node).__mro__
        for one in Binding.make_bindings(kind.__dict__.get("BINDINGS", ()))
        if one.id == id
    ]


class SettingTable(FittedTable):
    """The settings."""

    HELP = ABOUT
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,right", "screen.turn(1)", tr("Change"), key_display="enter", id="settings.change",
                tooltip=tr("The next choice, or another key.")),
        Binding("left", "screen.turn(-1)", tr("Choice before"), show=False, tooltip=tr("The choice before.")),
        Binding("backspace", "screen.usual", tr("As usual"), id="settings.usual", tooltip=tr("Back to what is usual.")),
    ]  # fmt: skip


class SettingsDialog(Dialog[None]):
    """The settings as a list."""

    HELP = ABOUT
    DEFAULT_CSS = """
    SettingsDialog #settings-note { height: 2; margin-top: 1; }
    SettingsDialog.-short #settings-note { display: none; }
    """

    def __init__(self, settings: Settings, themes: Sequence[str], active: Sequence[ActiveBinding], keep: Keep) -> None:
        super().__init__()
        self._rows = setting_rows(themes, active)
        self._active = active
        self._keep = keep
        self._now: dict[str, str] = {
            "theme": settings.theme or "covid-dark", "language": settings.language,
            "image_protocol": settings.image_protocol, "unicode": "yes" if settings.unicode else "no", **settings.keys,
        }  # fmt: skip
        self._asking: Row | None = None
        """The row that waits for a key."""

    def body(self) -> ComposeResult:
        """What to do above the list."""
        with Vertical(classes="dialog large") as box:
            box.border_title = tr("Settings")
            yield Static(content(ABOUT), id="settings-about", classes="question")
            yield SettingTable(*COLUMNS, id="settings")
            yield Static(id="settings-note", classes="muted")

    def on_mount(self) -> None:
        """The list."""
        self._show()
        self.query_one(SettingTable).focus()

    def _show(self) -> None:
        rows = [(cell(row.title), cell(self._value(row), "bold")) for row in self._rows]
        self.query_one(SettingTable).fill(rows)

    def _value(self, row: Row) -> str:
        if row.kind == "key":
            if chosen := self._now.get(row.id):
                return " ".join(self.app.get_key_display(Binding(key.strip(), "")) for key in chosen.split(","))
            usual = (
                self.app.get_key_display(one)
                for node, binding, _, _ in self._active
                if binding.id == row.id
                for one in usual_keys(node, row.id)
            )
            return min(usual, key=len, default="")
        now = self._now[row.kind]
        return SHOWN.get(row.kind, {}).get(now, now)

    @property
    def _row(self) -> Row | None:
        place = self.query_one(SettingTable).place
        return self._rows[place] if place >= 0 else None

    def on_data_table_row_highlighted(self) -> None:
        """What the setting at hand is."""
        row = self._row
        self.query_one("#settings-note", Static).update(content(row.note if row else ""))

    def on_data_table_row_selected(self) -> None:
        """A click."""
        self.action_turn(1)

    def action_turn(self, by: int) -> None:
        """The next choice; of a key, wait for it."""
        row = self._row
        if row is None:
            return
        if row.kind == "key":
            self._asking = row
            self._tell(PRESS.format(name=row.name))
            return
        value = self._now[row.kind]
        place = row.choices.index(value) if value in row.choices else -1
        self._take(row, row.choices[(place + by) % len(row.choices)])

    def action_usual(self) -> None:
        """As it usually is."""
        row = self._row
        if row is None:
            return
        if row.kind == "key":
            if self._keep(("keys", row.id), None):
                self._now.pop(row.id, None)
                self._show()
            return
        usual = {"theme": "covid-dark", "language": "auto", "image_protocol": "auto", "unicode": "no"}[row.kind]
        self._take(row, usual)

    def _take(self, row: Row, text: str) -> None:
        value: Value = text == "yes" if row.kind == "unicode" else text
        name = ("keys", row.id) if row.kind == "key" else (row.kind,)
        if self._keep(name, value):
            self._now[row.id or row.kind] = text
            self._show()

    def on_key(self, event: Key) -> None:
        """The new key, where one is waited for."""
        row, self._asking = self._asking, None
        if row is None:
            return
        event.stop()
        event.prevent_default()
        owner = self._owner(event.key)
        if event.key == "escape":
            self._tell(ABOUT)
        elif owner and owner.id != row.id:
            does = tr(owner.description or owner.tooltip)  # Textual's own texts are not translated yet
            key = self.app.get_key_display(owner)
            self._tell(tr('{key} is the key for "{does}" already: nothing was changed.', key=key, does=does))
        else:
            self._tell(ABOUT)
            self._take(row, event.key)

    def _owner(self, key: str) -> Binding | None:
        """What a key does now, on the screen below."""
        for node, binding, _, _ in self._active:
            chosen = self._now.get(binding.id or "")
            usual = usual_keys(node, binding.id) if binding.id else [binding]
            for one in [binding.with_key(each.strip()) for each in chosen.split(",")] if chosen else usual:
                if one.key == key:
                    return one
        return None

    def _tell(self, text: str) -> None:
        self.query_one("#settings-about", Static).update(content(text))
