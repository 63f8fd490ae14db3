"""Screen 6: what a run's model says about an image, or a folder of them. For research and teaching only."""

import dataclasses
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import DirectoryTree, Input, Static

from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.language import tr, trn
from engine.base.paths import is_folder
from engine.base.wording import not_a_path
from engine.data.folders.tree import is_image
from engine.data.image.formats import IMAGE_SUFFIXES
from engine.evaluation.predictions_table import write_predictions
from engine.runs.directory import WEIGHTS
from engine.runs.watch import Entry
from tui.screens.pictures import PictureScreen
from tui.screens.predict.alike import AlikeView, Near, ask_near
from tui.screens.predict.file_facts import FileFacts
from tui.screens.predict.history import Asked, History
from tui.screens.predict.keys import KEYS, NO_ANSWER, NO_IMAGE, NO_LEVELS, NO_LINES, NO_TERMS
from tui.screens.predict.pictures import Pictures
from tui.screens.predict.questions import NO_RUN, Answered, Wanted, Whom, ask_file, ask_folder, sentence
from tui.screens.predict.text import answer_text
from tui.services.models import Heated
from tui.services.read_picture import Picture, network_side, read_picture
from tui.state.messages import JobChanged
from tui.widgets.facts import Facts
from tui.widgets.file_tree import FileTree, PathField
from tui.widgets.panes import Panes
from tui.widgets.pick_dialog import AskFile, PickRun
from tui.widgets.safe_cells import content
from tui.widgets.viewer import Enlarged
from tui.words.recipe_terms import in_recipe_terms

NOT_FOR_DIAGNOSIS = tr("For research and teaching only, not for diagnosis.")


