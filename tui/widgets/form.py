"""A recipe as a form: a line a field; below it the help of the field at hand, and where its value is typed."""

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import Input, Static

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.wording import listing
from engine.network.freezing import plan
from engine.recipe.config import BY_HAND, TrainConfig
from engine.recipe.fields import Field, Part, Tree, change, parts
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.safe_cells import cell, content, lines
from tui.words.cells import padded
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name, undisplayed

NAME_WIDTH = 14
"""Columns for a field's name, where none is longer."""
UNUSED = tr("The recipe auto chooses this by itself; to change it chooses the recipe report.")
HEADING = tr("This is a heading: its fields stand below it.")
REST = tr(".. the rest: key ?")
FEWEST_ROWS = 4
"""Fields that stay in sight above the longest help."""
FOR_HELP, LEAST_HELP = 0.37, 3
"""The help's share of the form, and its lines at least, with the rule above."""
KEPT = ("output", "out")
"""The folder of the runs is the workbench's own, given when it is opened."""


class FieldTable(FittedTable):
    """The fields with their values, under the names of their parts."""

    HELP = tr(
        "The recipe of the next training. Enter changes a field: it opens the line below, or takes "
        "the next choice. Left and right go through choices; backspace puts a field back as it "
        "usually is."
    )
    help_at_hand = ""
    """All help of the field under the cursor."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "edit", tr("Change"), id="form.edit", tooltip=tr("Change the field's value.")),
        Binding("right", "turn(1)", tr("Next choice"), show=False, tooltip=tr("The field's next choice.")),
        Binding("left", "turn(-1)", tr("Choice before"), show=False, tooltip=tr("The field's choice before.")),
        Binding(
            "backspace", "usual", tr("As usual"), id="form.usual", show=False, tooltip=tr("Back to the usual value.")
        ),
    ]

    class Asked(Message):
        """What the user wants to do with the field under the cursor."""

        def __init__(self, what: str, by: int = 0) -> None:
            super().__init__()
            self.what, self.by = what, by

    def on_resize(self, event: Resize) -> None:
        """The line at hand stays in sight where a long help takes others away."""
        self.move_cursor(row=self.cursor_row)

    def action_edit(self) -> None:
        """Change the value."""
        self.post_message(self.Asked("edit", 1))

    def action_turn(self, by: int) -> None:
        """Another choice."""
        self.post_message(self.Asked("turn", by))

    def action_usual(self) -> None:
        """The usual value."""
        self.post_message(self.Asked("usual"))


class ValueLine(Input):
    """Where a value is typed."""

    HELP = tr("Type the value. Enter takes it, escape leaves it as it was.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", tr("Leave"), show=False, tooltip=tr("Leave the value as it was.")),
    ]

    class Left(Message):
        """The value is to stay as it was."""

    _first = ""

    def validate_value(self, value: str) -> str:
        """Nothing that a terminal would act upon."""
        return display_name(value)

    def begin(self, text: str) -> None:
        """Begin with this text."""
        self._first, self.value = text, text

    @property
    def meant(self) -> str:
        """What is written here, characters that it began with and that can't be shown as they were."""
        return undisplayed(self.value, self._first)

    def action_leave(self) -> None:
        """Leave."""
        self.post_message(self.Left())

    def on_blur(self) -> None:
        """The focus went elsewhere."""
        self.post_message(self.Left())


