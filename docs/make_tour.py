"""Draws the README's moving picture, docs/tour.svg: the workbench on the sample data, from the folder to a prediction.

    python docs/make_tour.py

Every frame is what the workbench showed: it opens the folder, trains, judges and predicts while the frames are taken,
which takes a minute or two. The audit is the one in docs/example.
"""

import asyncio
import contextlib
import re
import shutil
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from unittest import mock
from xml.sax.saxutils import escape

from make_screens import RECIPE, ROOT, quiet, until
from textual.pilot import Pilot
from textual.widgets import DataTable

from tui.app import Workbench
from tui.words.settings import Settings

COLUMNS, ROWS = 100, 30
CELL, LINE = 10, 20
"""Pixels of a character in the picture."""
THEIR_CELL, THEIR_LINE = 12.2, 24.4
"""Pixels of a character in Textual's own picture."""
SECONDS = 3
"""How long a frame stays."""
LARGEST = 300_000
"""Bytes."""
HALF, FULL = "▀", "█"


@dataclass(frozen=True)
class Frame:
    """A caption and Textual's picture of the screen."""

    caption: str
    svg: str


def main() -> None:
    """Walk through the workbench and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sample_data").symlink_to(ROOT / "sample_data")
        # Short names stand in the picture, not this machine's.
        with contextlib.chdir(folder), mock.patch.object(Path, "absolute", lambda self: self):
            Path("runs").mkdir()
            shutil.copytree(ROOT / "docs" / "example", Path("runs", "covid-audit"))
            frames = asyncio.run(walk())
    picture = moving(frames)
    if len(picture.encode()) > LARGEST:
        raise SystemExit(f"The picture takes {len(picture.encode()):,} bytes, more than {LARGEST:,}.")
    (ROOT / "docs" / "tour.svg").write_text(picture, encoding="utf-8")


async def walk() -> list[Frame]:
    """From the folder to a prediction, with a real training on the way."""
    frames = list[Frame]()
    settings = Settings(theme="covid-dark", image_protocol="halfblock", recipe=RECIPE)
    app = Workbench(Path("runs"), data=Path("sample_data"), settings=settings)
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:

        async def take(caption: str) -> None:
            app.clear_notifications()
            await pilot.pause(0.3)
            frames.append(Frame(caption, app.export_screenshot()))

        await until(pilot, lambda: app.session.split is not None)
        await quiet(pilot, app)
        await take("What is in the folder, and is anything wrong with it?")
        await pilot.press("2")
        await quiet(pilot, app)
        await take("Which layers shall learn, and what does that cost?")
        await pilot.press("3", "r")
        await until(pilot, lambda: epochs(pilot) >= 6, seconds=900)
        await take("It trains. Curves and epochs are live; it may be stopped at any batch.")
        await until(pilot, lambda: epochs(pilot) >= 14, seconds=900)
        await take("It trains. Curves and epochs are live; it may be stopped at any batch.")
        await until(pilot, lambda: any(Path("runs").glob("*/test.json")), seconds=900)
        await quiet(pilot, app)
        await pilot.press("5")
        await until(pilot, lambda: not app.screen.has_class("-none"))
        await quiet(pilot, app)
        await take("How good is it on images that it never saw, and how sure is that?")
        await pilot.press("p")
        await until(pilot, lambda: "says " in str(app.screen.query_one("#answer").render()), seconds=900)
        await quiet(pilot, app)
        await take("What does it say about one image? For research and teaching only.")
        await pilot.press("escape", "7")
        await quiet(pilot, app)
        await take("Does it read the lungs, or something else?")
    return frames


def epochs(pilot: Pilot[None]) -> int:
    """Epochs that the Train screen lists."""
    return pilot.app.screen.query_one("#epochs", DataTable).row_count


def moving(frames: list[Frame]) -> str:
    """One SVG that shows the frames in turn, without a script; the first alone where motion is not wanted."""
    width, height = COLUMNS * CELL, (ROWS + 2) * LINE
    share, whole = 100 / len(frames), SECONDS * len(frames)
    style = (
        f"svg{{background:#121212}}text{{font:{CELL / 0.6:.2f}px Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        "white-space:pre}.b{font-weight:700}.c{font-weight:700;fill:#ffd787}"
        f".f{{opacity:0;animation:t {whole}s infinite}}.f:first-of-type{{opacity:1;animation-name:o}}"
        f"@keyframes t{{0%,{share:.2f}%{{opacity:1}}{share + 0.01:.2f}%,100%{{opacity:0}}}}"
        f"@keyframes o{{0%,{share:.2f}%{{opacity:1}}{share + 0.01:.2f}%,100%{{opacity:0}}}}"
        "@media (prefers-reduced-motion:reduce){.f{animation:none}}"
    )
    drawn = "\n".join(
        f'<g class="f" style="animation-delay:{place * SECONDS}s"><text class="c" x="{CELL}" y="{LINE * 1.2:.0f}">'
        f'{escape(frame.caption)}</text><g transform="translate(0 {2 * LINE})">{still(frame.svg)}</g></g>'
        for place, frame in enumerate(frames)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>covid-tui on its sample data</title><style>{style}</style>\n{drawn}\n</svg>\n'
    )


def still(svg: str) -> str:
    """Textual's picture of a screen in a tenth of its bytes: a path for all cells of a colour, and the texts."""
    root = ET.fromstring(svg)
    styles = dict(re.findall(r"\.([\w-]+-r\d+) \{ ([^}]*) \}", "".join(root.itertext())))
    cells: dict[str, list[str]] = defaultdict(list)
    over: dict[str, list[str]] = defaultdict(list)
    texts = list[str]()
    for node in root.iter():
        tag = node.tag.rpartition("}")[2]
        if tag == "rect" and node.get("shape-rendering"):
            column, row = _column(node), round((float(node.get("y", 0)) - 1.5) / THEIR_LINE)
            wide = round(float(node.get("width", 0)) / THEIR_CELL)
            cells[node.get("fill", "")].append(_box(column, row * LINE, wide, LINE))
        if tag == "text" and (style := styles.get(node.get("class", ""))) and (text := node.text):
            row = round(float(node.get("y", 0)) / THEIR_LINE - 0.82)
            colour = re.search(r"#\w+", style)
            _write(text, _column(node), row, colour.group() if colour else "#d0d0d0", "bold" in style, over, texts)
    return "".join((*_paths(cells), *_paths(over), *texts))


