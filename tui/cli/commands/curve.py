"""The verb `curve`: what more images to learn from would bring, as a sentence, a plot in the terminal and JSON."""

import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

from engine.base.language import tr
from engine.base.typed_files import plain
from engine.recipe.config import DataConfig, MachineConfig, NetworkConfig, TrainConfig
from tui.cli.app import Flat
from tui.cli.console import drawing, put, put_json, put_raw, put_table
from tui.cli.progress import stoppable
from tui.cli.signals import until_stopped
from tui.words.numbers import as_interval, as_share
from tui.words.plot import WIDTH, learning_curve


def curve(
    data: Path,
    *,
    images: Annotated[DataConfig, Flat] = DataConfig(),  # noqa: B008
    network: Annotated[NetworkConfig, Flat] = NetworkConfig(),  # noqa: B008
    machine: Annotated[MachineConfig, Flat] = MachineConfig(),  # noqa: B008
    json: bool = False,
) -> int:
    """Say what more images would bring: accuracy against the number of images, and at two and four times as many.

    Subsets are learnt from as --recipe auto learns, and judged on the other images; the test part stays shut.

    Parameters
    ----------
    data
        Folder that holds CLASS/images, or class folders of images.
    json
        Print one JSON object.
    """
    from engine.jobs.probe import more_images

    recipe = TrainConfig(data=images, network=network, machine=machine)
    with stoppable() as (context, signals):
        found, code = until_stopped(partial(more_images, data, recipe, context), signals)
    if found is None:
        return code
    if json:
        put_json({**plain(found), "sentence": found.sentence})
        return 0
    put_table([(tr("images"), tr("accuracy"), tr("80% band"))] + [
        (f"{one.images:,}", as_share(one.accuracy), as_interval(one.band))
        for one in found.law
    ])  # fmt: skip
    put()
    if sys.stdout.isatty() and drawing():
        put_raw(learning_curve(found, min(WIDTH, shutil.get_terminal_size().columns)))
    put(found.sentence)
    put(found.doubts)
    return 0
