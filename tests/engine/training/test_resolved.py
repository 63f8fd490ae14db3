"""A recipe is resolved once in a training, and everything that follows from it is taken from there."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.base.context import Context
from engine.base.errors import ConfigError
from engine.base.events import Event, Finished, Notice
from engine.jobs import train
from engine.network.freezing import plan
from engine.recipe.config import AugmentConfig, DataConfig, FitConfig, NetworkConfig, OutputConfig, TrainConfig
from engine.runs.directory import Run
from engine.training.phases import Phase, phases
from engine.training.resolved import resolve

pytestmark = pytest.mark.usefixtures("small_pictures")


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[TrainConfig]]:
    """The recipes whose phases are worked out, wherever in the engine that is called."""
    asked: list[TrainConfig] = []

    def counted(config: TrainConfig) -> tuple[Phase, ...]:
        asked.append(config)
        return phases(config)

    for name, module in list(sys.modules.items()):
        if name.startswith("engine.") and getattr(module, "phases", None) is phases:
            monkeypatch.setattr(module, "phases", counted)
    yield asked


def test_a_training_and_its_resume_resolve_the_recipe_once_each(
    few: Path, tmp_path: Path, resolved: list[TrainConfig]
) -> None:
    config = TrainConfig(
        data=DataConfig(near_duplicates=False, test_share=0.2),
        network=NetworkConfig(weights="none"),
        augment=AugmentConfig(augment="none"),
        fit=FitConfig(epochs=1, batch=16),
        output=OutputConfig(out=tmp_path),
    )
    end = train.train(few, config, Context())
    assert isinstance(end, Finished) and resolved == [config]
    run = Run(Path(end.run))
    resolved.clear()
    more = dataclasses.replace(run.config(), fit=dataclasses.replace(run.config().fit, epochs=2))
    told: list[Event] = []
    assert isinstance(train.resume(run, more, Context(told.append)), Finished)
    assert resolved == [more]
    assert any("This run was tested before" in event.text for event in told if isinstance(event, Notice))


def test_what_is_resolved_is_what_the_recipe_says_and_a_found_rate_changes_that_alone() -> None:
    config = TrainConfig(network=NetworkConfig(mode="finetune"), fit=FitConfig(epochs=9, gradual=1, lr="auto"))
    recipe = resolve(config)
    assert recipe.phases == phases(config) and recipe.plan == plan(config.network)
    assert recipe.backbone.name == config.network.backbone
    found = recipe.at(3e-4)
    assert found.config.fit.lr == 3e-4 and found.phases is recipe.phases
    assert dataclasses.replace(found.config, fit=config.fit) == config


def test_a_recipe_whose_phases_take_all_its_epochs_is_refused() -> None:
    with pytest.raises(ConfigError, match="give more epochs"):
        resolve(TrainConfig(network=NetworkConfig(mode="probe-then-finetune"), fit=FitConfig(epochs=2, probe_epochs=2)))
