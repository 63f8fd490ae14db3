"""The keys of the Predict screen, with what each does."""

from textual.binding import Binding, BindingType

from engine.base.language import tr

ALIKE = tr("The image beside the training images that the network sees most alike, with their labels.")
LEVEL = tr("What it may be at the next level of the promise: 80%, 90%, 95%, 99%.")
REFUSE = tr(
    "Refuse answers that are not sure enough: at most 1%, 2%, 5% or 10% of those given are wrong; or refuse none."
)
VIEW = tr("The picture as in the file, or as the network sees it.")
NO_IMAGE = tr("No image is shown yet: choose a file in the tree, or type its path (o).")
NO_ANSWER = tr("No model has answered yet.")
NO_LEVELS = tr("This run promises nothing about what else an image may be.")
NO_TERMS = tr("This run has kept nothing by which its answers could be refused.")
NO_LINES = tr("No folder has been predicted yet: f predicts one.")
KEYS: list[BindingType] = [
    Binding(
        "o", "choose", tr("File"), id="predict.file", tooltip=tr("Type the path of an image file, or of a folder.")
    ),
    Binding("r", "pick", tr("Run"), id="predict.run", tooltip=tr("Choose the run whose model is asked.")),
    Binding("g", "heat", tr("Heat"), id="predict.heat", tooltip=tr("Where the model looks (HiResCAM), and back.")),
    Binding("n", "alike", tr("Alike"), id="predict.alike", tooltip=ALIKE),
    Binding("l", "level", tr("Level"), id="predict.level", tooltip=LEVEL),
    Binding("k", "refuse", tr("Refuse"), id="predict.refuse", tooltip=REFUSE),
    Binding("f", "folder", tr("Folder"), id="predict.folder", tooltip=tr("Predict every image of the folder chosen.")),
    Binding(
        "h", "history", tr("History"), id="predict.history", tooltip=tr("Turn between this session and the folder.")
    ),
    Binding("w", "write", "CSV", id="predict.csv", tooltip=tr("Write the folder's predictions as a CSV file.")),
    Binding("t", "side", tr("Files"), id="predict.files", tooltip=tr("To the files and the history, and back.")),
    Binding("v", "view", tr("View"), id="predict.view", tooltip=VIEW),
    Binding("c", "copy", tr("Copy"), id="predict.copy", tooltip=tr("Copy the file's path, or the table in focus.")),
]
