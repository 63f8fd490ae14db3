"""A folder of images with all that a Dataset screen can show."""

import shutil
from pathlib import Path

import openpyxl
import pytest

from tests.makers.dataset_screen import ODD
from tests.makers.drive import DATA


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes, each from a source of its own, with equal images, damaged files and an odd name."""
    folder = tmp_path_factory.mktemp("messy")
    for name, count in (("COVID", 8), ("Normal", 4), ("Viral Pneumonia", 5)):
        for kind in ("images", "masks"):
            (folder / name / kind).mkdir(parents=True)
            for number in range(1, count + 1):
                shutil.copy(DATA / name / kind / f"{name}-{number}.png", folder / name / kind)
        book = openpyxl.Workbook()
        book.active.append(["FILE NAME", "FORMAT", "SIZE", "URL"])
        for number in range(1, count + 1):
            book.active.append([f"{name}-{number}", "PNG", "256*256", f"https://example.org/{name[0]}"])
        book.save(folder / f"{name}.metadata.xlsx")
    images = folder / "COVID" / "images"
    shutil.copy(images / "COVID-1.png", images / "COVID-1 copy.png")
    shutil.copy(images / "COVID-2.png", images / ODD)
    (images / "page.png").write_text("<!DOCTYPE html>", encoding="utf-8")
    return folder
