"""The workbench in a browser: a page shows it and takes keys; nobody else can connect, and nobody without the token."""

import asyncio
import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil
import pyte
import pytest

from tests.conftest import ROOT, Cli

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
COMMAND = (sys.executable, "-c", "from tui.cli import main; main()")
SECONDS = 120.0


class Served:
    """A serving process, and what it printed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://(127\.0\.0\.1):(\d+)/\?token=(\S+) ", line)
        assert found, line
        self.port, self.token = int(found[2]), found[3]
        self.base, self.address = f"http://127.0.0.1:{self.port}", found[0].strip()

    def get(self, path: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
        """Status, text and headers of an answer."""
        talk = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        talk.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = talk.getresponse()
        return answer.status, answer.read().decode(), answer.headers

    @property
    def cookie(self) -> str:
        """What a browser has once it came with the token."""
        status, _, headers = self.get(f"/?token={self.token}")
        assert status == 303 and headers["Location"] == "/"
        assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]
        return headers["Set-Cookie"].partition(";")[0]


@pytest.fixture
def served(tmp_path: Path, cache: Path, few: Path) -> Iterator[Served]:
    arguments = ("serve", str(few), "--out", str(tmp_path / "runs"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield Served(process)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0


class Shown:
    """A terminal as a page has it."""

    def __init__(self, columns: int = 100, lines: int = 40) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> None:
        """More of what the workbench draws."""
        self._stream.feed(data)

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self._screen.display)


def test_without_the_token_or_from_elsewhere_nobody_comes_in(served: Served) -> None:
    cookie = served.cookie
    for path in ("/", "/ws", "/page.css", "/static/js/textual.js", "/static/", "/none"):
        for headers in ({}, {"Cookie": "covid-tui=x"}, {"Cookie": cookie[:-1]}):
            status, text, _ = served.get(path, **headers)
            assert status == 403 and served.token not in text, (path, headers)
        assert served.get(path, Cookie=cookie, Host=f"evil.example:{served.port}")[0] == 403
        assert served.get(path, Cookie=cookie, Origin="http://evil.example")[0] == 403
        assert served.get(path, Cookie=cookie, Origin="null")[0] == 403
    assert served.get("/?token=")[0] == served.get("/?token=%F0x")[0] == served.get("/ws", Cookie=cookie)[0] == 403
    status, text, answered = served.get("/", Cookie=cookie)
    assert status == 200 and served.token not in text and "textual-terminal" in text
    assert "default-src 'none'" in answered["Content-Security-Policy"] and answered["Cache-Control"] == "no-store"
    assert served.get("/static/js/textual.js", Cookie=cookie)[0] == 200
    assert served.get("/static/../../server.py", Cookie=cookie)[0] == 404


def test_no_other_host_can_connect(served: Served) -> None:
    connections = psutil.Process(served.process.pid).net_connections("inet")
    assert {(one.laddr.ip, one.status) for one in connections if one.laddr.port == served.port} == {
        ("127.0.0.1", psutil.CONN_LISTEN)
    }
    with contextlib.suppress(OSError):
        others = {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in others - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError):
                socket.create_connection((str(address), served.port), timeout=2).close()


def test_a_page_is_a_terminal_with_keys_and_its_end_is_the_workbenchs(served: Served) -> None:
    async def scenario() -> None:
        shown, cookie = Shown(), served.cookie
        headers = {"Cookie": cookie, "Origin": served.base}
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(f"{served.base}/ws?width=100&height=40", headers=headers) as page:
                await until(page, shown, lambda: "Viral Pneumonia" in shown.text and "1 Dataset" in shown.text)
                for junk in ("", "{", "[]", '["stdin"]', '["resize", {"width": "x"}]', '["stdin", 3]'):
                    await page.send_str(junk)
                await page.send_str(json.dumps(["stdin", "2"]))
                await until(page, shown, lambda: "block5_conv3" in shown.text)
                workbenches = psutil.Process(served.process.pid).children()
                assert len(workbenches) == 1
            gone, alive = psutil.wait_procs(workbenches, timeout=30)
            assert gone and not alive

    asyncio.run(asyncio.wait_for(scenario(), SECONDS))


async def until(page: aiohttp.ClientWebSocketResponse, shown: Shown, holds: Callable[[], bool]) -> None:
    while not holds():
        message = await page.receive(timeout=SECONDS)
        assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), shown.text
        if message.type == aiohttp.WSMsgType.BINARY:
            shown.feed(message.data)


def test_a_port_that_is_taken_is_said(served: Served, cli: Cli, tmp_path: Path) -> None:
    done = cli("serve", "--port", served.port, "--out", tmp_path)
    assert done.returncode == 2 and f"Port {served.port} can't be served on" in done.stderr
    assert cli("serve", "--port", 99999, "--out", tmp_path).returncode == 2
    assert cli("serve", tmp_path / "none", "--out", tmp_path).returncode == 3


class Browser:
    """A headless Chromium, by its own protocol."""

    def __init__(self, talk: aiohttp.ClientWebSocketResponse) -> None:
        self._talk, self._number = talk, 0
        self.shown: Shown | None = None
        self.asked = list[str]()

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command's result; what happens meanwhile is noted."""
        self._number += 1
        await self._talk.send_json({"id": self._number, "method": method, "params": parameters})
        while (message := await self._talk.receive_json(timeout=SECONDS)).get("id") != self._number:
            self._note(message)
        assert "result" in message, message
        result: dict[str, Any] = message["result"]
        return result

    async def until(self, *words: str) -> None:
        """Wait until the page's terminal shows all of these."""
        end = time.monotonic() + SECONDS
        while not (self.shown and all(word in self.shown.text for word in words)):
            assert time.monotonic() < end, self.shown and self.shown.text
            with contextlib.suppress(TimeoutError):
                self._note(await self._talk.receive_json(timeout=1))

    def _note(self, message: dict[str, Any]) -> None:
        match message:
            case {"method": "Network.webSocketCreated", "params": {"url": url}}:
                width, height = (int(found) for found in re.findall(r"=(\d+)", urlsplit(url).query))
                self.shown = Shown(width, height)
            case {
                "method": "Network.webSocketFrameReceived",
                "params": {"response": {"opcode": 2, "payloadData": data}},
            }:
                assert self.shown
                self.shown.feed(base64.b64decode(data))
            case {"method": "Network.requestWillBeSent", "params": {"request": {"url": url}}}:
                self.asked.append(url)


