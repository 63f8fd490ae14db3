"""What can be done, as a menu: each answer is a command of the command line, which is said before it runs."""

from collections.abc import Callable
from functools import partial

from engine.base.errors import CovidTuiError
from engine.base.language import tr
from tui.cli.console import put, say
from tui.cli.plain import audits, data, predict, recipe, runs, settings, sweeps, train
from tui.cli.plain.ask import choose
from tui.cli.plain.bench import Bench
from tui.cli.plain.review import review_by_lines

NOT_FOR_DIAGNOSIS = tr("For research and teaching only, not for diagnosis.")
WELCOME = tr(
    "covid-tui, in lines. {warning} Type the number of an answer and enter: 0 goes back, ? explains. Ctrl-C stops a "
    "job."
)
Actions = tuple[tuple[str, Callable[[], object]], ...]


def loop(bench: Bench) -> None:
    """Ask what to do until somebody leaves. Raises Left where the input ends."""
    put(WELCOME.format(warning=NOT_FOR_DIAGNOSIS))
    actions = _actions(bench)
    while True:
        try:
            question = tr("Folder: {folder}. What next?", folder=bench.data or tr("none"))
            place = choose(question, [text for text, _ in actions], tr("Leave"), enter_goes_back=False)
            if place < 0:
                return
            actions[place][1]()
        except KeyboardInterrupt:
            put()
        except (CovidTuiError, OSError) as error:
            say(error)


def _actions(bench: Bench) -> Actions:
    """Every job, by the number under which it always stands."""
    return (
        (tr("Open a folder of X-rays"), partial(data.open_folder, bench)),
        (tr("Say what the folder holds"), partial(data.tell_folder, bench)),
        (tr("Train a model on it"), partial(train.train, bench)),
        (tr("Change the recipe of the training"), partial(recipe.change_recipe, bench)),
        (tr("Look at the runs and their results"), partial(runs.look_at_runs, bench)),
        (tr("Predict images"), partial(predict.predict, bench)),
        (tr("Audit: does a model learn from the lungs?"), partial(audits.audit, bench)),
        (tr("Sweep: which layers are worth training?"), partial(sweeps.sweep, bench)),
        (tr("Review doubtful labels"), partial(review_by_lines, bench)),
        (tr("Say what more images would bring"), partial(train.more_images, bench)),
        (tr("Say which layers train"), partial(train.layers, bench)),
        (tr("Look after this installation"), partial(bench.command, "doctor", "--out", bench.out)),
        (tr("Deleted runs"), partial(runs.deleted_runs, bench)),
        (tr("Settings"), settings.change_settings),
        (tr("Say what a word means"), settings.explain_words),
    )
