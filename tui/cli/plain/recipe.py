"""The recipe by questions: a group, a field of it, its new value; saved to a file and loaded from one."""

import dataclasses
from pathlib import Path
from typing import TypeVar

from engine.base.language import tr
from engine.recipe import toml
from engine.recipe.config import TrainConfig, followed
from engine.recipe.fields import Field, Part, Tree, as_path, change, parts
from engine.recipe.plans import AuditPlan, SweepPlan
from tui.cli.console import put
from tui.cli.plain.ask import asked, choose, new_file
from tui.cli.plain.bench import Bench

USUAL = "-"
"""What is typed for a field's usual value."""
IS_REPORT = tr("The recipe is report now, as this says how to train.")

T = TypeVar("T", TrainConfig, SweepPlan, AuditPlan)


def change_recipe(bench: Bench) -> None:
    """Ask for groups and fields until nobody wants another."""
    groups = parts()
    answers = [*(part.name for part in groups), tr("Save the recipe to a file"), tr("Load a recipe from a file")]
    answers.append(tr("Take the last change back"))
    about = tr("What is not changed is as usual; a group's number says its fields with their values.")
    while (place := choose(tr("Which group of the recipe?"), answers, about=about)) >= 0:
        if place < len(groups):
            changed = with_field(bench.recipe, groups[place])
            bench.recipe = followed(bench.recipe, changed)
            if bench.recipe != changed:
                put(IS_REPORT)
        elif place == len(groups):
            _save(bench)
        elif place == len(groups) + 1:
            _load(bench)
        elif bench.undo():
            _tell(bench)
        else:
            put(tr("Nothing to undo: the recipe of the next training has not been changed."))


def with_field(tree: T, part: Part) -> T:
    """The tree with a field of the part changed, which is asked for; as it was where none was."""
    fields = [field for field in part.fields if field.name != "out"]
    texts = [f"{field.name.replace('_', ' ')}: {_shown(field, tree)}" for field in fields]
    which = choose(part.help, texts)
    return tree if which < 0 else _with_value(tree, fields[which])


def _shown(field: Field, tree: Tree) -> str:
    return field.text(field.value(tree)) or tr("empty")


def _with_value(tree: T, field: Field) -> T:
    put(field.help)
    if field.choices:
        place = choose(tr("It is {value}.", value=_shown(field, tree)), field.choices, about=field.help)
        return tree if place < 0 else _changed(tree, field, field.choices[place])
    question = tr("It is {value}. New value, or {sign} for the usual one", value=_shown(field, tree), sign=USUAL)
    found = asked(question, lambda text: _changed(tree, field, text), field.help, zero_counts=True)
    return tree if found is None else found


def _changed(tree: T, field: Field, text: str) -> T:
    """Raises ConfigError for what the field can't be."""
    from engine.network.freezing import plan

    value = field.default if text == USUAL else field.parse(text)
    return dataclasses.replace(tree, **{field.part: change(tree, field, value, plan)})


def _save(bench: Bench) -> None:
    if found := new_file(tr("Save the recipe of the next training to which file?"), ".toml"):
        toml.save(bench.recipe, found[0])
        put(tr("Saved. `covid-tui --train DATA --config {path}` trains it.", path=found[0]))


def _load(bench: Bench) -> None:
    from engine.network.freezing import plan

    def meant(text: str) -> tuple[Path, TrainConfig]:
        path = as_path(text)
        return path, toml.load(path, plan)

    if found := asked(tr("Load the recipe of which file?"), meant):
        take_recipe(bench, found[1])


def take_recipe(bench: Bench, recipe: TrainConfig) -> None:
    """This is the recipe of the next training; the runs stay where they are."""
    output = dataclasses.replace(recipe.output, out=bench.recipe.output.out, name="")
    bench.recipe = dataclasses.replace(recipe, output=output)
    _tell(bench)


def _tell(bench: Bench) -> None:
    put(
        tr(
            "The recipe of the next training is {recipe}, {changed}.",
            recipe=bench.recipe.choice.recipe,
            changed=bench.changed(),
        )
    )
