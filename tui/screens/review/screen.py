"""Screen 9: a folder's doubtful labels and pictures, one by one, with keys alone; no image is changed."""

import dataclasses
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from engine.base.context import Context
from engine.base.errors import CovidTuiError, Stopped
from engine.base.language import tr, trn
from engine.base.wording import counted, in_turn
from engine.recipe.config import TrainConfig
from engine.runs.directory import CORRECTIONS
from tui.screens.pictures import PictureScreen
from tui.screens.review.text import item_text, neighbour_text, over_text, progress_text, undone_text
from tui.services.read_picture import mask_of
from tui.widgets.panes import Panes
from tui.widgets.question_dialog import Answer, Ask
from tui.widgets.safe_cells import content
from tui.widgets.viewer import Enlarged
from tui.widgets.xray import Xray
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.data.corrections import Correction, Decision
    from engine.data.image.reader import Pixels
    from engine.review.effect import Effect
    from engine.review.queue import Queue

NEIGHBOURS = 5
SMALL = 256
"""Pixels of the longer side of a neighbour's picture."""
WELCOME = tr(
    "No review yet. s looks for labels that are likely wrong, copies with another label, and "
    "pictures that are none. A model answers to each image that it has not learnt from, which "
    "takes seconds once the activations are kept. The test part stays shut; b puts it into the "
    "queue without any model's answer."
)
UNDO = tr("Take the last decision back; those of earlier visits too.")
NO_DATA = tr("Choose a folder on the screen Dataset first.")
NO_REVIEW = tr("There is no review yet: s looks for suspects.")
NO_ITEM = tr("No image is left to decide on.")
NOTHING_DECIDED = tr("Nothing has been decided yet.")
OF_A_REVIEW = ("decide", "relabel", "note", "step", "enlarge", "undo", "effect", "use", "more")
"""The actions for which there must be a review."""


KEYS = {"blind_test": tr("Test part")}
"""The label of the key that does what a flag does."""


