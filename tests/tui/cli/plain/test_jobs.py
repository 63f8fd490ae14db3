"""Every key of the workbench has its answer in lines, or a reason why it has none."""

import ast

from translations.messages import ROOT, messages
from tui.app import key_ids

ANSWERS = {
    "app.begin": "Which folder?",
    "app.help": "Say what a word means",
    "app.help-too": "Say what a word means",
    "app.quit": "Leave",
    "app.settings": "Settings",
    "audit.setup": "Earlier audits",
    "audit.start": "Audit: does a model learn from the lungs?",
    "dataset.duplicates": "Say what the folder holds",
    "dataset.open": "Open a folder of X-rays",
    "dataset.pick": "Change the recipe of the training",
    "dataset.problems": "Say what the folder holds",
    "dataset.sources": "Say what the folder holds",
    "dataset.split": "Change the recipe of the training",
    "folder.choose": "Type the path of a folder",
    "form.edit": "It is {value}. New value, or {sign} for the usual one",
    "form.usual": "It is {value}. New value, or {sign} for the usual one",
    "layers.suggest": "Measure which block the images pull at hardest?",
    "predict.alike": "Name the training images most like it",
    "predict.csv": "Write it all as a CSV file",
    "predict.file": "Path of an image, or of a folder of them",
    "predict.folder": "Path of an image, or of a folder of them",
    "predict.heat": "Say where the model looked",
    "predict.level": "How seldom may the true class be left out?",
    "predict.refuse": "How sure must an answer be? Refuse others",
    "predict.run": "Ask another run",
    "rates.take": "Put the rate {rate:g} into the recipe?",
    "recipe.undo": "Take the last change back",
    "results.measures": "Its result",
    "results.mistakes": "Its mistakes, the surest first",
    "results.more": "Say what more images would bring",
    "results.more-frequent": "What its answers are worth where few have it",
    "results.predict": "Predict images",
    "results.rarer": "What its answers are worth where few have it",
    "results.run": "Which run?",
    "review.back": "The image before",
    "review.blind": "Also the test part, blind",
    "review.effect": "Say what the corrections do for a model",
    "review.keep": "Keep its label",
    "review.leave": "Leave the image out",
    "review.more": "More images, with the least sound labels",
    "review.next": "The next image",
    "review.note": "Write a note",
    "review.relabel": "Give it another label",
    "review.start": "Review doubtful labels",
    "review.undo": "Take the last decision back",
    "review.unsure": "Unsure",
    "review.use": "Let the next training learn with what was decided",
    "runs.delete": "Delete it",
    "runs.follow": "Its course, line by line, followed as it trains",
    "runs.open": "Its result",
    "runs.pick": "Compare it with another one",
    "runs.resume": "Go on with it",
    "runs.undo": "Bring back what was deleted last, {names}?",
    "sweep.choose": "Choose a recipe, and open the test part for it",
    "sweep.go_on": "Go on with it",
    "sweep.new": "Give it another name",
    "sweep.queue": "Say what each training costs",
    "sweep.setup": "Earlier sweeps",
    "sweep.start": "Sweep: which layers are worth training?",
    "train.advice": "A warning advises {fields}. Put that into the recipe of the next training?",
    "train.background": "Leave it running in the background",
    "train.find_rate": "First find the learning rate, by a range test",
    "train.load": "Load a recipe from a file",
    "train.log": "Its course, line by line, followed as it trains",
    "train.recipe": "Take its recipe for the next training",
    "train.save": "Save the recipe to a file",
    "train.start": "Train a model on it",
    "train.stop": "Stop the training?",
    "train.stop_now": "Stop now, keep the best epoch untested",
}
"""What does the same in lines, by the name of the key."""
SHOWS = {
    "alike", "ask", "augment", "dialog", "field", "file", "folder", "guide", "help", "list", "log", "open", "pick",
    "picture", "plot", "rates", "replay", "schedule", "settings", "split", "view",
}  # fmt: skip
"""Screens within a screen, of which every other key moves, draws, plays or closes what is shown."""
LEFT_OUT = {
    "app.cancel": "Ctrl-C stops a job in lines",
    "app.theme": "how it looks; the settings have it",
    "audit.class": "pictures", "audit.copy": "the terminal's own", "audit.next": "pictures",
    "audit.previous": "pictures", "audit.stop": "Ctrl-C stops a job in lines", "audit.views": "pictures",
    "dataset.augment": "pictures", "dataset.chart": "plots", "dataset.images": "pictures", "dataset.mask": "pictures",
    "layers.all": "the recipe's fields mode and unfreeze", "layers.block": "the same", "layers.block_above": "a cursor",
    "layers.block_below": "a cursor", "layers.last": "the recipe's fields", "layers.last_two": "the recipe's fields",
    "layers.range_down": "the recipe's fields", "layers.range_up": "the recipe's fields",
    "layers.take": "the recipe's fields", "layers.toggle": "the recipe's fields",
    "layers.transfer": "the recipe's fields",
    "predict.copy": "the terminal's own", "predict.files": "panes", "predict.history": "panes",
    "predict.view": "pictures",
    "results.copy": "the terminal's own", "results.heat": "pictures; a prediction says it", "results.newer": "a cursor",
    "results.older": "a cursor", "results.plots": "plots",
    "runs.copy": "the terminal's own", "runs.unpick": "a cursor", "runs.view": "panes",
    "sweep.axis": "plots", "sweep.copy": "the terminal's own", "sweep.plot": "plots",
    "sweep.stop": "Ctrl-C stops a job in lines",
    "train.log_axis": "plots", "train.schedule": "plots; each epoch says its rate", "train.view": "plots",
}  # fmt: skip
"""Keys that have none on purpose."""


def test_every_key_has_its_answer_in_lines_or_a_reason() -> None:
    known = key_ids()
    open_ones = {name for name in known - ANSWERS.keys() - LEFT_OUT.keys() if name.partition(".")[0] not in SHOWS}
    assert open_ones == set()
    assert (ANSWERS.keys() | LEFT_OUT.keys()) - known == set(), "keys that are gone"
    assert ANSWERS.keys() & LEFT_OUT.keys() == set()


def test_every_answer_that_is_named_there_is_one() -> None:
    files = {path.name: ast.parse(path.read_text()) for path in (ROOT / "tui" / "cli" / "plain").glob("*.py")}
    asked = {message.text for name, tree in files.items() for message in messages(name, tree)}
    assert set(ANSWERS.values()) - asked == set()
