"""Can the class be told without looking at the lungs: by the source, the file's format, its size, the film's border?

Where it can, a model may learn the hospital, the scanner or the patient's age in place of the disease, and looks
perfect on every test that is drawn from the same folder (DeGrave et al. 2021, Maguolo and Nanni 2021).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.base.language import marked, tr
from engine.base.wording import whole_percent
from engine.data.groups import kept_together
from engine.data.metadata_probe import Guess, guess
from engine.data.records import Record, Scan

STRONG = 0.5
"""Cramer's V from which on a trait tells so much of the class that a result is in doubt."""
RARE = 0.01
"""Share of random labellings that may tie trait and class as closely for the tie to count as real."""
_WORK = 4_000_000  # images times random labellings: enough for the share, quick enough for a screen
_LABELLINGS = (99, 999)
_LEVELS = 8

TRAITS: dict[str, Callable[[Record], str | None]] = {
    marked("source"): lambda record: record.source,
    marked("file format"): lambda record: record.format,
    marked("mode"): lambda record: record.mode,
    marked("bit depth"): lambda record: f"{record.bit_depth} bit",
    marked("size"): lambda record: f"{record.width}x{record.height}",
    marked("border"): lambda record: f"level {int(record.border) // (256 // _LEVELS) * (256 // _LEVELS)}",
}
"""What is known of an image without its lungs, by a name that stays the same; None where it is not known."""


@dataclass(frozen=True)
class Association:
    """How closely a trait and the class go together, over the images whose trait is known."""

    trait: str
    table: dict[str, dict[str, int]]
    """Images by value of the trait and by class."""
    cramers_v: float
    """Cramer's V with the bias correction of Bergsma (2013): 0 for independence, 1 where each tells the other."""
    p: float
    """Share of random labellings that tie them as closely (a permutation test with Pearson's chi-squared)."""
    guessed: float
    """Share of images whose class one guesses right by the trait alone."""
    baseline: float
    """The same by always saying the commonest class."""
    determined: bool
    """Does each value of the trait belong to one class?"""
    unknown: int = 0
    """Images whose trait is not known, which count in none of this."""

    @property
    def grave(self) -> bool:
        """Does the trait tell so much of the class that a model's result is in doubt?"""
        return self.p <= RARE and (self.determined or self.cramers_v >= STRONG)

    @property
    def verdict(self) -> str:
        """What the trait tells of the class, whether that is grave or not, as a sentence."""
        if self.grave:
            return self.sentence
        return tr(
            "Guessing the class by the {trait} alone is right for {guessed} of the images, always saying the commonest "
            "class for {baseline}.",
            **self._told,
        )

    @property
    def sentence(self) -> str:
        """What that means where it is grave."""
        if self.determined and self.unknown:
            said = tr(
                "CONFOUNDED: the {trait} alone tells the class of every image whose {trait} is known ({known:,} of "
                "{every:,}), so a model that only recognises the {trait} looks perfect."
            )
        elif self.determined:
            said = tr(
                "CONFOUNDED: the {trait} alone tells the class of every image, so a model that only recognises the "
                "{trait} looks perfect."
            )
        elif self.unknown:
            said = tr(
                "PARTLY CONFOUNDED: guessing the class by the {trait} alone is right for {guessed} of the images whose "
                "{trait} is known ({known:,} of {every:,}), always saying the commonest class for {baseline}."
            )
        else:
            said = tr(
                "PARTLY CONFOUNDED: guessing the class by the {trait} alone is right for {guessed} of the images, "
                "always saying the commonest class for {baseline}."
            )
        known = sum(map(sum, (own.values() for own in self.table.values())))
        return said.format(**self._told, known=known, every=known + self.unknown)

    @property
    def _told(self) -> dict[str, str]:
        """What both say, as it is shown."""
        shares = {"guessed": whole_percent(self.guessed), "baseline": whole_percent(self.baseline)}
        return {"trait": tr(self.trait), **shares}