@contextlib.asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Browser]:
    assert CHROMIUM
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--window-size=1100,800")
    process = subprocess.Popen(
        [CHROMIUM, *flags, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not (profile / "DevToolsActivePort").exists():
            await asyncio.sleep(0.1)
        port = (profile / "DevToolsActivePort").read_text().split()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                page = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=2**26) as talk:
                yield Browser(talk)
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")
def test_a_browser_shows_the_dataset_screen_takes_a_key_and_asks_nobody_else(served: Served, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with browser(tmp_path / "profile") as page:
            await page.do("Network.enable")
            await page.do("Page.enable")
            await page.do("Page.navigate", url=served.address)
            await page.until("1 Dataset", "Viral Pneumonia")
            for kind in ("keyDown", "keyUp"):
                await page.do("Input.dispatchKeyEvent", type=kind, key="2", text="2" if kind == "keyDown" else "")
            await page.until("block5_conv3")
            await asyncio.sleep(1)
            picture = await page.do("Page.captureScreenshot")
            (tmp_path / "page.png").write_bytes(base64.b64decode(picture["data"]))
            assert (await page.do("Runtime.evaluate", expression="location.href"))["result"][
                "value"
            ] == f"{served.base}/"
            assert page.asked and all(url.startswith((served.base, "data:", "blob:")) for url in page.asked)

    asyncio.run(asyncio.wait_for(scenario(), SECONDS))