class ReviewScreen(PictureScreen):
    """The picture beside what is said of it, above its neighbours."""

    MODE = "review"
    CSS_PATH = "review.tcss"
    HELP = tr(
        "Images whose label is likely wrong, or that are no chest X-rays like the others, the most "
        "suspicious first. The model that answers has not learnt from the image; beside it are the "
        "five images most alike. What you decide is written to corrections.csv beside the runs at "
        "once. No image and no folder is changed. t puts the corrections into the recipe of the "
        "next training. Images of the test part are shown without any answer, and only if you ask "
        "for them."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", tr("Start"), id="review.start", tooltip=tr("Look for suspects.")),
        Binding("k", "decide('keep')", tr("Keep"), id="review.keep", tooltip=tr("The label is right.")),
        Binding("r", "relabel", tr("Relabel"), id="review.relabel", tooltip=tr("Give the image another label.")),
        Binding("x", "decide('leave-out')", tr("Leave out"), id="review.leave", tooltip=tr("Do without the image.")),
        Binding(
            "u", "decide('unsure')", tr("Unsure"), id="review.unsure", tooltip=tr("Leave it as it is, and say so.")
        ),
        Binding("n", "note", tr("Note"), id="review.note", tooltip=tr("Write a note on the image.")),
        Binding("z", "undo", tr("Undo"), id="review.undo", tooltip=UNDO),
        Binding("left", "step(-1)", tr("Back"), id="review.back", show=False, tooltip=tr("The image before.")),
        Binding("right", "step(1)", tr("Next"), id="review.next", show=False, tooltip=tr("The next image, undecided.")),
        Binding("m", "more", tr("More"), id="review.more", tooltip=tr("Also the images with the least sound labels.")),
        Binding(
            "b", "blind", tr("Test part"), id="review.blind", tooltip=tr("Also the test part, without any answer.")
        ),
        Binding("t", "use", tr("Train with"), id="review.use", tooltip=tr("Put the corrections into the recipe.")),
        Binding("e", "effect", tr("Effect"), id="review.effect", tooltip=tr("What the corrections do for a model.")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._queue: Queue | None = None
        self._folder: Path | None = None
        self._mask: Pixels | None = None
        """The lung mask of the image at hand."""
        self._told: object = None
        """The decisions that the session was last told of."""

    def body(self) -> Iterable[Widget]:
        """Progress above picture and text, neighbours below, the note last."""
        way, abilities = self.workbench.picture_way, self.workbench.abilities
        yield Static(id="progress")
        with Panes():
            with Panes(id="desk"):
                with Vertical(classes="pane", id="picture-pane"):
                    yield Xray(way, abilities, id="picture")
                with VerticalScroll(classes="pane", id="text-pane"):
                    yield Static(content(WELCOME), id="text")
            with Horizontal(id="alike"):
                for place in range(NEIGHBOURS):
                    with Container(classes="pane neighbour", id=f"pane-{place}"):
                        yield Xray(way, abilities, id=f"near-{place}")
                        yield Static(id=f"label-{place}")
        yield Input(placeholder=tr("note, then enter"), id="note")

    def on_mount(self) -> None:
        """Titles."""
        self.query_one("#picture-pane").border_title = tr("The image")
        self.query_one("#text-pane").border_title = tr("What speaks against it")
        self._show()

    def data_changed(self) -> None:
        """A review holds for the folder that it looked at."""
        if self._folder and self.session.scan and self.session.data != self._folder:
            self.session.cancel("review")
            self._queue = self._folder = None
            self._show()

    def on_screen_suspend(self) -> None:
        """The other screens go by what was decided here, where the recipe does."""
        if self._queue and self._queue.decided is not self._told:
            self._told = self._queue.decided
            self.session.corrections_changed(self._queue.file.path)

    # The review

    def action_start(self) -> None:
        """Look for suspects, in a thread."""
        self._begin(blind=False)

    def action_blind(self) -> None:
        """The same with the test part."""
        self._begin(blind=True)

    def _begin(self, blind: bool) -> None:
        if self.session.data is None:
            return
        self._folder = self.session.data
        work = partial(look_for_suspects, self._folder, self.session.config, self._file(), blind)
        self.query_one("#text", Static).update(content(tr("The images are being looked at ...")))
        self.session.start("review", tr("looking for suspects"), work, self._found, self._failed)

    def _file(self) -> Path:
        return self.session.config.data.corrections or self.session.runs / CORRECTIONS

    def _found(self, queue: "Queue") -> None:
        self._queue, self._told = queue, queue.decided
        self.workbench.say(queue.review.sentence, "information")
        self._show()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, Stopped):
            self.session.complain(error)
        self._show()

    # What is shown

    def _show(self) -> None:
        queue, session = self._queue, self.session
        self.query_one("#progress", Static).update(progress_text(queue, session.glyphs) if queue else content(""))
        item = queue.item if queue else None
        for xray in self.query(Xray):
            xray.show(None)
        for place in range(NEIGHBOURS):
            self.query_one(f"#label-{place}", Static).update(content(""))
        if queue is None or item is None:
            text = in_recipe_terms(in_turn(queue.review.sentence, queue.review.looked_at), KEYS) if queue else WELCOME
            self.query_one("#text", Static).update(content(text))
        else:
            self.query_one("#text", Static).update(item_text(item, queue.decision(item)))
            self.query_one("#text-pane", VerticalScroll).scroll_home(animate=False)
            near = getattr(item, "neighbours", ())[:NEIGHBOURS]
            for place, one in enumerate(near):
                self.query_one(f"#label-{place}", Static).update(neighbour_text(one, item.label))
            files = [item.file, *(one.file for one in near)]
            assert self._folder
            work = partial(read_pictures, [self._folder / file for file in files])
            session.start("review-picture", tr("reading pictures"), work, partial(self._pictured, files[0]))
        self.refresh_bindings()

    def _pictured(self, file: str, found: "tuple[list[Pixels | None], Pixels | None]") -> None:
        if self._queue and self._queue.item and self._queue.item.file == file:
            pictures, self._mask = found
            for xray, pixels in zip(self.query(Xray), pictures, strict=False):
                xray.show(pixels)
            self.refresh_bindings()

    def enlarged(self) -> Enlarged | None:
        """The image at hand, or the neighbour in focus."""
        item = self._queue.item if self._queue else None
        if item is None:
            return None
        xrays = list(self.query(Xray))
        place = next((place for place, xray in enumerate(xrays) if xray.has_focus), 0)
        files = [item.file, *(one.file for one in getattr(item, "neighbours", ())[:NEIGHBOURS])]
        pixels = xrays[place].pixels
        if pixels is None:
            return None
        return Enlarged(Path(files[place]).name, pixels, mask=None if place else self._mask)

    # Decisions

    def action_decide(self, decision: "Decision") -> None:
        """Write it down and go on."""
        self._act(lambda queue: queue.decide(decision))

    def action_relabel(self) -> None:
        """Ask for the label; the model's comes first."""
        item = self._queue.item if self._queue else None
        if self._queue is None or item is None:
            return
        answer = getattr(item, "answer", "")
        names = [name for name in self._queue.review.classes if name != item.label]
        names.sort(key=lambda name: name != answer)
        answers = [Answer(str(number), name, name) for number, name in enumerate(names, start=1)]
        question = tr("{file} is labelled {label}. Which label is right?", file=item.file, label=item.label)
        self.app.push_screen(Ask(question, answers, Answer("b", tr("Back"), "")), self._relabel)

    def _relabel(self, to: str | None) -> None:
        if to:
            self._act(lambda queue: queue.decide("relabel", to))

    def action_undo(self) -> None:
        """Take the last decision back, of this visit or an earlier one."""
        self._act(lambda queue: self.workbench.say(undone_text(queue.undo()), "information"))

    def action_step(self, by: int) -> None:
        """Another image."""
        self._act(lambda queue: queue.step(by))

    def action_more(self) -> None:
        """The least sound of the rest."""

        def more(queue: "Queue") -> None:
            text = trn("{number} more image in the queue.", "{number} more images in the queue.", queue.more())
            self.workbench.say(text, "information")

        self._act(more)

    def _act(self, act: "Callable[[Queue], object]") -> None:
        if self._queue is None:
            return
        open_before = self._queue.done < len(self._queue.items)
        try:
            act(self._queue)
        except CovidTuiError as error:
            self.workbench.say(in_recipe_terms(error), "error")
        if open_before and self._queue.done == len(self._queue.items):
            self.workbench.say(over_text(self._queue), "information")
        self._show()

    def action_note(self) -> None:
        """To the line for a note."""
        field = self.query_one("#note", Input)
        item = self._queue.item if self._queue else None
        made = self._queue.decision(item) if self._queue and item else None
        field.value = made.note if made else ""
        self.set_class(True, "-noting")
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the note."""
        self.action_leave_field()
        self._act(lambda queue: queue.note(event.value))

    def action_leave_field(self) -> None:
        """Back to the keys."""
        self.set_class(False, "-noting")
        super().action_leave_field()

    def action_effect(self) -> None:
        """What the corrections do for a model, in a thread."""
        if self._queue and self._folder:
            work = partial(measure_effect, self._folder, self.session.config, [*self._queue.decided.values()])
            self.session.start(
                "review-effect", tr("learning with the corrections"), work, self._effect_found, self._failed
            )

    def action_use(self) -> None:
        """The next training learns with the corrections."""
        if self._queue and self._queue.decided:
            data = dataclasses.replace(self.session.config.data, corrections=self._file())
            self.session.configure(tr("the table of corrections"), data=data)
            made = counted(len(self._queue.decided), "correction")
            self.workbench.say(
                tr("The next training learns with {corrections}: 3, then r starts it.", corrections=made)
            )

    def _effect_found(self, found: "Effect") -> None:
        self.workbench.say(found.sentence, "information")

    def keys_first(self) -> tuple[str, ...]:
        """What takes a decision back, as soon as there is one."""
        return () if self.why_not("undo") else ("undo",)

    def why_not(self, action: str) -> str:
        """What there is nothing for."""
        queue, name = self._queue, action.partition("(")[0]
        if name in ("start", "blind"):
            return "" if self.session.data else NO_DATA
        if name in OF_A_REVIEW and queue is None:
            return NO_REVIEW
        if name in ("decide", "relabel", "note", "step", "enlarge") and queue and queue.item is None:
            return NO_ITEM
        if name == "undo" and queue and not queue.can_undo:
            return NOTHING_DECIDED
        if name in ("effect", "use") and queue and not queue.decided:
            return NOTHING_DECIDED
        return super().why_not(action)


def look_for_suspects(folder: Path, config: TrainConfig, file: Path, blind: bool, context: Context) -> "Queue":
    """A review of the folder and what was decided before. Raises as `engine.jobs.review.review` does."""
    from engine.data.corrections_file import CorrectionsFile
    from engine.jobs.review import review
    from engine.review.queue import Queue

    return Queue(review(folder, config, context, blind), CorrectionsFile(file))


def measure_effect(folder: Path, config: TrainConfig, made: "list[Correction]", context: Context) -> "Effect":
    """What the corrections do for a model. Raises as `engine.jobs.review.effect` does."""
    from engine.jobs.review import effect

    return effect(folder, config, made, context)


def read_pictures(paths: list[Path], context: Context) -> "tuple[list[Pixels | None], Pixels | None]":
    """The pictures, the first in full; None for one that can't be read any more. And the lung mask of the first."""
    import numpy as np
    from PIL import Image

    from engine.data.image.reader import ImageError, read

    found: list[Pixels | None] = []
    for place, path in enumerate(paths):
        try:
            pixels = read(path).pixels
        except ImageError:
            found.append(None)
            continue
        if place and max(pixels.shape[:2]) > SMALL:
            picture = Image.fromarray(pixels)
            pixels = np.asarray(picture.reduce(max(1, max(picture.size) // SMALL)))
        found.append(pixels)
    return found, mask_of(paths[0])


SCREEN = ReviewScreen