class Form(Vertical):
    """The recipe to look at and to change."""

    DEFAULT_CSS = """
    Form FieldTable { height: 1fr; min-height: 4; overflow-x: hidden; }
    Form #field-help { color: $text-muted; border-top: solid $border; }
    Form #field-error { height: auto; max-height: 4; color: $error; text-style: bold; }
    Form ValueLine { display: none; background: $panel; }
    Form ValueLine.-open { display: block; }
    """

    class Changed(Message):
        """The field `name` of the recipe has a new value: `part` is to be replaced by `value`."""

        def __init__(self, part: str, value: Any, name: str = "") -> None:
            super().__init__()
            self.part, self.value, self.name = part, value, name

    def __init__(self, config: Tree = TrainConfig(), *, id: str | None = None) -> None:  # noqa: B008
        super().__init__(id=id)
        self._config, self._fixed = config, ""
        self._rows: list[Part | Field] = []
        for part in parts(type(config)):
            self._rows += [part, *part.fields]

    def compose(self) -> ComposeResult:
        """The table over help, error and line."""
        longest = max(len(row.name) + 1 for row in self._rows)
        columns = Column("field", least=max(NAME_WIDTH, longest)), Column("value", least=6)
        yield FieldTable(*columns, show_header=False, id="fields")
        box = Static(id="field-help")
        box.styles.height, box.styles.min_height = f"{100 * FOR_HELP:g}%", LEAST_HELP
        yield box
        yield ValueLine(id="field-value")
        yield Static(id="field-error")

    def on_mount(self) -> None:
        """The lines."""
        self.show(self._config)

    def show(self, config: Tree, fixed: str = "") -> None:
        """Show this recipe; `fixed` is the sentence why it can't be changed, empty where it can."""
        self._config, self._fixed = config, fixed
        self.query_one(FieldTable).fill([self._cells(row) for row in self._rows])
        self._explain()

    def edit(self) -> None:
        """To the fields."""
        self.query_one(FieldTable).focus()

    def _cells(self, row: Part | Field) -> tuple[Text, Text]:
        if isinstance(row, Part):
            return cell(padded(row.name.upper(), NAME_WIDTH), "dim"), cell("")
        value = row.value(self._config)
        text = row.text(value) or "-"
        name = f" {row.name.replace('_', ' ')}"
        if self._unused(row):
            return cell(name, "dim"), cell(text, "dim")
        return cell(name), cell(text, "bold" if value != row.default else "")

    def _unused(self, field: Field) -> bool:
        """Does the recipe choose by itself what this field says?"""
        config = self._config
        return isinstance(config, TrainConfig) and config.way == "auto" and field.name in BY_HAND.get(field.part, ())

    @property
    def _field(self) -> Field | None:
        row = self._rows[max(0, self.query_one(FieldTable).place)]
        return row if isinstance(row, Field) else None

    def on_resize(self) -> None:
        """Another width breaks the help into other lines."""
        self.call_after_refresh(self._explain)

    def on_data_table_row_highlighted(self) -> None:
        """Show the field's help."""
        self._explain()
        self._complain("")

    def _explain(self) -> None:
        """The help of the field at hand, with its value where the table has no room for it. A long help takes lines of
        the table while it is read.
        """
        table, box = self.query_one(FieldTable), self.query_one("#field-help", Static)
        row = self._rows[max(0, table.place)]
        told, table.help_at_hand = [in_recipe_terms(row.help)], ""
        if isinstance(row, Field):
            told = [UNUSED] * self._unused(row) + [*told, usual(row)]
            table.help_at_hand = "\n".join((f"{row.name.replace('_', ' ')}: {told[0]}", *told[1:]))
            if table.is_cut(table.place):
                told.insert(0, row.text(row.value(self._config)))
        text, width = lines([content(part) for part in told]), box.content_size.width
        if width:
            broken, least = text.wrap(width), max(LEAST_HELP, int(FOR_HELP * self.size.height))
            most = max(least, self.size.height - FEWEST_ROWS) - 1
            text = lines(broken if len(broken) <= most else [*broken[: most - 1], content(REST)])
            height = max(min(len(broken), most) + 1, least)
            if height != box.outer_size.height:
                box.styles.height = height
        box.update(text, layout=False)

    def on_field_table_asked(self, event: FieldTable.Asked) -> None:
        """Change the field under the cursor."""
        field = self._field
        if field is None:
            self._complain(HEADING)
        elif self._fixed:
            self._complain(self._fixed)
        elif (field.part, field.name) == KEPT:
            self._complain(tr("The runs' folder is that of `covid-tui --out FOLDER`, or of config.toml, at the start."))
        elif event.what == "usual":
            self._take(field, field.default)
        elif field.choices:
            place = field.choices.index(field.text(field.value(self._config)))
            self._take(field, field.parse(field.choices[(place + event.by) % len(field.choices)]))
        elif event.what == "edit":
            line = self.query_one(ValueLine)
            line.begin(field.text(field.value(self._config)))
            line.add_class("-open")
            line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong with what is typed."""
        event.stop()
        line = self.query_one(ValueLine)
        if line.has_class("-open"):
            self._complain(self._problem(line.meant))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the value, if it can be."""
        event.stop()
        field, text = self._field, self.query_one(ValueLine).meant
        if problem := self._problem(text):
            self._complain(problem)
        elif field:
            self._take(field, field.parse(text))
            self._close()

    def on_value_line_left(self) -> None:
        """Leave the value as it was."""
        self._close()

    def on_data_table_row_selected(self) -> None:
        """A click on the field under the cursor changes it."""
        self.query_one(FieldTable).action_edit()

    def _problem(self, text: str) -> str:
        field = self._field
        try:
            if field:
                change(self._config, field, field.parse(text), plan)
        except ConfigError as error:
            return in_recipe_terms(error)
        return ""

    def _take(self, field: Field, value: Any) -> None:
        try:
            part = change(self._config, field, value, plan)
        except ConfigError as error:
            self._complain(in_recipe_terms(error))
            return
        self._complain("")
        self.post_message(self.Changed(field.part, part, field.name.replace("_", " ")))

    def _complain(self, sentence: str) -> None:
        error = self.query_one("#field-error", Static)
        if not sentence and not error.display:
            return  # nothing to take away, and nothing to lay out anew
        error.update(content(f"! {sentence}") if sentence else Content(""))
        error.display = bool(sentence)

    def _close(self) -> None:
        line = self.query_one(ValueLine)
        if line.has_class("-open"):
            line.remove_class("-open")
            self._complain("")
            if line.has_focus:
                self.edit()


def usual(field: Field) -> str:
    """What a field can be, and what it usually is."""
    usual = field.text(field.default) or tr("empty")
    if field.choices:
        return tr("{choices}; usual {usual}", choices=" ".join(field.choices), usual=usual)
    if field.known:
        return tr("Known: {names}. Usual: {usual}", names=listing(field.known), usual=usual)
    return tr("Usual: {usual}", usual=usual)
