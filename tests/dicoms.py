"""DICOM files for the tests: pydicom's own, and ones made to order."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

PACKAGED = Path(pydicom.__file__).parent / "data" / "test_files"


def packaged() -> list[Path]:
    """Every file that pydicom brings for tests, DICOM or not."""
    return sorted(path for path in PACKAGED.rglob("*") if path.is_file())


def dataset(stored: np.ndarray, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> FileDataset:
    """A digital radiograph of these stored values, (rows, columns) or (rows, columns, 3), with more `elements`."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    meta.MediaStorageSOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    kind = meta.TransferSyntaxUID
    made = FileDataset("", {}, bytes(128), meta, kind.is_implicit_VR, kind.is_little_endian)
    made.Modality, made.ViewPosition, made.BurnedInAnnotation = "DX", "PA", "NO"
    made.Rows, made.Columns = stored.shape[:2]
    made.SamplesPerPixel = 1 if stored.ndim == 2 else stored.shape[2]
    made.PhotometricInterpretation = "MONOCHROME2" if stored.ndim == 2 else "RGB"
    made.BitsAllocated = made.BitsStored = 8 * stored.dtype.itemsize
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(stored.dtype.kind == "i")
    if stored.ndim == 3:
        made.PlanarConfiguration = 0
    data = stored.tobytes()
    made.PixelData = data + bytes(len(data) % 2)
    made["PixelData"].VR = "OW" if stored.dtype.itemsize == 2 else "OB"
    for name, value in elements.items():
        setattr(made, name, value)
    return made


def saved(path: Path, stored: np.ndarray, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> Path:
    """`dataset` as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset(stored, syntax, **elements).save_as(path, enforce_file_format=True)
    return path
