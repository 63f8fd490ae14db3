"""Screen 7 by keys: an audit that the real engine does, followed and stopped; earlier ones opened; variants seen."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import DataTable, Static

from engine.audit import store
from engine.audit.audit import audit
from engine.base.context import Context
from engine.base.errors import ConfigError
from engine.base.events import Audited, Progress
from engine.data.image.reader import read, to_input
from engine.data.masks import read_mask
from engine.network.backbones import backbone
from engine.recipe.config import ChoiceConfig, NetworkConfig, Recipe, TrainConfig
from engine.recipe.plans import AuditConfig
from tests.makers import fake
from tests.makers.drive import DATA, run, text, until
from tui.app import Workbench
from tui.screens.audit.screen import AuditScreen, VariantTable
from tui.screens.audit.variant_pictures import Views
from tui.state.audit_job import AuditJob
from tui.state.job import Job
from tui.state.relay import Relay
from tui.widgets.bars import around_zero, whiskers
from tui.widgets.form import Form
from tui.words.settings import Settings

pytestmark = pytest.mark.usefixtures("small_pictures")

GREY = Settings(image_protocol="grey", theme="covid-dark")
EXAMPLE = DATA.parent / "docs" / "example"
NETWORK = NetworkConfig(weights="none")
CLASSES = ("COVID", "Viral Pneumonia")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six images of each of two classes, with their masks."""
    for name in CLASSES:
        for kind in ("images", "masks"):
            (tmp_path / "data" / name / kind).mkdir(parents=True)
            for number in range(1, 7):
                shutil.copy(DATA / name / kind / f"{name}-{number}.png", tmp_path / "data" / name / kind)
    return tmp_path / "data"


def workbench(runs: Path, data: Path | None) -> Workbench:
    app = Workbench(runs, data=data, settings=GREY)
    app.session.config = TrainConfig(network=NETWORK)
    return app


@pytest.mark.slow
def test_an_audit_is_the_verbs_and_can_be_opened_again(tmp_path: Path, data: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path / "runs", data)
        session = app.session
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: session.split is not None)
            await pilot.press("7", "down", "enter", "end", "backspace", "2", "enter")  # folds
            await pilot.press("down", "enter", "end", "backspace", "backspace", "1", "enter")  # epochs
            await until(pilot, lambda: app.screen._plan.audit == AuditConfig(folds=2, epochs=1))  # type: ignore[attr-defined]
            assert "12 images, 12 with lung masks" in text(app)
            await pilot.press("r")
            live = session.audit
            assert live is not None and live.alive
            with pytest.raises(ConfigError, match="An audit is under way"):
                session.begin_audit(AuditConfig())
            with pytest.raises(ConfigError, match="An audit is under way"):
                session.train()
            await until(pilot, lambda: live.done >= 3, 120)
            await until(pilot, lambda: "/14 trainings" in text(app) and "left" in text(app))
            assert "lungs only" in text(app) and "waits" in text(app)
            assert session.busy is not None and session.busy.group == "audit"
            await until(pilot, lambda: not live.alive, 120)
            assert live.state == "finished" and live.result and live.path, live.error
            earlier, end = (
                app.screen.query_one("#earlier", DataTable),
                live.path.name[-10:],
            )  # it may be cut in the middle
            await until(pilot, lambda: earlier.row_count and end in str(earlier.get_row_at(0)))
            again = store.read(live.path)
            assert again == live.result
            assert again.recipe["fit"]["epochs"] == 1 and again.recipe["augment"]["augment"] == "none"
            for variant in again.variants:
                assert f"{variant.correct}/{variant.n}" in text(app)
            assert session.cannot_audit() == session.cannot_train() == ""

        alike = audit(data, again_config(dict(again.recipe)), Context(), 2)
        assert [v.correct for v in alike.variants] == [v.correct for v in again.variants]
        assert alike.verdict == again.verdict

        app = workbench(tmp_path / "runs", None)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("7")
            await until(pilot, lambda: "Audit of data: 12 images each tested once" in text(app))
            assert again.finding in text(app)

    run(scenario())


