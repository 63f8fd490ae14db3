"""Screen 2: the network layer by layer, and which of its layers the next training trains. Needs no TensorFlow."""

import dataclasses
import math
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Click, Resize
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from engine.auto.reading import planned
from engine.base.context import Context
from engine.base.errors import CacheError
from engine.base.language import tr, trn
from engine.base.runtime import cache_dir
from engine.base.wording import whole_percent
from engine.network.backbones import Backbone, Layer
from engine.network.freezing import FreezePlan, Row, head_classes, recipe, table
from engine.recipe.config import TrainConfig
from engine.training.cache_policy import Costs, costs, spare_disk
from tui.screens.layers.text import short, whole
from tui.screens.undoing import UNDO, RecipeScreen
from tui.widgets.fitted_table import Column, FittedTable
from tui.widgets.panes import Panes
from tui.widgets.safe_cells import cell, content, lines, number
from tui.words.recipe_terms import in_recipe_terms

if TYPE_CHECKING:
    from engine.training.layer_hints import Guide

BAR = 26
COLUMNS = (
    Column("#", rank=3, right=True), Column(tr("layer"), "layer", least=13, middle=True),
    Column(tr("output"), "output", rank=4), Column(tr("parameters"), "parameters", rank=5, right=True),
    Column(tr("trains"), "trains"), Column(tr("work"), "work", rank=2, right=True),
    Column(tr("runs"), "runs", rank=1),
)  # fmt: skip
DEEP = 13
"""Characters of a layer's name, beyond which the table takes more of the screen."""
MOST_PULLS = 8
"""Blocks of a guide that are shown, those pulled at hardest."""
PRESETS = {0: tr("Transfer"), 1: tr("Last block"), 2: tr("Last two"), -1: tr("All")}
"""What trains when so many of the last blocks do, -1 for each; by name."""
HEAD_TRAINS = tr("The head always trains.")


def _learners(backbone: Backbone) -> list[Layer]:
    """The layers that can train."""
    return [layer for layer in backbone.layers if layer.learnable]


