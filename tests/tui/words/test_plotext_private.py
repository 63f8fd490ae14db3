"""Without the manual of itself plotext draws what it draws with it; a version that keeps it elsewhere fails here."""

import json
import subprocess
import sys

from tests.conftest import ROOT

DRAWN = """
import json, sys
figure = library.figure
figure.plot_size(40, 12)
figure.draw(figure.signal([1, 2, 3], [3, 1, 2], marker=library.marker("hd")))
manual = [name for name in sys.modules if name.startswith("plotext._doc")]
print(json.dumps([str(figure.build().string()), len(manual)]))
"""


def drawn(loaded: str) -> tuple[str, int]:
    """A plot of the library that this loads, and how many modules of its manual are there then."""
    done = subprocess.run([sys.executable, "-c", loaded + DRAWN], cwd=ROOT, capture_output=True, text=True, check=True)
    picture, manual = json.loads(done.stdout)
    return picture, manual


def test_the_library_draws_the_same_without_its_manual() -> None:
    own = drawn("from tui.words.plotext_private import plotext\nlibrary = plotext()")
    plain = drawn("import plotext as library")
    assert own[0] == plain[0] and own[1] == 0 < plain[1]
