"""Screen 1: what a folder of X-rays holds, how it is split, what is wrong with it, and how its images look."""

import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from engine.base.context import Context
from engine.base.language import tr
from engine.data.subset import joined
from tui.screens.dataset.banner import Banner
from tui.screens.dataset.class_table import ClassTable, about
from tui.screens.dataset.corrected import changes_of, listed, names
from tui.screens.dataset.keys import KEYS, NO_FOLDER, NO_IMAGES, OF_A_SCAN, OF_IMAGES, READING
from tui.screens.dataset.split_dialog import SplitDialog
from tui.screens.dataset.text import divided, pictured, reading, warned
from tui.screens.pictures import PictureScreen
from tui.screens.plotted import PlottedScreen
from tui.screens.undoing import RecipeScreen
from tui.state.messages import JobChanged
from tui.widgets.charts import Bars, class_curve, scatter, sizes_by_class
from tui.widgets.curves import Curves
from tui.widgets.facts import Facts
from tui.widgets.name_list import NameList
from tui.widgets.panes import Panes
from tui.widgets.safe_cells import content
from tui.widgets.viewer import Enlarged
from tui.widgets.xray import Xray
from tui.words.recipe_terms import in_recipe_terms
from tui.words.safe_text import display_name

if TYPE_CHECKING:
    from engine.data.corrections import Change
    from engine.data.image.reader import Pixels, XrayImage
    from engine.data.records import Record, Scan

Page = Literal["facts", "pictures", "charts"]
ROOMY = 28
"""Lines from which on a narrow terminal has a chart below the warnings."""
CHARTS = ("intensity", "sizes", "classes")
AXES = {
    "intensity": (tr("pixels in %"), tr("brightness, 0 black to 255 white")),
    "sizes": (tr("class and size in pixels"), tr("images")),
    "scatter": (tr("height in pixels"), tr("width in pixels")),
    "classes": (tr("class"), tr("images")),
}
"""What the upright axis of each chart is, and what the other one."""
SAMPLE = 60
"""Images of each class that the intensities are measured on."""
MOST_BARS = 8


