"""What Textual itself says of its keys on our screens: collected here to be translated where the keys are shown."""

from engine.base.language import marked

TEXTS = (
    marked("palette"), marked("Open the command palette"), marked("Quit"),
    marked("Quit the app and return to the command prompt."),
    marked("Focus Next"), marked("Focus Previous"), marked("Copy selected text"),
    marked("Scroll Up"), marked("Scroll Down"), marked("Scroll Left"), marked("Scroll Right"), marked("Scroll Home"),
    marked("Scroll End"), marked("Page Up"), marked("Page Down"), marked("Page Left"), marked("Page Right"),
    marked("Select"), marked("Cursor up"), marked("Cursor down"), marked("Cursor right"), marked("Cursor left"),
    marked("Page up"), marked("Page down"), marked("Top"), marked("Bottom"), marked("Home"), marked("End"),
    marked("Down"), marked("Up"), marked("First"), marked("Last"),
    marked("Go to bottom"), marked("Go to top"), marked("Next command"), marked("Previous command"),
    marked("Exit the command palette"), marked("Next page"), marked("Previous page"),
    marked("Cursor to parent"), marked("Cursor to next ancestor"), marked("Cursor to previous sibling"),
    marked("Cursor to next sibling"), marked("Toggle"), marked("Expand or collapse all"), marked("Cursor Up"),
    marked("Cursor Down"),
    marked("Move cursor left"), marked("Move cursor left and select"), marked("Move cursor left a word"),
    marked("Move cursor left a word and select"), marked("Move cursor right or accept the completion suggestion"),
    marked("Move cursor right and select"), marked("Move cursor right a word"),
    marked("Move cursor right a word and select"), marked("Delete character left"), marked("Select all"),
    marked("Go to start"), marked("Go to end"), marked("Select line start"), marked("Select line end"),
    marked("Delete character right"), marked("Submit"), marked("Delete left to start of word"),
    marked("Delete all to the left"), marked("Delete right to start of word"), marked("Delete all to the right"),
    marked("Cut selected text"), marked("Paste text from the clipboard"),
)  # fmt: skip
