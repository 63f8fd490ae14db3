"""A result that is written is read back equal; one whose values don't fit is refused by the field's name."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base import result as form
from engine.base.result import (
    RELIABILITY,
    Bin,
    Calibrated,
    Covered,
    Drawn,
    Elsewhere,
    Judged,
    OfClass,
    OfCovered,
    Operating,
    Recalibrated,
    Refused,
)
from engine.base.typed_files import UnfitError, checked, plain, plain_object
from tests.makers.examples import examples
from tests.makers.typed import values_of

MADE = Path(__file__).parents[2] / "makers" / "data" / "runs"


@st.composite
def sets(draw: st.DrawFn) -> Covered:
    """What prediction sets did, with a count for each number of classes."""
    classes = draw(st.dictionaries(st.text(max_size=9), values_of(OfCovered), max_size=2))
    sizes = draw(st.lists(st.integers(0, 99), min_size=len(classes) + 1, max_size=len(classes) + 1))
    return Covered(
        draw(st.floats(0, 1)), draw(values_of(OfCovered)), classes, sizes, draw(st.just({}) | st.just({"a": 1}))
    )


@st.composite
def recalibrations(draw: st.DrawFn) -> Recalibrated:
    """A model as it was and as local images made it."""
    before, after = (draw(results(form.Tested)) for _ in range(2))
    assert isinstance(before, form.Tested) and isinstance(after, form.Tested)
    return Recalibrated(12, 0.5, {"a": draw(st.floats(-9, 9))}, before, after, 0.1, (-0.1, 0.2))


DRAWN = ("curves", "sets", "refusals", "recalibrated")
"""Fields of results whose values must fit each other, or are many."""


@st.composite
def results(draw: st.DrawFn, kind: type[Judged]) -> Judged:
    """Results of a kind whose values fit each other."""
    hints = get_type_hints(kind, include_extras=True)
    values = {one.name: draw(values_of(hints[one.name])) for one in dataclasses.fields(kind) if one.name not in DRAWN}
    names = draw(st.lists(st.text(max_size=9), min_size=1, max_size=4, unique=True))
    values["classes"] = {name: draw(values_of(OfClass)) for name in names}
    row = st.lists(st.integers(0, 99), min_size=len(names), max_size=len(names))
    values["confusion"] = draw(st.lists(row, min_size=len(names), max_size=len(names)))
    values["correct"] = draw(st.integers(0, values["n"]))
    if issubclass(kind, form.Tested) and draw(st.booleans()):
        values |= {"ece": 0.5, "calibrated": draw(values_of(Calibrated)), "operating": draw(values_of(Operating))}
    elif issubclass(kind, form.Tested):
        values["calibrated"] = None
    if operating := values.get("operating"):
        values["operating"] = dataclasses.replace(operating, positive=draw(st.sampled_from(names)))
    if issubclass(kind, form.Tested) and draw(st.booleans()):
        values |= {"sets": [draw(sets())], "refusals": draw(st.lists(values_of(Refused), max_size=2))}
    if issubclass(kind, Elsewhere) and draw(st.booleans()):
        values["recalibrated"] = draw(recalibrations())
    if issubclass(kind, Drawn) and draw(st.booleans()):
        values["curves"] = {RELIABILITY: draw(st.lists(values_of(Bin), max_size=3))}
    return kind(**values)


@pytest.mark.parametrize("kind", [Judged, form.Tested, Drawn, Elsewhere])
@settings(max_examples=examples(30), deadline=None)
@given(data=st.data())
def test_a_result_that_is_written_is_read_back_equal(kind: type[Judged], data: st.DataObject) -> None:
    result = data.draw(results(kind))
    assert checked(json.loads(json.dumps(plain(result), allow_nan=False)), kind) == result


@pytest.mark.parametrize("path", sorted(MADE.glob("*/test.json")), ids=lambda path: path.parent.name)
def test_what_an_older_version_wrote_is_read_whole(path: Path) -> None:
    """Every number of the file is in what was read; what the older version had not measured is None."""
    values: dict[str, Any] = json.loads(path.read_text())
    assert within(values, plain(checked(values, Drawn)))


def within(part: Any, whole: Any) -> bool:
    """Does `whole` have all that `part` has, however deep?"""
    if isinstance(part, dict):
        return all(name in whole and within(one, whole[name]) for name, one in part.items())
    return bool(part == whole)


def test_what_does_not_fit_in_a_part_is_named_with_its_place() -> None:
    result = plain_object(checked(json.loads(next(MADE.glob("*/test.json")).read_text()), Drawn))
    label = next(iter(result["classes"]))
    del result["classes"][label]
    with pytest.raises(UnfitError, match=re.escape('its "confusion" has not a row')):
        checked(result, form.Tested)
    with pytest.raises(UnfitError, match=re.escape('its "test.confusion" has not a row')):
        checked({"test": result}, Holder)


@dataclasses.dataclass(frozen=True)
class Holder:
    """Something that has a result inside, as an event has."""

    test: form.Tested


def test_the_class_that_a_model_gives_for_everything_is_found_without_numpy() -> None:
    result = checked(json.loads(next(MADE.glob("*/test.json")).read_text()), Drawn)
    assert dataclasses.replace(result, confusion=[[3, 2], [0, 7]]).only_answer is None
    one = dataclasses.replace(result, confusion=[[5, 0], [7, 0]])
    assert one.only_answer == next(iter(result.classes))
    assert dataclasses.replace(result, confusion=[[5, 0], [0, 0]]).only_answer is None, (
        "images of one class accuse none"
    )
