"""The images asked about in a session: a run's name takes room only where there are several runs."""

import asyncio
from pathlib import Path

from textual.app import App, ComposeResult

from tui.screens.predict.history import Asked, History
from tui.words.glyphs import PLAIN


class Alone(App[None]):
    """The list by itself."""

    def compose(self) -> ComposeResult:
        """It."""
        yield History(PLAIN)


def test_the_run_is_named_where_there_are_several() -> None:
    async def scenario() -> None:
        app = Alone()
        async with app.run_test(size=(52, 12)) as pilot:
            history = app.query_one(History)
            history.add(Asked(Path("COVID-4.png"), Path("partial-vgg16"), "Viral Pneumonia", 0.592))
            await pilot.pause()
            assert "run" not in history.table.shown
            assert history.table.get_row_at(0)[1].plain == "Viral Pneumonia"
            history.add(Asked(Path("COVID-4.png"), Path("transfer-vgg16"), "COVID", 0.7))
            await pilot.pause()
            assert "run" in history.table.shown

    asyncio.run(scenario())
