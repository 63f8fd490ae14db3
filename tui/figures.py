"""Where every plot of characters begins: plotext's one figure, emptied, without colours of its own."""

from typing import Any


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
