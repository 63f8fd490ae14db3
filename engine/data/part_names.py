"""What folders and tables call the parts of a split, and what of a path lies below those of part and class."""

import re

PART_NAMES = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What folders and tables call the parts of a split, whatever the case."""
_AROUND = re.compile(r"[\s_.-]*(?:set|data|dataset|images|imgs|split|folder)$")
"""What may follow the name of a part: train_set, TestData."""


def part_of(name: str) -> str:
    """The part of a split that a folder's name says it holds: train, validation or test; else empty."""
    plain = name.strip().casefold()
    return PART_NAMES.get(plain) or PART_NAMES.get(_AROUND.sub("", plain), "")


def below_class(file: str, label: str) -> tuple[str, ...]:
    """The folders and the name in a file's path, from below the last folder on that is its class or a part."""
    *folders, name = file.split("/")
    known = [place for place, folder in enumerate(folders, start=1) if folder == label or part_of(folder)]
    return (*folders[known[-1] if known else 0 :], name)