def again_config(recipe: dict[str, object]) -> TrainConfig:
    """The recipe that an audit kept."""
    from engine.recipe.config import from_dict

    return from_dict(TrainConfig, recipe)


@pytest.mark.parametrize("recipe", ["report", pytest.param("auto", marks=pytest.mark.slow)])
def test_a_stopped_audit_leaves_nothing_and_another_may_begin(tmp_path: Path, data: Path, recipe: Recipe) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path / "runs", data)
        session = app.session
        session.config = dataclasses.replace(session.config, choice=ChoiceConfig(recipe))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: session.split is not None)
            await pilot.press("7")
            app.screen.query_one(Form).post_message(Form.Changed("audit", AuditConfig(folds=2, epochs=2)))
            await until(pilot, lambda: app.screen._plan.audit.folds == 2)  # type: ignore[attr-defined]
            await pilot.press("r")
            live = session.audit
            assert live is not None
            await until(pilot, lambda: live.variants, 120)
            await pilot.press("q")
            await until(pilot, lambda: "An audit is under way" in text(app))
            await pilot.press("s")
            assert live.alive
            await pilot.press("s")
            await until(pilot, lambda: "Stop the audit?" in text(app))
            await pilot.press("k")
            await until(pilot, lambda: not live.alive, 60)
            assert live.state == "stopped"
            await until(pilot, lambda: live.error and live.error in text(app))
            assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
            assert session.cannot_audit() == ""
            session.begin_audit(AuditConfig(folds=2, epochs=1))
            session.cancel("audit")
            await until(pilot, lambda: session.audit is not live and not session.audit.alive, 60)  # type: ignore[union-attr]

    run(scenario())


def test_while_a_training_is_under_way_no_audit_begins(tmp_path: Path, data: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path / "runs", data)
        app.session.work = fake.train
        async with app.run_test(size=(80, 24)) as pilot:
            assert app.session.cannot_audit()
            await until(pilot, lambda: app.session.split is not None)
            app.session.train()
            await pilot.press("7", "r")
            await until(pilot, lambda: any("A training is under way" in said.message for said in app._notifications))
            assert app.session.audit is None
            app.session.training.request_stop("now")  # type: ignore[union-attr]
            await until(pilot, lambda: not app.session.training.alive)  # type: ignore[union-attr]

    run(scenario())


def test_the_pictures_are_what_each_variant_shows(tmp_path: Path, data: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path / "runs", data)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.session.split is not None)
            await pilot.press("7", "escape", "v")
            views = app.screen.query_one(Views)
            for key, name in (("n", "COVID-2"), ("N", "COVID-1"), ("k", "Viral Pneumonia-1")):
                await pilot.press(key)
                await until(pilot, lambda name=name: f"{name}.png" in str(views.border_title))  # type: ignore[misc]
            await until(pilot, lambda: not app.session.jobs)
            label = "Viral Pneumonia"
            side = backbone("vgg16").size
            whole = to_input(read(data / label / "images" / f"{label}-1.png").pixels, side)
            mask = read_mask(data / label / "masks" / f"{label}-1.png", side)
            shown = dict(views.shown)
            assert np.array_equal(shown["whole image"], whole)
            assert np.array_equal(shown["lungs only"], whole * mask[..., None])
            assert np.array_equal(shown["lungs blacked out"], whole * ~mask[..., None])
            assert np.array_equal(shown["mask silhouette alone"][..., 0] > 0, mask)
            assert len(shown) == 6 and all(title.split()[0] in text(app) for title in shown)
            for columns, lines in ((116, 40), (160, 50)):
                await pilot.resize_terminal(columns, lines)
                await until(pilot, lambda: text(app).count("alone") >= 2)
            rows = [view.region.y for view in app.screen.query(".view")]
            assert len(set(rows)) == 2, "where there is room, two rows of larger pictures"
            await pilot.resize_terminal(80, 24)
            (data / "COVID" / "masks" / "COVID-1.png").unlink()
            await pilot.press("k")
            await until(pilot, lambda: "central rectangle only" in dict(views.shown))
            (data / "COVID" / "images" / "COVID-2.png").unlink()
            await pilot.press("n")
            await until(pilot, lambda: "there is no such file" in text(app))

    run(scenario())


