"""Whether activations are kept is decided once: a training does what a screen has shown beforehand."""

import dataclasses
import math
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.context import Context
from engine.base.events import Event, Notice
from engine.base.number_format import BYTES, FeatureFormat
from engine.data.pixel_store import open_store
from engine.data.scan import scan
from engine.network.classifier import build
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, MachineConfig, NetworkConfig, TrainConfig
from engine.training.batches import FeatureSource, Images, PixelSource, choose
from engine.training.cache_policy import GB, SPARE_DISK, caching, costs, spare_disk
from engine.training.feature_file import number_format
from tests.conftest import SAMPLE
from tests.makers.examples import examples

Usage = namedtuple("Usage", "total used free")


def recipe(**parts: Any) -> TrainConfig:
    return dataclasses.replace(TrainConfig(network=NetworkConfig(mode="partial", weights="none")), **parts)


@given(
    free=st.integers(0, 30 * GB), limit=st.floats(0, 40), images=st.integers(1, 20_000),
    cache=st.sampled_from(("auto", "on", "off")), views=st.sampled_from(("1", "4", "epoch")),
)  # fmt: skip
@settings(max_examples=examples(100), deadline=None)
def test_what_is_kept_fits_the_limit_and_the_disk(
    free: int, limit: float, images: int, cache: Literal["auto", "on", "off"], views: str
) -> None:
    config = recipe(machine=MachineConfig(feature_cache=cache, cache_limit=limit), augment=AugmentConfig(views=views))
    found = caching(plan(config.network), config, "float32", images, images, free - SPARE_DISK)
    assert found.kept == (found.reason == "") and (found.reason == "off") == (cache == "off")
    if found.kept and cache == "auto":
        assert found.needed <= min(limit * GB, max(0, free - SPARE_DISK))
    if found.reason == "no room":
        assert found.needed > found.room and cache == "auto"
    if cache == "on":
        assert found.reason == ("new views" if views == "epoch" else "")


def test_a_number_takes_as_many_bytes_as_it_is_stored_in() -> None:
    for name in get_args(FeatureFormat):
        assert name == "auto" or BYTES[name] == number_format(name).itemsize


def test_costs_are_those_of_the_whole_network_where_nothing_is_kept() -> None:
    config = recipe(machine=MachineConfig(cache_limit=1.0))
    freeze = plan(config.network)
    kept, not_kept = costs(freeze, config, 2, 100, 10), costs(freeze, config, 2, 4000, 500)
    assert kept.caching.kept and (kept.repeated, kept.epoch) == (freeze.repeated_share, freeze.epoch_share)
    assert not_kept.caching.reason == "no room" and (not_kept.repeated, not_kept.epoch) == (1.0, 1.0)
    assert (kept.trainable, kept.frozen) == freeze.parameters(2) and kept.parameters == 14_978_370


@pytest.mark.parametrize("free", [SPARE_DISK + 1, SPARE_DISK + GB])
def test_a_training_keeps_what_was_shown_to_be_kept_and_nothing_on_a_full_disk(
    free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(100 * GB, 0, free))
    config = recipe(machine=MachineConfig(precision="float32"), augment=AugmentConfig(augment="none"))
    records = [record for record in scan(SAMPLE, ("COVID", "Normal")).records if record.file.endswith("-1.png")]
    store, _ = open_store(SAMPLE, records, 224, tmp_path)
    classifier = build(plan(config.network), 2, "float32", seed=0, blank=True)
    pixels = PixelSource(Images.of(records, ("COVID", "Normal"), store), classifier, store, config)
    shown = costs(classifier.plan, config, 2, len(records), len(records), spare_disk(tmp_path)).caching
    told: list[Event] = []
    source, _ = choose(pixels, pixels, "float32", tmp_path, Context(told.append))
    texts = [event.text for event in told if isinstance(event, Notice)]
    assert shown.kept == isinstance(source, FeatureSource) == (free > SPARE_DISK + 1)
    assert any("Activations are not kept: they would take" in text for text in texts) != shown.kept
    assert math.isclose(shown.room, free - SPARE_DISK)
