"""Folders of images as people have them, and what a scan found in one."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from openpyxl import Workbook
from PIL import Image

from engine.data.records import Scan


def picture(number: int, size: tuple[int, int] = (20, 16)) -> np.ndarray:
    """A picture that no other number gives, uint8 of (height, width)."""
    return np.random.default_rng(number).integers(0, 256, size).astype(np.uint8)


def put(root: Path, file: str, content: np.ndarray | bytes | None = None) -> Path:
    """Write `content`, or a picture that depends on the name, to `root`/`file`."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        image = Image.fromarray(picture(sum(os.fsencode(file)) * 1000 + len(file)) if content is None else content)
        image.save(path, None if path.suffix else "PNG")
    return path


def workbook(path: Path, rows: list[tuple[Any, ...]], header: tuple[str, ...] | None = None) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [header or ("FILE NAME", "FORMAT", "SIZE", "URL"), *rows]:
        sheet.append(row)
    book.save(path)


def kinds(scanned: Scan) -> list[tuple[str, str]]:
    return [(problem.file, problem.kind) for problem in scanned.problems]


def files(scanned: Scan) -> list[str]:
    return [record.file for record in scanned.records]
