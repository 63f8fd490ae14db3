"""Help in the chosen language: the texts of verbs and flags, and the words that the flag library adds."""

import dataclasses
import math
import typing
from typing import Any

from cyclopts import App
from cyclopts.help import (
    AsteriskRenderer,
    ColumnSpec,
    DefaultFormatter,
    DescriptionRenderer,
    HelpEntry,
    HelpPanel,
    InlineText,
    NameRenderer,
)
from rich.console import Console, ConsoleOptions
from rich.text import Text

from engine.base.language import marked, tr
from engine.recipe.config import PARTS
from engine.recipe.fields import helps
from engine.recipe.plans import AuditConfig, SweepConfig
from tui.words.docstrings import Docstring, taken_apart

_FLAGS = {
    "--help": marked("Display this message and exit."),
    "--version": marked("Display application version."),
}
NAMES = 0.35
"""The most of a line's width that names of flags take, as the library has it."""
_TITLES = marked("Commands"), marked("Parameters"), marked("Arguments")


def put_in_place(app: App) -> None:
    """Let the app's help, and the completions that it writes, be in the chosen language; every verb is loaded."""
    for name in app:
        verb = app[name]
        function = verb.default_command
        if name in _FLAGS:
            verb.help = tr(_FLAGS[name])
        elif function and function.__doc__ and not name.startswith("-"):
            function.__doc__ = taken_apart(function.__doc__).translated()
            for flag in _FLAGS.keys() & set(verb):
                verb[flag].help = tr(_FLAGS[flag])
    if app.default_command and app.default_command.__doc__:
        app.default_command.__doc__ = taken_apart(app.default_command.__doc__).translated()
    for kind in (*PARTS, AuditConfig, SweepConfig):
        texts = {name: text for (of, name), text in helps().items() if of == kind.__name__}
        fields = {field.name: texts[field.name] for field in dataclasses.fields(kind) if field.name in texts}
        kind.__doc__ = Docstring((kind.__doc__ or "",), fields).translated()
    app.help_formatter = Translated()


class Translated:
    """Draws help as the flag library does, with its own words translated."""

    def __init__(self) -> None:
        self._commands, self._parameters = DefaultFormatter(), DefaultFormatter(column_specs=_columns)

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Draw a panel."""
        draw = self._commands if panel.format == "command" else self._parameters
        draw(console, options, panel.copy(title=tr(str(panel.title))))

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Draw the line that says how a verb is used."""
        if usage:
            console.print(Text(tr("Usage: ") + str(usage), style="bold"))

    def render_description(self, console: Console, options: ConsoleOptions, description: Any) -> None:
        """Draw what a verb does."""
        self._commands.render_description(console, options, description)


def _columns(console: Console, options: ConsoleOptions, entries: list[HelpEntry]) -> tuple[ColumnSpec, ...]:
    """A mark where a flag is required, its names, and what it does."""
    width = math.ceil(console.width * NAMES)
    names = ColumnSpec(renderer=NameRenderer(max_width=width), style="cyclopts.name", max_width=width)
    texts = ColumnSpec(renderer=_described, overflow="fold")
    if not any(entry.required for entry in entries):
        return names, texts
    return ColumnSpec(renderer=AsteriskRenderer(), width=1, style="cyclopts.required_marker"), names, texts


_plain = DescriptionRenderer()


def _described(entry: HelpEntry) -> Any:
    """What a flag does, and behind it what it may be."""
    found = typing.cast(InlineText, _plain(entry.copy(choices=None, env_var=None, default=None, required=False)))
    if entry.choices:
        found.append(Text(tr("[choices: {names}]", names=", ".join(entry.choices)), "cyclopts.choices"))
    if entry.default is not None:
        found.append(Text(tr("[default: {value}]", value=entry.default), "cyclopts.default"))
    if entry.required:
        found.append(Text(tr("[required]"), "cyclopts.required"))
    return found
