"""What the palette finds: commands by their names, spelt roughly, or by words of their descriptions; in English too."""

from textual.app import SystemCommand
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from engine.base.language import english
from tui.host.private_apis import SaysNoMatches

LIKENESS_OF_A_DESCRIPTION = 0.01
"""Below any name that fits."""


class Palette(SaysNoMatches, CommandPalette):
    """Textual's palette, in the language of all."""


class Commands(Provider):
    """The commands of the app."""

    def _all(self) -> list[SystemCommand]:
        return sorted(self.app.get_system_commands(self.screen), key=lambda command: command.title)

    async def discover(self) -> Hits:
        """All, as nothing is typed yet."""
        for command in self._all():
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        """Those whose name is like what is typed, or whose description has each of its words, or begins of words."""
        matcher, words = self.matcher(query), query.casefold().split()
        for command in self._all():
            title, about = english(command.title), english(command.help)
            text = f" {command.title} {command.help} {title} {about}".casefold()
            likeness = max(matcher.match(command.title), matcher.match(title))
            if not likeness and words and all(begins(word, text) for word in words):
                likeness = LIKENESS_OF_A_DESCRIPTION
            if likeness:
                yield Hit(likeness, matcher.highlight(command.title), command.callback, help=command.help)


def begins(word: str, text: str) -> bool:
    """Does a word of the text begin so? Chinese has no spaces between words."""
    return f" {word}" in text or (not word.isascii() and word in text)
