"""What more images would bring, as a table."""

from engine.auto.curve import LearningCurve
from engine.base.language import tr
from engine.base.wording import in_turn
from tui.widgets.table_dialog import Table
from tui.words.numbers import as_interval, as_share
from tui.words.recipe_terms import in_recipe_terms


def learning_table(curve: LearningCurve) -> Table:
    """The learning curve: what was measured, and what is expected with its band, by the number of images."""
    rows = [(one.images, as_share(one.accuracy), tr("measured, out of fold")) for one in curve.measured]
    rows += [
        (one.images, as_share(one.accuracy), tr("expected: {band}", band=as_interval(one.band))) for one in curve.law
    ]
    about = in_recipe_terms(in_turn(curve.sentence, curve.doubts))
    return Table(tr("How many more images?"), about, (tr("images"), tr("accuracy"), tr("80% band")), sorted(rows), "")
