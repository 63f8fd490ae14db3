"""An audit by questions: how much is trained; and the audits of other times."""

from engine.audit import store
from engine.base.language import tr
from engine.recipe.config import BY_HAND
from engine.recipe.fields import parts
from engine.recipe.plans import AuditPlan
from tui.cli.console import put
from tui.cli.job_tables import put_audit
from tui.cli.plain.ask import choose
from tui.cli.plain.bench import Bench, flag, told, unusual
from tui.cli.plain.recipe import with_field

ABOUT = tr(
    "The recipe is trained on the lungs alone, without them, on the border and more: what is left without the lungs is "
    "no medicine. Ctrl-C stops it."
)
BY_EPOCHS = {name for names in BY_HAND.values() for name in names}
"""Fields that the recipe "auto", which learns a linear head, has no use for."""


def audit(bench: Bench) -> None:
    """Ask how much an audit trains, then begin it; or show an earlier one. Raises ConfigError without a folder."""
    plan = AuditPlan()
    while True:
        recipe = bench.recipe.choice.recipe
        question = tr("An audit of the recipe {recipe}: {how}. What next?", recipe=recipe, how=told(plan))
        answers = (tr("Start it"), tr("Change how much is trained"), tr("Earlier audits"))
        place = choose(question, answers, about=ABOUT)
        if place < 0:
            return
        if place == 1:
            plan = with_field(plan, parts(AuditPlan)[0])
        elif place == 2:
            _earlier(bench)
        else:
            own = [flag(one, value) for one, value in unusual(plan) if recipe != "auto" or one.name not in BY_EPOCHS]
            shared = bench.recipe_flags("data", "network", "machine")
            bench.command("audit", bench.folder, "--out", bench.out, "--recipe", recipe, *shared, *own)
            return


def _earlier(bench: Bench) -> None:
    paths = store.all_audits(bench.out)
    if not paths:
        put(tr("There is no audit under {out} yet.", out=bench.out))
        return
    if (place := choose(tr("Which audit?"), [path.name for path in paths])) >= 0:
        put_audit(store.read(paths[place]))
