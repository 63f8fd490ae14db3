"""The verb `runs`: a line for each run, with its result."""

import json
from typing import Any

from tests.conftest import Cli


def test_runs_lists_the_run_with_its_interval(trained: dict[str, Any], cli: Cli) -> None:
    line = json.loads(cli("runs", "--out", trained["out"], "--json").stdout.splitlines()[0])
    assert (line["name"], line["state"], line["epochs"]) == ("trained", "finished", 3)
    table = cli("runs", "--out", trained["out"]).stdout
    assert "trained" in table and "finished" in table and " to " in table
