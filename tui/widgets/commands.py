"""What the palette finds: commands by their names, spelt roughly, or by the words of their descriptions."""

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider

LIKENESS_OF_A_DESCRIPTION = 0.01
"""Below any name that fits."""


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
            text = f" {command.title} {command.help}".casefold()
            likeness = matcher.match(command.title)
            if not likeness and words and all(f" {word}" in text for word in words):
                likeness = LIKENESS_OF_A_DESCRIPTION
            if likeness:
                yield Hit(likeness, matcher.highlight(command.title), command.callback, help=command.help)
