"""Where every plot of characters begins: plotext's one figure, emptied, without colours of its own."""

from typing import Any

from rich.text import Text


def blank(width: int, height: int) -> Any:
    """plotext's figure of so many columns and lines, with nothing drawn yet; it is the same object each time."""
    import plotext

    plotext.terminal.limit(False, False)  # else no plot is larger than what descriptor 1 says of its terminal
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, height)
    figure.canvas("default")
    return figure


def lettered(figure: Any) -> str:
    """The figure in characters alone, for a terminal that may want no colour codes, not even those that end one."""
    return Text.from_ansi(str(figure.build().string())).plain
