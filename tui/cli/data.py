"""The verbs that look at images without training on them."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from engine.recipe.config import DataConfig
from tui.cli import verbs
from tui.cli.app import app
from tui.cli.outputs import Writes


@app.command
def scan(
    data: Path,
    *,
    classes: str = "",
    split: Path | None = None,
    group_by: str = "",
    near_duplicates: Annotated[bool, Parameter(negative_bool="no-")] = True,
    follow_links: bool = False,
    csv: Annotated[Path | None, Writes(".csv")] = None,
    force: bool = False,
    json: bool = False,
) -> int:
    """Say what a folder holds: classes, sources, masks, duplicates, problems, and what tells the classes without lungs.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    classes
        Class folders to look at, separated by commas (all of them when empty). A name that has a comma itself stands in
        double quotes, which a shell wants in single ones: '"a, b",c'. Or give --classes once for each name.
    split
        A table with the columns file (or path), class, part (or split): are pictures or patients in two of its parts?
    group_by
        What tells a patient: a metadata column, or "name:REGEX" for a pattern of file names.
    near_duplicates
        Also look for images that show one picture with other pixels: rescaled, brightened, cropped, mirrored.
    follow_links
        Also read what symbolic links lead to outside the folder.
    csv
        Also write every problem, duplicate and leak to this new file, as CSV; the text shows the first ones of each.
    force
        Let --csv replace a file that is there.
    json
        Print one JSON object.
    """
    from tui.cli.commands import scan as scanning

    wanted = DataConfig(
        classes=classes, split=split, follow_links=follow_links, group_by=group_by, near_duplicates=near_duplicates
    )
    return scanning.scan(data, wanted, json, csv, force)


@app.command
def inspect(*files: Path, backbone: str = "vgg16", json: bool = False) -> int:
    """Say what image files are and what the network will see of them.

    Parameters
    ----------
    files
        Image files.
    backbone
        The network that is to see them.
    json
        Print a line of JSON a file.
    """
    return verbs.inspect(list(files), backbone, json)
