"""The head on a backbone: the report's two dense layers, or one linear layer that reads the ends of several depths.

Needs no TensorFlow. What a head reads of a layer are the means of its channels, over the whole picture or over each
cell of a grid (spatial pyramid pooling, He et al. 2014).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from engine.network.backbones import Backbone

HEAD_UNITS = 512
"""Width of the report's hidden layer."""
POOL = "pool"
"""The name of what the head gets of a picture: the means of all that it reads, one after the other."""


@dataclass(frozen=True)
class HeadLayer:
    """One layer of the head, which always trains."""

    name: str
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class Head:
    """What stands on a backbone."""

    reads: tuple[str, ...] = ()
    """The layers that one linear layer reads, input side first; none for the report's head, which reads the last."""

    cells: Annotated[int, Meta(ge=1, le=4)] = 1
    """Along each side of the grid whose cells it reads one by one; 1 for the whole picture."""
    mirror: bool = False
    """Are the logits of a picture averaged with those of its mirror image?"""

    def layers_read(self, backbone: Backbone) -> tuple[str, ...]:
        """The layers whose means it gets, input side first."""
        return self.reads or (backbone.layers[-1].name,)

    def width(self, backbone: Backbone) -> int:
        """How many means it gets of a picture."""
        return sum(self.width_of(backbone, name) for name in self.layers_read(backbone))

    def width_of(self, backbone: Backbone, name: str) -> int:
        """How many of them are of the layer `name`."""
        return self.cells**2 * int(backbone.by_name[name].shape[-1])

    def shapes(self, backbone: Backbone, classes: int) -> dict[str, list[tuple[int, ...]]]:
        """The shapes of kernel and bias of each of its layers that have weights, by layer name."""
        wide = self.width(backbone)
        if self.reads:
            return {"logits": [(wide, classes), (classes,)]}
        return {"dense": [(wide, HEAD_UNITS), (HEAD_UNITS,)], "logits": [(HEAD_UNITS, classes), (classes,)]}

    def layers(self, backbone: Backbone, classes: int) -> tuple[HeadLayer, ...]:
        """Its layers: the means; for the report's head Dense 512 with ReLU; Dense `classes` (logits)."""
        return HeadLayer(POOL, (self.width(backbone),), 0), *(
            HeadLayer(name, bias, kernel[0] * kernel[1] + bias[0])
            for name, (kernel, bias) in self.shapes(backbone, classes).items()
        )


def grid(side: int, cells: int) -> Iterator[tuple[int, int, int, int]]:
    """First and last row, first and last column (exclusive) of each cell of maps of `side`, row by row.

    Cells overlap by one row or column where the side can't be divided, so that a grid is its own mirror image.
    """
    edges = [(cell * side // cells, -(-(cell + 1) * side // cells)) for cell in range(cells)]
    yield from ((*rows, *columns) for rows in edges for columns in edges)


REPORT = Head()
"""Global average pooling, Dense 512 with ReLU, Dense for the classes (logits)."""
