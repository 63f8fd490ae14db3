"""The verb `inspect`: what image files are, and what the network sees of them."""

from pathlib import Path
from typing import Any

from engine.base.errors import ConfigError, DataError
from engine.base.language import tr
from tui.cli.console import drawing, put, put_json, say
from tui.words.numbers import histogram_line


def inspect(*files: Path, backbone: str = "vgg16", json: bool = False) -> int:
    """Say what image files are and what the network will see of them.

    Parameters
    ----------
    files
        Image files.
    backbone
        The network that is to see them.
    json
        Print a line of JSON a file.
    """
    from engine.data.image.inspect import inspect as inspect_file
    from engine.data.image.reader import ImageError
    from engine.network.backbones import backbone as named

    size = named(backbone).size

    if not files:
        raise ConfigError(tr("Name at least one image file to inspect."))
    code = 0
    for file in files:
        try:
            facts = inspect_file(file, size)
        except ImageError as error:
            code = DataError.exit_code
            if json:
                put_json({"file": str(file), "error": error.reason})
            else:
                say(f"covid-tui: {error}")
            continue
        put_json(facts) if json else _put_facts(facts)
    return code


def _put_facts(facts: dict[str, Any]) -> None:
    seen = facts["network_input"]
    put(facts["file"])
    put(
        "  "
        + tr(
            "{format}, {width}x{height}, mode {mode}, {bits} bit",
            format=facts["format"],
            width=facts["width"],
            height=facts["height"],
            mode=facts["mode"],
            bits=facts["bit_depth"],
        )
    )
    put(
        "  "
        + tr(
            "intensity {low} to {high}, mean {mean:.0f}, sd {sd:.0f}",
            low=facts["minimum"],
            high=facts["maximum"],
            mean=facts["mean"],
            sd=facts["std"],
        )
    )
    if drawing():
        put(f"  {histogram_line(facts['histogram'])}  {tr('histogram, black to white')}")
    turned = facts["orientation"]
    undone = tr("EXIF orientation {number} (undone)", number=turned)
    put("  " + (tr("EXIF orientation {number}", number=turned) if turned == 1 else undone))
    put(
        "  "
        + tr(
            "the network sees {width}x{height}, mean {mean:.0f}",
            width=seen["size"][0],
            height=seen["size"][1],
            mean=seen["mean"],
        )
    )
    for line in facts["dicom"]["told"] if facts["dicom"] else ():
        put(f"  {line}")
    for note in facts["notes"]:
        put("  " + tr("note: {note}", note=note))
