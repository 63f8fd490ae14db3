"""Writes phantom datasets in the layout of the COVID-19 Radiography Database.

    python sample_data/generate.py OUT --per-class 30 --size 299 --seed 0

An image depends on the seed, its class and its number alone: a small dataset begins a larger one.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

if __package__ in (None, ""):  # run as a script: make `sample_data` importable
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PIL import Image

from sample_data.phantom import Disease, Phantom
from sample_data.radiograph import SMALLEST, draw
from sample_data.workbook import write_workbook

COLUMNS = ("FILE NAME", "FORMAT", "SIZE", "URL")
# Labels alone: each class has all of them in equal parts, and the pictures do not differ.
SITES = ("site-a", "site-b", "site-c")


def phantom_for(disease: Disease, number: int, seed: int = 0) -> Phantom:
    """The patient on a class's image of this number (1 or more) in the dataset of this seed (0 or more)."""
    words = np.random.SeedSequence([seed, list(Disease).index(disease), number]).generate_state(1, np.uint64)
    return Phantom.from_seed(int(words[0]))


def source_url(number: int) -> str:
    """Where the image of this number claims to come from."""
    return f"synthetic://phantom/{SITES[(number - 1) % len(SITES)]}"


def write_class(
    root: Path,
    disease: Disease,
    per_class: int = 30,
    size: int = 299,
    seed: int = 0,
    *,
    corner_mark: bool = False,
) -> None:
    """Write one class's images, masks and workbook under `root`; `corner_mark` plants a shortcut on each."""
    images, masks = root / disease / "images", root / disease / "masks"
    names = [f"{disease}-{number}" for number in range(1, per_class + 1)]
    _refuse_strangers(images, names)
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, start=1):
        image, mask = draw(phantom_for(disease, number, seed), disease, size, corner_mark=corner_mark)
        # Run-length matching suits grain: smaller files than the usual strategy, in a quarter of the time.
        Image.fromarray(image).save(images / f"{name}.png", compress_level=6, compress_type=zlib.Z_RLE)
        Image.fromarray(mask).save(masks / f"{name}.png", compress_level=9)
    rows = [(name, "PNG", f"{size}*{size}", source_url(n)) for n, name in enumerate(names, start=1)]
    write_workbook(root / f"{disease}.metadata.xlsx", [COLUMNS, *rows])


def write_dataset(
    root: Path,
    per_class: int = 30,
    size: int = 299,
    seed: int = 0,
    *,
    diseases: Iterable[Disease] = tuple(Disease),
) -> None:
    """Write `per_class` images of `size` by `size` pixels for each class under `root`, made if need be."""
    for disease in diseases:
        write_class(root, disease, per_class, size, seed)


def _refuse_strangers(folder: Path, names: Iterable[str]) -> None:
    """Raise when a folder holds images that this dataset wouldn't replace, and its workbook wouldn't list."""
    strangers = sorted({path.stem for path in folder.glob("*.png")} - set(names))
    if strangers:
        raise FileExistsError(f"{folder} already holds {strangers[0]}.png: empty it, or give another folder")


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Write a dataset of synthetic chest phantoms, which carry no medical meaning."
    )
    parser.add_argument("out", type=Path, help="folder to write the dataset to")
    parser.add_argument("--per-class", type=int, default=30, help="images in each class (%(default)s)")
    parser.add_argument("--size", type=int, default=299, help="side of an image in pixels (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which set of patients (%(default)s)")
    given = parser.parse_args(arguments)
    limits = {"per_class": 1, "size": SMALLEST, "seed": 0}
    for name, least in limits.items():
        value = getattr(given, name)
        if value < least:
            parser.error(f"--{name.replace('_', '-')} is {value}: give {least} or more")
    try:
        write_dataset(given.out, given.per_class, given.size, given.seed)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
