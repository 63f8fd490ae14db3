"""One run, one number: whoever shows it says the same best epoch, validation accuracy, time and result."""

import json
from pathlib import Path

import pytest
from textual.widgets import DataTable

from engine.base import result as results
from engine.base.errors import RunError
from engine.base.events import Epoch
from engine.base.typed_files import checked
from engine.evaluation.headline import Headline
from engine.report.facts import gather
from engine.report.sections import write_card
from engine.runs.directory import Run
from engine.runs.watch import Library
from tests.conftest import Cli
from tests.makers.drive import DATA, run, text, until
from tests.makers.made import answers, curve, finished_run, ladder_run
from tui.app import Workbench
from tui.screens.runs.comparison import differences
from tui.widgets.curves import Curves

NAME = "equal"


@pytest.fixture
def equal(tmp_path: Path) -> Run:
    """A tested run of two epochs that are equally right, the second at half the loss: the loop keeps that one."""
    found = finished_run(tmp_path, NAME, DATA, answers(DATA))
    first, second = (event for event in found.events() if isinstance(event, Epoch))
    assert first.val_accuracy == second.val_accuracy and first.val_loss > second.val_loss
    return found


@pytest.fixture
def ladder(tmp_path: Path) -> Run:
    return ladder_run(tmp_path, "climbed", DATA, answers(DATA))


def test_verbs_and_report_say_the_rung_that_is_kept(ladder: Run, cli: Cli) -> None:
    out = ladder.path.parent
    listed = json.loads(cli("runs", "--out", out, "--json").stdout)
    assert (listed["mode"], listed["best_epoch"], listed["epochs"], listed["seconds"]) == ("auto", 2, 4, 9.0)
    attached = cli("attach", ladder.name, "--out", out).stdout
    assert "of 4 rungs, rung 2 is kept" in attached
    card = write_card(ladder)[0].read_text()
    assert "the model of rung 2, chosen out of fold, is kept" in card
    assert "| 2 several depths | 95 of 100 | 95.0% |" in card and "| 3 places |" in card


def test_screens_say_the_rung_that_is_kept(ladder: Run) -> None:
    out = ladder.path.parent

    async def scenario() -> None:
        app = Workbench(out)
        async with app.run_test(size=(140, 44)) as pilot:
            await until(pilot, lambda: app.session.library.entries())
            await pilot.press("4", "f")
            await until(pilot, lambda: app.current_mode == "train" and "Rungs of climbed, out of fold" in text(app))
            table = app.screen.query_one("#epochs", DataTable)
            await until(pilot, lambda: table.row_count == 4)
            marked = [str(table.get_row_at(row)[0]) for row in range(4) if "kept" in str(table.get_row_at(row)[-1])]
            assert marked == ["2"]
            assert app.screen.query_one("#accuracy", Curves).curves
            await pilot.press("5")
            await until(pilot, lambda: "rung 2 of 4" in text(app) and "out of fold" in text(app))

    run(scenario())
    library = Library(out)
    library.take(library.look())
    rows = dict(differences(library.entries()))
    assert (rows["rung kept"], rows["rungs tried"]) == (["2"], ["4"])
    assert float(rows["validation loss"][0]) > 0
    assert "recipe" not in rows, "auto is the usual one"


def test_screen_and_card_say_what_more_images_would_bring(ladder: Run) -> None:
    told = "100 images: 91.0%. With 200: about 93.0% (90.0% to 95.0%); with 400: about 95.0% (92.0% to 97.0%)."
    assert curve().sentence == told
    card, page = (path.read_text() for path in write_card(ladder))
    assert told in page and told in card and "80% band, low end" in page

    async def scenario() -> None:
        app = Workbench(ladder.path.parent)
        async with app.run_test(size=(160, 44)) as pilot:
            await until(pilot, lambda: app.session.library.entries())
            await pilot.press("5")
            await until(pilot, lambda: told in text(app))
            await pilot.press("h")
            await until(pilot, lambda: "No fit had more than 80 images" in " ".join(text(app).split()))
            assert "measured, out of fold" in text(app) and "expected: 92.0% to 97.0%" in text(app)

    run(scenario())
    (ladder.path / "curve.json").write_text("{}")
    with pytest.raises(RunError, match=r"curve\.json is damaged.*remove it; the run is whole without it"):
        write_card(ladder)


@pytest.fixture
def kept(equal: Run) -> Run:
    """The same run, stopped by hand after its two epochs, kept and tested."""
    log = equal.path / "events.jsonl"
    log.write_text(log.read_text().replace('"ended": "all epochs"', '"ended": "stopped"'))
    return equal


def test_verbs_and_screens_say_of_a_run_that_was_stopped_and_tested_what_it_is(kept: Run, cli: Cli) -> None:
    out, state = kept.path.parent, "stopped, tested"
    assert json.loads(cli("runs", "--out", out, "--json").stdout)["state"] == state
    assert state in cli("runs", "--out", out).stdout
    told = cli("attach", NAME, "--out", out).stdout
    assert f"stopped        not all is trained; `covid-tui --train --resume {kept.path}` goes on" in told

    async def scenario() -> None:
        app = Workbench(out)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("4")
            await until(pilot, lambda: f"= {state}" in text(app) and "96.7% (" in text(app))
            assert "finished" not in text(app) and dict(differences(app.session.library.entries()))["state"] == [state]
            await pilot.press("f")
            await until(pilot, lambda: app.current_mode == "train" and f"= {state}: test" in text(app))
            await pilot.resize_terminal(160, 40)
            await until(pilot, lambda: "Stopped after 2 epochs (asked to stop)" in text(app))

    run(scenario())


def test_verbs_and_report_say_the_epoch_that_the_loop_kept(equal: Run, cli: Cli) -> None:
    out = equal.path.parent
    listed = json.loads(cli("runs", "--out", out, "--json").stdout)
    assert (listed["best_epoch"], listed["epochs"], listed["seconds"]) == (2, 2, 2.0)
    test = Headline.of(checked(listed["test"], results.Tested)).sentence()
    header, row = cli("runs", "--out", out).stdout.splitlines()
    shown = row.split()
    assert header.split()[:6] == ["run", "state", "mode", "epochs", "best", "epoch"] and shown[3:5] == ["2", "2"]
    attached = cli("attach", NAME, "--out", out).stdout
    assert "the best of 2 epochs was epoch 2" in attached
    assert test in attached
    end = gather(equal).end
    assert end is not None and end.best_epoch == 2
    card = write_card(equal)[0].read_text()
    assert "the weights of epoch 2, the best on validation" in card
    assert card.count(test) == 2


def test_screens_say_the_epoch_that_the_loop_kept(equal: Run) -> None:
    out = equal.path.parent

    async def scenario() -> None:
        app = Workbench(out)
        async with app.run_test(size=(140, 44)) as pilot:
            await until(pilot, lambda: app.session.library.entries())
            await pilot.press("4", "f")
            await until(pilot, lambda: app.current_mode == "train" and "Epochs of equal" in text(app))
            table = app.screen.query_one("#epochs", DataTable)
            await until(pilot, lambda: table.row_count == 2)
            marked = [str(table.get_row_at(row)[0]) for row in (0, 1) if "best" in str(table.get_row_at(row)[-1])]
            assert marked == ["2"]
            await pilot.press("5")
            await until(pilot, lambda: "best epoch 2 of 2" in text(app))

    run(scenario())
    library = Library(out)
    library.take(library.look())
    rows = dict(differences(library.entries()))
    assert (rows["epoch kept"], rows["validation loss"], rows["epochs trained"]) == (["2"], ["0.5500"], ["2"])
