"""The workbench's own two themes."""

from textual.theme import Theme

DARK = Theme(
    name="covid-dark",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#ffd787",
    foreground="#d0d0d0",
    background="#121212",
    surface="#1c1c1c",
    panel="#262626",
    success="#87d787",
    warning="#ffaf5f",
    error="#ff8787",
    dark=True,
    variables={"border": "#4e4e4e", "footer-key-foreground": "#ffd787", "block-cursor-text-style": "none"},
)
LIGHT = Theme(
    name="covid-light",
    primary="#005f87",
    secondary="#5f5f87",
    accent="#875f00",
    foreground="#1c1c1c",
    background="#ffffff",
    surface="#f4f4f4",
    panel="#e4e4e4",
    success="#005f00",
    warning="#af5f00",
    error="#af0000",
    dark=False,
    variables={"border": "#9e9e9e", "footer-key-foreground": "#875f00", "block-cursor-text-style": "none"},
)
