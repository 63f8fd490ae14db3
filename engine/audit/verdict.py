"""What an audit's numbers mean: the gap between whole images and images without lungs, and a paragraph about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.base.language import tr
from engine.base.typed_files import Amount, Count, Ends, Positive, Share, Signed, SignedEnds, plain_object
from engine.base.wording import counted, in_turn, listing, whole_percent
from engine.data.masks import RECTANGLE
from engine.evaluation.compare import by_chance, mcnemar
from engine.evaluation.intervals import paired_counts, paired_interval

Finding = Literal["nothing learnt", "lungs", "partly", "either", "shortcut", "unclear"]
"""nothing learnt: no accuracy to explain. lungs: what is left without them is not shown to be better than the baseline.
partly: the lungs add to what the rest gives. either: the rest gives as much as the whole, and so do the lungs.
shortcut: the rest gives as much as the whole, and the lungs alone give nothing. unclear: too few images to tell.
"""


@dataclass(frozen=True)
class VariantResult:
    """How the recipe did on one variant's test images. Shares are from 0 to 1.

    The interval is exact at 95% for independent answers; those of several folds depend on each other a little.
    """

    name: str
    title: str
    n: Positive
    correct: Count
    accuracy: Share
    accuracy_ci: Ends
    auc: Share | None
    """Mean over the folds; of the second class for two classes, else the mean over classes against the rest."""
    epochs: tuple[Count, ...]
    """By fold; none where nothing was trained by epochs."""
    seconds: Amount


@dataclass(frozen=True)
class FoldHead:
    """The linear head that the recipe "auto" chose on the whole images that a fold learnt from."""

    reads: tuple[str, ...]
    """The layers whose means it reads, input side first."""
    places: bool
    """Are the cells of the grid told apart?"""
    mirror: bool
    """Are the logits averaged with those of the mirror image?"""
    strength: Amount
    """Of the penalty on the squared weights."""


@dataclass(frozen=True)
class Gap:
    """Accuracy on whole images less that on the same images with the lungs blacked out."""

    value: Signed
    ci: SignedEnds
    """95%, paired (Newcombe 1998, method 10)."""
    only_whole: Count
    """Images that are right as a whole and wrong without lungs."""
    only_without: Count
    p: Share
    """McNemar's exact test: how likely so uneven a count is where neither is better."""


@dataclass(frozen=True)
class Audit:
    """An audit's result."""

    folder: Path
    tested: dict[str, Count]
    """Images tested, by class."""
    folds: Positive
    """Trainings a variant: above 1, each image was tested by the one that had not seen it."""
    region: str
    """"lung mask", or "central rectangle" where the dataset has none that can be used."""
    baseline: Share
    """Accuracy of always answering the most frequent class."""
    baseline_class: str
    variants: tuple[VariantResult, ...]
    gap: Gap
    finding: Finding
    verdict: str
    seconds: Amount
    recipe: dict[str, dict[str, Any]]
    """As `recipe.config.to_dict` wrote it. Not typed here: an audit of another version is shown all the same."""
    heads: tuple[FoldHead, ...] = ()
    """By fold, for the recipe "auto"."""

    @property
    def way(self) -> str:
        """Network and mode, or "auto", as far as the recipe names them."""
        network, choice = self.recipe.get("network", {}), self.recipe.get("choice", {})
        mode = "auto" if choice.get("recipe") == "auto" else network.get("mode")
        return f"{network.get('backbone')}, {mode}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return plain_object(self)


def paired_gap(whole: npt.NDArray[np.bool_], without: npt.NDArray[np.bool_]) -> Gap:
    """The gap between two answers on the same images, each (n,) of whether it is right."""
    both, only_whole, only_without, neither = paired_counts(whole, without)
    interval = paired_interval(both, only_whole, only_without, neither)
    return Gap(
        float(whole.mean() - without.mean()), interval, only_whole, only_without, p=mcnemar(only_whole, only_without)
    )


def judge_variants(
    variants: Sequence[VariantResult], gap: Gap, baseline: float, baseline_class: str, region: str
) -> tuple[Finding, str]:
    """What the results mean, as a word and as a paragraph."""
    whole, without, lungs = _judged_by(variants)
    if not _beats(whole, baseline):
        finding: Finding = "nothing learnt"
    elif gap.ci[0] > 0:
        finding = "partly" if _beats(without, baseline) else "lungs"
    elif _beats(without, baseline):
        finding = "either" if _beats(lungs, baseline) else "shortcut"
    else:
        finding = "unclear"
    return finding, paragraph(finding, variants, gap, baseline, baseline_class, region)