class DatasetScreen(RecipeScreen, PictureScreen, PlottedScreen):
    """Classes, split and warnings beside pictures and charts; on a narrow terminal one of the three at a time."""

    MODE = "dataset"
    CSS_PATH = "dataset.tcss"
    HELP = tr(
        "Choose a folder of X-rays, see what it holds, and pick the classes to train on. The files "
        "of the class under the cursor are listed beside the picture."
    )
    AUTO_FOCUS = "#classes"
    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def __init__(self) -> None:
        super().__init__()
        self._whole: Scan | None = None
        self._scan: Scan | None = None
        self._changes: Mapping[str, Change] = {}
        """By file, what the recipe's corrections did to the images."""
        self._records: list[Record] = []
        self._class = ""
        self._image: XrayImage | None = None
        self._mask: Pixels | None = None
        self._masked = False
        self._unread = ""
        """Why the image at hand can't be shown, as a sentence."""
        self._chart = 0
        self._intensities: dict[str, list[float]] | None = None

    def body(self) -> Iterable[Widget]:
        """The path above what is in it."""
        yield Static(id="folder")
        with Panes(classes="columns"):
            with Vertical(id="facts"):
                yield Banner(id="banner")
                with Vertical(classes="pane", id="classes-pane"):
                    yield ClassTable(cursor_type="row", id="classes")
                    yield Static(id="class-facts", classes="muted")
                yield Static(classes="pane", id="split")
                with VerticalScroll(classes="pane", id="beware-pane", can_focus=False):
                    yield Static(id="beware")
                yield Curves(empty=tr("Intensities appear once the images are read."), id="intensity")
                yield Bars(empty=tr("No images yet."), id="bars")
                yield Curves(empty=tr("No images yet."), id="scatter")
            with Container(classes="pane", id="picture-pane"):
                with Vertical(id="look"):
                    yield Xray(self.workbench.picture_way, self.workbench.abilities, id="picture")
                    yield Facts(id="picture-facts", classes="muted")
                yield NameList(id="files")

    def on_mount(self) -> None:
        """Titles."""
        for pane, title in (("classes", tr("Classes")), ("beware", tr("Beware")), ("picture", tr("X-ray"))):
            self.query_one(f"#{pane}-pane").border_title = title
        self.query_one("#split").border_title = tr("Split")
        for name in ("intensity", "bars", "scatter"):
            self.query_one(f"#{name}").add_class("pane", "chart")
        self._go("facts")

    # Data

    def data_changed(self) -> None:
        """Show the folder as far as it is read."""
        session = self.session
        where = display_name(session.data) if session.data else tr("no folder open")
        self.query_one("#folder", Static).update(Content.assemble((f"{tr('Folder')}  ", "$text-muted"), where))
        self.query_one(ClassTable).show(session)
        if session.scan is not self._scan:
            self._scan = session.scan
            self._intensities = None
            if session.whole is not self._whole:
                self._whole, self._changes = session.whole, changes_of(session)
                self._show_class(self._class if self._whole and self._class in self._whole.classes else self._first())
            self._draw_chart()
        if self._changes != changes_of(session):
            self._changes = changes_of(session)
            self._show_class(self._class, self._record)
        self.query_one(Banner).watch_over(session)
        self._show_warnings()
        self._facts()
        if session.scan and self.focused is None and self.is_current:
            self.set_focus(self.query_one(ClassTable))
        if isinstance(self.app.screen, SplitDialog):
            self.app.screen.fill()

    def job_changed(self, message: JobChanged) -> None:
        """Show how far the reading is."""
        if message.job.group == "scan":
            self._show_warnings()

    def on_banner_measured(self) -> None:
        """List what the banner found."""
        self._show_warnings()

    def _first(self) -> str:
        return next(iter(self.session.whole.classes if self.session.whole else ()), "")

    def _show_warnings(self) -> None:
        """Split and warnings."""
        session = self.session
        split, box = self.query_one("#split", Static), self.query_one("#beware", Static)
        self.query_one("#beware-pane").border_title = tr("Beware") if session.scan else tr("Begin")
        if session.scan is None:
            split.update(content("-", "$text-muted"))
            box.update(reading(session))
        else:
            banner = self.query_one(Banner)
            split.update(divided(session))
            box.update(warned(session, session.scan, banner.confounding, banner.patients, banner.unfinished))

    # Classes

    def on_class_table_picked(self, event: ClassTable.Picked) -> None:
        """Take a class into the training, or leave it out."""
        whole, data = self.session.whole, self.session.config.data
        if whole is None:
            return
        picked = set(data.class_names or whole.classes) ^ {event.name}
        names = [name for name in whole.classes if name in picked]
        if not names:
            self.workbench.say(tr("A training needs at least two classes."), "warning")
            return
        text = "" if len(names) == len(whole.classes) else joined(names)
        self.session.configure(tr("the choice of classes"), data=dataclasses.replace(data, classes=text))

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """List the class's images."""
        name = event.row_key.value if event.row_key else None
        if name and name != self._class:
            self._show_class(name)

    def on_data_table_row_selected(self) -> None:
        """Enter: to the images."""
        self.action_page("pictures")

    def _show_class(self, name: str, at: "Record | None" = None) -> None:
        """List the images of a class, the one `at` hand highlighted."""
        self._class, whole = name, self.session.whole
        self._records = listed(self.session, name)
        index = self._records.index(at) if at in self._records else 0
        self.query_one(NameList).show(names(self.session, self._records, name), index)
        text = about(name, self.session) if whole and name in whole.classes else Content("")
        self.query_one("#class-facts", Static).update(text, layout=False)
        if not self._records:
            self._image, self._mask, self._unread = None, None, ""
            self.query_one(Xray).show(None)
            self._facts()

    # Pictures

    @property
    def _record(self) -> "Record | None":
        place = self.query_one(NameList).place
        return self._records[place] if place < len(self._records) else None

    def on_name_list_highlighted(self) -> None:
        """Show the image."""
        record, data = self._record, self.session.data
        if record and data:
            self._image, self._mask, self._unread = None, None, ""
            work, failed = partial(_read, data, record), partial(self._not_read, record)
            self.session.start("picture", tr("reading a picture"), work, self._show, failed)

    def _not_read(self, record: "Record", error: Exception) -> None:
        """Say so where the picture would be, lest another one be taken for it."""
        if record is self._record:
            self._unread = in_recipe_terms(error)
            self.query_one(Xray).show(None)
            self._facts()

    def _show(self, loaded: "tuple[Record, XrayImage, Pixels | None]") -> None:
        record, image, mask = loaded
        if record is self._record:
            self._image, self._mask = image, mask
            self._draw_picture()
            self.refresh_bindings()

    def _draw_picture(self) -> None:
        from tui.services.pictures import masked

        image = self._image
        if image:
            mask = self._mask if self._masked else None
            self.query_one(Xray).show(image.pixels if mask is None else masked(image.pixels, mask))
        self._facts()

    def _facts(self) -> None:
        """What is known of the picture, under it."""
        record, image, session = self._record, self._image, self.session
        pane, box = self.query_one("#picture-pane"), self.query_one("#picture-facts", Facts)
        name = record.file.rsplit("/", 1)[-1] if record else ""
        covered = image and self._masked and self._mask is not None
        over = tr("Lung mask over {name}", name=name) if covered else tr("X-ray {name}", name=name)
        pane.border_title = content(over) if record else tr("X-ray")
        if not record or not image:
            box.update(content(self._unread, "$error"))
            return
        box.update(pictured(session, record, image, self._masked))

    def enlarged(self) -> Enlarged | None:
        """The image at hand."""
        image, record = self._image, self._record
        return Enlarged(Path(record.file).name, image.pixels, mask=self._mask) if image and record else None

    def action_mask(self) -> None:
        """Lay the lung mask over the picture, or take it off."""
        self._masked = not self._masked
        if self._masked and self._record and self._record.mask is None:
            self.workbench.say(tr("This image has no lung mask."))
        self._draw_picture()

    # Charts

    def action_chart(self) -> None:
        """The next chart; on a narrow terminal first to the charts."""
        if "-narrow" not in self.classes or self.query_one("#body").has_class("-charts"):
            self._chart = (self._chart + 1) % len(CHARTS)
        self._go("charts")
        self._draw_chart()

    def on_resize(self, event: Resize) -> None:
        """A chart may have come into sight."""
        self.query_one("#body").set_class(event.size.height >= ROOMY, "-roomy")
        self.call_after_refresh(self._draw_chart)

    def _draw_chart(self) -> None:
        """Show the chart at hand, if there is room for one."""
        kind, scan = CHARTS[self._chart], self.session.scan
        records = scan.records if scan else ()
        sizes = sizes_by_class(records)
        scattered = kind == "sizes" and len(sizes) > MOST_BARS
        shown = "scatter" if scattered else "intensity" if kind == "intensity" else "bars"
        for name in ("intensity", "bars", "scatter"):
            self.query_one(f"#{name}").set_class(name != shown, "-off")
        upright, across = AXES["scatter" if scattered else kind]
        self.query_one(f"#{shown}", Curves).name_it(upright, tr("c: next"), across)
        if scan is None or not self._charted:
            return
        if shown == "intensity":
            self._measure(scan)
        elif scattered:
            self.query_one("#scatter", Curves).draw(scatter(records))
        else:
            bars = [(name, summary.images) for name, summary in scan.classes.items()] if kind == "classes" else sizes
            self.query_one(Bars).show(bars)

    @property
    def _charted(self) -> bool:
        """Whether a chart is in sight."""
        body = self.query_one("#body")
        beside = body.has_class("-roomy") and body.has_class("-facts")
        return "-narrow" not in self.classes or body.has_class("-charts") or beside

    def _measure(self, scan: "Scan") -> None:
        """Draw the intensities, measuring them first in a thread where that is still to be done."""
        if self._intensities is None:
            if "intensities" not in self.session.jobs:
                work = partial(_intensities, scan)
                self.session.start("intensities", tr("measuring intensities"), work, partial(self._measured, scan))
            return
        curves = [
            class_curve(name, place, [8 * bin + 4 for bin in range(len(shares))], shares)
            for place, (name, shares) in enumerate(self._intensities.items())
        ]
        self.query_one("#intensity", Curves).draw(curves, (0, 255))

    def _measured(self, scan: "Scan", shares: dict[str, list[float]]) -> None:
        if scan is self._scan:
            self._intensities = shares
        self._draw_chart()

    # Pages and dialogs

    def _go(self, page: Page) -> None:
        body = self.query_one("#body")
        for name in ("facts", "pictures", "charts"):
            body.set_class(name == page, f"-{name}")

    def action_page(self, page: Page) -> None:
        """To the images, or back."""
        self._go(page)
        self.set_focus(self.query_one(NameList if page == "pictures" else ClassTable))

    def action_leave_field(self) -> None:
        """Back to the classes."""
        self.action_page("facts")
        self._draw_chart()

    def action_choose(self) -> None:
        """Choose a folder."""
        from tui.screens.dataset.folder_dialog import FolderDialog

        def chosen(folder: Path | None) -> None:
            if folder is not None:
                self._class = ""
                self.session.open_data(folder)

        self.app.push_screen(FolderDialog(self.session), chosen)

    def action_augment(self) -> None:
        """Preview the augmentation of the image at hand."""
        from tui.screens.dataset.augmentation_dialog import AugmentationDialog

        way, abilities = self.workbench.picture_way, self.workbench.abilities
        place = self.query_one(NameList).place
        self.app.push_screen(AugmentationDialog(self.session, self._records, place, way, abilities))

    def action_split(self) -> None:
        """Edit the split."""
        self.app.push_screen(SplitDialog(self.session))

    def action_problems(self) -> None:
        """List the problems."""
        self._list("problems")

    def action_duplicates(self) -> None:
        """List the equal images."""
        self._list("duplicates")

    def action_sources(self) -> None:
        """List the sources."""
        self._list("sources")

    def _list(self, what: str) -> None:
        from tui.screens.dataset import tables
        from tui.widgets.table_dialog import Listing

        if self.session.scan:
            self.app.push_screen(Listing(getattr(tables, what)(self.session.scan, self.session.split)))

    def why_not(self, action: str) -> str:
        """Most of it needs a folder that is read."""
        if action in OF_A_SCAN | OF_IMAGES and self.session.scan is None:
            return READING if self.session.data else NO_FOLDER
        return NO_IMAGES if action in OF_IMAGES and not self._records else super().why_not(action)


def _read(root: Path, record: "Record", context: Context) -> "tuple[Record, XrayImage, Pixels | None]":
    from engine.data.image.reader import ImageError, read

    image = read(root / record.file)
    _ = image.facts  # measured here, not in the screen's thread
    try:
        mask = read(root / record.mask).pixels if record.mask else None
    except ImageError:
        mask = None
    return record, image, mask


def _intensities(scan: "Scan", context: Context) -> dict[str, list[float]]:
    from engine.data.class_histograms import class_histograms

    return class_histograms(scan.root, scan.records, SAMPLE, context)


SCREEN = DatasetScreen
