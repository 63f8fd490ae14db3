"""The workbench's frame: nine screens, what holds on each of them, and how one leaves."""

import contextlib
import gc
import pkgutil
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.events import Event, InputEvent
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.worker import Worker

from engine.base.cancel import Stop
from engine.base.crash_log import keep_details
from engine.base.errors import LinkError
from engine.base.language import tr
from engine.base.wording import in_turn, listing
from tui.ahead import ScreensAhead
from tui.at_home import AtHome
from tui.host.private_apis import ClosesWhole, SwitchesAtOnce, shown_text, spare_needless_work, styles_ahead
from tui.host.terminal import Abilities
from tui.screens.frame import MODES, TITLES
from tui.state.host import Listener, Severity
from tui.state.memory import Memory
from tui.state.messages import EventsWaiting
from tui.state.session import Session
from tui.themes import ANSI_DARK, ANSI_LIGHT, DARK, LIGHT
from tui.widgets.commands import Commands, Palette
from tui.widgets.few_colours import FewColours
from tui.widgets.legible import legible
from tui.widgets.question_dialog import Answer, Ask, Help
from tui.widgets.xray import Way, choose
from tui.words.line_breaks import break_chinese
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name
from tui.words.settings import Settings
from tui.words.terms import terms_in

if TYPE_CHECKING:
    from textual.driver import Driver

STAY = Answer("s", tr("Stay"), "stay")
QUIT_QUESTION = tr("A training is under way in this workbench.")
QUIT_ANSWERS = (
    Answer("b", tr("Quit, and keep training in the background"), "background"),
    Answer("k", tr("Quit, stop the training, keep and test the best epoch"), "keep"),
)

WIDE = 116
"""Columns from which on panes stand beside each other: fewer cut their tables."""
SECONDS_TO_SCREENS = 0.2
"""After the first frame, when whoever reads it presses no key yet, until the other screens are prepared."""
YOUNG = 100_000
"""Objects made until the youngest are looked through for rings that nobody holds. A screen is some 50,000; by Python's
own 700 that would be a third of the time that it takes to paint."""
USUAL = gc.get_threshold()
"""The same, as it was before a workbench was opened."""
SHORT = 20
"""Lines below which a screen shows its main table and little else."""


def _screen(mode: str) -> Callable[[], Screen[None]]:
    """A maker of the screen, which is imported when it is first opened."""
    return lambda: cast("Screen[None]", import_module(f"tui.screens.{mode}.screen").SCREEN())


def import_screens() -> None:
    """Import every screen."""
    for mode in MODES:
        import_module(f"tui.screens.{mode}.screen")


def _farewell(stop: Stop, name: str) -> str:
    """What is left on the terminal while a training goes on in the background."""
    if stop.now:
        told = tr("The training ends with the step at hand, untested, in the background.")
    elif stop.is_set():
        told = tr("The training ends with the step at hand and is tested in the background.")
    else:
        told = tr("The training goes on in the background.")
    return in_turn(
        told, tr("`covid-tui attach {name}` shows it.", name=name) if name else tr("`covid-tui runs` lists it.")
    )


def key_ids() -> set[str]:
    """The names of all keys that can be set. Imports every screen and widget, so it is for a thread."""
    for package in ("screens", "widgets"):
        for module in pkgutil.walk_packages([str(Path(__file__).parent / package)], f"tui.{package}."):
            import_module(module.name)
    known_ids, left = set[str](), [DOMNode]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        known_ids |= {one.id for one in Binding.make_bindings(kind.__dict__.get("BINDINGS", ())) if one.id}
    return known_ids


