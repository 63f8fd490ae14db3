"""What Textual itself says of its keys on our screens: collected here to be translated where the keys are shown."""

from engine.base.language import marked, tr

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

NEXT, BEFORE = marked("To the next field or list."), marked("To the field or list before.")
UP, DOWN, LEFT, RIGHT = marked("Up."), marked("Down."), marked("To the left."), marked("To the right.")
PAGE_UP, PAGE_DOWN = marked("A page up."), marked("A page down.")
PAGE_LEFT, PAGE_RIGHT = marked("A page to the left."), marked("A page to the right.")
BEGINNING, END = marked("To the beginning."), marked("To the end.")
PLAINER = {
    "Focus Next": NEXT, "Focus Previous": BEFORE,
    "Copy selected text": marked("Copy the text that the mouse has marked."),
    "Open the command palette": marked("Find a command by its name, or by words of what it does."),
    "Cursor up": UP, "Cursor Up": UP, "Scroll Up": UP, "Up": UP,
    "Cursor down": DOWN, "Cursor Down": DOWN, "Scroll Down": DOWN, "Down": DOWN,
    "Cursor left": LEFT, "Scroll Left": LEFT, "Cursor right": RIGHT, "Scroll Right": RIGHT,
    "Page up": PAGE_UP, "Page Up": PAGE_UP, "Page Left": PAGE_LEFT,
    "Page Right": PAGE_RIGHT,
    "Page down": PAGE_DOWN, "Page Down": PAGE_DOWN,
    "Top": BEGINNING, "Home": BEGINNING, "Scroll Home": BEGINNING, "First": BEGINNING,
    "Bottom": END, "End": END, "Scroll End": END, "Last": END,
    "Select": marked("Take what stands under the cursor."), "Submit": marked("Take what is written."),
}  # fmt: skip
"""What the help says instead, as a sentence like all others."""


def plainly(text: str) -> str:
    """A key's note in the language at hand; Textual's own in plainer words."""
    return tr(PLAINER.get(text, text))
