"""The verb `serve`: the workbench in a browser of this machine."""

from pathlib import Path

from engine.base.errors import ConfigError
from engine.base.language import tr
from engine.base.paths import require_there
from tui.cli.app import RUNS
from tui.cli.console import put


def serve(data: Path | None = None, *, out: Path = RUNS, port: int = 0) -> int:
    """Open the workbench in a browser of this machine. Nobody else can connect, and nobody without the token.

    The address is printed, with the token in it. Each page has a workbench of its own; a training goes on when its page
    is closed. Ctrl-C ends the serving.

    Parameters
    ----------
    data
        Folder of X-rays to open, or an image file to predict.
    out
        Folder that holds the run directories.
    port
        Port on 127.0.0.1; 0 takes one that is free.
    """
    import asyncio

    try:
        from tui.cli.browser import serve_pages
    except ImportError:
        raise ConfigError(tr("A browser needs the serve extra: pip install 'covid-tui[serve]'.")) from None
    require_there(data)
    arguments = [*([str(data.absolute())] if data else []), "--out", str(out.absolute())]
    asyncio.run(
        serve_pages(
            arguments, port, lambda address: put(tr("Open {address} in a browser of this machine.", address=address))
        )
    )
    return 0
