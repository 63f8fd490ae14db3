"""Are the daily tests run, or all of them? `make test-all` sets COVID_TUI_EXAMPLES to "all"."""

import os

ALL = os.environ.get("COVID_TUI_EXAMPLES") == "all"
