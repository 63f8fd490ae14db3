"""What documents call things that have a code: measures, parts of a split, ways to train, how a training ended."""

from engine.base.language import marked, tr

MEASURES = marked("sensitivity"), marked("specificity"), marked("precision"), marked("accuracy"), "f1", "auc", "mcc"
PARTS = marked("train"), marked("val"), marked("test")
WAYS = marked("transfer"), marked("finetune"), marked("partial"), marked("probe-then-finetune"), marked("auto")
RUNGS = marked("last layer"), marked("several depths"), marked("mirror image"), marked("fine-tuning")
REGIONS = marked("lung mask"), marked("central rectangle")
"""Codes that are words themselves: `tr` says them in the language where they are shown."""
ENDS = {
    "all epochs": marked("all epochs"),
    "patience": marked("patience"),
    "stopped": marked("stopped"),
    "ladder": marked("all tried"),
}
"""How a training ended, by the code of a result."""


def measure_name(code: str) -> str:
    """A measure by its code, alone or behind "macro" or a class: "auc", "macro auc", "COVID sensitivity"."""
    whose, _, name = code.rpartition(" ")
    if whose == "macro":
        return tr("macro {measure}", measure=tr(name))
    return f"{whose} {tr(name)}" if whose else tr(name)
