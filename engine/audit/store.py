"""What an audit leaves on disk: audit.json with every number, and audit.svg with the plot and the verdict."""

import os
import textwrap
import time
import unicodedata
from collections.abc import Iterator
from html import escape
from pathlib import Path

from engine.audit.telling import told_anew
from engine.audit.verdict import Audit
from engine.base.errors import ConfigError, RunError
from engine.base.files import private_dir, replacing, write_json
from engine.base.language import tr
from engine.base.outputs import require_folder
from engine.base.runtime import environment
from engine.base.typed_files import typed
from engine.base.wording import listing

REPORT, PLOT = "audit.json", "audit.svg"
_LEFT, _RIGHT, _WIDE, _ROW = 215, 150, 785, 34
_HALF = "\ue000"
"""Stands for the second half of a wide character while lines are measured."""
_INK, _BAR, _LINE, _MUTED = "#1b1f24", "#4c78a8", "#1b1f24", "#6a737d"


def require_free(out: Path, name: str) -> None:
    """Raises ConfigError where `out` can't hold a new folder, or has something called `name` already; an empty name is
    always free.
    """
    if name and (Path(name).name != name or os.path.lexists(out / name)):
        if os.path.lexists(out / name):
            raise ConfigError(tr("{path} exists already: choose another --name.", path=out / name))
        raise ConfigError(tr("{path} is no plain name: choose another --name.", path=out / name))
    require_folder(out)


def write(audit: Audit, out: Path, name: str = "") -> Path:
    """Write the audit into a new folder under `out`, by date when `name` is empty; the folder.

    Raises ConfigError for a name that is taken, RunError where the folder can't be written.
    """
    require_free(out, name)
    stamp = f"{time.strftime('%Y%m%d-%H%M')}-audit"
    names = [name] if name else [stamp, *(f"{stamp}-{number}" for number in range(2, 1000))]
    try:
        private_dir(out.absolute())
        folder = next(out.absolute() / one for one in names if not os.path.lexists(out / one))
        folder.mkdir(mode=0o700)
        write_json(folder / REPORT, {**audit.to_dict(), "environment": environment().to_dict()})
        with replacing(folder / PLOT) as file:
            file.write(svg(audit).encode())
    except OSError as error:
        why = tr(os.strerror(error.errno or 0))
        raise RunError(
            tr("{out} can't hold the audit ({why}): choose another folder with --out.", out=out, why=why)
        ) from error
    return folder


def read(path: Path) -> Audit:
    """The audit that `write` wrote into the folder at `path`, or in the report that lies there, told in the language at
    hand. Raises RunError.
    """
    file = path / REPORT if path.is_dir() else path
    try:
        return told_anew(typed(file, Audit))
    except RunError as error:
        why = str(error).removeprefix(f"{file} ")
        raise RunError(tr("{file} is no audit that can be read: {why}", file=file, why=why)) from None


def all_audits(out: Path) -> list[Path]:
    """The folders of the audits under `out`, newest first."""
    try:
        found = [
            path for path in out.absolute().iterdir() if all(os.path.lexists(path / name) for name in (REPORT, PLOT))
        ]
    except OSError:
        return []
    return sorted(found, key=lambda path: ((path / REPORT).lstat().st_mtime_ns, path.name), reverse=True)


def svg(audit: Audit) -> str:
    """The plot: a bar for each variant's accuracy with its interval, the baseline, and the verdict below."""
    top, bottom = 64, 64 + _ROW * len(audit.variants)
    words = _lines(_plain(audit.verdict), 108)
    height = bottom + 52 + 19 * len(words)
    title = tr("Accuracy by what is shown ({classes})", classes=listing(audit.tested))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{height}" viewBox="0 0 {_WIDE} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDE}" height="{height}" fill="white"/>',
        _text(16, 28, title, _INK, size=16),
        *_scale(top, bottom),
        *_bars(audit, top),
        *_baseline(audit, top, bottom),
        *(_text(16, bottom + 56 + 19 * place, line, _INK) for place, line in enumerate(words)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _at(share: float) -> float:
    return _LEFT + share * (_WIDE - _LEFT - _RIGHT)


def _scale(top: int, bottom: int) -> Iterator[str]:
    for percent in range(0, 101, 25):
        x = _at(percent / 100)
        yield f'<line x1="{x:.1f}" y1="{top - 6}" x2="{x:.1f}" y2="{bottom}" stroke="#d8dce0"/>'
        yield _text(x, top - 12, f"{percent}%", _MUTED, anchor="middle")


def _bars(audit: Audit, top: int) -> Iterator[str]:
    for place, variant in enumerate(audit.variants):
        y = top + _ROW * place
        middle = y + _ROW / 2
        low, high = variant.accuracy_ci
        yield _text(_LEFT - 10, middle + 4, variant.title, _INK, anchor="end")
        width = _at(variant.accuracy) - _LEFT
        yield f'<rect x="{_LEFT}" y="{y + 7}" width="{width:.1f}" height="{_ROW - 14}" fill="{_BAR}"/>'
        yield f'<path d="M{_at(low):.1f} {middle}H{_at(high):.1f}" stroke="{_LINE}" stroke-width="1.5"/>'
        for end in (low, high):
            yield f'<path d="M{_at(end):.1f} {middle - 5}v10" stroke="{_LINE}" stroke-width="1.5"/>'
        numbers = tr(
            "{accuracy:.1%} ({low:.0f} to {high:.0f})", accuracy=variant.accuracy, low=100 * low, high=100 * high
        )
        yield _text(_WIDE - _RIGHT + 12, middle + 4, numbers, _INK)


def _baseline(audit: Audit, top: int, bottom: int) -> Iterator[str]:
    x = _at(audit.baseline)
    yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#c0392b" stroke-dasharray="5 4"/>'
    always = tr(
        "always {name}: {share:.1%}; whiskers: exact 95% intervals", name=audit.baseline_class, share=audit.baseline
    )
    yield _text(_LEFT, bottom + 20, always, "#c0392b")


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start", size: int = 13) -> str:
    shown = escape(_plain(text))
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}">{shown}</text>'


def _lines(text: str, most: int) -> list[str]:
    """The text in lines of at most `most` letters; a Chinese character is as wide as two."""
    wide = "".join(one + _HALF if unicodedata.east_asian_width(one) in "WF" else one for one in text)
    return [line.replace(_HALF, "") for line in textwrap.wrap(wide, most)]


def _plain(text: str) -> str:
    """`text` without what XML forbids or a reader could not see: class names are foreign."""
    return "".join(character if character.isprintable() else "?" for character in text)
