"""A scan of some classes out of a scan of all, without reading a file again; and how a recipe names such a choice."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.wording import listing
from engine.data.file_names import natural
from engine.data.records import Problem, Scan
from engine.recipe.lists import join_list

CONFLICT = "label-conflict"


def subset(whole: Scan, names: Sequence[str]) -> Scan:
    """What a scan of the classes `names` alone, in this order, would have found; `whole` itself for no names.

    Raises ConfigError for a class that `whole` does not have.
    """
    from engine.data.duplicates import exact_groups, label_conflicts, near_within

    if not names:
        return whole
    for name in names:
        if name not in whole.classes:
            found = listing(whole.classes)
            raise ConfigError(
                tr('{root} has no class "{name}"; it has {found}.', root=whole.root, name=name, found=found)
            )
    records = tuple(record for name in names for record in whole.records if record.label == name)
    problems = [p for p in whole.problems if p.kind != CONFLICT and p.label in ("", *names)]
    labels = {record.file: record.label for record in records}
    problems += [Problem(file, CONFLICT, reason, labels[file]) for file, reason in label_conflicts(records)]
    return replace(
        whole,
        records=records,
        problems=tuple(sorted(problems, key=lambda problem: (natural(problem.file), problem.kind))),
        classes={name: whole.classes[name] for name in names},
        duplicates=exact_groups(records),
        near=near_within(whole.near, records),
        others=tuple(sorted((*whole.others, *(one.file for one in whole.records if one.file not in labels)))),
    )


def joined(names: Iterable[str]) -> str:
    """Class names as --classes takes them: separated by commas, those that hold one in double quotes."""
    return join_list(list(names))
