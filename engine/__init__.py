"""Everything that covid-tui can do without a screen. Never imports textual, rich or plotext."""

__version__ = "0.1.0"
