"""A document of sections, paragraphs, tables and plots, written as Markdown and as one self-contained HTML page.

Every text in it may be foreign (class and file names, sources): it is escaped here, and nothing in it acts.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from engine.base.escape import escaped
from engine.base.language import tag, tr
from engine.report.svg import FONTS

_MARKS = re.compile(r"([\\`*_{}\[\]|~$])")
_FIRST = re.compile(r"^(\d*)([#+.)=-])(?=[\s#=-]|$)")
"""What begins a heading or a list where it stands first in a line."""
_STYLE = """
body { font: 15px/1.5 FONTS; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222;
  background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; margin: .8rem 0; } th, td { text-align: left; padding: .2rem .8rem .2rem 0;
  border-bottom: 1px solid #eee; vertical-align: top; }
.warning { border-left: 4px solid #d55e00; padding-left: .8rem; font-weight: 600; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; } figcaption { font-size: .9rem; }
""".replace("FONTS", FONTS)


@dataclass(frozen=True)
class Paragraph:
    """A text; a warning stands out."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Points:
    """A list of texts."""

    items: Sequence[str]


@dataclass(frozen=True)
class Link:
    """A text that leads to a file beside the document, or with "#" to a section of it."""

    text: str
    target: str


@dataclass(frozen=True)
class Links:
    """A cell of links."""

    links: Sequence[Link]


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str | Links]]


@dataclass(frozen=True)
class Plots:
    """SVGs beside each other, each under its caption; Markdown names them only."""

    plots: Sequence[tuple[str, str]]


Block = Paragraph | Points | Table | Plots


@dataclass(frozen=True)
class Section:
    """Blocks under a title, which is `marked`: in every language the English one names the section in links."""

    title: str
    blocks: Sequence[Block]


def anchor(title: str) -> str:
    """The name by which a link leads to the section with this title, as renderers of Markdown make it."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title.strip().lower()))


def markdown(title: str, sections: Sequence[Section]) -> str:
    """The document as Markdown."""
    parts = [f"# {inline(title)}"]
    for section in sections:
        name, shown = anchor(section.title), tr(section.title)
        if anchor(shown) != name:
            parts.append(f'<a id="{_html(name)}"></a>')
        parts.append(f"## {inline(shown)}")
        parts += [_markdown_block(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def page(title: str, sections: Sequence[Section]) -> str:
    """The document as an HTML page that loads nothing."""
    body = [f"<h1>{_html(title)}</h1>"]
    for section in sections:
        body.append(f'<h2 id="{_html(anchor(section.title))}">{_html(tr(section.title))}</h2>')
        body += [_html_block(block) for block in section.blocks]
    rule = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="{_html(tag())}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{rule}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{_html(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _markdown_block(block: Block) -> str:
    match block:
        case Paragraph():
            return f"**{inline(block.text)}**" if block.warning else inline(block.text)
        case Points():
            return "\n".join(f"- {inline(item)}" for item in block.items)
        case Table():
            cells = [map(inline, block.header), ["---"] * len(block.header)]
            cells += [map(_markdown_cell, row) for row in block.rows]
            return "\n".join(f"| {' | '.join(row)} |" for row in cells)
        case Plots():
            return tr("Plots in card.html: {captions}.", captions=inline("; ".join(name for name, _ in block.plots)))


def _html_block(block: Block) -> str:
    match block:
        case Paragraph():
            kind = ' class="warning"' if block.warning else ""
            return f"<p{kind}>{_html(block.text)}</p>"
        case Points():
            return "<ul>" + "".join(f"<li>{_html(item)}</li>" for item in block.items) + "</ul>"
        case Table():
            head = "".join(f"<th>{_html(cell)}</th>" for cell in block.header)
            rows = "".join("<tr>" + "".join(f"<td>{_html_cell(c)}</td>" for c in row) + "</tr>" for row in block.rows)
            return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        case Plots():
            figures = (f"<figure>{svg}<figcaption>{_html(name)}</figcaption></figure>" for name, svg in block.plots)
            return f'<div class="plots">{"".join(figures)}</div>'


def _markdown_cell(cell: str | Links) -> str:
    if isinstance(cell, str):
        return inline(cell)
    return "; ".join(f"[{inline(link.text)}]({quote(link.target, safe='/#')})" for link in cell.links)


def _html_cell(cell: str | Links) -> str:
    if isinstance(cell, str):
        return _html(cell)
    return "<br>".join(f'<a href="{_html(quote(one.target, safe="/#"))}">{_html(one.text)}</a>' for one in cell.links)


def inline(text: str) -> str:
    """Foreign text as Markdown in which nothing acts, in one line."""
    return _FIRST.sub(r"\1\\\2", _MARKS.sub(r"\\\1", html.escape(escaped(text), quote=False)))


def _html(text: str) -> str:
    return html.escape(escaped(text))
