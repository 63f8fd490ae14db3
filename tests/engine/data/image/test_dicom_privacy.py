"""What a DICOM file tells of a patient is never shown, kept or logged."""

import json
import os
import warnings
from pathlib import Path

import pydicom

from engine.data.image.reader import ImageError, read
from tests.conftest import Start
from tests.makers.dicoms import MARK, converted, identified, ramp

TRACES = (MARK, "ZQ7", "19700102", "19991231", "19991230", "235959.77", "054Y", ".71934.", ".82915.", ".93157.")


def damaged(folder: Path) -> list[Path]:
    """Files whose damage makes pydicom quote what they hold."""
    small = ramp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        texts = {"a": {"RescaleSlope": b"1ZQ7x"}, "b": {"WindowCenter": b"ZQ7 "}, "c": {"NumberOfFrames": b"ZQ7A"}}
        paths = [identified(folder / f"{name}.dcm", small) for name in texts]
        for path, elements in zip(paths, texts.values(), strict=True):
            file = pydicom.dcmread(path)
            for keyword, value in elements.items():
                tag = pydicom.datadict.tag_for_keyword(keyword)
                vr = pydicom.datadict.dictionary_VR(keyword)
                file._dict[pydicom.tag.Tag(tag)] = pydicom.dataelem.RawDataElement(
                    pydicom.tag.Tag(tag), vr, len(value), value, 0, False, True
                )
            file.WindowWidth = 9
            file.save_as(path, enforce_file_format=True)
    cut = identified(folder / "d.dcm", small)
    os.truncate(cut, cut.stat().st_size - 100)
    head = identified(folder / "e.dcm", small)
    os.truncate(head, 900)
    return [*paths, cut, head]


def traces(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


SEVERAL = """
import json, sys, warnings
warnings.simplefilter("always")
from tests.makers import small
small.follow()
from tui.cli import run
print(json.dumps([run(line) for line in json.loads(sys.argv[1])]))
"""


def test_nothing_of_a_patient_is_shown_kept_or_logged(tmp_path: Path, small_pictures: None, start: Start) -> None:
    data, out, cache = converted(tmp_path / "data"), tmp_path / "runs", tmp_path / "cache"
    bad = damaged(data / "COVID" / "images")
    one = data / "COVID" / "images" / "COVID-1.dcm"
    assert set(traces(one.read_bytes().decode("latin-1"))) == set(TRACES)
    arguments: list[tuple[object, ...]] = [
        ("inspect", one, *bad), ("inspect", "--json", one, *bad), ("scan", data), ("scan", "--json", data),
        ("--train", data, "--weights", "none", "--epochs", "1", "--augment", "none", "--precision", "float32",
         "--frozen-engine", "ncnn", "--out", out, "--name", "x"),
        ("predict", one, *bad, "--run", out / "x", "--csv", tmp_path / "x.csv"),
        ("predict", "--json", one, *bad, "--run", out / "x"), ("evaluate", out / "x", "--json"),
        ("report", out / "x"),
    ]  # fmt: skip
    asked = json.dumps(arguments, default=str)
    with start(asked, code=SEVERAL, cwd=tmp_path, COVID_TUI_CACHE=str(cache)) as process:
        told, err = process.communicate(300)
    assert json.loads(told.splitlines()[-1]) == [3 if set(bad) & set(line) else 0 for line in arguments], err
    assert not traces(told + err)
    assert all((told + err).count(path.name) >= 6 for path in bad)
    kept = [path for folder in (out, cache) for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "train.log" for path in kept) and any(path.suffix == ".u8" for path in kept)
    for path in [*kept, tmp_path / "x.csv"]:
        short = 3 if path.suffix in (".json", ".jsonl", ".csv", ".log", ".md", ".html") else 6  # weights are random
        assert not [t for t in traces(path.read_bytes().decode("latin-1")) if len(t) >= short], path


def test_errors_of_damaged_files_quote_nothing_even_in_a_traceback(tmp_path: Path) -> None:
    import traceback

    refused = 0
    for path in damaged(tmp_path):
        try:
            read(path)
        except ImageError as error:
            refused += 1
            assert not traces("".join(traceback.format_exception(error)))
    assert refused >= 4