def _write(
    text: str, column: int, row: int, colour: str, bold: bool, over: dict[str, list[str]], texts: list[str]
) -> None:
    """Draw blocks as boxes, for they are parts of pictures and bars, and all else as text."""
    for piece in re.finditer(rf"{HALF}+|{FULL}+|[^{HALF}{FULL}]+", text.replace("\xa0", " ")):
        sign, place, long = piece.group()[0], column + piece.start(), len(piece.group())
        if sign in (HALF, FULL):
            over[colour].append(_box(place, row * LINE, long, LINE // 2 if sign == HALF else LINE))
            continue
        for word in re.finditer(r"\S+(?: \S+)*", piece.group()):
            mark = ' class="b"' if bold else ""
            texts.append(
                f'<text{mark} x="{(place + word.start()) * CELL}" y="{row * LINE + 15}" fill="{colour}" '
                f'textLength="{len(word.group()) * CELL}">{escape(word.group())}</text>'
            )


def _column(node: ET.Element) -> int:
    return round(float(node.get("x", 0)) / THEIR_CELL)


def _box(column: int, top: int, wide: int, high: int) -> str:
    return f"M{column * CELL} {top}h{wide * CELL}v{high}h-{wide * CELL}z"


def _paths(boxes: dict[str, list[str]]) -> list[str]:
    return [f'<path fill="{colour}" d="{"".join(made)}"/>' for colour, made in boxes.items()]


if __name__ == "__main__":
    main()