class LayerTable(FittedTable):
    """The layers; the keys that change them are answered here, as they concern the row under the cursor."""

    HELP = tr(
        "Each line is a layer of the network, the input first. A layer that trains changes with "
        "every step; a frozen one keeps what it learnt on ImageNet. Layers without weights have "
        "nothing to train, and the head always trains. Work is the layer's share of the "
        "multiplications for an image; the layers before the first one that trains run once for "
        "each view of an image and are kept, the others again in each epoch. Where ways part and "
        "join, layers run again from the last place that all ways lead through. A normalisation "
        "trains its scale and shift, never its statistics."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "turn", tr("Toggle"), id="layers.toggle", tooltip=tr("Freeze the layer, or let it train.")),
        Binding(
            "shift+down", "paint(1)", tr("Range"), id="layers.range_down", key_display="shift+arrows",
            tooltip=tr("Give the next layer the state of this one."),
        ),
        Binding(
            "shift+up", "paint(-1)", tr("Range up"), id="layers.range_up", show=False,
            tooltip=tr("Give the layer above the state of this one."),
        ),
        Binding("x", "turn_block", tr("Block"), id="layers.block",
                tooltip=tr("Freeze the layer's block, or let it train.")),
        Binding(
            "left_square_bracket", "jump(-1)", tr("Block above"), id="layers.block_above", key_display="[", show=False,
            tooltip=tr("Go to the first layer of this block, or of the one above."),
        ),
        Binding(
            "right_square_bracket", "jump(1)", tr("Block below"), id="layers.block_below", key_display="]", show=False,
            tooltip=tr("Go to the first layer of the next block."),
        ),
    ]  # fmt: skip

    class Set(Message):
        """The user wants these layers (by row) to train, or not to."""

        def __init__(self, rows: tuple[int, ...], trains: bool | None) -> None:
            super().__init__()
            self.rows, self.trains = rows, trains

    class Block(Message):
        """The user wants the block of the layer in this row to train, or not to."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def __init__(self, **named: Any) -> None:
        super().__init__(*COLUMNS, **named)
        self.blocks: list[str] = []
        """The block of each row."""

    def action_turn_block(self) -> None:
        """Turn the block of the layer under the cursor."""
        self.post_message(self.Block(self.place))

    def action_jump(self, step: int) -> None:
        """To the first row of a block."""
        blocks = [self.blocks[self.place_of(line)] for line in range(self.row_count)]
        starts = [line for line, block in enumerate(blocks) if line == 0 or block != blocks[line - 1]]
        beyond = [line for line in starts if (line - self.cursor_row) * step > 0]
        if beyond:
            self.move_cursor(row=min(beyond) if step > 0 else max(beyond))

    def action_turn(self) -> None:
        """Turn the layer under the cursor."""
        self.post_message(self.Set((self.place,), None))

    def on_click(self, event: Click) -> None:
        """A click on what trains turns it."""
        place, column = event.style.meta.get("row", -1), event.style.meta.get("column", -1)
        if place >= 0 and 0 <= column < len(self.shown) and self.shown[column] == "trains":
            self.move_cursor(row=place)
            self.action_turn()

    def action_paint(self, step: int) -> None:
        """Move, and give the new row the state of the old one."""
        was, line = self.place, self.cursor_row + step
        if 0 <= line < self.row_count:
            self.move_cursor(row=line)
            self.post_message(self.Set((was, self.place), True))


class LayersScreen(RecipeScreen):
    """The table beside what the choice costs."""

    MODE = "layers"
    CSS_PATH = "layers.tcss"
    HELP = tr("Choose which layers of the network the next training trains. A training under way is not touched.")
    AUTO_FOCUS = "LayerTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "preset(0)", PRESETS[0], id="layers.transfer", tooltip=tr("Train the head alone.")),
        Binding("b", "preset(1)", PRESETS[1], id="layers.last", tooltip=tr("Train the last block and the head.")),
        Binding(
            "B",
            "preset(2)",
            PRESETS[2],
            id="layers.last_two",
            tooltip=tr("Train the last two blocks and the head."),
        ),
        Binding("f", "preset(-1)", PRESETS[-1], id="layers.all", tooltip=tr("Train every layer (fine-tuning).")),
        Binding(
            "g",
            "suggest",
            tr("Suggest"),
            id="layers.suggest",
            tooltip=tr("Measure which block the images pull at hardest: a linear probe and one pass of gradients."),
        ),
        Binding("G", "take", tr("Take it"), id="layers.take", tooltip=tr("Train the suggested block and the head.")),
        UNDO,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._guide: Guide | None = None
        self._shown = ""
        self._filled: object = None
        """What the table and the totals were made of."""
        self._spare = math.inf
        """Bytes that the disk has for kept activations."""

    def body(self) -> Iterable[Widget]:
        """The table on the left, the totals on the right."""
        with Panes(classes="columns"):
            with Vertical(classes="pane", id="network"):
                yield LayerTable(id="layer-table")
            with Vertical(classes="pane", id="choice"):
                yield Static(id="totals")
                yield Static(id="guide")

    def on_mount(self) -> None:
        """The title."""
        self.query_one("#choice").border_title = tr("Next training")
        self._fill()

    def on_screen_resume(self) -> None:
        """What is kept depends on the disk, which may have filled meanwhile."""
        self._look_at_disk()
        self._fill()

    def _look_at_disk(self) -> None:
        try:
            self._spare = spare_disk(cache_dir())
        except (OSError, CacheError):  # a training will say so
            self._spare = math.inf

    def config_changed(self) -> None:
        """Show the recipe's choice; a guide holds for the network that it was made with."""
        if self._shown not in ("", self.session.freeze.backbone.name):
            self._forget_guide()
        self._fill()

    def data_changed(self) -> None:
        """The head's size follows the number of classes; a guide holds for the images that it was made from."""
        self._forget_guide()
        self._fill()

    def _forget_guide(self) -> None:
        self.session.cancel("guide")
        self._guide = None
        self._show_guide()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Suggest where there are images, take what was suggested."""
        if action == "suggest":
            return not self.session.cannot_train() or None
        return self._guide is not None if action == "take" else super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """Why no layers can be suggested now."""
        return self.session.cannot_train() if action == "suggest" else super().why_not(action)

    def action_suggest(self) -> None:
        """Compute the guide in a worker."""
        folder = self.session.data
        if folder is not None:
            self.session.start(
                "guide", tr("gradients by block"), partial(measure_guide, folder, self.session.config), self._guided
            )

    def _guided(self, hints: "Guide") -> None:
        self._guide = hints
        self._show_guide()
        self.refresh_bindings()

    def _show_guide(self) -> None:
        hints, bar = self._guide, self.session.glyphs.bar
        rows = []
        if hints and "-narrow" in self.classes:
            rows = [
                content(
                    tr(
                        "{block} is pulled at hardest for its size (a guide only): G takes it.",
                        block=hints.hardest.block,
                    ),
                    "bold",
                )
            ]
        elif hints:
            top = hints.hardest.relative or 1.0
            rows = [content(tr("Gradient beside weights, by block"), "bold")]
            shown = sorted(hints.blocks, key=lambda one: one.relative, reverse=True)[:MOST_PULLS]
            for one in hints.blocks:
                if one in shown:
                    rows.append(content(f"{one.block:<8.8} {bar(one.relative / top, 12)} {one.relative:.1e}"))
            if len(shown) < len(hints.blocks):
                left = len(hints.blocks) - len(shown)
                text = trn("The other {number} is pulled at less.", "The other {number} are pulled at less.", left)
                rows.append(content(text))
            rows.append(content(in_recipe_terms(hints.sentence)))
        self.query_one("#guide", Static).update(lines(rows))

    def action_take(self) -> None:
        """Train the suggested block."""
        if self._guide:
            backbone, block = self.session.freeze.backbone, self._guide.hardest.block
            trainable = frozenset(one.name for one in backbone.layers if one.learnable and one.block == block)
            self._choose(trainable, tr("the suggested block {name}", name=block))

    def on_resize(self, event: Resize) -> None:
        """The totals are written shorter where there is less room."""
        self.call_after_refresh(self._total)
        self.call_after_refresh(self._show_guide)

    def _fill(self) -> None:
        layers, chosen = self.query_one(LayerTable), self.session.freeze
        made_of = (self.session.config, self._head_classes, self._images("train"), costs := self._costs())
        if made_of == self._filled:
            return
        self._filled = made_of
        weights, kept = self.session.config.network.weights, costs.caching.kept
        rows = table(chosen, self._head_classes)
        cells = [self._cells(row, chosen, kept) for row in rows]
        side = chosen.backbone.size
        title = f"{chosen.backbone.title}  {side}x{side}  {tr('random weights') if weights == 'none' else weights}"
        self.query_one("#network").border_title = content(title)
        if self._shown != chosen.backbone.name:
            self._shown = chosen.backbone.name
            layers.fill([])  # the cursor begins at the top of another network
            self.set_class(max(len(row.name) for row in rows) > DEEP, "-deep")
        layers.blocks = [row.block for row in rows]
        layers.fill(cells, list(map(str, range(len(cells)))))  # another head has other rows: the cursor stays
        self._total()

    def _total(self) -> None:
        narrow = "-narrow" in self.classes
        costs, config, images = self._costs(), self.session.config, self._images("train")
        glyphs = self.session.glyphs
        text = short(costs, config, images) if narrow else whole(costs, config, images, glyphs, BAR)
        self.query_one("#totals", Static).update(text)

    @property
    def _head_classes(self) -> int:
        """Classes of the head: those of the folder, two while there is none."""
        return head_classes(self.session.classes)

    def _images(self, part: str) -> int:
        return len(self.session.split.files(part)) if self.session.split else 0

    def _costs(self) -> Costs:
        session, images = self.session, (self._images("train"), self._images("validation"))
        return costs(*planned(session.config), self._head_classes, *images, self._spare)

    def _cells(self, row: Row, chosen: FreezePlan, kept: bool) -> tuple[Text, ...]:
        """A row's cells; `kept` are the activations of what is frozen."""
        glyphs = self.session.glyphs
        sign = glyphs.weightless if row.trains is None else glyphs.trains if row.trains else glyphs.frozen
        word = "" if row.trains is None else tr("yes") if row.trains else tr("no")
        if row.index is None and row.trains:
            word = tr("head")
        style = "bold" if row.trains else "dim" if row.trains is None else ""
        index = number(row.index, "d") if row.index is not None else cell("-", right=True)
        shape = "x".join(map(str, row.shape))
        share = "" if not row.work else "<1%" if row.work < 0.005 else whole_percent(row.work)
        again = row.index is None or row.index >= chosen.cut or not kept
        return (
            index,
            cell(row.name, style),
            cell(shape, style),
            number(row.parameters),
            cell(f"{sign} {word}", style),
            cell(share, style, right=True),
            cell(tr("again") if again else tr("once"), style),
        )

    def action_preset(self, blocks: int) -> None:
        """Train the last so many blocks and no other layer; -1 trains all."""
        backbone = self.session.freeze.backbone
        names = backbone.blocks if blocks < 0 else backbone.blocks[len(backbone.blocks) - blocks :]
        trainable = frozenset(layer.name for layer in _learners(backbone) if layer.block in names)
        self._choose(trainable, tr('the choice "{name}"', name=PRESETS[blocks]))

    def on_layer_table_block(self, event: LayerTable.Block) -> None:
        """All layers of a block train, or none of them."""
        chosen = self.session.freeze
        if event.row >= len(chosen.backbone.layers):
            self.workbench.say(HEAD_TRAINS)
            return
        block = chosen.backbone.layers[event.row].block
        inside = {layer.name for layer in _learners(chosen.backbone) if layer.block == block}
        if not inside:
            self.workbench.say(tr("{name} belongs to no block.", name=chosen.backbone.layers[event.row].name))
            return
        trainable = chosen.trainable - inside if inside <= chosen.trainable else chosen.trainable | inside
        self._choose(trainable, tr("the block {name}", name=block))

    def on_layer_table_set(self, event: LayerTable.Set) -> None:
        """One layer turned, or the second of two to be as the first is."""
        chosen = self.session.freeze
        layers, first, last = chosen.backbone.layers, event.rows[0], event.rows[-1]
        if last >= len(layers):
            self.workbench.say(HEAD_TRAINS)
            return
        name = layers[last].name
        if not layers[last].learnable:
            if event.trains is None:
                self.workbench.say(tr("{name} has no weights to train.", name=name))
            return
        trains = not chosen.trains(layers[last]) if event.trains is None else self._state(chosen, first, last)
        trainable = chosen.trainable | {name} if trains else chosen.trainable - {name}
        self._choose(trainable, tr("the layer {name}", name=name))

    def _state(self, chosen: FreezePlan, first: int, last: int) -> bool:
        """The state that a range carries on: that of the nearest layer with weights behind the one it reached."""
        step = 1 if last > first else -1
        layers = chosen.backbone.layers
        for place in range(first, -1 if step > 0 else len(layers), -step):
            if layers[place].learnable:
                return chosen.trains(layers[place])
        return chosen.trains(layers[last])

    def _choose(self, trainable: frozenset[str], change: str) -> None:
        network = self.session.config.network
        network = recipe(network, trainable, self.session.freeze.backbone)
        choice = dataclasses.replace(self.session.config.choice, recipe="report")
        self.session.configure(change, network=network, choice=choice)


def measure_guide(folder: Path, config: TrainConfig, context: Context) -> "Guide":
    from engine.base.runtime import load_tensorflow
    from engine.jobs.probe import guide

    load_tensorflow(context.emit)
    return guide(folder, config, context)


SCREEN = LayersScreen
