"""Whatever is written of a typed thing is read back equal, and what is altered is named with its field."""

import dataclasses
import json
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audit.verdict import Audit
from engine.base.errors import ConfigError
from engine.base.typed_files import UnfitError, checked, plain, plain_object
from engine.evaluation.calibration import Calibration
from engine.evaluation.predictor import Model
from engine.export.contract import Contract
from engine.network.backbones import BACKBONES
from engine.network.heads import Head
from engine.recipe.config import BACKBONE_NAMES, TrainConfig, from_dict, to_dict
from engine.sweep.result import Advice, Gap, Grid, Swept, SweptChoice, SweptPoint, SweptRecipe
from tests.makers.examples import examples
from tests.makers.fake import TEST
from tests.makers.typed import values_of

NAMES = st.lists(st.text(max_size=9), min_size=2, max_size=4, unique=True).map(tuple)
WORDS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True).map(tuple)


@st.composite
def models(draw: st.DrawFn) -> Model:
    name = draw(st.sampled_from(BACKBONE_NAMES))
    reads = tuple(reversed(BACKBONES[name].ends[: draw(st.integers(0, 4))]))
    head = Head(reads, draw(st.integers(1, 4)), draw(st.booleans()))
    return Model(draw(NAMES), name, draw(st.integers(1, 2)), head)


@st.composite
def swept(draw: st.DrawFn) -> Swept:
    """What a sweep may have come to."""
    rates: st.SearchStrategy[list[Any]] = st.lists(
        st.just("auto") | st.floats(1e-6, 1), min_size=1, max_size=3, unique=True
    )
    seeds = st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True)
    grid = Grid(draw(WORDS), draw(WORDS), tuple(draw(rates)), tuple(draw(seeds)))
    names = draw(st.just(()) | WORDS)
    recipes = tuple(dataclasses.replace(draw(values_of(SweptRecipe)), name=name, accuracies=(0.5,)) for name in names)
    gaps = tuple(dataclasses.replace(draw(values_of(Gap)), name=name) for name in names[1:])
    chosen = st.none() | st.just(SweptChoice(run="a", recipe=draw(st.none() | st.just("a")), test=TEST))
    return Swept(
        sweep=draw(st.text(max_size=9)), grid=grid, recipe=to_dict(TrainConfig()),
        points=tuple(draw(st.lists(values_of(SweptPoint), max_size=3))), candidates=recipes,
        advice=Advice(names[-1], names[0], gaps, draw(st.text())) if names else None,
        chosen=draw(chosen) if names else None,
    )  # fmt: skip


def of(kind: type[Any], **others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of `kind`, some of its fields by strategies of their own."""
    hints = get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{one.name: values_of(hints[one.name]) for one in dataclasses.fields(kind)} | others)


KINDS: dict[type[Any], st.SearchStrategy[Any]] = {
    Swept: swept(),
    Audit: of(Audit),
    Calibration: of(Calibration),
    Model: models(),
    Contract: of(Contract, classes=NAMES, operating=st.none(), levels=st.none(), reading=st.sampled_from([1, 2])),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=examples(30), deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_back_equal(kind: type[Any], data: st.DataObject) -> None:
    made = data.draw(KINDS[kind])
    text = made.to_json() if isinstance(made, Contract) else json.dumps(plain(made), allow_nan=False)
    assert (Contract.from_json(text) if kind is Contract else checked(json.loads(text), kind)) == made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=examples(30), deadline=None)
@given(data=st.data())
def test_a_field_that_is_gone_or_of_another_kind_is_named(kind: type[Any], data: st.DataObject) -> None:
    values = plain_object(data.draw(KINDS[kind]))
    required = [
        one.name for one in dataclasses.fields(kind) if one.default is one.default_factory is dataclasses.MISSING
    ]
    name = data.draw(st.sampled_from(required))
    broken = {**values, name: object} if data.draw(st.booleans()) else {k: v for k, v in values.items() if k != name}
    with pytest.raises(UnfitError) as caught:
        checked(broken, kind)
    assert f'"{name}"' in str(caught.value) and "\n" not in str(caught.value)


@given(st.data())
def test_a_recipe_that_is_written_is_read_back_and_a_stranger_in_it_is_named(data: st.DataObject) -> None:
    values = to_dict(TrainConfig())
    assert from_dict(TrainConfig, json.loads(json.dumps(values))) == TrainConfig()
    part = data.draw(st.sampled_from(sorted(values)))
    name = data.draw(st.sampled_from(sorted(values[part])))
    values[part][name] = [[]]
    with pytest.raises(ConfigError) as caught:
        from_dict(TrainConfig, values)
    assert f'"{part}.{name}"' in str(caught.value)


def test_half_a_character_where_another_value_belongs_is_told_as_damage() -> None:
    """As a lone surrogate stands for a byte of a file name that is no UTF-8, JSON may hold one anywhere."""
    grid, recipe = Grid(("vgg16",), ("head",), (1e-3,), (0,)), to_dict(TrainConfig())
    whole = plain(Swept(sweep="s", grid=grid, recipe=recipe, points=(), candidates=(), advice=None, chosen=None))
    assert checked(whole, Swept)
    for altered in (whole | {"grid": "\udc80"}, whole | {"points": "\udc80"}, whole | {"advice": "\udc80"}):
        with pytest.raises(UnfitError):
            checked(altered, Swept)
