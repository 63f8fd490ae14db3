"""Screen 1 by keys: the images, their masks, the charts, and what augmentation makes of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Checkbox

from engine.data.image.reader import read
from engine.recipe.config import AugmentConfig
from engine.training.augment import draw, transforms
from tests.makers.dataset_screen import ready, same, workbench
from tests.makers.drive import run, text, until
from tui.screens.dataset.augmentation_dialog import AugmentationDialog, cycle
from tui.services.pictures import masked, moved
from tui.widgets.name_list import NameList
from tui.widgets.viewer import Viewer
from tui.widgets.xray import Xray


def test_images_are_looked_through_and_the_mask_laid_over(tmp_path: Path, messy: Path) -> None:
    async def scenario(size: tuple[int, int]) -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=size) as pilot:
            await ready(app, pilot)
            await pilot.press("i", "end", "up")
            await until(pilot, lambda: "COVID-7.png" in str(app.screen.query_one("#picture-pane").border_title))
            xray, files = app.screen.query_one(Xray), app.screen.query_one(NameList)
            path = messy / "COVID" / "images" / "COVID-7.png"
            await until(pilot, lambda: same(xray.pixels, read(path).pixels))
            await until(pilot, lambda: "299x299 PNG" in text(app) and "mask off" in text(app))
            assert "source https://example.org/C" in text(app)
            await pilot.press("m")
            mask = read(messy / "COVID" / "masks" / "COVID-7.png").pixels
            await until(pilot, lambda: same(xray.pixels, masked(read(path).pixels, mask)))
            title = app.screen.query_one("#picture-pane").border_title
            assert str(title) == "Lung mask over COVID-7.png"
            await pilot.press("home")
            await until(pilot, lambda: files.cursor == 0 and "no mask" in text(app))
            assert "[red]x\\x1b[31m.png" in text(app)
            await pilot.press("escape", "down")
            await until(pilot, lambda: files.names and files.names[0] == "Normal-1.png")

    run(scenario((120, 40)))
    run(scenario((80, 24)))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_a_key_shows_the_picture_on_the_whole_screen(tmp_path: Path, messy: Path, size: tuple[int, int]) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=size) as pilot:
            await ready(app, pilot)
            await pilot.press("i", "end", "up")
            path = messy / "COVID" / "images" / "COVID-7.png"
            await until(pilot, lambda: same(app.screen.query_one(Xray).pixels, read(path).pixels))
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, Viewer) and app.screen.query_one(Xray).pixels is not None)
            await pilot.pause()
            assert app.screen.query_one(Xray).size.width >= size[0] - 4
            assert "X-ray: COVID-7.png" in text(app) and "whole picture" in text(app)
            for key in ("q Close", "+- Zoom", "cC Contrast", "i Invert", "m Lungs"):
                assert key in text(app).splitlines()[-1]
            await pilot.press("question_mark")
            await until(pilot, lambda: "narrower window" in " ".join(text(app).split()))
            await pilot.press("escape", "plus", "2")
            assert isinstance(app.screen, Viewer), "the keys of the screens do nothing here"
            await pilot.press("F")
            await until(pilot, lambda: not isinstance(app.screen, Viewer))

    run(scenario())


def test_another_choice_of_classes_leaves_the_image_at_hand(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await ready(app, pilot)
            await pilot.press("down", "i", "down", "down")
            await ready(app, pilot)
            file = app.screen.query_one("#picture-pane").border_title
            await pilot.press("escape", "space")
            await until(pilot, lambda: app.session.config.data.classes)
            await ready(app, pilot)
            assert app.screen.query_one(NameList).cursor == 2
            assert app.screen.query_one("#picture-pane").border_title == file

    run(scenario())


def test_a_picture_that_is_gone_is_not_taken_for_the_one_before(tmp_path: Path, messy: Path) -> None:
    data = shutil.copytree(messy, tmp_path / "data")

    async def scenario() -> None:
        app = workbench(tmp_path, data)
        async with app.run_test(size=(120, 40)) as pilot:
            await ready(app, pilot)
            (data / app.session.scan.records[1].file).unlink()  # type: ignore[union-attr]
            await pilot.press("i", "down")
            await until(pilot, lambda: "there is no such file" in str(app.screen.query_one("#picture-facts").render()))
            assert app.screen.query_one(Xray).pixels is None

    run(scenario())


def test_charts_of_intensities_sizes_and_classes(tmp_path: Path, messy: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, messy)
        async with app.run_test(size=(120, 40)) as pilot:
            await ready(app, pilot)
            curves = app.screen.query_one("#intensity")
            await until(pilot, lambda: len(curves.curves) == 3)  # type: ignore[attr-defined]
            pixels = [read(messy / "Normal" / "images" / f"Normal-{n}.png").pixels for n in range(1, 5)]
            share = 100 * np.mean([np.mean((p >= 128) & (p < 136)) for p in pixels])
            assert curves.curves[1].y[16] == pytest.approx(share)  # type: ignore[attr-defined]
            assert len({curve.marker for curve in curves.curves}) == 3  # type: ignore[attr-defined]
            await until(pilot, lambda: "150" in text(app))
            await pilot.press("c")
            await until(pilot, lambda: "Normal 299x299 4" in text(app))
            await pilot.press("c")
            await until(pilot, lambda: "Viral Pneumonia 5" in text(app) and "█" * 20 in text(app))

    run(scenario())


def test_the_narrow_layout_shows_facts_images_and_charts_in_turn(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(app, pilot)
            split = "-  seed 0"
            assert split in text(app) and "COVID-1.png" not in text(app) and "by brightness" not in text(app)
            await pilot.press("c")
            await until(pilot, lambda: "by brightness" in text(app) and split not in text(app))
            await pilot.press("i")
            await until(pilot, lambda: "COVID-3.png" in text(app) and "by brightness" not in text(app))
            await pilot.press("escape")
            await until(pilot, lambda: "Beware" in text(app) and "COVID-3.png" not in text(app))

    run(scenario())


def test_a_narrow_screen_with_room_below_its_warnings_has_a_chart_there(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(100, 30)) as pilot:
            await ready(app, pilot)
            await until(pilot, lambda: "pixels in % by brightness" in text(app) and "o Normal" in text(app))
            assert "Beware" in text(app) and app.screen.query_one("#intensity").region.bottom == 29
            await pilot.press("i")
            await until(pilot, lambda: "pixels in % by brightness" not in text(app))
            await pilot.press("escape", "c", "c")
            await until(pilot, lambda: "Beware" not in text(app) and "class and size in pixels" in text(app))

    run(scenario())


def test_augmentation_is_previewed_and_redrawn_as_its_ranges_change(tmp_path: Path, dozen: Path) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=(120, 40)) as pilot:
            await ready(app, pilot)
            await pilot.press("a")
            await until(pilot, lambda: isinstance(app.screen, AugmentationDialog))
            pictures = list(app.screen.query(Xray))
            await until(pilot, lambda: len(pictures) == 7 and all(picture.pixels is not None for picture in pictures))
            await pilot.pause()
            sha = app.session.scan.records[0].sha  # type: ignore[union-attr]
            asked = draw(AugmentConfig(), 0, sha, 0)
            assert f"rotate {asked.rotation:+.0f} deg" in text(app) and "as it is" in text(app)
            first = pictures[1].pixels
            await pilot.press("down", "end", "backspace", "backspace", "9", "0")
            await until(pilot, lambda: not same(pictures[1].pixels, first))
            assert app.session.config.augment.rotation == 90
            turned = draw(AugmentConfig(rotation=90), 0, sha, 0)
            await until(pilot, lambda: f"rotate {turned.rotation:+.0f} deg" in text(app))
            await pilot.press("1")
            assert "0 to 180" in text(app) and app.session.config.augment.rotation == 90
            await pilot.press("backspace", "up", "space")  # no augmentation at all
            await until(pilot, lambda: all(same(p.pixels, pictures[0].pixels) for p in pictures))
            assert not app.screen.query_one("#augment", Checkbox).value
            await until(pilot, lambda: "Every epoch sees the" in text(app))
            await pilot.press("pagedown")
            await until(pilot, lambda: "COVID-2.png" in text(app))
            await pilot.press("escape")
            assert app.session.config.augment.augment == "none"

    run(scenario())


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40)])
def test_what_was_done_to_a_version_stands_whole_below_it_with_its_number(
    tmp_path: Path, dozen: Path, size: tuple[int, int]
) -> None:
    async def scenario() -> None:
        app = workbench(tmp_path, dozen)
        async with app.run_test(size=size) as pilot:
            await ready(app, pilot)
            await pilot.press("a")
            await until(pilot, lambda: "version 6" in text(app))
            sha = app.session.scan.records[0].sha  # type: ignore[union-attr]
            steps = [step for view in range(6) for step in draw(AugmentConfig(), 0, sha, view).steps]
            shown = text(app).replace("│", " ")
            assert all(f" {step} " in shown for step in steps)

    run(scenario())


def test_what_the_epochs_see_is_said() -> None:
    assert cycle(AugmentConfig()) == (
        "Epochs take turns: the first sees the image as it is, the next ones versions 1 to 4, and so on."
    )
    assert cycle(AugmentConfig(views="1")).endswith("the next one version 1, and so on.")
    assert cycle(AugmentConfig(views="epoch")) == "Every epoch sees a new version."


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3)])
def test_the_preview_moves_an_image_as_the_training_does(shape: tuple[int, ...]) -> None:
    from engine.training.augment import apply

    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    draws = [draw(AugmentConfig(shear=20.0, shift=0.2), 3, "ab" * 32, view) for view in range(8)]
    matrices = transforms(draws, 64)
    batch = np.repeat(image.reshape(1, 64, 64, -1).astype(np.float32), 8, axis=0)
    trained = apply(batch, matrices).numpy().reshape(8, *shape)
    for one, matrix in zip(trained, matrices, strict=True):
        ours = moved(image, matrix)
        assert np.abs(ours - one).max() <= 1.0
        assert np.abs(ours.astype(float) - image).mean() > 5
