"""The workbench's own themes: two of full colours, two of the sixteen that the terminal itself chooses."""

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

_SAME_IN_FEW = {
    "border": "ansi_bright_black",
    "border-blurred": "ansi_bright_black",
    "block-hover-background": "ansi_default",
    "secondary-muted": "ansi_default",
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "link-background-hover": "ansi_default",
}


def _turned(ink: str, ground: str) -> dict[str, str]:
    """What is chosen, in one pair of colours: the line under a cursor, and selected text."""
    names = ("block-cursor", "input-selection", "screen-selection")
    return {f"{name}-foreground": ink for name in names} | {f"{name}-background": ground for name in names}


# Of the sixteen colours only some can be read, 4.5 to 1, both as xterm and as the Linux console paint them: on black 2,
# 6, 7, 9 to 11 and 13 to 15, on white 1, 4, 5 and 12. A ground is one of the first eight: the console has no brighter.
ANSI_DARK = Theme(
    name="ansi-dark",
    ansi=True,
    primary="ansi_bright_cyan",
    secondary="ansi_cyan",
    accent="ansi_bright_magenta",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_bright_green",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    dark=True,
    variables=_SAME_IN_FEW
    | _turned("ansi_black", "ansi_cyan")
    | dict.fromkeys(("text-muted", "text-disabled", "foreground-muted", "foreground-disabled"), "ansi_white")
    | {
        "footer-key-foreground": "ansi_bright_magenta",
        "input-cursor-background": "ansi_black",
        "input-cursor-foreground": "ansi_bright_white",
        "input-cursor-text-style": "none",
        "link-color": "ansi_bright_cyan",
        "link-color-hover": "ansi_bright_white",
    },
)
ANSI_LIGHT = Theme(
    name="ansi-light",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_blue",
    accent="ansi_magenta",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_bright_blue",
    warning="ansi_magenta",
    error="ansi_red",
    dark=False,
    variables=_SAME_IN_FEW
    | _turned("ansi_bright_white", "ansi_blue")
    | dict.fromkeys(("text-muted", "text-disabled", "foreground-muted", "foreground-disabled"), "ansi_default")
    | {
        "footer-key-foreground": "ansi_magenta",
        "input-cursor-background": "ansi_bright_white",
        "input-cursor-foreground": "ansi_black",
        "input-cursor-text-style": "reverse",
        "link-color": "ansi_blue",
        "link-color-hover": "ansi_magenta",
        "scrollbar": "ansi_blue",
        "scrollbar-background": "ansi_white",
        "scrollbar-background-hover": "ansi_white",
        "scrollbar-background-active": "ansi_white",
    },
)
