"""A question with a few answers, each with a key; and the help for what is in focus."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Grid, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Key
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.base.language import tr
from tui.host.textual_texts import plainly
from tui.widgets.dialog import Dialog
from tui.widgets.key_line import CLOSE
from tui.widgets.safe_cells import content

Terms = Sequence[tuple[str, str]]
"""Terms of the field, each with what it means."""
WORDS = tr("Words on this screen")
CHOOSE = Binding("enter", "select", tr("Choose"), id="pick.choose", tooltip=tr("Take what stands under the cursor."))
"""The key of a list from which one is taken."""


@dataclass(frozen=True)
class Answer:
    """A possible answer: its key, what it says, and what `Ask` gives back for it."""

    key: str
    text: str
    value: str


class AnswerList(OptionList):
    """The answers to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [CHOOSE]


class Ask(Dialog[str]):
    """Asks, and is dismissed with the value of the answer. It opens on the harmless one, which escape gives as well."""

    HELP = tr(
        "Press the key before an answer, or go to it with the arrows and press enter. To close the question is to "
        "give the answer that changes nothing, the last one."
    )
    OPENS_ON: ClassVar[int] = -1
    """The place of the answer that it opens on; not the last only where no answer does any harm."""

    def __init__(self, question: str, answers: Sequence[Answer], harmless: Answer) -> None:
        """`answers` do something; `harmless` changes nothing, and stands below them."""
        super().__init__()
        self._question, self._harmless, self._answers = question, harmless, (*answers, harmless)

    def body(self) -> ComposeResult:
        """The question above the answers."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question), classes="question")
            yield AnswerList(*(Option(Content(f" {a.key}  {a.text}"), id=a.value) for a in self._answers))

    def on_mount(self) -> None:
        """Whoever presses enter too soon changes nothing."""
        for answers in self.query(OptionList):  # none where the workbench is left as the question comes up
            answers.highlighted = self.OPENS_ON % len(self._answers)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        self.dismiss(str(event.option_id))

    def on_key(self, event: Key) -> None:
        """An answer's own key."""
        for answer in self._answers:
            if answer.key == event.key:
                event.stop()
                event.prevent_default()
                self.dismiss(answer.value)

    def action_close_dialog(self) -> None:
        """Take the harmless answer."""
        self.dismiss(self._harmless.value)


class Help(Dialog[None]):
    """What the widget in focus is for, every key that does something now, and the terms that stand on the screen."""

    DEFAULT_CSS = """
    Help Grid { height: auto; grid-size: 2; grid-columns: 14 1fr; grid-rows: auto; grid-gutter: 0 2; }
    Help .key { text-align: right; color: $accent; text-style: bold; }
    Help #words { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", CLOSE, tr("Close"), id="app.help", tooltip=tr("Close the help."))
    ]

    def __init__(self, about: Sequence[str], bindings: Sequence[ActiveBinding], terms: Terms) -> None:
        super().__init__()
        self._about, self._active, self._terms = about, bindings, terms

    def body(self) -> ComposeResult:
        """Text above a list of keys, and the terms last."""
        with VerticalScroll(classes="dialog"):
            for about in self._about:
                yield Static(content(about), classes="question")
            with Grid():
                for keys, note in self._keys():
                    yield Static(content(keys), classes="key")
                    yield Static(content(note))
            if self._terms:
                yield Static(content(WORDS, "bold"), classes="question", id="words")
            for term, meaning in self._terms:
                yield Static(Content.assemble((term, "bold $accent"), "  ", content(meaning)))

    def _keys(self) -> Iterable[tuple[str, str]]:
        """The keys of each action, and what it does."""
        actions: dict[str, tuple[dict[str, None], Binding]] = {}
        for _, binding, _, _ in self._active:
            if binding.description or binding.tooltip:
                actions.setdefault(binding.action, ({}, binding))[0][self.app.get_key_display(binding)] = None
        for keys, binding in sorted(actions.values(), key=lambda entry: entry[1].id is None):
            yield " ".join(list(keys)[:3]), plainly(binding.tooltip or binding.description)
