"""What an audit shows a network in place of the whole image: the lungs, what is left without them, hints of both."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.base.cancel import Stop
from engine.base.language import tr
from engine.data.image.reader import ImageError, Pixels, seen
from engine.data.masks import RECTANGLE, Mask, central_rectangle, read_mask, region_of
from engine.data.parallel import spread
from engine.data.pixel_store import PixelStore
from engine.data.records import Record

VERSION = "1"
"""Names what the variants do to the pixels; a change here makes every kept activation of theirs unfindable."""
BORDER = 1 / 8
"""Width of the outer border, as a share of the side."""
THUMBNAIL = 16

Change = Callable[[Pixels, npt.NDArray[np.bool_]], Pixels]


@dataclass(frozen=True)
class Variant:
    """One way to show an image: `change` takes pixels uint8 (n, s, s, c) and masks (n, s, s) to pixels."""

    name: str
    title: str
    change: Change
    masked: bool = False
    """Does it show or hide by the mask?"""
    shuffled: bool = False
    """Are the labels of the training and validation images shuffled?"""
    without_masks: str = ""
    """The title where the central rectangle stands in for the lungs, if it is another."""

    def titled(self, region: str) -> str:
        """The title, with the central rectangle named where it stands in for the lungs."""
        return self.without_masks if self.without_masks and region == RECTANGLE else self.title


def _whole(pixels: Pixels, masks: npt.NDArray[np.bool_]) -> Pixels:
    return pixels


def _lungs(pixels: Pixels, masks: npt.NDArray[np.bool_]) -> Pixels:
    return np.where(masks[..., None], pixels, np.uint8(0))


def _without_lungs(pixels: Pixels, masks: npt.NDArray[np.bool_]) -> Pixels:
    return np.where(masks[..., None], np.uint8(0), pixels)


def _silhouette(pixels: Pixels, masks: npt.NDArray[np.bool_]) -> Pixels:
    return np.broadcast_to(np.where(masks[..., None], np.uint8(255), np.uint8(0)), pixels.shape)


def _border(pixels: Pixels, masks: npt.NDArray[np.bool_]) -> Pixels:
    width, side = round(pixels.shape[1] * BORDER), pixels.shape[1]
    shown = pixels.copy()
    shown[:, width : side - width, width : side - width] = 0
    return shown


def _thumbnail(pixels: Pixels, masks: npt.NDArray[np.bool_]) -> Pixels:
    small = (THUMBNAIL, THUMBNAIL)
    shown = np.empty_like(pixels)
    for image, out in zip(pixels, shown, strict=True):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        tiny = picture.resize(small, Image.Resampling.BOX)
        out[:] = np.asarray(tiny.resize(picture.size, Image.Resampling.BILINEAR)).reshape(image.shape)
    return shown


VARIANTS = (
    Variant("whole", tr("whole image"), _whole),
    Variant("lungs", tr("lungs only"), _lungs, masked=True, without_masks=tr("central rectangle only")),
    Variant(
        "without-lungs", tr("lungs blacked out"), _without_lungs, masked=True,
        without_masks=tr("central rectangle blacked out"),
    ),
    Variant("silhouette", tr("mask silhouette alone"), _silhouette, masked=True),
    Variant("border", tr("outer border alone"), _border),
    Variant("thumbnail", tr("{side}x{side} thumbnail", side=THUMBNAIL), _thumbnail),
    Variant("shuffled", tr("shuffled labels"), _whole, shuffled=True),
)  # fmt: skip


def variants_of(region: str) -> tuple[Variant, ...]:
    """The variants to audit; the silhouette of a rectangle, the same for each image, leaves nothing to learn from."""
    return tuple(variant for variant in VARIANTS if region != RECTANGLE or variant.name != "silhouette")


def views(image: Path, size: int) -> tuple[str, list[tuple[Variant, Pixels]]]:
    """What each variant shows of the image file, (size, size, 3), and by which region. Raises ImageError."""
    region, mask = region_of(image, size)
    pixels = seen(image, size)[None]
    return region, [(variant, variant.change(pixels, mask[None])[0]) for variant in variants_of(region)]


@dataclass(frozen=True, eq=False)
class Regions:
    """The lungs of every row of a pixel store, in its order: masks packed to bits, or one rectangle for all."""

    size: int
    packed: npt.NDArray[np.uint8] | None = None
    """(n, size * size / 8); None for the rectangle."""

    def rows(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.bool_]:
        """The masks of the rows at `indices`, (n, size, size)."""
        shape = (len(indices), self.size, self.size)
        if self.packed is None:
            return np.broadcast_to(central_rectangle(self.size), shape)
        chosen = self.packed[np.asarray(indices, dtype=np.intp)]
        return np.unpackbits(chosen, axis=1, count=self.size * self.size).reshape(shape).astype(bool)

    def digest(self, row: int) -> bytes:
        """What tells this row's region from others."""
        return b"rectangle" if self.packed is None else hashlib.sha256(self.packed[row].tobytes()).digest()


def read_regions(
    root: Path, records: Sequence[Record], size: int, stop: Stop | None
) -> tuple[Regions, list[tuple[Record, str]]]:
    """The masks of `records`, all of which have one, and those that can't be used, each with the reason."""

    def packed(record: Record) -> tuple[npt.NDArray[np.uint8], str]:
        assert record.mask is not None
        mask: Mask = np.zeros((size, size), bool)
        reason = ""
        try:
            mask = read_mask(root / record.mask, size)
        except ImageError as error:
            reason = error.reason
        return np.packbits(mask.reshape(-1)), reason or ("" if mask.any() else tr("it shows no lung"))

    found = list(spread(packed, list(records), stop))
    bad = [(record, reason) for record, (_, reason) in zip(records, found, strict=True) if reason]
    return Regions(size, np.stack([bits for bits, _ in found])), bad


@dataclass(frozen=True, eq=False)
class VariantStore(PixelStore):
    """A pixel store whose rows are shown in a variant; they are made when they are asked for."""

    variant: Variant = field(default=VARIANTS[0])
    regions: Regions = field(default_factory=lambda: Regions(0))

    @classmethod
    def of(cls, store: PixelStore, variant: Variant, regions: Regions) -> "VariantStore":
        """`store` seen in `variant`."""
        return cls(store.array, store.files, store.channels, store.kept, variant, regions)

    def rows(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Pixels:
        """As `PixelStore.rows`, in the variant."""
        pixels = super().rows(indices)
        return np.asarray(self.variant.change(pixels, self.regions.rows(indices)))

    def identity(self, sha: str, row: int) -> str:
        """What stands for the pixel hash `sha` of the image in `row`: another for every variant and mask, in hex.

        Activations are kept under it, so those of one variant are never taken for another's.
        """
        if self.variant.change is _whole:
            return sha
        digest = hashlib.sha256(f"{VERSION} {self.variant.name} {sha}".encode())
        if self.variant.masked:
            digest.update(self.regions.digest(row))
        return digest.hexdigest()
