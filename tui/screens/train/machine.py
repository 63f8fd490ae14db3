"""What the machine is doing: processor and memory, and a GPU's load and memory where there is one."""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual.widgets import Static

from engine.base.language import tr
from tui.widgets.safe_cells import content, lines
from tui.words.cells import padded
from tui.words.glyphs import Glyphs

SECONDS_BETWEEN_LOOKS = 1.0
GB = 1e9
BAR, NAMED = 8, 8


@dataclass(frozen=True)
class Gauge:
    """One thing measured: its name, how full it is (0 to 1), and that in words."""

    name: str
    share: float
    text: str


class Meter:
    """Measures. Made and asked in one thread, as the first look may take a while."""

    def __init__(self) -> None:
        import psutil

        self._psutil = psutil
        self._process = psutil.Process()
        self._cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1
        self._nvml, self._cards = _cards()
        psutil.cpu_percent()

    def read(self) -> list[Gauge]:
        """All gauges, now."""
        memory, load = self._psutil.virtual_memory(), self._psutil.cpu_percent() / 100
        used, resident = memory.total - memory.available, self._process.memory_info().rss
        gauges = [
            Gauge(tr("cpu"), load, tr("{load:.0%} of {cores}", load=load, cores=self._cores)),
            Gauge(tr("memory"), used / memory.total, f"{used / GB:.1f}/{memory.total / GB:.0f} GB"),
            Gauge(tr("program"), resident / memory.total, f"{resident / GB:.1f} GB"),
        ]
        for number, card in enumerate(self._cards):
            with contextlib.suppress(Exception):  # a card that fell off the bus must not take the screen with it
                busy = self._nvml.nvmlDeviceGetUtilizationRates(card).gpu / 100
                held = self._nvml.nvmlDeviceGetMemoryInfo(card)
                sign = f"gpu{number}" if len(self._cards) > 1 else "gpu"
                gauges.append(Gauge(sign, busy, f"{busy:.0%}"))
                share = held.used / held.total
                gauges.append(Gauge(tr("{gpu} mem", gpu=sign), share, f"{held.used / GB:.0f}/{held.total / GB:.0f} GB"))
        return gauges


def _cards() -> tuple[Any, list[Any]]:
    """NVIDIA's library and its cards; none where the package or the driver is missing."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml, [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
    except Exception:
        return None, []


class Machine(Static):
    """The gauges, a line each, read once a second in a thread while somebody looks."""

    DEFAULT_CSS = "Machine { height: auto; }"

    def __init__(self, glyphs: Glyphs, looked_at: Callable[[], bool], halt: threading.Event) -> None:
        """`looked_at` tells, in any thread, whether the gauges are in sight; `halt` ends the reading."""
        super().__init__()
        self._glyphs, self._looked_at, self._halt = glyphs, looked_at, halt
        self.border_title = tr("Machine")

    def on_mount(self) -> None:
        """Begin to read."""
        self.run_worker(self._follow, thread=True, group="machine", exit_on_error=False, name="machine")

    def _follow(self) -> None:
        meter = Meter()
        while not self._halt.wait(SECONDS_BETWEEN_LOOKS):
            if self._looked_at() and self.is_attached:
                self.app.call_later(self.show, meter.read())

    def show(self, gauges: list[Gauge]) -> None:
        """Show what was read."""
        rows = (content(f"{padded(g.name, NAMED)}{self._glyphs.bar(g.share, BAR)} {g.text}") for g in gauges)
        self.update(lines(rows), layout=len(gauges) != getattr(self, "_shown", 0))
        self._shown = len(gauges)
