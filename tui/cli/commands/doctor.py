"""The verb `doctor`: what the machine offers, what killed processes left half-written, and what deleted runs take."""

from collections.abc import Sequence
from pathlib import Path

from engine.base.language import tr
from engine.runs.bin import KEPT_DAYS, Deleted, in_bin
from tui.cli.app import RUNS
from tui.cli.console import put, put_json, put_table, say
from tui.words.numbers import as_size


def doctor(
    *, clear_cache: bool = False, repair: bool = False, empty_bin: bool = False, out: Path = RUNS, json: bool = False
) -> int:
    """Say what this machine offers, what killed processes left half-written, and which deleted runs could come back.

    Parameters
    ----------
    clear_cache
        First remove everything from the caches that no training is using.
    repair
        Mend or remove what is half-written, and remove runs for good that were deleted 30 days ago or earlier.
    empty_bin
        Remove all deleted runs for good, those of the last 30 days too.
    out
        Folder that holds the run directories.
    json
        Print one JSON object.
    """
    from engine.base.cache import clear
    from engine.base.runtime import cache_dir
    from engine.jobs.doctor import emptied, examine, half_written
    from engine.jobs.repair import mend

    if clear_cache:
        say(tr("{size:,.1f} MB removed from the caches.", size=clear(cache_dir()) / 1e6))
    left = half_written(out)
    mended = [repair and mend(item) for item in left]
    removed = emptied(out, wholly=empty_bin) if repair or empty_bin else []
    kept = in_bin(out)
    facts = examine()
    if json:
        items = [{**item.to_dict(), "repaired": done} for item, done in zip(left, mended, strict=True)]
        gone = [{**one.to_dict(), "bytes": size, "removed": True} for one, size in removed]
        there = [{**one.to_dict(), "bytes": one.size(), "removed": False} for one in kept]
        put_json({**facts, "half-written": items, "deleted runs": gone + there})
        return 0
    for name, value in facts.items():
        if isinstance(value, dict):
            put(tr(name))
            put_table([(f"  {tr(key)}", str(item)) for key, item in value.items()], headed=False)
        else:
            put(f"{tr(name)}: {value}")
    put(tr("half-written") if left else tr("half-written: nothing"))
    for item, done in zip(left, mended, strict=True):
        remedy = item.remedy if done or item.by_hand else tr("--repair: {remedy}", remedy=item.remedy)
        put(f"  {item.path}: {item.what} ({remedy})")
    _put_bin(removed, kept)
    return 0


def _put_bin(removed: Sequence[tuple[Deleted, int]], kept: Sequence[Deleted]) -> None:
    """What went from the bin, and what is in it."""
    for one, size in removed:
        put(
            tr(
                "removed for good: {name}, deleted on {date}, {size}",
                name=one.name,
                date=one.date,
                size=as_size(size),
            )
        )
    if removed:
        put(tr("space freed: {size}", size=as_size(sum(size for _, size in removed))))
    if not kept:
        put(tr("deleted runs: none"))
        return
    sizes = [one.size() for one in kept]
    put(
        tr(
            "deleted runs: {count}, {size} (kept for {days} days; --empty-bin removes them now)",
            count=len(kept),
            size=as_size(sum(sizes)),
            days=KEPT_DAYS,
        )
    )
    for one, size in zip(kept, sizes, strict=True):
        put(
            "  "
            + tr(
                "{name}: deleted on {date}, {size}, now {path}",
                name=one.name,
                date=one.date,
                size=as_size(size),
                path=one.path,
            )
        )
