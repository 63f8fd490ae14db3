"""The machine: TensorFlow is loaded without holding up whoever watches."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.base.errors import CacheError
from engine.base.events import Event, Notice, Progress
from engine.base.runtime import announce_tensorflow, cache_dir
from tests.conftest import ROOT

STANDSTILL = """
import threading, time
from engine.base.runtime import tensorflow
loading = threading.Thread(target=tensorflow)
loading.start()
longest, last = 0.0, time.perf_counter()
while loading.is_alive():
    time.sleep(0.001)
    now = time.perf_counter()
    longest, last = max(longest, now - last), now
print(longest)
"""


def test_its_loading_is_announced_once_and_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    events = list[Event]()
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    announce_tensorflow(events.append)
    announce_tensorflow(events.append, as_task=True)
    assert [type(event) for event in events] == [Notice, Progress]
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    announce_tensorflow(events.append)
    assert len(events) == 2
    announcing = [
        path.relative_to(ROOT).as_posix()
        for folder in ("engine", "tui")
        for path in (ROOT / folder).rglob("*.py")
        if "TensorFlow is being loaded" in path.read_text() or '"tensorflow" in sys.modules' in path.read_text()
    ]
    assert announcing == ["engine/base/runtime.py"]


TWO_AT_ONCE = """
import os, sys, threading
from engine.base.runtime import tensorflow
threads = [threading.Thread(target=tensorflow) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os.write(2, b"descriptor 2, ")
print("and Python's stderr", file=sys.stderr)
"""


def test_threads_that_load_it_at_once_leave_stderr_where_it_was() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_AT_ONCE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "descriptor 2, and Python's stderr\n"


def test_a_cache_that_can_not_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COVID_TUI_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CacheError, match=f"{tmp_path}/file/cache can't be made"):
        cache_dir()


@pytest.mark.alone
def test_tensorflow_is_imported_without_a_standstill_of_other_threads() -> None:
    """A plain import holds Python's lock for 0.3 s at once, measured on the same two cores that give 0.03 s here."""
    longest: list[float] = []
    while len(longest) < 3 and min(longest, default=1) >= 0.1:  # the least of three, as soon as it is known
        done = subprocess.run([sys.executable, "-c", STANDSTILL], cwd=ROOT, capture_output=True, check=True)
        longest.append(float(done.stdout))
    assert min(longest) < 0.1, longest


CALLER_LEFT = """
import gc, weakref
from engine.base.runtime import tensorflow

class Network:
    pass

def job():
    network = Network()
    tensorflow()
    return weakref.ref(network)

network = job()
gc.collect()
assert network() is None
"""


def test_who_loads_it_is_not_kept_with_all_that_it_holds() -> None:
    subprocess.run([sys.executable, "-c", CALLER_LEFT], cwd=ROOT, check=True)
