"""The folder of X-rays: opened by its path, from those of other times or as the sample, and what it holds."""

from pathlib import Path

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.recipe.fields import as_path
from tui.cli.console import put
from tui.cli.plain.ask import asked, choose
from tui.cli.plain.bench import Bench
from tui.state.memory import sample_data

ABOUT = tr("A folder with one folder of images a class. It is only read; nothing in it is ever changed.")
STAYS = tr("The folder that was open stays.")


def open_folder(bench: Bench) -> None:
    """Ask which folder, read it, and keep it where it can be read."""
    sample = sample_data()
    known = [*([sample] if sample else []), *(one for one in bench.memory.recent() if one != sample)]
    answers = [tr("Type the path of a folder")]
    answers += [tr("The sample, drawn X-rays: {folder}", folder=sample)] if sample else []
    answers += [tr("Again: {folder}", folder=one) for one in known if one != sample]
    place = choose(tr("Which folder?"), answers, about=ABOUT)
    folder = asked(tr("Path of the folder"), _there, ABOUT) if place == 0 else known[place - 1] if place > 0 else None
    if folder is None:
        return
    if _scan(bench, folder) == 0:
        bench.data = folder
        bench.memory.opened(folder.absolute())
    elif bench.data:
        put(STAYS)


def tell_folder(bench: Bench) -> None:
    """Say what the open folder holds. Raises ConfigError where none is open."""
    _scan(bench, bench.folder)


def _there(text: str) -> Path:
    folder = as_path(text)
    if not folder.is_dir():
        raise ConfigError(tr("{folder} is no folder; the one that was open stays.", folder=folder))
    return folder


def _scan(bench: Bench, folder: Path) -> int:
    wanted = bench.recipe.data
    return bench.command("scan", folder, *([f"--classes={wanted.classes}"] if wanted.classes else []))
