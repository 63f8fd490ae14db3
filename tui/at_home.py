"""What makes one at home: the last session goes on, a newcomer is asked and led, settings are kept."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, cast

from textual.app import App
from textual.binding import Binding, BindingType

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from tui.screens.frame import MODES
from tui.screens.guide import GuideLine
from tui.screens.settings_dialog import SettingsDialog
from tui.screens.start import LEAVE, OPEN, SAMPLE, TO_SCREEN, begin_dialog
from tui.state.host import Severity
from tui.state.memory import Memory, sample_data
from tui.state.session import Session
from tui.state.tour import Tour
from tui.words.recipe_terms import in_recipe_terms
from tui.words.settings import Language, Protocol, Settings
from tui.words.settings_file import Value, save
from tui.words.user_config import config_file


class AtHome(App[None]):
    """The part of the workbench that knows its user."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("greater_than_sign", "next_step", tr("Next step"), key_display=">", id="guide.next",
                tooltip=tr("The next step of the guide for newcomers.")),
        Binding("f3", "begin", tr("Begin"), id="app.begin", show=False,
                tooltip=tr("How to begin: a folder, the sample, a recent one.")),
        Binding("f2", "settings", tr("Settings"), id="app.settings", show=False,
                tooltip=tr("Theme, pictures, signs, keys.")),
    ]  # fmt: skip
    session: Session
    settings: Settings

    def say(self, text: str, severity: Severity = "information") -> None:
        """Show a sentence."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The guide's key is there while somebody is led."""
        return self.session.tour is not None if action == "next_step" else True

    def go_on(self, memory: Memory) -> None:
        """Open again what was open the last time; ask a newcomer how to begin."""
        if not memory.recent():
            self.action_begin()
            return
        self.session.open_data(memory.recent()[0])
        if memory.now.mode in MODES:
            self.switch_mode(memory.now.mode)

    def action_next_step(self) -> None:
        """Go the next step of a newcomer's way."""
        session, tour = self.session, self.session.tour
        step = tour.step(session) if tour else None
        if tour is None or step is None or not step.act:
            return
        tour.seen.add(step.act)
        self.call_after_refresh(self._look_at_guide)
        view = session.training.view if session.training else None
        if step.act == "train":
            try:
                session.train()
            except CovidTuiError as error:
                session.complain(error)
                return
            self.switch_mode("train")
        elif step.act == "course":
            self.switch_mode("train")
        elif step.act == "results" and view:
            session.judged = view.path
            self.switch_mode("results")
        elif step.act == "predict" and view and session.data and session.split:
            session.picture, session.asked = session.data / session.split.files("test")[0], view.path
            self.switch_mode("predict")
        elif step.act == "end":
            session.tour = None

    def _look_at_guide(self) -> None:
        for guide in self.screen.query(GuideLine):
            guide.look()

    def action_begin(self) -> None:
        """Ask how to begin."""
        recent = self.session.memory.recent() if self.session.memory else []
        self.push_screen(begin_dialog(recent), partial(self._begun, recent))

    async def _choose_folder(self) -> None:
        await self.screen.run_action("choose")

    def _begun(self, recent: list[Path], answer: str | None) -> None:
        if answer == LEAVE:
            self.call_later(self.run_action, "quit")
        elif answer == OPEN:
            self.switch_mode("dataset")
            self.call_after_refresh(self._choose_folder)
        elif answer == SAMPLE and (folder := sample_data()):
            self.session.tour = Tour()
            self.switch_mode("dataset")
            self.session.open_data(folder)
        elif answer and answer.startswith(TO_SCREEN):
            self.switch_mode(MODES[int(answer.removeprefix(TO_SCREEN)) - 1])
        elif answer and answer.isdigit():
            self.switch_mode("dataset")
            self.session.open_data(recent[int(answer)])

    def action_settings(self) -> None:
        """The settings."""
        active = list(self.screen.active_bindings.values())
        self.push_screen(SettingsDialog(self.settings, sorted(self.available_themes), active, self._keep_setting))

    def _keep_setting(self, name: tuple[str, ...], value: Value) -> bool:
        """Write a setting into the user's config.toml and act on it; False where that can't be."""
        try:
            save(config_file(), name, value)
        except (CovidTuiError, OSError) as error:
            self.say(tr("Not kept: {error}", error=in_recipe_terms(error)), "error")
            return False
        if name[0] == "keys":
            keys = {id: key for id, key in self.settings.keys.items() if id != name[1]}
            self.settings = replace(self.settings, keys=keys | ({name[1]: str(value)} if value else {}))
            self.set_keymap(self.settings.keys)
            self.refresh_bindings()
        elif name[0] == "theme":
            self.theme = str(value)
            self.settings = replace(self.settings, theme=self.theme)
        elif name[0] == "language":
            self.settings = replace(self.settings, language=cast("Language", value))
        elif name[0] == "unicode":
            self.settings = replace(self.settings, unicode=bool(value))
        else:
            self.settings = replace(self.settings, image_protocol=cast("Protocol", value))
        return True
