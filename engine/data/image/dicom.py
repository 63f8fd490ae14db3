"""A DICOM file's picture as 8-bit levels, and what its header says of how it was taken.

`engine.data.image.reader` opens the files. What `read_header` takes from one, and what it never does, is in
`engine.data.image.dicom_tags`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.base.language import marked, tr
from engine.data.image.dicom_decoder import PLUGINS, DecodingError, decode, decode_here
from engine.data.image.dicom_tags import EXTRA, DicomError, Elements, damaged, elements
from engine.data.image.dicom_windowing import Greys, Pixels, Table, Window, colours, grey, palette

_SAMPLES = {
    **dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1),
    **dict.fromkeys(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"), 3),
}
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
_COMPRESSION = {
    "5": "RLE", "50": "JPEG", "51": "JPEG", "57": marked("lossless JPEG"), "70": "lossless JPEG", "80": "JPEG-LS",
    "81": marked("JPEG-LS with loss"), "90": marked("lossless JPEG 2000"), "91": "JPEG 2000",
    "201": marked("lossless HTJ2K"), "202": "lossless HTJ2K", "203": "HTJ2K",
}  # fmt: skip
_WHY_NOT_DECODED = {
    "missing": EXTRA,
    "memory": tr("it needs more memory than there is; make it smaller"),
    "refused": tr("its pixels are damaged or cut short; copy it again"),
    "died": tr("its compressed pixels take too long to decode, or end the decoder; copy it again"),
}


@dataclass(frozen=True, slots=True)
class DicomFacts:
    """What a file says of its picture and of how it was taken; None where it says nothing."""

    modality: str | None
    view_position: str | None
    laterality: str | None
    burned_in_annotation: str | None
    photometric_interpretation: str
    bits_allocated: int
    bits_stored: int
    signed: bool
    compression: str
    rescale_slope: float
    rescale_intercept: float
    modality_lut: bool
    """A table takes the place of slope and intercept."""
    window: str | None = None
    """What spreads over the levels: a window (LINEAR, LINEAR_EXACT, SIGMOID), a table (LUT), or all values (RANGE)."""
    window_center: float | None = None
    window_width: float | None = None
    """Of a RANGE, the middle and the extent of its values, after rescaling; of a LUT, None."""

    @property
    def told(self) -> tuple[str, ...]:
        """The facts in lines for people."""
        unsaid = tr("not said")
        known = {
            "modality": self.modality or unsaid,
            "view": self.view_position or unsaid,
            "annotation": self.burned_in_annotation or unsaid,
        }
        taken = tr("modality {modality}, view {view}, burned-in annotation {annotation}", **known)
        if self.laterality:
            taken = tr(
                "modality {modality}, view {view}, side {side}, burned-in annotation {annotation}",
                side=self.laterality,
                **known,
            )
        extent = {"stored": self.bits_stored, "allocated": self.bits_allocated}
        unsigned, signed = tr("{stored} of {allocated} bits"), tr("{stored} of {allocated} bits, signed")
        bits = (signed if self.signed else unsigned).format(**extent)
        lines = [taken, f"{self.photometric_interpretation}, {bits}, {tr(self.compression)}"]
        if self.window:
            slope = tr(
                "rescale slope {slope:g}, intercept {intercept:g}",
                slope=self.rescale_slope,
                intercept=self.rescale_intercept,
            )
            window = tr("window {window}", window=self.window)
            if self.window_width is not None:
                window = tr(
                    "window {window} centre {center:g}, width {width:g}",
                    window=self.window,
                    center=self.window_center,
                    width=self.window_width,
                )
            by = tr("rescaled by a table") if self.modality_lut else slope
            lines.append(tr("; ").join((by, window)))
        return tuple(lines)


@dataclass(frozen=True, eq=False)
class Dicom:
    """A file whose header is read and checked, and whose pixels are not decoded yet."""

    rows: int
    columns: int
    facts: DicomFacts
    notes: tuple[str, ...]
    _found: Elements
    _options: dict[str, Any]
    _greys: Greys | None
    _palette: tuple[Table, ...]

    def decode(self) -> tuple[Pixels, DicomFacts]:
        """Levels, (rows, columns) or RGB (rows, columns, 3), and the facts with the window used. Raises DicomError."""
        stored = self._stored()
        if stored.shape[:2] != (self.rows, self.columns) or stored.dtype.itemsize > 2:
            raise DicomError(tr("its compressed pixels are not those that its header names; copy it again"))
        try:
            if self._palette:
                return palette(stored, self._palette), self.facts
            if self._greys is None:
                return colours(stored, min(self.facts.bits_stored, 8 * stored.dtype.itemsize)), self.facts
            levels, spread = grey(stored, self._greys)
        except (ValueError, IndexError):
            raise DicomError(tr("its values can't be turned into levels; copy it again")) from None
        return levels, replace(self.facts, **_as_facts(spread))

    def _stored(self) -> npt.NDArray[Any]:
        # What is neither compressed nor needs arithmetic in colours harms nobody.
        plain = PLUGINS[self._found.syntax] == "" and not self.facts.photometric_interpretation.startswith("YBR")
        try:
            return (decode_here if plain else decode)(self._found.pixels, self._found.syntax, self._options)
        except DecodingError as exc:
            raise DicomError(_WHY_NOT_DECODED[str(exc)]) from None
        except MemoryError:
            raise DicomError(_WHY_NOT_DECODED["memory"]) from None
        except Exception:  # pydicom throws nearly any kind
            raise DicomError(_WHY_NOT_DECODED["refused"]) from None


def is_dicom(data: bytes) -> bool:
    """Do the contents of a file say that it is a DICOM file?"""
    return data[128:132] == b"DICM"


def read_header(data: bytes, too_large: Callable[[int, int], str]) -> Dicom:
    """The header of the file with these contents; `too_large(width, height)` is the reason not to read so many pixels.

    Raises DicomError for anything but one whole picture of a kind that is read.
    """
    found = elements(data)
    try:
        return _header(found, too_large)
    except DicomError:
        raise
    except Exception as exc:
        raise damaged(exc) from None


def _header(found: Elements, too_large: Callable[[int, int], str]) -> Dicom:
    options = _checked(found, too_large)
    photometric, bits = options["photometric_interpretation"], options["bits_stored"]
    signed = options["pixel_representation"] == 1
    notes = []
    burned_in = found.code("BurnedInAnnotation")
    if burned_in == "YES":
        notes.append(tr("has text burned into its pixels, as its header says"))
    if bits > 8 and options["samples_per_pixel"] == 3:
        notes.append(tr("16-bit colour is read as the upper 8 bits of each sample"))
    tables: tuple[Table, ...] = ()
    greys = None
    if photometric == "PALETTE COLOR":
        tables = _palette(found)
    elif options["samples_per_pixel"] == 1:
        greys, more = _greys(found, photometric, bits, signed)
        notes += more
    facts = DicomFacts(
        found.code("Modality"),
        found.code("ViewPosition"),
        found.code("ImageLaterality") or found.code("Laterality"),
        burned_in,
        photometric,
        options["bits_allocated"],
        bits,
        signed,
        marked("deflated") if found.deflated else _compression(found.syntax),
        greys.slope if greys else 1.0,
        greys.intercept if greys else 0.0,
        bool(greys and greys.modality),
    )
    return Dicom(options["rows"], options["columns"], facts, tuple(notes), found, options, greys, tables)


def _checked(found: Elements, too_large: Callable[[int, int], str]) -> dict[str, Any]:
    """What pydicom's decoders need to know, once it is found to be of a kind that is read."""
    rows, columns = found.whole("Rows"), found.whole("Columns")
    if rows < 1 or columns < 1:
        raise DicomError(tr("it has no pixels"))
    if reason := too_large(columns, rows):
        raise DicomError(reason)
    if (frames := found.whole("NumberOfFrames", 1)) > 1:
        raise DicomError(tr("it holds {frames} frames; save one of them as a file", frames=frames))
    photometric, samples = found.code("PhotometricInterpretation"), found.whole("SamplesPerPixel", 1)
    if photometric not in _SAMPLES or _SAMPLES[photometric] != samples:
        raise DicomError(tr("its photometric interpretation is not one that is read (grey, palette, RGB, YBR)"))
    allocated = found.whole("BitsAllocated")
    if allocated not in (1, 8, 16):
        raise DicomError(tr("its samples have neither 1 nor 8 nor 16 bits; save it with 8 or 16 bits a sample"))
    bits, signed = found.whole("BitsStored", allocated), found.whole("PixelRepresentation", 0)
    if not 1 <= bits <= allocated or signed not in (0, 1):
        raise DicomError(tr("it contradicts itself on the bits of its samples; copy it again"))
    if samples == 3 and signed:
        raise DicomError(tr("its colours are signed; export it as PNG"))
    return {
        "rows": rows, "columns": columns, "samples_per_pixel": samples, "photometric_interpretation": photometric,
        "bits_allocated": allocated, "bits_stored": bits, "pixel_representation": signed, "number_of_frames": 1,
        "planar_configuration": found.whole("PlanarConfiguration", 0), "pixel_keyword": "PixelData",
        "pixel_vr": found.pixels_vr,
    }  # fmt: skip


