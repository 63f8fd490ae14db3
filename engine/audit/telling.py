"""An audit told in the language at hand, from its numbers: what its file says is in the language it was made in."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine.audit.variants import VARIANTS
from engine.audit.verdict import Audit, paragraph
from engine.base.language import tr
from engine.base.wording import counted, in_turn

JUDGED_BY = {"whole", "without-lungs", "lungs"}
"""The variants without which there is no verdict."""


def told_anew(audit: Audit) -> Audit:
    """The audit with the titles of its variants and its verdict in the language at hand; of an audit of another
    version, which has other variants, what can't be told stays as it was saved.
    """
    titles = {variant.name: variant.titled(audit.region) for variant in VARIANTS}
    variants = tuple(dataclasses.replace(one, title=titles.get(one.name, one.title)) for one in audit.variants)
    audit = dataclasses.replace(audit, variants=variants)
    if not JUDGED_BY <= {one.name for one in variants} <= titles.keys():
        return audit
    what = paragraph(audit.finding, variants, audit.gap, audit.baseline, audit.baseline_class, audit.region)
    return dataclasses.replace(audit, verdict=in_turn(what, compared(audit.recipe)))


def compared(recipe: Mapping[str, Mapping[str, Any]]) -> str:
    """A sentence on what was done alike with every variant by a recipe, which is as `recipe.config.to_dict` wrote it;
    empty where it does not say, as that of an audit of before, when who chooses was no part of a recipe.
    """
    if "choice" not in recipe:
        return ""
    network = recipe.get("network", {})
    backbone, mode, epochs = network.get("backbone"), network.get("mode"), recipe.get("fit", {}).get("epochs")
    if not isinstance(backbone, str):
        return ""
    if recipe["choice"].get("recipe") == "auto":
        return tr(
            "Compared: a linear head on the frozen layers of {backbone} (--recipe auto), which each fold chose on the "
            "whole images that it learnt from, fitted anew to each variant.",
            backbone=backbone,
        )
    if not (isinstance(mode, str) and isinstance(epochs, int)):
        return ""
    return tr(
        "Compared: the same training anew on each, {backbone} with --mode {mode}, from the same first weights, for "
        "up to {epochs}.",
        backbone=backbone,
        mode=mode,
        epochs=counted(epochs, "epoch"),
    )
