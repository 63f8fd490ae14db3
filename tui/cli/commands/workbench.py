"""The workbench, which opens where no verb is given."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tui.cli.app import RUNS
from tui.words.settings import Protocol


def workbench(
    data: Path | None = None,
    *,
    out: Path = RUNS,
    image_protocol: Protocol | None = None,
    unicode: Annotated[bool | None, Parameter(negative_bool="no-")] = None,
) -> int:
    """Open the workbench.

    Parameters
    ----------
    data
        Folder of X-rays to open, or an image file to predict.
    out
        Folder that holds the run directories.
    image_protocol
        How X-rays are drawn: as the terminal can (auto), or by force in one way.
    unicode
        Use richer signs than the box and block characters that every terminal font has.
    """
    from tui.cli.workbench import open_workbench

    return open_workbench(data, out, image_protocol, unicode)
