"""DICOM files for the tests: pydicom's own, and ones made to order."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from tests.conftest import SAMPLE

PACKAGED = Path(pydicom.__file__).parent / "data" / "test_files"
MARK = "ZQ7PRIV"
IDENTIFYING = {
    "PatientName": f"{MARK}Doe^Jane", "PatientID": f"{MARK}0001", "PatientBirthDate": "19700102", "PatientSex": "F",
    "PatientAge": "054Y", "OtherPatientNames": f"{MARK}Roe", "PatientAddress": f"{MARK} Street 1",
    "PatientTelephoneNumbers": f"{MARK}555", "PatientComments": f"{MARK} comment", "PatientMotherBirthName": f"{MARK}M",
    "EthnicGroup": f"{MARK}E", "Occupation": f"{MARK}O", "AdditionalPatientHistory": f"{MARK}H",
    "AccessionNumber": f"{MARK}ACC", "InstitutionName": f"{MARK} Hospital", "InstitutionAddress": f"{MARK} Road",
    "ReferringPhysicianName": f"{MARK}Ref", "PerformingPhysicianName": f"{MARK}Perf", "OperatorsName": f"{MARK}Op",
    "NameOfPhysiciansReadingStudy": f"{MARK}Read", "StationName": f"{MARK}Stn", "DeviceSerialNumber": f"{MARK}Dev",
    "StudyID": f"{MARK}STU", "StudyDescription": f"{MARK} study", "SeriesDescription": f"{MARK} series",
    "ProtocolName": f"{MARK} protocol", "ImageComments": f"{MARK} image", "StudyDate": "19991231",
    "StudyTime": "235959.77", "AcquisitionDate": "19991230", "WindowCenterWidthExplanation": f"{MARK} window",
    "BodyPartExamined": f"{MARK}CHEST", "RequestedProcedureDescription": f"{MARK} procedure",
    "StudyInstanceUID": "1.2.71934.3", "SeriesInstanceUID": "1.2.82915.3", "SOPInstanceUID": "1.2.93157.3",
}  # fmt: skip
"""Elements by which a patient, or whoever took the picture, could be known."""


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


def ramp(bits: int = 12, signed: bool = False) -> np.ndarray:
    """Stored values of so many bits in a picture of 64 x 64 with all of their range in it."""
    values = np.linspace(0, 2**bits - 1, 4096).astype(np.int64) - (2 ** (bits - 1) if signed else 0)
    return values.astype(np.int16 if signed else np.uint16).reshape(64, 64)


def identified(path: Path, picture: np.ndarray, **elements: Any) -> Path:
    """A DICOM file that says much of its patient, in sequences and private elements too."""
    file = dataset(picture, **{**IDENTIFYING, **elements})
    file.file_meta.SourceApplicationEntityTitle = f"{MARK}AE"
    file.private_block(0x11, f"{MARK}private", create=True).add_new(1, "LO", f"{MARK} secret")
    item = Dataset()
    item.PatientName = f"{MARK}Nested"
    file.ReferencedPatientSequence = [item]
    file["ReferencedPatientSequence"].is_undefined_length = True
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
    return path


def converted(root: Path, count: int = 8) -> Path:
    """A dataset of two classes of DICOM files, drawn as the sample data."""
    for label in ("COVID", "Normal"):
        for source in sorted((SAMPLE / label / "images").iterdir())[:count]:
            picture = np.asarray(Image.open(source).resize((128, 128)))
            identified(root / label / "images" / f"{source.stem}.dcm", picture)
            mask = SAMPLE / label / "masks" / source.name
            (root / label / "masks").mkdir(exist_ok=True)
            Image.open(mask).save(root / label / "masks" / source.name)
    return root
