"""What an audit found, with its gap drawn as wide as there is room."""

from typing import TYPE_CHECKING

from textual.widgets import Static

from engine.base.language import tr
from tui.screens.audit.text import FINDINGS, region_name
from tui.widgets.bars import around_zero
from tui.widgets.safe_cells import content, lines
from tui.words.cells import cells
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.audit.verdict import Audit

NARROWEST_GAP, WIDEST_GAP = 24, 64


class Verdict(Static):
    """The verdict of an audit; a sentence where there is none."""

    _audit: "Audit | None" = None

    def show(self, audit: "Audit | None", instead: str) -> None:
        """Tell this audit's, or say `instead`."""
        self._audit = audit
        if audit is None:
            self.update(content(instead, "$foreground-muted"))
        else:
            self._draw(audit)

    def on_resize(self) -> None:
        """Another width has room for another plot."""
        if self._audit:
            self._draw(self._audit)

    def _draw(self, audit: "Audit") -> None:
        gap = audit.gap
        room = self.content_size.width - cells(tr("gap {plot} points", plot=""))
        plot = around_zero(gap.value, gap.ci, max(NARROWEST_GAP, min(WIDEST_GAP, room)))
        low, high = (100 * end for end in gap.ci)
        said = tr(
            "{finding}: gap without the {region} {gap:+.1f} points ({low:+.1f} to {high:+.1f})",
            finding=FINDINGS[audit.finding], region=region_name(audit), gap=100 * gap.value, low=low, high=high,
        )  # fmt: skip
        if cells(said) > self.content_size.width:  # what is taken away the text says too
            said = tr(
                "{finding}: gap {gap:+.1f} points ({low:+.1f} to {high:+.1f})",
                finding=FINDINGS[audit.finding], gap=100 * gap.value, low=low, high=high,
            )  # fmt: skip
        rows = [
            content(said, "bold"),
            content(tr("gap {plot} points", plot=plot), "$primary"),
            content(in_recipe_terms(audit.verdict)),
        ]
        self.update(lines(rows))
