"""Augmentation previewed: an X-ray as it is beside six versions of it, the very ones that the training would see."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.content import Content
from textual.widgets import Checkbox, Input, Label, Static

from engine.base.context import Context
from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.wording import listing
from engine.recipe.config import AugmentConfig
from tui.host.terminal import Abilities
from tui.widgets.dialog import Dialog
from tui.widgets.safe_cells import content
from tui.widgets.viewer import Enlarged, Viewer
from tui.widgets.xray import Way, Xray, focused_of
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.data.image.reader import Pixels
    from engine.data.records import Record
    from tui.state.session import Session

VERSIONS = 6
NUMERIC = "0123456789.eE+-"
FIELDS = (
    ("rotation", tr("rotation deg")),
    ("shear", tr("shear deg")),
    ("zoom", tr("zoom share")),
    ("shift", tr("shift share")),
    ("seed", tr("seed")),
)

POLICY = tr("the ranges and the seed of the augmentation")


@dataclasses.dataclass(frozen=True)
class Preview:
    """Pictures and what was done to each; the first is the image as it is. `base` is what they were made from."""

    file: Path
    base: "Pixels"
    pictures: "tuple[tuple[tuple[str, ...], Pixels], ...]"


class NumberField(Input):
    """A field that leaves the letters to the keys of the dialog."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Only what a number is made of."""
        return character is not None and character in NUMERIC


class AugmentationDialog(Dialog[None]):
    """Ranges on the left, seven pictures on the right; a changed range draws them anew and is kept in the recipe."""

    HELP = tr(
        "Six versions of the image, drawn from the ranges on the left and the seed as a training with this "
        "recipe draws them; how many of them it sees stands below the ranges. Page up and down show another "
        "image; the ranges are kept in the recipe."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "other(1)", tr("Next image"), id="augment.next", tooltip=tr("Preview the next image.")),
        Binding("pageup", "other(-1)", tr("Previous"), id="augment.previous", tooltip=tr("Preview the image before.")),
        Binding(
            "F,shift+f",
            "enlarge",
            tr("Enlarge"),
            key_display="F",
            id="augment.enlarge",
            priority=True,
            tooltip=tr("The picture in focus, or the image, on the whole screen."),
        ),
        Binding("up", "app.focus_previous", tr("Field above"), show=False),
        Binding("down", "app.focus_next", tr("Field below"), show=False),
    ]

    def __init__(self, session: "Session", records: "list[Record]", place: int, way: Way, abilities: Abilities) -> None:
        """Preview the record at `place`; the others can be gone to."""
        super().__init__()
        self._session, self._records, self._place = session, records, place
        self._way, self._abilities = way, abilities
        self._shown: Preview | None = None
        self._wrong: dict[str, str] = {}

    def body(self) -> ComposeResult:
        """The form beside the grid."""
        policy, seed = self._session.config.augment, self._session.config.machine.seed
        values = {**{name: f"{getattr(policy, name):g}" for name, _ in FIELDS[:-1]}, "seed": str(seed)}
        with Horizontal(classes="whole") as box:
            box.border_title = tr("Augmentation")
            with Vertical(id="ranges"):
                yield Checkbox(tr("augment"), policy.augment == "report", id="augment", compact=True)
                for name, label in FIELDS:
                    with Horizontal(classes="field"):
                        yield Label(label)
                        yield NumberField(values[name], id=name, restrict=r"[0-9.eE+-]*")
                yield Checkbox(tr("flip"), policy.flip, id="flip", compact=True)
                yield Static(id="augment-note", classes="muted")
            with Grid(id="versions"):
                for place in range(VERSIONS + 1):
                    with Vertical(classes="version"):
                        yield Xray(self._way, self._abilities, id=f"version-{place}")
                        yield Static(id=f"done-{place}", classes="done")

    def on_mount(self) -> None:
        """The first pictures."""
        self._draw()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Draw anew, where the value is one."""
        self._set(str(event.input.id), event.value.strip())
        event.input.set_class(str(event.input.id) in self._wrong, "-invalid")

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Augment or not, mirror or not."""
        self._set(str(event.checkbox.id), event.value)

    def _set(self, name: str, value: str | bool) -> None:
        session = self._session
        try:
            change = _change(session, name, value)
        except (ConfigError, ValueError) as error:
            self._wrong[name] = (
                in_recipe_terms(error, dict(FIELDS))
                if isinstance(error, ConfigError)
                else tr("{name}: {value!r} is no number.", name=dict(FIELDS).get(name, name), value=value)
            )
        else:
            self._wrong.pop(name, None)
            if change:
                change()
                self._draw()
        self._note()

    def _draw(self) -> None:
        """Have the pictures made in a thread."""
        record = self._records[self._place]
        path = Path(self._session.data or ".") / record.file
        known = self._shown.base if self._shown and self._shown.file == path else None
        config = self._session.config
        size = self._session.freeze.backbone.size
        work = partial(preview, path, known, record.sha, config.augment, config.machine.seed, size)
        self.query_one(".whole").border_title = content(tr("Augmentation of {file}", file=record.file))
        self._session.start("augment", tr("augmenting"), work, self._show)
        self._note()

    def _show(self, made: Preview) -> None:
        self._shown = made
        if not self.is_attached:
            return
        for place, (steps, pixels) in enumerate(made.pictures):
            self.query_one(f"#version-{place}", Xray).show(pixels)
            named = [tr("version {number}", number=place)] if place else []
            self.query_one(f"#done-{place}", Static).update(Content("\n".join((*named, *steps))))

    def _note(self) -> None:
        glyphs, policy = self._session.glyphs, self._session.config.augment
        if self._wrong:
            text, style = f"{glyphs.beware} {next(iter(self._wrong.values()))}", "$error"
        else:
            text, style = cycle(policy), ""
        self.query_one("#augment-note", Static).update(content(text, style))

    def action_enlarge(self) -> None:
        """The pictures on the whole screen, the one in focus first."""
        made = self._shown
        if made and self.app.screen is self:
            seen = [Enlarged(f"{made.file.name}, {listing(steps)}", pixels) for steps, pixels in made.pictures]
            place = focused_of(self.query(Xray))
            self.app.push_screen(Viewer(seen, self._way, self._abilities, self._session.glyphs.dot, place))

    def action_other(self, step: int) -> None:
        """Another image of the class."""
        self._place = (self._place + step) % len(self._records)
        self._draw()


