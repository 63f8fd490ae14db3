"""The keys of the Dataset screen, with what each does."""

from textual.binding import Binding, BindingType

from engine.base.language import tr
from tui.screens.undoing import UNDO
from tui.widgets.plot_dialog import ENLARGE

OF_A_SCAN = frozenset(("chart", "split", "problems", "duplicates", "sources"))
"""The actions for which a folder must have been read."""
OF_IMAGES = frozenset(("augment", "mask", "enlarge", "page('pictures')"))
"""Those for which the class must have images."""
NO_FOLDER = tr("No folder of X-rays is open yet: o chooses one.")
READING = tr("The folder is still being read.")
NO_IMAGES = tr("The class has no image that can be shown.")
KEYS: list[BindingType] = [
    Binding("o", "choose", tr("Open"), id="dataset.open", tooltip=tr("Choose the folder of X-rays.")),
    Binding("i", "page('pictures')", tr("Images"), id="dataset.images", tooltip=tr("Look through the class's images.")),
    Binding(
        "c", "chart", tr("Chart"), id="dataset.chart", tooltip=tr("Next chart: intensities, image and class sizes.")
    ),
    Binding(
        "m",
        "mask",
        tr("Mask"),
        id="dataset.mask",
        tooltip=tr("Lay the lung mask over the picture, or take it off."),
    ),
    Binding("a", "augment", tr("Augment"), id="dataset.augment", tooltip=tr("Preview the augmentation of this image.")),
    Binding(
        "s", "split", tr("Split"), id="dataset.split", tooltip=tr("Sizes of train, validation, test; edit shares.")
    ),
    Binding("p", "problems", tr("Problems"), id="dataset.problems", tooltip=tr("Files that can't be used, and why.")),
    Binding("d", "duplicates", tr("Equal"), id="dataset.duplicates", tooltip=tr("Images with the same pixels.")),
    Binding("u", "sources", tr("Sources"), id="dataset.sources", tooltip=tr("Where each class's images come from.")),
    UNDO,
    ENLARGE,
]