@dataclass(frozen=True)
class Confounding:
    """All that could tell the class without the lungs: trait by trait, and what they tell together."""

    associations: tuple[Association, ...]
    sources_known: bool
    guess: Guess | None
    """How well a small classifier does on such facts alone; None where there are too few images."""

    @property
    def grave(self) -> tuple[Association, ...]:
        """The associations to warn of, the closest first."""
        return tuple(sorted((a for a in self.associations if a.grave), key=lambda a: (-a.determined, -a.cramers_v)))

    @property
    def alarms(self) -> tuple[str, ...]:
        """Sentences that belong on a red banner; empty where nothing was found."""
        said = [association.sentence for association in self.grave]
        if self.guess and self.guess.telling:
            said.append(self.guess.sentence)
        return tuple(said)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {
            "confounded": bool(self.grave),
            "alarms": list(self.alarms),
            "sources_known": self.sources_known,
            "traits": [{**asdict(a), "grave": a.grave} for a in self.associations],
            "without_lungs": self.guess.to_dict() if self.guess else None,
        }


def confounding(scanned: Scan, seed: int = 0) -> Confounding:
    """What could tell the classes of a scan apart without the lungs. Empty for fewer than two classes with images.

    The source is weighed only where it is known for two classes or more; files of one picture count once in what the
    small classifier learns and is tested on.
    """
    records = scanned.records
    known = any(record.source for record in records)
    if len({record.label for record in records}) < 2:
        return Confounding((), known, None)
    found = (association(trait, records, value, seed) for trait, value in TRAITS.items())
    return Confounding(tuple(a for a in found if a), known, guess([group[0] for group in kept_together(scanned)], seed))


def association(
    trait: str, records: Sequence[Record], value: Callable[[Record], str | None], seed: int = 0
) -> Association | None:
    """How `value` and the class go together; None unless there are two classes and two values of known images."""
    pairs = [(said, record.label) for record in records if (said := value(record))]
    values, labels = (list(dict.fromkeys(side)) for side in zip(*pairs, strict=True)) if pairs else ([], [])
    if len(values) < 2 or len(labels) < 2:
        return None
    counts = Counter(pairs)
    place = {said: number for number, said in enumerate(values)}
    rows = np.array([place[said] for said, _ in pairs])
    columns = np.array([labels.index(label) for _, label in pairs])
    table = np.bincount(rows * len(labels) + columns, minlength=len(values) * len(labels)).reshape(len(values), -1)
    return Association(
        trait=trait,
        table={said: {label: counts[said, label] for label in labels} for said in values},
        cramers_v=round(cramers_v(table), 4),
        p=round(_p(rows, columns, table, seed), 4),
        guessed=float(table.max(axis=1).sum() / table.sum()),
        baseline=float(table.sum(axis=0).max() / table.sum()),
        determined=bool((np.count_nonzero(table, axis=1) == 1).all()),
        unknown=len(records) - len(pairs),
    )


def cramers_v(table: "np.ndarray[Any, Any]") -> float:
    """Bias-corrected Cramer's V (Bergsma 2013) of a table of counts, no row or column of it empty; 0 to 1."""
    total, (rows, columns) = float(table.sum()), table.shape
    squared = max(0.0, _chi_squared(table) / total - (rows - 1) * (columns - 1) / (total - 1))
    rows_left, columns_left = (side - (side - 1) ** 2 / (total - 1) for side in (rows, columns))
    least = min(rows_left, columns_left) - 1
    return min(1.0, (squared / least) ** 0.5) if least > 1e-9 else 0.0


def _chi_squared(table: "np.ndarray[Any, Any]") -> float:
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def _p(
    rows: "np.ndarray[Any, Any]", columns: "np.ndarray[Any, Any]", table: "np.ndarray[Any, Any]", seed: int
) -> float:
    """Share of random labellings with as large a chi-squared, the one at hand counted among them (never 0)."""
    few, many = _LABELLINGS
    labellings = int(np.clip(_WORK // len(rows), few, many))
    random, seen, shape = np.random.default_rng(seed), _chi_squared(table), table.shape
    as_large = 1
    for _ in range(labellings):
        made = np.bincount(rows * shape[1] + random.permutation(columns), minlength=table.size).reshape(shape)
        as_large += _chi_squared(made) >= seen * (1 - 1e-9)
    return as_large / (labellings + 1)
