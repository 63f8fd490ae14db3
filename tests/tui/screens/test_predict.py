"""The Predict screen by keys: a path typed or given, a real model's answer, a folder as table and CSV, pictures."""

import asyncio
import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textual.pilot import Pilot
from textual.widgets import Static

from engine.evaluation.prediction import Prediction
from engine.evaluation.predictor import Predictor
from engine.evaluation.promised import Asked as Promise
from engine.evaluation.training_reference import REFERENCE
from engine.network.backbones import backbone
from engine.runs.directory import Run
from tests.makers.dicoms import saved
from tests.makers.drive import DATA, run, text, until
from tests.makers.loads import count_loads
from tests.makers.made import CLASSES, keep_reference, model_run
from tui.app import Workbench
from tui.host.private_apis import suggestion_of
from tui.screens.predict.alike import AlikeView
from tui.screens.predict.history import History
from tui.screens.predict.screen import NOT_FOR_DIAGNOSIS, PredictScreen
from tui.widgets.file_tree import FileTree, PathField
from tui.widgets.viewer import Viewer
from tui.widgets.xray import RAMP, Xray
from tui.words.settings import Settings

pytestmark = pytest.mark.usefixtures("small_pictures")

GREY = Settings(image_protocol="grey", theme="covid-dark")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, few: Path, small_pictures: None) -> Run:
    """A run with a model, which knows how its training images look."""
    made = model_run(tmp_path_factory.mktemp("runs"), "asked", few)
    keep_reference(made, few, images=6)
    return made


def screen(app: Workbench) -> PredictScreen:
    """The screen, which must be open."""
    assert isinstance(app.screen, PredictScreen)
    return app.screen


async def said(pilot: Pilot[None], app: Workbench) -> None:
    """Wait for the model's answer and the look at the training images."""
    await until(pilot, lambda: "The model says " in text(app), 60)
    await until(pilot, lambda: not app.session.jobs, 60)
    await pilot.pause()