def cycle(policy: AugmentConfig) -> str:
    """What the epochs see of an image, as a sentence."""
    if policy.augment == "none":
        return tr("Every epoch sees the image as it is.")
    if policy.kept_views is None:
        return tr("Every epoch sees a new version.")
    count = policy.kept_views - 1
    if count > 1:
        return tr(
            "Epochs take turns: the first sees the image as it is, the next ones versions 1 to {count}, and so on.",
            count=count,
        )
    return tr("Epochs take turns: the first sees the image as it is, the next one version 1, and so on.")


def preview(
    path: Path,
    known: "Pixels | None",
    sha: str,
    policy: AugmentConfig,
    seed: int,
    size: int,
    context: Context,
) -> Preview:
    """The image at `path`, already decoded and resized where `known`, and its first versions under a policy."""
    from engine.data.image.reader import read, resize
    from engine.training.augment import PLAIN, draw, transforms
    from tui.services.pictures import moved

    base = resize(read(path).pixels, size) if known is None else known
    draws = [draw(policy, seed, sha, view) for view in (PLAIN, *range(VERSIONS))]
    pictures = [
        (drawn.steps, moved(base, matrix) if view else base)
        for view, (drawn, matrix) in enumerate(zip(draws, transforms(draws, size), strict=True))
    ]
    return Preview(path, base, tuple(pictures))


def _change(session: "Session", name: str, value: str | bool) -> Callable[[], None] | None:
    """What sets the field; None where it is so already. Raises ValueError or ConfigError."""
    policy, machine = session.config.augment, session.config.machine
    if name == "seed":
        seed = dataclasses.replace(machine, seed=int(value))
        return None if seed == machine else lambda: session.configure(POLICY, machine=seed)
    if name == "augment":
        changed = dataclasses.replace(policy, augment="report" if value else "none")
    elif name == "flip":
        changed = dataclasses.replace(policy, flip=bool(value))
    else:
        changed = dataclasses.replace(policy, **{name: float(value)})  # type: ignore[arg-type]
    return None if changed == policy else lambda: session.configure(POLICY, augment=changed)
