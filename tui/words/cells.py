"""Columns of text by the cells of a terminal, of which a Chinese character takes two."""


def cells(text: str) -> int:
    """How many cells of a line the text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, width: int, right: bool = False) -> str:
    """The text with spaces up to `width` cells behind it, or before it where it aligns `right`; a longer one as it is.

    What `f"{text:<12}"` does for text that is never translated.
    """
    space = " " * (width - cells(text))
    return space + text if right else text + space