def _greys(found: Elements, photometric: str, bits: int, signed: bool) -> tuple[Greys, list[str]]:
    notes = []
    item, how = found.item("ModalityLUTSequence"), Greys(bits, inverted=photometric == "MONOCHROME1")
    modality = found.table("LUTDescriptor", "LUTData", item) if item is not None else None
    slope, intercept = found.first("RescaleSlope"), found.first("RescaleIntercept")
    if modality:
        how = replace(how, modality=modality)
    elif slope is not None or intercept is not None:
        how = replace(how, slope=1.0 if slope is None else slope, intercept=intercept or 0.0)
        if slope == 0 or not np.isfinite((how.slope, how.intercept)).all():
            raise DicomError(tr("its rescale slope or intercept is no usable number; copy it again"))
    item = found.item("VOILUTSequence")
    voi: Table | Window | None = found.table("LUTDescriptor", "LUTData", item) if item is not None else None
    center, width = found.first("WindowCenter"), found.first("WindowWidth")
    if voi is None and center is not None and width is not None:
        function = found.code("VOILUTFunction")
        voi = Window(center, width, function if function in _FUNCTIONS else "LINEAR")
        if not voi.valid:
            voi = None
            notes.append(tr("has a window that is not valid, so all of its values are spread over the levels"))
    low, limit = found.stored("PixelPaddingValue", signed), found.stored("PixelPaddingRangeLimit", signed)
    padding = None if low is None else (min(low, limit), max(low, limit)) if limit is not None else (low, low)
    return replace(how, voi=voi, padding=padding), notes


def _palette(found: Elements) -> tuple[Table, ...]:
    names = [f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")]
    tables = [found.table(f"{name}Descriptor", f"{name}Data") for name in names]
    whole = tuple(table for table in tables if table)
    if len(whole) != 3:
        raise DicomError(tr("its palette is missing or stored in segments, which are not read; export it as PNG"))
    return whole


def _compression(syntax: str) -> str:
    return _COMPRESSION[syntax.rsplit(".", 1)[1]] if PLUGINS[syntax] else marked("not compressed")


def _as_facts(spread: Window | Table | tuple[float, float]) -> dict[str, Any]:
    if isinstance(spread, Table):
        return {"window": "LUT"}
    if isinstance(spread, Window):
        return {"window": spread.function, "window_center": spread.center, "window_width": spread.width}
    low, high = spread
    return {"window": "RANGE", "window_center": (low + high) / 2, "window_width": high - low}
