"""The verb `doctor`: what the machine offers, and what killed processes left half-written."""

from pathlib import Path

from tui.cli.app import RUNS
from tui.cli.console import put, put_json, put_table, say


def doctor(*, clear_cache: bool = False, repair: bool = False, out: Path = RUNS, json: bool = False) -> int:
    """Say what this machine offers, and what killed processes left half-written in the runs and the caches.

    Parameters
    ----------
    clear_cache
        First remove everything from the caches that no training is using.
    repair
        Mend or remove what is half-written, and nothing else.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from engine.base.cache import clear
    from engine.base.runtime import cache_dir
    from engine.jobs.doctor import examine, half_written
    from engine.jobs.repair import mend

    if clear_cache:
        say(f"{clear(cache_dir()) / 1e6:,.1f} MB removed from the caches.")
    left = half_written(out)
    mended = [repair and mend(item) for item in left]
    facts = examine()
    if json:
        items = [{**item.to_dict(), "repaired": done} for item, done in zip(left, mended, strict=True)]
        put_json({**facts, "half-written": items})
        return 0
    for name, value in facts.items():
        if isinstance(value, dict):
            put(f"{name}")
            put_table([(f"  {key}", str(item)) for key, item in value.items()])
        else:
            put(f"{name}: {value}")
    put("half-written" if left else "half-written: nothing")
    for item, done in zip(left, mended, strict=True):
        remedy = item.remedy if done or item.by_hand else f"--repair: {item.remedy}"
        put(f"  {item.path}: {item.what} ({remedy})")
    return 0