class PredictScreen(PictureScreen):
    """Files beside pictures, the model's answer and the file's facts."""

    MODE = "predict"
    CSS_PATH = "predict.tcss"
    HELP = tr(
        "What a trained run says about an image. Choose a file in the tree or type its path. The "
        "picture stands as it is in the file and as the network sees it; g lays the heat on the "
        "latter, which says where the model looks (HiResCAM). The model is kept. A run of VGG16 or "
        "VGG19 answers at once; for the heat, and for other networks, TensorFlow is loaded first. "
        "This is for research and teaching only, not for diagnosis."
    )
    AUTO_FOCUS = "#tree"
    BINDINGS: ClassVar[list[BindingType]] = KEYS
    _picture: Picture | None = None
    _wanted = Wanted()
    """The promise that is shown."""
    _path: Path | None = None
    _answer: Answered | None = None
    _heat = ""

    def __init__(self) -> None:
        super().__init__()
        self._hot = False

    def body(self) -> Iterable[Widget]:
        """Path and run above files and history, beside pictures, answer and facts."""
        with Horizontal(id="where"):
            yield PathField(tr("path of an image file or a folder, then enter"), id="file", suffixes=IMAGE_SUFFIXES)
            yield Static(id="model", classes="muted")
        with Panes(id="desk"):
            with Panes(id="side"):
                with Vertical(classes="pane", id="files-pane"):
                    yield FileTree(self._start(), IMAGE_SUFFIXES, is_image, id="tree")
                yield History(self.session.glyphs, id="history")
            with Panes(id="main"):
                yield Pictures(self.workbench.picture_way, self.workbench.abilities, id="pictures")
                with Panes(id="lower"):
                    with VerticalScroll(classes="pane", id="answer-pane"):
                        yield Facts(content(tr("No image yet.")), id="answer")
                    yield FileFacts(self.session.glyphs, id="facts-pane")
        yield Static(content(NOT_FOR_DIAGNOSIS, "italic $warning"), id="caution")

    def _start(self) -> Path:
        chosen = self.session.picture
        return chosen.absolute().parent if chosen else self.session.data or Path.cwd()

    def on_mount(self) -> None:
        """Titles."""
        self.query_one("#files-pane").border_title = tr("Files")
        self.query_one("#answer-pane").border_title = tr("What the model says")

    def on_screen_resume(self) -> None:
        """Take up the picture that the command line or another screen named."""
        tree, start = self.query_one(FileTree), self.session.data or self._start()
        if self.session.picture and self._path is None and tree.path != start:  # it was chosen after this was made
            tree.path = start
        path, self.session.picture = self.session.picture, None
        self._name_run()
        if path:
            self.open(path)

    def data_changed(self) -> None:
        """The tree begins at the data, unless it stands elsewhere for a reason."""
        if self.session.data and self._path is None and self.query_one(FileTree).path != self.session.data:
            self.query_one(FileTree).path = self.session.data

    def runs_changed(self) -> None:
        """A run may have become ready, or be gone."""
        self._name_run()

    # Which run

    def trained(self) -> list[Entry]:
        """The runs that have a model, newest first."""
        return [entry for entry in self.session.library.entries() if (entry.run.path / WEIGHTS).is_file()]

    @property
    def _whom(self) -> Whom:
        return Whom(self.session.models, self.session.asked, self.session.runs)

    def _name_run(self) -> None:
        asked, newest = self.session.asked, next(iter(self.trained()), None)
        name = asked.name if asked else newest.run.name if newest else ""
        text = tr("run {name}", name=name) if name else tr("no trained run yet")
        self.query_one("#model", Static).update(content(text))

    def action_pick(self) -> None:
        """Choose the run."""
        entries, asked = self.trained(), self.session.asked
        if not entries:
            self.workbench.say(NO_RUN, "warning")
            return
        self.app.push_screen(
            PickRun(tr("Which run is to answer?"), entries, asked or entries[0].run.path), self._picked
        )

    def _picked(self, path: Path | None) -> None:
        if path:
            self.session.asked = path
            self._name_run()
            if self._picture and self._picture.seen.shape[0] != self._side():
                self.open(self._picture.path)
            elif self._picture:
                self._ask(self._picture)

    def _side(self) -> int:
        """Side of the square that the asked run's network sees, in pixels."""
        entries = self.trained()
        asked = next((entry for entry in entries if entry.run.path == self.session.asked), next(iter(entries), None))
        return network_side(asked.config if asked else None)

    # One image

    def open(self, path: Path) -> None:
        """Show the file, then ask the model about it."""
        self._path, self._picture, self._answer, self._heat = path, None, None, ""
        self.query_one(PathField).mean(path)
        self.set_narrow(False, "-side")
        self.query_one(FileFacts).show(None)
        self.query_one("#answer-pane").border_subtitle = ""
        self.query_one("#answer", Facts).update(content(tr("The file is being read ...")))
        self.refresh_bindings()
        self.session.cancel("predict")
        self.session.cancel("predict-heat")
        self.session.cancel("predict-alike")
        work = partial(read_picture, path, self._side())
        self.session.start("picture", tr("reading a picture"), work, self._pictured, partial(self._failed, True))

    def _pictured(self, picture: Picture) -> None:
        self._picture = picture
        self.query_one(Pictures).show(picture)
        self._facts()
        self._ask(picture)
        self.refresh_bindings()

    def _ask(self, picture: Picture) -> None:
        self._answer = None
        self._cool()
        self.query_one("#answer", Facts).update(content(tr("The model is being asked ...")))
        work = partial(ask_file, self._whom, picture.path)
        done, failed = partial(self._answered, picture), partial(self._failed, False)
        self.session.start("predict", tr("predicting"), work, done, failed)

    def _answered(self, picture: Picture, found: Answered) -> None:
        self._answer = found
        self.query_one("#answer-pane").border_subtitle = content(tr("run {name}", name=found.run.name))
        self.query_one(History).add(Asked(picture.path, found.run.path, found.prediction.label, found.prediction.sure))
        self._show_answer()
        self._warm()

    def _failed(self, unreadable: bool, error: Exception) -> None:
        if unreadable:
            self.query_one(Pictures).show(None)
        if isinstance(error, Stopped):
            self.query_one("#answer", Facts).update(content(tr("Cancelled.")))
            return
        self.query_one("#answer", Facts).update(content(sentence(error), "$error"))

    # Where the model looks

    def action_heat(self) -> None:
        """Lay the heat on what the network sees, or take it off; the next pictures are shown alike."""
        self._hot = not self._hot
        self._cool()
        self._show_answer()
        self._warm()

    def action_alike(self) -> None:
        """Find the training images most like this one, and show them beside it."""
        picture, answer = self._picture, self._answer
        if picture and answer:
            work, shown = partial(ask_near, self.session.models, answer.run, picture), partial(self._near, picture)
            self.session.start("predict-alike", tr("looking for training images most alike"), work, shown)

    def _near(self, picture: Picture, near: Near) -> None:
        if picture is self._picture and self._answer and self.workbench.current_mode == self.MODE:
            way, abilities, dot = self.workbench.picture_way, self.workbench.abilities, self.session.glyphs.dot
            self.app.push_screen(AlikeView(picture, self._answer.prediction.label, near, way, abilities, dot))

    def action_level(self) -> None:
        """What the image may be at the next level."""
        shown = self._answer and self._answer.prediction.possible
        if shown:
            level = shown.at(self._wanted.level or shown.level).next_level
            self._wanted = dataclasses.replace(self._wanted, level=level)
            self._show_answer()

    def action_refuse(self) -> None:
        """Refuse answers for a larger share of wrong ones, or none."""
        if self._answer and self._answer.terms:
            risk = self._answer.terms.next_risk(self._wanted.risk)
            self._wanted = dataclasses.replace(self._wanted, risk=risk)
            self._show_answer()

    def _cool(self) -> None:
        self.session.cancel("predict-heat")
        self._heat = ""
        self.query_one(Pictures).lay(None)

    def enlarged(self) -> Enlarged | None:
        """The picture at hand."""
        return self.query_one(Pictures).enlarged()

    def _warm(self) -> None:
        if not (self._hot and self._answer and self._picture):
            return
        work = partial(self.session.models.heat, self._answer.run, self._picture.path, self._picture.seen)
        self.session.start("predict-heat", tr("asking where the model looks"), work, self._warmed, self._unheated)

    def _warmed(self, heated: Heated) -> None:
        self.query_one(Pictures).lay(heated)
        self._heat = in_recipe_terms(heated.sentence)
        self._show_answer()

    def _unheated(self, error: Exception) -> None:
        self._heat = "" if isinstance(error, Stopped) else in_recipe_terms(error)
        self._show_answer()

    def _show_answer(self) -> None:
        if self._answer and self._picture:
            drawn = partial(answer_text, self._answer, self._wanted, self.session.glyphs, heat=self._heat)
            self.query_one("#answer", Facts).draw(lambda width: drawn(max(24, width)))
        self._facts()

    def _facts(self) -> None:
        if self._picture:
            said = self._answer.prediction if self._answer else None
            self.query_one(FileFacts).show(self._picture, said)

    # A folder

    def action_folder(self) -> None:
        """Predict every image of the folder under the tree's cursor, or of the file's."""
        folder = self._folder()
        lines = self.query_one(History).begin(folder)
        if self.has_class("-narrow"):
            self.set_narrow(True, "-side")
        follow = self.session.config.data.follow_links
        work = partial(ask_folder, self._whom, self._wanted, folder, lines, follow)
        self.session.start("folder", tr("predicting a folder"), work, self._folder_done, self._folder_failed)

    def _folder(self) -> Path:
        node = self.query_one(FileTree).cursor_node
        if node and node.data:
            return node.data.path if node.allow_expand else node.data.path.parent
        return self._path.parent if self._path else Path(self.query_one(FileTree).path)

    def job_changed(self, message: JobChanged) -> None:
        """Show the folder's new lines, or that it was cancelled; any other end the job itself has told."""
        job, history = message.job, self.query_one(History)
        if job.group != "folder":
            return
        if not job.over:
            history.catch_up(job.progress)
        elif job.stop.is_set() and self.session.jobs.get("folder") is None:
            count = len(history.lines)
            over = trn("Cancelled; {number} file is done.", "Cancelled; {number} files are done.", count)
            history.catch_up(over=over)

    def _folder_done(self, _: Sequence[str]) -> None:
        self.query_one(History).catch_up()
        self.refresh_bindings()

    def _folder_failed(self, error: Exception) -> None:
        self.query_one(History).catch_up(None, sentence(error))

    def action_write(self) -> None:
        """Ask where, and write."""
        folder = self.query_one(History).folder
        if folder:
            proposal = Path.cwd() / f"{folder.name or 'folder'}-predictions.csv"
            ask = AskFile(tr("Write the folder's predictions to which file?"), proposal, suffixes=[".csv"], writes=True)
            self.app.push_screen(ask, self._write)

    def _write(self, path: Path | None) -> None:
        if path is None:
            return
        lines = list(self.query_one(History).lines)
        classes = next((list(line["probabilities"]) for line in lines if "probabilities" in line), [])

        def work(context: Context) -> None:
            write_predictions(path, lines, classes, force=True)  # what is there may be, as `AskFile` has asked

        self.session.start(
            "csv", tr("writing"), work, lambda _: self.workbench.say(tr("{path} is written.", path=path))
        )

    # Keys

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open the file, or let the tree begin at the folder."""
        path = self.query_one(PathField).path
        if path is None:
            return
        if address := not_a_path(str(path)):
            self.workbench.say(address, "error")
        elif is_folder(path):
            self.query_one(FileTree).path = path
            self.set_narrow(True, "-side")
            self.query_one(FileTree).focus()
        else:
            self.set_focus(self.query_one(FileTree))
            self.open(path)

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        """A file of the tree."""
        event.stop()
        self.open(event.path)

    def on_history_chosen(self, event: History.Chosen) -> None:
        """An image of the table."""
        self.open(event.path)

    def action_choose(self) -> None:
        """To the path."""
        self.query_one("#file", Input).focus()

    def action_history(self) -> None:
        """The other table."""
        history = self.query_one(History)
        history.turn(of_folder=not history.of_folder and history.folder is not None)
        if self.has_class("-narrow"):
            self.set_narrow(True, "-side")
        history.table.focus()

    def action_side(self) -> None:
        """To the files, and back to the picture."""
        to_files = not self.has_class("-side")
        self.set_narrow(to_files, "-side")
        self.call_after_refresh(self.query_one("#tree" if to_files else "#as-file").focus)

    def action_view(self) -> None:
        """The other picture, where there is room for one."""
        self.set_narrow(not self.has_class("-as-file"), "-as-file")

    def action_copy(self) -> None:
        """The table that has the focus, else the file's path."""
        history = self.query_one(History)
        if history.table.has_focus:
            self.workbench.copy_table(history.rows(), tr("the table"))
        elif self._path:
            self.workbench.copy(str(self._path), tr("the file's path"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there is room, all is in sight and nothing needs to be turned to."""
        if action in ("view", "side") and self.is_mounted and not self.has_class("-narrow"):
            return False
        return super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """What there is nothing for."""
        answer = self._answer
        if action in ("heat", "view", "enlarge") and self._picture is None:
            return NO_IMAGE
        if action in ("alike", "level", "refuse") and answer is None:
            return NO_ANSWER
        if action == "level" and answer and answer.prediction.possible is None:
            return NO_LEVELS
        if action == "refuse" and answer and answer.terms is None:
            return NO_TERMS
        if action == "write" and not self.query_one(History).lines:
            return NO_LINES
        if action == "copy" and self._path is None and not self.query_one(History).table.has_focus:
            return NO_IMAGE
        return super().why_not(action)


SCREEN = PredictScreen
