"""A table's rows, drawn from their texts, are to the character and colour what Textual draws through Rich."""

import string

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widgets import DataTable

from tests.makers.drive import run
from tests.makers.examples import examples
from tui.host.private_apis import DrawsLinesOfText

STYLES = ("", "bold", "dim", "#88aa44", "bold red on blue", "reverse")
WORDS = st.text(string.ascii_letters + string.digits + " .,-肺片é", max_size=12)


@st.composite
def cells(draw: st.DrawFn) -> Text:
    """A text of a line, often with a part in another colour."""
    text = Text(
        draw(WORDS), draw(st.sampled_from(STYLES)), justify=draw(st.sampled_from((None, "left", "right"))),
        no_wrap=True, end="",
    )  # fmt: skip
    if draw(st.booleans()):
        text.stylize(
            draw(st.sampled_from(STYLES[1:])), *sorted(draw(st.tuples(st.integers(0, 12), st.integers(0, 12))))
        )
    return text


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[tuple[Text, int]], list[list[Text]]]:
    """Columns with their widths, and rows."""
    columns = draw(st.lists(st.tuples(cells(), st.integers(1, 14)), min_size=1, max_size=4))
    row = st.lists(cells(), min_size=len(columns), max_size=len(columns))
    return columns, draw(st.lists(row, max_size=5))


class Drawn(DrawsLinesOfText, DataTable[Text]):
    """Draws its rows itself."""


class Both(App[None]):
    """The same rows twice, neither table in focus."""

    AUTO_FOCUS = ""

    def compose(self) -> ComposeResult:
        """One below the other."""
        yield DataTable[Text](cursor_type="row")
        yield Drawn(cursor_type="row")


def drawn(table: DataTable[Text]) -> list[list[tuple[str, object]]]:
    """Every character of every line, with its colours and what a click on it means."""
    lines = table.render_lines(Region(0, 0, *table.size))
    return [[(char, part.style) for part in line for char in part.text] for line in lines]


@settings(deadline=None, max_examples=examples(3), phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(tables(), min_size=15, max_size=15), st.integers(0, 4))
def test_rows_look_as_textual_draws_them(made: list[tuple[list[tuple[Text, int]], list[list[Text]]]], at: int) -> None:
    async def scenario() -> None:
        app = Both()
        async with app.run_test(size=(50, 24)) as pilot:
            theirs, ours = app.query_one(DataTable), app.query_one(Drawn)
            for columns, rows in made:
                for table in (theirs, ours):
                    table.clear(columns=True)
                    for label, width in columns:
                        table.add_column(label, width=width)
                    for row in rows:
                        table.add_row(*row)
                    table.move_cursor(row=at)
                await pilot.pause()
                assert drawn(ours) == drawn(theirs)

    run(scenario())
