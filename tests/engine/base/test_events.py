"""Events: one line of JSON each, with the promised keys, whatever the numbers."""

import dataclasses
import json
import math
import re
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.events import KINDS, Epoch, Event, Notice, from_dict
from engine.base.result import Validated
from engine.base.typed_files import UnfitError
from tests.makers.fake import TEST
from tests.makers.typed import values_of

EPOCH_LINE = ["event", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]


def test_the_epoch_line_has_exactly_the_promised_keys() -> None:
    assert list(json.loads(Epoch(1, 0.5, 0.9, 0.6, 0.8, 1e-4, 2.5).to_json())) == EPOCH_LINE


@given(st.floats(allow_nan=True), st.text())
def test_any_number_and_any_text_become_one_line_of_plain_json(number: float, text: str) -> None:
    for event in (Epoch(1, number, number, number, number, number, number), Notice("info", text)):
        line = event.to_json()
        assert line.isascii() and line.isprintable()
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


RESULTS = {"val": st.just(Validated(accuracy=0.5, loss=None)), "test": st.none() | st.just(TEST)}


@settings(deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_an_event_read_back_is_the_same(kind: str, data: st.DataObject) -> None:
    hints = {f.name: get_type_hints(KINDS[kind], include_extras=True)[f.name] for f in dataclasses.fields(KINDS[kind])}
    parts = {name: RESULTS[name] if name in RESULTS else values_of(hint) for name, hint in hints.items()}
    event = data.draw(st.builds(KINDS[kind], **parts))
    values = json.loads(event.to_json())
    assert from_dict(values) == event


def test_a_loss_that_grew_beyond_all_bounds_is_read_back_as_no_number() -> None:
    lost = Epoch(1, math.inf, 0.5, math.nan, 0.5, 1e-4, 2.0)
    found = from_dict(json.loads(lost.to_json()))
    assert isinstance(found, Epoch) and math.isnan(found.loss) and math.isnan(found.val_loss)
    assert found.to_json() == lost.to_json()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"val_accuracy": "0.9"}, 'its "val_accuracy" should be a number, not text'),
        ({"val_accuracy": 7}, 'its "val_accuracy" should be a number of at most 1'),
        ({"val_accuracy": math.nan}, 'its "val_accuracy"'),
        ({"epoch": 0}, 'its "epoch" should be a whole number of at least 1'),
        ({"epoch": 1.5}, 'its "epoch" should be a whole number, not a number'),
        ({"seconds": -1}, 'its "seconds"'),
    ],
)
def test_a_value_of_another_type_or_out_of_its_range_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UnfitError, match=re.escape(words)):
        from_dict({**Epoch(1, 0.5, 0.9, 0.6, 0.8, 1e-4, 2.5).to_dict(), **change})


def test_keys_of_a_later_version_are_passed_over_and_an_unknown_event_is_refused() -> None:
    assert from_dict({"event": "notice", "level": "info", "text": "a", "time": 3}) == Notice("info", "a")
    with pytest.raises(KeyError):
        from_dict({"event": "nonsense"})


def test_no_event_can_be_changed_after_it_was_told() -> None:
    assert all(issubclass(kind, Event) for kind in KINDS.values())
    with pytest.raises(dataclasses.FrozenInstanceError):
        Notice("info", "a").text = "b"  # type: ignore[misc]
