"""The workbench in a browser on this machine: each page has a terminal of its own, and a token keeps the door.

The page's terminal is xterm.js as textual-serve brings it. What runs behind it is the very command that a shell would
start, in a pseudo-terminal: a page that is closed is a terminal that is gone, so a training goes on.
"""

import asyncio
import contextlib
import fcntl
import hmac
import json
import os
import pty
import secrets
import signal
import socket
import struct
import sys
import termios
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files

from aiohttp import WSMsgType, web

from engine.base.errors import ConfigError
from engine.base.language import LANGUAGE, LANGUAGES, tr
from engine.base.wording import counted

HOST = "127.0.0.1"
STATIC = files("textual_serve") / "static"
MOST_PAGES = 8
"""Workbenches at once: each takes some hundred megabytes."""
SIDES = (20, 500)
"""Columns or lines that a page may ask for."""
CHUNK = 2**16
PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>covid-tui</title>
<link rel="stylesheet" href="/static/css/xterm.css">
<link rel="stylesheet" href="/page.css">
<link rel="icon" href="data:,">
<script src="/static/js/textual.js"></script>
<script src="/page.js"></script>
</head>
<body>
<div class="textual-terminal" data-session-websocket-url="ws://{host}/ws" data-font-size="16"></div>
<p class="over">{closed}</p>
</body>
</html>
"""
STYLE = """@font-face {font-family: "Roboto Mono"; src: url(/static/fonts/RobotoMono-VariableFont_wght.ttf)}
html, body {margin: 0; height: 100%; background: #121212; color: #d0d0d0; font-family: sans-serif}
.textual-terminal {width: 100vw; height: 100vh}
.over {display: none; position: fixed; inset: auto 0 0 0; margin: 0; padding: 1em; background: #262626}
.-closed .over {display: block}
"""
SCRIPT = """addEventListener("load", function focus() {
  const keys = document.querySelector(".xterm-helper-textarea")
  keys ? keys.focus() : setTimeout(focus, 50)
})
"""
"""Keys go to the terminal without a click."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src ws://{host}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""A page loads nothing from anywhere else, and nobody else's page holds it."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pages:
    """Answers requests that come with the token; `command` is what a page's terminal runs."""

    def __init__(self, command: Sequence[str], port: int) -> None:
        self.token = secrets.token_urlsafe(24)
        self.address = f"http://{HOST}:{port}/?token={self.token}"
        self._command, self._port = tuple(command), port
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self._pages = set[web.WebSocketResponse]()

    def application(self) -> web.Application:
        """The server's part that knows the routes."""
        made = web.Application(middlewares=[self._guard])
        made.add_routes([
            web.get("/", self._page), web.get("/page.css", self._style), web.get("/page.js", self._script),
            web.get("/ws", self._terminal), web.static("/static", str(STATIC)),
        ])  # fmt: skip
        made.on_shutdown.append(self._close)
        return made

    @property
    def _cookie(self) -> str:
        return f"covid-tui-{self._port}"

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who has the token, from a page of this server alone."""
        host, origin = request.host, request.headers.get("Origin")
        if host not in self._hosts or (origin is not None and origin != f"http://{host}"):
            raise web.HTTPForbidden(
                text=tr("Only a browser of this machine may come in, by the address that was printed.")
            )
        given = request.query.get("token")
        if not self._is_token(request.cookies.get(self._cookie, "") if given is None else given):
            raise web.HTTPForbidden(
                text=tr("A token is missing: use the whole address that `covid-tui serve` printed.")
            )
        if given is not None:  # out of the address bar, and out of what a page may pass on
            found: web.StreamResponse = web.HTTPSeeOther("/")
            found.set_cookie(self._cookie, self.token, httponly=True, samesite="Strict")
            return found
        answer = await handler(request)
        if not answer.prepared:
            answer.headers.update({
                "Content-Security-Policy": POLICY.format(host=host), "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
            })  # fmt: skip
        return answer

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    async def _page(self, request: web.Request) -> web.Response:
        closed = tr("This workbench is closed. Load the page again to open another one.")
        return web.Response(
            text=PAGE.format(host=request.host, language=_page_language(), closed=closed), content_type="text/html"
        )

    async def _style(self, _: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    async def _script(self, _: web.Request) -> web.Response:
        return web.Response(text=SCRIPT, content_type="text/javascript")

    async def _terminal(self, request: web.Request) -> web.WebSocketResponse:
        """A workbench for as long as the page is open."""
        if request.headers.get("Origin") is None:
            raise web.HTTPForbidden(text=tr("A terminal is for a page of this server."))
        if len(self._pages) >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text=tr("{pages} are open: close one.", pages=counted(MOST_PAGES, "page")))
        page = web.WebSocketResponse(heartbeat=15)
        await page.prepare(request)
        self._pages.add(page)
        try:
            width, height = (request.query.get(name) for name in ("width", "height"))
            await _talk(page, self._command, _side(width, 80), _side(height, 24))
        finally:
            self._pages.discard(page)
        return page

    async def _close(self, _: web.Application) -> None:
        for page in tuple(self._pages):
            await page.close()


def _page_language() -> str:
    """The language as a page names it: zh-TW."""
    return LANGUAGE.replace("_", "-") if LANGUAGE in LANGUAGES else "en"


def _side(asked: object, usual: int) -> int:
    try:
        return min(max(int(str(asked)[:6]), SIDES[0]), SIDES[1])
    except ValueError:
        return usual


async def _talk(page: web.WebSocketResponse, command: Sequence[str], width: int, height: int) -> None:
    """Run the command in a terminal, and carry keys there and its screen here until either side ends."""
    master, slave = pty.openpty()
    _resize(master, width, height)
    loop = asyncio.get_running_loop()
    process = await asyncio.create_subprocess_exec(
        *command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=_take_terminal,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )  # fmt: skip
    os.close(slave)
    screen = asyncio.StreamReader(limit=CHUNK)
    reading, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(screen), os.fdopen(os.dup(master), "rb", 0)
    )
    writing, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(os.dup(master), "wb", 0))
    drawing = asyncio.create_task(_draw(screen, page))
    try:
        async for message in page:
            if message.type == WSMsgType.TEXT:
                await _heed(message.data, page, master, writing)
    finally:
        drawing.cancel()
        writing.abort()
        reading.close()
        os.close(master)  # the terminal hangs up
        with contextlib.suppress(asyncio.CancelledError):
            await drawing
        await process.wait()


def _take_terminal() -> None:
    """In the child: the terminal is its own, so that it hears when it hangs up."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


async def _draw(screen: asyncio.StreamReader, page: web.WebSocketResponse) -> None:
    """Pass on what the terminal shows; the page is told when that ends."""
    with contextlib.suppress(OSError, ConnectionError):  # a terminal ends with an error on Linux
        while data := await screen.read(CHUNK):
            await page.send_bytes(data)
    await page.close()


async def _heed(text: str, page: web.WebSocketResponse, master: int, writing: asyncio.WriteTransport) -> None:
    """A message of the page: what is typed, its size, or a ping; anything else is passed over."""
    try:
        said = json.loads(text)
    except ValueError:
        return
    match said:
        case ["stdin", str(typed)]:
            writing.write(typed.encode("utf-8", "replace"))
        case ["resize", {"width": int(width), "height": int(height)}]:
            _resize(master, _side(width, 80), _side(height, 24))
        case ["ping", str(sent)]:
            await page.send_str(json.dumps(["pong", sent[:32]]))


def _resize(master: int, width: int, height: int) -> None:
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def _listening(port: int) -> socket.socket:
    """A socket that only this machine can reach. Raises ConfigError."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
    except (OSError, OverflowError) as error:
        made.close()
        raise ConfigError(
            tr(
                "Port {port} can't be served on ({error}): choose another --port, or 0 for a free one.",
                port=port,
                error=error,
            )
        ) from error
    return made


async def serve_pages(arguments: Sequence[str], port: int, tell: Callable[[str], object]) -> None:
    """Serve pages that each run `covid-tui ARGUMENTS`, until SIGINT, SIGTERM or SIGHUP; `port` 0 takes a free one.

    `tell` is given the address once a browser can open it. Raises ConfigError where the port is taken.
    """
    listening = _listening(port)
    command = (sys.executable, "-c", "from tui.cli import main; main()", *arguments)
    pages, left = Pages(command, listening.getsockname()[1]), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, left.set)
    runner = web.AppRunner(pages.application(), access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        tell(pages.address)
        await left.wait()
    finally:
        await runner.cleanup()