def test_a_file_on_the_command_line_is_predicted(asked: Run) -> None:
    path = DATA / "COVID" / "images" / "COVID-4.png"
    answer = next(iter(Predictor(asked).predict([path])))
    share = f"{answer.probabilities[answer.label]:.1%}"  # type: ignore[union-attr]
    side = backbone("vgg16").size

    async def scenario() -> None:
        app = Workbench(asked.path.parent, picture=path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await said(pilot, app)
            assert app.current_mode == "predict"
            shown = text(app)
            assert f"says {answer.label}" in shown and share in shown  # type: ignore[union-attr]
            assert "PNG 299x299, grey, 8 bit" in shown and "run asked" in shown and NOT_FOR_DIAGNOSIS in shown
            assert "training images, usual range" in shown and "unlike" not in shown
            for picture in app.screen.query(Xray):
                assert picture.pixels is not None
            assert app.screen.query_one("#as-seen", Xray).pixels.shape == (side, side, 3)  # type: ignore[union-attr]
            assert app.screen.query_one("#as-file", Xray).pixels.shape == (299, 299)  # type: ignore[union-attr]

    run(scenario())


def test_a_dicom_file_shows_what_its_header_says_and_a_side_view_is_warned_of(asked: Run, tmp_path: Path) -> None:
    picture = np.asarray(Image.open(DATA / "COVID" / "images" / "COVID-4.png"))
    path = saved(tmp_path / "side.dcm", picture, ViewPosition="LL", PatientName="ZQ7^Jane")

    async def scenario() -> None:
        app = Workbench(asked.path.parent, settings=GREY)
        async with app.run_test(size=(160, 50)) as pilot:
            await pilot.press("6", "o")
            field = app.screen.query_one(PathField)
            field.value = f"{tmp_path}/sid"
            await until(pilot, lambda: suggestion_of(field).endswith("side.dcm"))
            await pilot.press("tab", "enter")
            await said(pilot, app)
            shown = " ".join(text(app).split())
            assert "DICOM 299x299, grey, 8 bit" in shown and "modality DX, view LL" in shown
            assert "It is a side view (LL)" in shown and "ZQ7" not in shown
            pixels = app.screen.query_one("#as-file", Xray).pixels
            assert pixels is not None and np.array_equal(pixels, picture)
            assert path.name in shown

    run(scenario())


def test_a_path_is_typed_with_completion_and_the_model_is_kept(
    asked: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = count_loads(monkeypatch)
    for number, source in enumerate(sorted((DATA / "COVID" / "images").iterdir())[:2]):
        shutil.copy(source, tmp_path / f"image {number}.png")
    noise = np.random.default_rng(0).integers(120, 256, (100, 250, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.jpg")

    async def scenario() -> None:
        app = Workbench(asked.path.parent, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("6", "o")
            field = app.screen.query_one(PathField)
            field.value = f"{tmp_path}/ima"
            await until(pilot, lambda: suggestion_of(field) == f"{tmp_path}/image 0.png")
            await pilot.press("end", "tab", "enter")
            await said(pilot, app)
            assert "1 predicted" in text(app)
            await pilot.press("o")
            field.value = str(tmp_path / "photo.jpg")
            await pilot.press("enter")
            await until(pilot, lambda: "2 predicted" in text(app))
            await said(pilot, app)
            assert loads == [asked.path], "the model is kept"
            shown = text(app)
            [answer] = Predictor(asked).predict([tmp_path / "photo.jpg"])
            assert isinstance(answer, Prediction) and answer.likeness and answer.likeness.unlike
            words = " ".join(str(app.screen.query_one("#answer", Static).visual).split())
            assert all(f"It {caution}." in words for caution in answer.cautions)
            assert answer.likeness.caution in answer.cautions and "is in colour" in shown
            assert "is far from square" in shown
            await pilot.press("h", "down", "enter")
            await until(pilot, lambda: field.path == tmp_path / "image 0.png")
            await said(pilot, app)
            assert "2 predicted" in text(app)
            await pilot.press("t", "escape", "c")

    run(scenario())


def test_a_file_that_is_no_image_is_told(asked: Run, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_text("no picture")

    async def scenario() -> None:
        app = Workbench(asked.path.parent, picture=tmp_path / "no.png", settings=GREY)
        async with app.run_test(size=(200, 50)) as pilot:
            await until(pilot, lambda: "it holds text, not" in text(app))
            assert screen(app)._picture is None

    run(scenario())


def test_without_a_trained_run_the_picture_is_still_shown(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = DATA / "COVID" / "images" / "COVID-4.png"
        app = Workbench(tmp_path, picture=path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: "No run has a trained model yet" in text(app))
            assert "PNG 299x299" in text(app)
            await pilot.press("r")
            assert "No run has a trained model yet" in next(iter(app._notifications)).message

    run(scenario())


def test_a_folder_becomes_a_table_and_a_csv(asked: Run, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out.csv"
    (data / "in").mkdir(parents=True)
    for number in range(1, 7):
        shutil.copy(DATA / "COVID" / "images" / f"COVID-{number}.png", data / "in")
    (data / "in" / "broken.png").write_text("no")
    tinted = [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L")]
    Image.merge("RGB", tinted).save(data / "in" / "photograph.png")
    count = len(list((data / "in").iterdir()))

    async def scenario() -> None:
        app = Workbench(asked.path.parent, data=data, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("6")
            await until(pilot, lambda: "+ in" in text(app) or "- in" in text(app))
            await pilot.press("down", "f")
            history = app.screen.query_one(History)
            await until(pilot, lambda: len(history.lines) == count and not app.session.jobs, 60)
            await until(pilot, lambda: "Folder in" in text(app) and "error 1" in text(app))
            assert history.table.row_count == count
            await pilot.press("h", "h")
            await pilot.pause()
            assert history.table.row_count == count
            await pilot.press("w")
            await pilot.pause()
            app.screen.query_one(PathField).mean(out)
            await pilot.press("enter")
            await until(pilot, out.is_file)
            history.table.focus()
            await pilot.press("c")
            assert len(app.clipboard.splitlines()) == count + 1

    run(scenario())
    rows = list(csv.DictReader(out.open(encoding="utf-8", newline="")))
    assert len(rows) == count
    good = [row for row in rows if not row["error"]]
    assert len(good) == count - 1
    for row in good:
        assert abs(sum(float(row[name]) for name in CLASSES) - 1) < 1e-5
        assert row["label"] == max(CLASSES, key=lambda name: float(row[name]))
        assert row["decision"] == "" and float(row["distance"]) > 0, "this run has no threshold"
        assert row["likeness"] in ("alike", "unlike")
        assert ("is in colour" in row["cautions"]) == row["file"].endswith("photograph.png")


def test_the_tree_and_its_completion_are_in_natural_order(
    asked: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (11, 10, 2, 1):
        shutil.copy(DATA / "COVID" / "images" / "COVID-1.png", tmp_path / f"COVID-{number}.png")
        (tmp_path / f"site {number}").mkdir()

    async def scenario() -> None:
        app = Workbench(asked.path.parent, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("6")
            tree = app.screen.query_one(FileTree)
            await until(pilot, lambda: len(tree.root.children) == 8)
            listed = [str(node.label) for node in tree.root.children]
            numbers = (1, 2, 10, 11)
            assert listed == [*(f"site {n}" for n in numbers), *(f"COVID-{n}.png" for n in numbers)]
            await pilot.press("o")
            field = app.screen.query_one(PathField)
            (tmp_path / "COVID-1.png").unlink()
            field.value = f"{tmp_path}/COVID"
            await until(pilot, lambda: suggestion_of(field) == f"{tmp_path}/COVID-2.png")

    run(scenario())


def test_how_a_folder_ended_stays_on_the_screen(asked: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "in").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data")  # where the tree begins: a folder without images is not opened as data

    async def scenario() -> None:
        app = Workbench(asked.path.parent, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("6")
            await until(pilot, lambda: "+ in" in text(app) or "- in" in text(app))
            await pilot.press("down", "f")
            ended = app.screen.query_one("#so-far", Static)
            await until(pilot, lambda: "holds no image files" in str(ended.content))
            await pilot.pause(0.3)
            assert "holds no image files" in str(ended.content)

    run(scenario())


def test_leaving_waits_for_no_folder_that_is_yet_to_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On leaving, what lists folders may be gone before the tree hears of the key that opens one."""
    (tmp_path / "data" / "in").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data")

    async def scenario() -> None:
        app = Workbench(tmp_path / "runs", settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("6")
            await until(pilot, lambda: "+ in" in text(app))
            app.workers.cancel_node(app.screen.query_one(FileTree))
            app.screen.query_one(FileTree).root.children[0].expand()
            app.leave()

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_folder_is_cancelled(asked: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.evaluation.prediction.BATCH", 4)
    data = tmp_path / "many"
    data.mkdir()
    for number in range(80):
        shutil.copy(DATA / "COVID" / "images" / "COVID-4.png", data / f"{number}.png")

    async def scenario() -> None:
        app = Workbench(asked.path.parent, data=tmp_path, settings=GREY)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("6")
            await until(pilot, lambda: "+ many" in text(app))
            await pilot.press("down", "f")
            history = app.screen.query_one(History)
            await until(pilot, lambda: len(history.lines) > 0, 60)
            await until(pilot, lambda: " of 80 " in text(app), 60)
            await pilot.press("ctrl+g")
            await until(pilot, lambda: "Cancelled; " in text(app))
            done = len(history.lines)
            await pilot.pause(0.5)
            assert 0 < done < 80 and len(history.lines) <= done + 4

    run(scenario())


@pytest.mark.parametrize("protocol", ["grey", "halfblock", "sixel", "kitty"])
def test_pictures_come_in_every_protocol(tmp_path: Path, protocol: str) -> None:
    async def scenario() -> None:
        path = DATA / "COVID" / "images" / "COVID-4.png"
        app = Workbench(tmp_path, picture=path, settings=Settings(image_protocol=protocol))  # type: ignore[arg-type]
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: "PNG 299x299" in text(app))
            await pilot.pause(0.1)
            assert app.screen.query_one("#as-file", Xray).children
            if protocol == "halfblock":
                assert "▀▀▀▀" in text(app) or "▄▄▄▄" in text(app)
            if protocol == "grey":
                assert sum(text(app).count(sign) for sign in RAMP[1:]) > 300

    run(scenario())


def test_no_color_draws_grey_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario() -> None:
        path = DATA / "COVID" / "images" / "COVID-4.png"
        app = Workbench(tmp_path, picture=path)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: "PNG 299x299" in text(app))
            await pilot.pause()
            assert app.picture_way == "grey"
            assert "▀" not in text(app)

    run(scenario())


def test_a_narrow_screen_turns_between_files_and_pictures(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = DATA / "COVID" / "images" / "COVID-4.png"
        app = Workbench(tmp_path, picture=path, settings=GREY)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "PNG 299x299" in text(app))
            assert "X-ray as the network sees it" in text(app) and "X-ray as in the file" not in text(app)
            await pilot.press("v")
            await until(pilot, lambda: "X-ray as in the file" in text(app))
            await pilot.press("t")
            await until(pilot, lambda: "This session" in text(app) and "X-ray as in the file" not in text(app))
            assert NOT_FOR_DIAGNOSIS in text(app)
            await pilot.press("t")
            await until(pilot, lambda: "X-ray as in the file" in text(app))

    run(scenario())


def test_an_image_is_shown_beside_the_training_images_most_like_it(asked: Run, few: Path) -> None:
    path = few / "Viral Pneumonia" / "Viral Pneumonia-1.png"
    [answer] = Predictor(asked).predict([path], asked=Promise(neighbours=3))
    assert isinstance(answer, Prediction)
    near = answer.neighbours or ()
    assert near[0].distance < 0.01 and near[0].file == path.relative_to(few).as_posix(), "it was trained on"

    async def scenario() -> None:
        app = Workbench(asked.path.parent, picture=path, settings=GREY)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await said(pilot, app)
            await pilot.press("n")
            await until(pilot, lambda: isinstance(app.screen, AlikeView))
            for size in ((160, 50), (80, 24)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                shown = text(app)
                assert "Of 12 training images that the run keeps, the 3" in " ".join(shown.split())
                for one in near:
                    assert one.label in shown and f"{one.distance:.2f} off" in shown
                pictures = list(app.screen.query(Xray))
                assert len(pictures) == 4 and all(xray.pixels is not None and xray.size.height > 8 for xray in pictures)
            first, second = pictures[0].pixels, pictures[1].pixels
            assert first is not None and second is not None and np.array_equal(first, second)
            await pilot.press("tab", "tab", "F")
            await until(pilot, lambda: isinstance(app.screen, Viewer))
            assert Path(near[0].file).name in text(app)
            await pilot.press("escape", "escape")
            await until(pilot, lambda: app.screen is not None and app.current_mode == "predict" and "says" in text(app))

    run(scenario())


def test_a_run_that_does_not_keep_its_training_images_says_so(asked: Run, tmp_path: Path) -> None:
    own = Run(shutil.copytree(asked.path, tmp_path / "asked"))
    (own.path / REFERENCE).unlink()

    async def scenario() -> None:
        app = Workbench(tmp_path, picture=DATA / "COVID" / "images" / "COVID-4.png", settings=GREY)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await said(pilot, app)
            await pilot.press("n")
            told = "asked does not keep which training images are most alike"
            await until(pilot, lambda: any(told in one.message for one in app._notifications))

    run(scenario())
