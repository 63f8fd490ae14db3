"""A theme's colours made legible: every ink that text is written in stands 4.5 to 1 or more from what lies under it."""

from collections.abc import Iterable, Mapping

from textual.color import BLACK, WHITE, Color

ENOUGH = 4.8
"""Contrast to 1, as WCAG 2.2 computes it, which asks for 4.5; the rest is for what is tinted a little."""
STEP = 0.04
GROUNDS = ("background", "surface", "panel")
"""What text lies on."""
INKS = (
    "foreground", "primary", "secondary", "accent", "warning", "error", "success", "text-primary", "text-secondary",
    "text-accent", "text-warning", "text-error", "text-success", "footer-key-foreground",
)  # fmt: skip
MUTED = ("text-muted", "text-disabled", "foreground-muted", "foreground-disabled")
CURSOR = 0.3
"""The share of the primary colour in the line under the cursor of a table that has the focus."""


def contrast(one: Color, other: Color) -> float:
    """How far two colours stand from each other, 1 to 21: (L1 + 0.05) / (L2 + 0.05) of WCAG 2.2."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ink_for(ground: Color) -> Color:
    """Black or white, whichever is easier to read on `ground`: 4.58 to 1 at least."""
    return max((BLACK, WHITE), key=lambda ink: contrast(ink, ground))


def legible(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a theme with every ink moved towards black or white until it can be read on every ground.

    A theme of the terminal's own colours, which nobody here knows, stays as it is.
    """
    found = {**variables, "on-error": variables["text"]}
    if any(not found[name].startswith("#") for name in ("background", "foreground")):
        return found
    grounds = [Color.parse(found[name]) for name in GROUNDS if found[name].startswith("#")]
    for name in INKS:
        if found.get(name, "").startswith("#"):
            found[name] = _stronger(Color.parse(found[name]), grounds).hex6
    cursor = Color.parse(found["background"]).blend(Color.parse(found["primary"]), CURSOR)
    foreground = _stronger(Color.parse(found["foreground"]), [*grounds, cursor])
    found["foreground"] = foreground.hex6
    found |= dict.fromkeys(MUTED, _weaker(foreground, grounds).hex6)
    found["footer-description-foreground"] = found["footer-foreground"] = found["foreground"]
    found["block-cursor-background"] = found["primary"]
    found["block-cursor-foreground"] = ink_for(Color.parse(found["primary"])).hex6
    found["input-selection-foreground"], found["input-selection-background"] = found["foreground"], cursor.hex6
    found["on-error"] = ink_for(Color.parse(found["error"])).hex6
    return found


def _least(ink: Color, grounds: Iterable[Color]) -> float:
    return min(contrast(ink, ground) for ground in grounds)


def _stronger(ink: Color, grounds: list[Color]) -> Color:
    """The nearest colour on the way to black or white that can be read on all grounds."""
    end = max((BLACK, WHITE), key=lambda one: _least(one, grounds))
    share, now = 0.0, ink
    while _least(now, grounds) < ENOUGH and share < 1:
        share += STEP
        now = ink.blend(end, min(1.0, share))
    return now


def _weaker(ink: Color, grounds: list[Color]) -> Color:
    """The faintest of the ink that can still be read on all grounds, 60% of it at least."""
    share, now = 0.6, grounds[0].blend(ink, 0.6)
    while _least(now, grounds) < ENOUGH and share < 1:
        share += STEP
        now = grounds[0].blend(ink, min(1.0, share))
    return now
