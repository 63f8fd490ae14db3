"""Events: one line of JSON each, with the promised keys, whatever the numbers."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import KINDS, Epoch, Event, Notice, from_dict

EPOCH_LINE = ["event", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]


def test_the_epoch_line_has_exactly_the_promised_keys() -> None:
    assert list(json.loads(Epoch(1, 0.5, 0.9, 0.6, 0.8, 1e-4, 2.5).to_json())) == EPOCH_LINE


@given(st.floats(allow_nan=True), st.text())
def test_any_number_and_any_text_become_one_line_of_plain_json(number: float, text: str) -> None:
    for event in (Epoch(1, number, number, number, number, number, number), Notice("info", text)):
        line = event.to_json()
        assert line.isascii() and line.isprintable()
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


ANY_JSON = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats() | st.text())


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_an_event_read_back_is_the_same(kind: str, data: st.DataObject) -> None:
    parts = {f.name: ANY_JSON for f in dataclasses.fields(KINDS[kind]) if "Any" in str(f.type)}
    event = data.draw(st.builds(KINDS[kind], **parts))
    values = json.loads(event.to_json())
    assert from_dict(values).to_dict() == event.to_dict()


def test_keys_of_a_later_version_are_passed_over_and_an_unknown_event_is_refused() -> None:
    assert from_dict({"event": "notice", "level": "info", "text": "a", "time": 3}) == Notice("info", "a")
    with pytest.raises(KeyError):
        from_dict({"event": "nonsense"})


def test_no_event_can_be_changed_after_it_was_told() -> None:
    assert all(issubclass(kind, Event) for kind in KINDS.values())
    with pytest.raises(dataclasses.FrozenInstanceError):
        Notice("info", "a").text = "b"  # type: ignore[misc]