class Workbench(SwitchesAtOnce, ClosesWhole, AtHome):
    """The application. `session` is what its screens share; `leave` closes the screen, whatever the reason."""

    TITLE = "covid-tui"
    CSS_PATH = "app.tcss"
    MODES = {mode: _screen(mode) for mode in MODES}  # noqa: RUF012
    DEFAULT_MODE = "dataset"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                str(number),
                f"open('{mode}')",
                title,
                id=f"open.{mode}",
                show=False,
                tooltip=tr("Go to the screen {title}.", title=title),
            )
            for number, (mode, title) in enumerate(TITLES.items(), start=1)
        ),
        Binding(
            "question_mark", "help", tr("Help"), key_display="?", id="app.help", tooltip=tr("Explain what is in focus.")
        ),
        Binding("f1", "help", tr("Help"), id="app.help-too", show=False, tooltip=tr("The same, where ? is typed.")),
        Binding("ctrl+g", "cancel_job", tr("Cancel"), id="app.cancel", tooltip=tr("Cancel the work under way.")),
        Binding(
            "ctrl+t", "turn_theme", tr("Light or dark"), id="app.theme", show=False, tooltip=tr("Light or dark theme.")
        ),
        Binding(
            "f2",
            "settings",
            tr("Settings"),
            id="app.settings",
            show=False,
            tooltip=tr("Theme, pictures, signs and keys."),
        ),
        Binding("q,ctrl+q", "quit", tr("Quit"), id="app.quit", show=False, tooltip=tr("Leave the workbench.")),
    ]
    COMMANDS = {Commands}  # noqa: RUF012

    def __init__(
        self,
        runs: Path = Path("runs"),
        *,
        data: Path | None = None,
        picture: Path | None = None,
        attached: Path | None = None,
        speed: float | None = None,
        settings: Settings = Settings(),  # noqa: B008
        abilities: Abilities = Abilities(),  # noqa: B008
        memory: Memory | None = None,
        log: Path | None = None,
        ahead: bool = False,
        driver: "type[Driver] | None" = None,
    ) -> None:
        """`data` is opened at once, `picture` predicted, and the run at `attached` shown, or played back at a `speed`;
        `log` takes tracebacks; `ahead` has screens made before they are opened. With a `memory` and none of these the
        last session goes on, or a newcomer is asked how to begin.
        """
        super().__init__(driver_class=driver)
        break_chinese()
        spare_needless_work()
        self.settings, self.abilities, self._log_file = settings, abilities, log
        self.listeners: list[Listener] = []
        """The screens that are made, each hearing of changes."""
        self.session = Session(self, runs, settings, memory)
        self.session.picture = picture
        self._named = bool(attached or picture)
        """Is there something else to show than what was open the last time? Predict takes the picture as it opens."""
        self.session.wanted = attached.absolute() if attached else None
        self._data, self._speed = data, speed
        self._ahead = ScreensAhead(self, self.session) if ahead else None
        self.farewell = ""
        """A sentence to leave on the terminal."""
        self.set_keymap(settings.keys)
        self._in_few = {dark: FewColours(dark) for dark in (True, False)}
        for theme in (DARK, LIGHT, ANSI_DARK, ANSI_LIGHT):
            self.register_theme(theme)
        self.theme = self._first_theme()

    def _first_theme(self) -> str:
        few_colours = self.console.color_system in (None, "standard") and not self.no_color
        if self.settings.theme in self.available_themes:
            return self.settings.theme
        return "ansi-dark" if few_colours else "covid-dark"

    @property
    def picture_way(self) -> Way:
        """How X-rays are drawn on this terminal."""
        colours = None if self.no_color else self.console.color_system
        return choose(self.settings.image_protocol, self.abilities, colours)

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours, made legible."""
        self.theme_variables = legible(super().get_css_variables())
        return self.theme_variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """How what is drawn is changed at last: in the terminal's own colours so that it can be read."""
        theme, others = self.current_theme, super().get_line_filters()
        return [*others, self._in_few[theme.dark]] if theme.ansi else others

    def get_default_screen(self) -> Screen[None]:
        """The screen under all modes, which nobody sees."""
        return Screen(id="_default")

    def on_mount(self) -> None:
        """Begin work as soon as the first frame is out."""
        if self.session.wanted:
            self.switch_mode("train")
        elif self.session.picture:
            self.switch_mode("predict")
        self.call_after_refresh(self._begin)

    async def on_event(self, event: Event) -> None:
        """Note when somebody pressed a key or moved the mouse."""
        if isinstance(event, InputEvent):
            self.session.typed = time.monotonic()
        await super().on_event(event)

    def on_unmount(self) -> None:
        """However the screen closes, no thread may hold the process but the training's, and nothing stays frozen."""
        self.session.close()
        gc.unfreeze()
        gc.set_threshold(*USUAL)

    def _begin(self) -> None:
        gc.freeze()
        gc.set_threshold(YOUNG)
        gc.enable()
        self.set_timer(SECONDS_TO_SCREENS, self._prepare_screens)
        for complaint in (*self.settings.complaints, *self._unknown_theme()):
            self.say(complaint, "warning")
        if self.settings.keys:
            self.session.start("keys", tr("looking the keys up"), lambda context: key_ids(), self._keys_known)
        if self.session.wanted and self._speed:
            self.session.play(self.session.wanted, self._speed)
        self.session.watch_runs()
        if self._data:
            self.session.open_data(self._data)
        elif self.session.memory and not self._named:
            self.go_on(self.session.memory)

    def _prepare_screens(self) -> None:
        """Import the screens and read all styles in a thread, else each takes its time when it is first opened."""
        files = [Path(__file__).parent / "screens" / mode / f"{mode}.tcss" for mode in MODES]

        def prepare() -> None:
            import_screens()
            self.call_later(styles_ahead(self, files))

        imported = self.session.run_thread("screens", prepare)
        if self._ahead:
            self._ahead.begin(imported)

    def _unknown_theme(self) -> Iterable[str]:
        if self.settings.theme and self.settings.theme not in self.available_themes:
            yield tr(
                "There is no theme {theme}: {names} are known.",
                theme=self.settings.theme,
                names=listing(sorted(self.available_themes)),
            )

    def _keys_known(self, known: set[str]) -> None:
        for name in sorted(self.settings.keys.keys() - known):
            self.say(tr("No key is named {name}: ? shows the names of those that can be set.", name=name), "warning")

    def on_events_waiting(self, message: EventsWaiting) -> None:
        """A thread has events."""
        self.session.drain(message.relay)

    def on_worker_state_changed(self, message: Worker.StateChanged) -> None:
        """A thread has come to its end."""
        self.session.worker_changed(message.worker)

    # What holds on every screen

    def say(self, text: str, severity: Severity = "information") -> None:
        """A message in a corner, literally, with fields for flags."""
        seconds = 10 if severity == "error" else 5
        self.notify(display_name(in_recipe_terms(text)), severity=severity, markup=False, timeout=seconds)

    def write_log(self, text: str) -> None:
        """Keep the details of an error for whoever mends it."""
        if self._log_file:
            with contextlib.suppress(OSError, LinkError):  # it ends no work
                keep_details(self._log_file, text)

    def copy(self, text: str, what: str) -> None:
        """Put text on the clipboard of the user's own terminal (OSC 52) and say so."""
        self.copy_to_clipboard(display_name(text))
        self.say(tr("Copied {what}.", what=what))

    def copy_table(self, rows: Iterable[Iterable[str]], what: str) -> None:
        """Put rows of texts on the clipboard as lines of cells parted by tabs."""
        self.copy_to_clipboard("\n".join("\t".join(map(display_name, row)) for row in rows))
        self.say(tr("Copied {what}.", what=what))

    def get_key_display(self, binding: Binding) -> str:
        """A key's name in letters, as arrows and the like lie beyond the sets that every font has."""
        if binding.key_display:
            return binding.key_display
        if self.settings.unicode:
            return super().get_key_display(binding)
        key = binding.key.replace("question_mark", "?").replace("upper_", "shift+")
        return key.replace("ctrl+", "^").replace("pagedown", "pgdn").replace("pageup", "pgup").replace("escape", "esc")

    def action_open(self, mode: str) -> None:
        """Go to a screen."""
        self.switch_mode(mode)

    def action_turn_theme(self) -> None:
        """From dark to light and back, staying with the terminal's own colours where those are used."""
        pairs = {"covid-dark": "covid-light", "ansi-dark": "ansi-light", "ansi-light": "ansi-dark"}
        self.theme = pairs.get(self.theme, "covid-dark")

    def action_cancel_job(self) -> None:
        """Cancel the job that the title speaks of."""
        if job := self.session.busy:
            self.session.give_up(job)
            self.say(tr("Cancelled: {title}.", title=job.title))

    def action_help(self) -> None:
        """Help for what is in focus, and all keys that do something now."""
        focused, screen = self.focused, self.screen
        nodes = [node for node in (focused, screen) if node is not None]
        about = [getattr(node, name, None) or "" for node in nodes for name in ("help_at_hand", "HELP")]
        terms = terms_in(shown_text(screen))
        self.push_screen(Help([text for text in about if text], list(screen.active_bindings.values()), terms))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Is this possible now? Footer, palette and help offer only what is."""
        if action == "cancel_job":
            return self.session.busy is not None
        return super().check_action(action, parameters)

    def action_command_palette(self) -> None:
        """Open the palette, in characters of the plain sets."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(Palette(placeholder=tr("What to do?"), id="--command-palette"))

    def search_themes(self) -> None:
        """Open the palette of the themes."""
        self.push_screen(Palette(providers=[ThemeProvider], placeholder=tr("Search for themes…")))

    def action_help_quit(self) -> None:
        """Say how one leaves, to who presses ctrl+c."""
        for key, active in self.active_bindings.items():
            if active.binding.action in ("quit", "app.quit"):
                self.notify(tr("Press [b]{key}[/b] to quit the app", key=key), title=tr("Do you want to quit?"))
                return

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: exactly the keys that do something now, and the themes."""
        seen = set[str]()
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if not (enabled and binding.id and binding.description) or binding.action in seen:
                continue
            seen.add(binding.action)
            run = partial(self.run_action, binding.action, node)
            yield SystemCommand(binding.description, tooltip or binding.description, run)
        yield SystemCommand(tr("Theme"), tr("Choose the colours."), self.action_change_theme)

    # Leaving

    async def action_quit(self) -> None:
        """Leave; while a training, an audit or a sweep of this workbench is under way, ask first."""
        training, long = self.session.training, self.session.long_job
        if isinstance(self.screen, Ask):
            return
        if training and training.alive:
            self.push_screen(Ask(QUIT_QUESTION, QUIT_ANSWERS, STAY), self._quit_answered)
        elif long:
            answers = (Answer("k", long.QUIT_ANSWER, "quit"),)
            self.push_screen(Ask(long.QUIT, answers, STAY), self._quit_answered)
        else:
            self.leave()

    def _quit_answered(self, answer: str | None) -> None:
        if answer == "keep" and self.session.training:
            self.session.training.request_stop("keep")
        if answer in ("background", "keep", "quit"):
            self.leave()

    def leave(self, code: int = 0) -> None:
        """Close the screen with this exit code. A training goes on; all other work is stopped."""
        training = self.session.training
        if training and training.alive:
            self.farewell = _farewell(training.stop, training.view.name)
        if self.session.memory:
            self.session.memory.left(self.current_mode)
        self.session.close()
        self.exit(return_code=code)