def paragraph(
    finding: Finding,
    variants: Sequence[VariantResult],
    gap: Gap,
    baseline: float,
    baseline_class: str,
    region: str,
) -> str:
    """What the results mean, in the language at hand."""
    whole, without, lungs = _judged_by(variants)
    always = tr('always saying "{name}" ({share:.1%})', name=baseline_class, share=baseline)
    where = tr("the central rectangle") if region == RECTANGLE else tr("the lungs")
    ahead = whole.accuracy - baseline
    kept = (without.accuracy - baseline) / ahead if ahead > 0 else 0.0
    sentences = [_opening(whole, without, gap, where), _meaning(finding, lungs, always, where, min(1.0, kept))]
    enough = [
        tr("{title} ({accuracy:.1%})", title=one.title, accuracy=one.accuracy)
        for name in ("silhouette", "border", "thumbnail")
        for one in variants
        if one.name == name and _beats(one, baseline)
    ]
    if enough and finding != "nothing learnt":
        sentences.append(tr("Better than {always} by themselves: {variants}.", always=always, variants=listing(enough)))
    control = next((one for one in variants if one.name == "shuffled"), None)
    if control and _beats(control, baseline):
        sentences.append(
            tr(
                "Shuffled labels still get {accuracy:.1%}, which chance hardly gives: distrust every number here.",
                accuracy=control.accuracy,
            )
        )
    if region == RECTANGLE:
        sentences.append(
            tr(
                "The dataset has no lung masks to use, so a central rectangle stood in for the lungs: what lies "
                "outside of it may still be lung."
            )
        )
    return in_turn(*sentences)


def _judged_by(variants: Sequence[VariantResult]) -> tuple[VariantResult, VariantResult, VariantResult]:
    """Whole images, those without lungs, and the lungs alone."""
    by_name = {variant.name: variant for variant in variants}
    return by_name["whole"], by_name["without-lungs"], by_name["lungs"]


def _beats(variant: VariantResult, baseline: float) -> bool:
    return variant.accuracy_ci[0] > baseline


def _opening(whole: VariantResult, without: VariantResult, gap: Gap, where: str) -> str:
    low, high = (100 * end for end in gap.ci)
    return tr(
        "Whole images give {whole}; with {where} blacked out it is {without}: a gap of {points:+.1f} points "
        "(95% interval {low:+.1f} to {high:+.1f}, on the same {images}; {chance} by McNemar's test).",
        whole=_share(whole),
        where=where,
        without=_share(without),
        points=100 * gap.value,
        low=low,
        high=high,
        chance=by_chance(gap.p),
        images=counted(whole.n, "image"),
    )


def _meaning(finding: Finding, lungs: VariantResult, always: str, where: str, kept: float) -> str:
    """The finding in words; `kept` is the share (0 to 1) of the whole's advantage that is left without the lungs."""
    if finding == "nothing learnt":
        return tr(
            "That is not shown to be better than {always}, so no accuracy has a source to look for.", always=always
        )
    if finding == "unclear":
        return tr(
            "Neither a gap nor an advantage over {always} without {where} is shown: test on more images.",
            always=always,
            where=where,
        )
    if finding == "lungs":
        return tr(
            "Without {where} nothing better than {always} is shown, so the accuracy comes from there.",
            where=where,
            always=always,
        )
    if kept >= 0.5:
        available = tr("Most of this accuracy is available without {where}", where=where)
    else:
        available = tr("Part of this accuracy is available without {where}", where=where)
    if finding == "partly":
        return tr(
            "{available} ({share} of the advantage over {always}); the rest comes from there.",
            available=available,
            share=whole_percent(kept),
            always=always,
        )
    if finding == "either":
        return tr(
            "{available}. What is there gives {share} alone, so the classes differ there too; but nothing shows that a "
            "network trained on whole images reads it.",
            available=available,
            share=_share(lungs),
        )
    return tr(
        "{available}, and what is there ({share}) is not shown to be better than {always}: the classes differ in "
        "something else, a shortcut that says nothing about disease.",
        available=available,
        share=_share(lungs),
        always=always,
    )


def _share(variant: VariantResult) -> str:
    low, high = variant.accuracy_ci
    return tr("{accuracy:.1%} ({low:.1f} to {high:.1f})", accuracy=variant.accuracy, low=100 * low, high=100 * high)
