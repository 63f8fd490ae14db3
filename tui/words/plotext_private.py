"""The one use of what plotext keeps to itself: it is loaded without the manual that it would draw of itself."""

import sys
from types import ModuleType
from typing import Any

MANUAL = "plotext._doc.doc"


def plotext() -> Any:
    """The library. Its manual is more than half of the time that it takes to load, for which the first plot waits."""
    if "plotext" not in sys.modules:
        sys.modules[MANUAL] = _blank()
        try:
            import plotext  # noqa: F401
        finally:
            del sys.modules[MANUAL]
    return sys.modules["plotext"]


def _blank() -> ModuleType:
    module = ModuleType(MANUAL)
    module.docs = None  # type: ignore[attr-defined]
    return module
