"""The split into train, validation and test: its shares and seed are edited, and it is drawn anew at once."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from engine.base.errors import ConfigError
from engine.base.language import tr
from tui.widgets.dialog import Dialog
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.safe_cells import cell, content, lines, number
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from tui.state.session import Session

ABOUT = tr(
    "The validation part picks the best epoch; the test part is opened once, after the "
    "training. Equal images stay together in one part. A change counts at once."
)
COLUMNS = (
    Column(tr("class"), "class", least=8), Column(tr("train"), "train", right=True),
    Column(tr("validation"), "validation", right=True), Column(tr("test"), "test", right=True),
    Column(tr("together"), "together", rank=1, right=True),
)  # fmt: skip
SPLIT = tr("the shares and the seed of the split")
FIELDS = (("val_share", tr("validation share")), ("test_share", tr("test share")), ("seed", tr("seed")))


class SplitDialog(Dialog[None]):
    """Shares and seed above the sizes by class and part."""

    HELP = tr(
        "Type a share between 0 and 1, or a seed; the split is drawn anew at each key and kept in the recipe. The "
        "validation part picks the best epoch; the test part is opened once, after the training. Equal images stay "
        "together in one part."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", tr("Field above"), show=False),
        Binding("down", "app.focus_next", tr("Field below"), show=False),
    ]

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        self._wrong = ""

    def body(self) -> ComposeResult:
        """Fields, table, and what is wrong."""
        config = self._session.config
        values = {"val_share": config.data.val_share, "test_share": config.data.test_share, "seed": config.machine.seed}
        with Vertical(classes="dialog large") as box:
            box.border_title = tr("Split")
            yield Static(content(ABOUT), classes="question")
            for name, label in FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Input(f"{values[name]:g}" if name != "seed" else str(values[name]), id=name)
            yield Static(id="split-wrong")
            yield FittedTable(*COLUMNS, cursor_type="none", id="parts")

    def on_mount(self) -> None:
        """What is so."""
        self.fill()

    def fill(self) -> None:
        """Show the session's split."""
        session, table = self._session, list[Sequence[Text]]()
        if session.split:
            counts = session.split.counts()
            for name in counts["train"]:
                counted = [counts[part][name] for part in counts]
                table.append((cell(name), *map(number, counted), number(sum(counted))))
            sums = [sum(counted.values()) for counted in counts.values()]
            table.append((cell(tr("all"), "bold"), *map(number, sums), number(sum(sums))))
            shares = [cell(f"{count / max(1, sum(sums)):.1%}", "dim", right=True) for count in sums]
            table.append((cell(""), *shares, cell("")))
        self.query_one(FittedTable).fill(table)
        rows: list[Content] = []
        wrong = self._wrong or session.split_problem
        if wrong:
            rows.append(content(f"{session.glyphs.beware} {wrong}", "$error"))
        elif "split" in session.jobs:
            rows.append(content(tr("The split is being drawn ...")))
        if session.config.data.split:
            rows.append(
                content(
                    tr("Reused from {split}; a change of a field draws anew.", split=session.config.data.split),
                    "$warning",
                )
            )
        self.query_one("#split-wrong", Static).update(lines(rows))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Draw anew, where the value is one."""
        session = self._session
        name, text = str(event.input.id), event.value.strip()
        try:
            change = _change(session, name, text)
        except (ConfigError, ValueError) as error:
            label = dict(FIELDS)[name]
            no_number = (
                tr("{label}: {text} is no number.", label=label, text=text)
                if text
                else tr("{label}: nothing is no number.", label=label)
            )
            self._wrong = in_recipe_terms(error, dict(FIELDS)) if isinstance(error, ConfigError) else no_number
        else:
            self._wrong = ""
            if change:
                change()
        event.input.set_class(bool(self._wrong), "-invalid")
        self.fill()


def _change(session: "Session", name: str, text: str) -> Callable[[], None] | None:
    """What sets the field to `text`; None where it is so already. Raises ValueError or ConfigError."""
    data, machine = session.config.data, session.config.machine
    if name == "seed":
        seed = dataclasses.replace(machine, seed=int(text))
        drawn = dataclasses.replace(data, split=None)
        return None if seed == machine else lambda: session.configure(SPLIT, data=drawn, machine=seed)
    share = float(text)
    if share == getattr(data, name):
        return None
    changed = dataclasses.replace(data, split=None, **{name: share})  # type: ignore[arg-type]
    return lambda: session.configure(SPLIT, data=changed)