def test_a_damaged_audit_is_told_and_the_others_are_listed(tmp_path: Path) -> None:
    for name in ("good", "damaged", "foreign"):
        (tmp_path / name).mkdir()
        for file in ("audit.json", "audit.svg"):
            shutil.copy(EXAMPLE / file, tmp_path / name)
    (tmp_path / "damaged" / "audit.json").write_text('{"variants": [')
    values = json.loads((EXAMPLE / "audit.json").read_text())
    values["folder"], values["verdict"] = "/x/[red]\x1b[31m", "A verdict [@click=app.quit]of\x1b a stranger."
    values["variants"][-1]["name"] = "of another version"  # whose verdict can't be told anew
    (tmp_path / "foreign" / "audit.json").write_text(json.dumps(values))

    async def scenario() -> None:
        app = workbench(tmp_path, None)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("7")
            await until(pilot, lambda: any("no audit that can be read" in said.message for said in app._notifications))
            screen = app.screen
            assert isinstance(screen, AuditScreen)
            assert {path.name for path, _ in screen._kept} == {"good", "foreign"}
            place = [path.name for path, _ in screen._kept].index("foreign")
            screen._open(screen._kept[place])
            await until(pilot, lambda: "[@click=app.quit]of\\x1b" in text(app))
            assert "\x1b" not in text(app)
            screen.query_one(VariantTable).focus()
            await pilot.press("c")
            assert app.clipboard.splitlines()[1] == "whole image\t219\t227\t96.5% (93.2 to 98.5)"
            app.clear_notifications()
            await pilot.press("escape", "4", "7")
            await until(pilot, lambda: app.current_mode == "audit" and not app.session.jobs)
            await pilot.pause()
            assert not app._notifications, "what was told is not told again"

    run(scenario())


shares = st.floats(0, 1)


@given(st.tuples(shares, shares, shares).map(sorted), shares, st.integers(10, 90))
def test_a_bar_ends_in_its_interval(points: list[float], baseline: float, width: int) -> None:
    low, value, high = points
    bar = whiskers(value, (low, high), baseline, width)
    assert len(bar) == width and bar[round(value * (width - 1))] == "█"
    at = round(low * (width - 1))
    assert set(bar[:at]) <= {"░", "|"} and set(bar[round(high * (width - 1)) + 1 :]) <= {" ", "|"}
    assert bar.count("|") <= 1


@given(st.tuples(*[st.floats(-1, 1)] * 3).map(sorted), st.integers(24, 64))
def test_a_gap_lies_on_its_side_of_zero(points: list[float], width: int) -> None:
    low, value, high = points
    plot = around_zero(value, (low, high), width)
    assert plot.count("█") == 1 and len(plot.rstrip()) <= width + 1
    if "|" in plot and value:
        assert (plot.index("█") > plot.index("|")) == (value > 0)


def test_the_table_is_drawn_when_a_variant_moves_not_for_each_image(tmp_path: Path, data: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, None)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("7")
            screen = app.screen
            assert isinstance(screen, AuditScreen)
            await until(pilot, lambda: not app.session.jobs)
            live = AuditJob(data, TrainConfig(network=NETWORK), AuditConfig())
            job = Job("audit", "auditing", Relay(lambda relay: None))
            screen._open(live)
            live.fold(job, Audited("whole", "whole image", 1, 5, 9, 10, (0.5, 0.9)))
            screen._show()
            await pilot.pause()
            table, drawn = screen.query_one(VariantTable), list[object]()
            table.clear = lambda columns=False: drawn.append(columns)  # type: ignore[method-assign,assignment,return-value]
            for done in range(1, 20):
                live.fold(job, Progress("reading", done, 20))
                screen._show()
            assert not drawn
            assert "19 of 20" in str(screen.query_one("#progress", Static).content)
            del table.clear
            live.fold(job, Audited("whole", "whole image", 2, 5, 19, 20, (0.7, 0.99)))
            screen._show()
            await until(pilot, lambda: "2 of 5" in text(app))

    run(scenario())
