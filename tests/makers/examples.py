"""How many examples of a property are drawn: as many as a test names in `make test-all`, a fifth of them daily.

The one place for it. A test that names no number has hypothesis's usual hundred as its most; one that names some says
`@settings(max_examples=examples(60))`.
"""

from hypothesis import settings

from tests.makers.extent import ALL

SHARE, LEAST = 5, 8
"""Daily one example of so many is drawn, but no fewer than so many."""


def examples(most: int) -> int:
    """How many to draw where `make test-all` draws `most`."""
    return most if ALL else max(min(most, LEAST), most // SHARE)


def register() -> None:
    """Let properties without a number of their own follow too."""
    settings.register_profile("covid-tui", max_examples=examples(100))
    settings.load_profile("covid-tui")
