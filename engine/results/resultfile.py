"""The files of a run that hold a result, test.json and external/*.json: the one place that reads them, and only whole.

Whoever shows or compares a result may rely on what is checked here: a file that was cut, edited or made by something
else ends in a sentence that names it. Keys that older runs lack may be missing.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from engine.errors import RunError
from engine.results.metrics import MEASURES
from engine.runs import Run

TEST, FOLDER = "test.json", "external"
CARDS = "card.md", "card.html"
_LARGEST = 1e15
"""Beyond any number of a result; what is not finite is no smaller."""
_Check = Callable[[Any], bool]


def was_tested(run: Run) -> bool:
    """Was the run's test part opened?"""
    return (run.path / TEST).is_file()


def read_test(run: Run) -> dict[str, Any]:
    """What test.json holds. Raises RunError where it is missing or damaged."""
    mend = f"remove it, and `covid-tui evaluate {run.name}` measures the test part anew"
    return _read(run, TEST, _RESULT, {}, mend)


def read_external(run: Run) -> list[dict[str, Any]]:
    """The results of the run's external tests, by file name. Raises RunError where one of them is damaged."""
    mend = f"remove it, or do that test again with `covid-tui evaluate {run.name} --on FOLDER`"
    names = (str(Path(FOLDER) / path.name) for path in sorted((run.path / FOLDER).glob("*.json")))
    return [_read(run, name, {**_RESULT, "folder": _is_text}, _ELSEWHERE, mend) for name in names]


def _read(run: Run, name: str, needed: Mapping[str, _Check], known: Mapping[str, _Check], mend: str) -> dict[str, Any]:
    try:
        values = run.read_json(name)
    except RunError as error:
        raise RunError(f"{str(error).removesuffix('.')}: {mend}.") from error
    checks = {**needed, **{key: check for key, check in {**_PERHAPS, **known}.items() if key in values}}
    wrong = [key for key, check in checks.items() if key not in values or not check(values[key])] or _unfit(values)
    if wrong:
        raise RunError(f'{run.path / name} is damaged: its "{wrong[0]}" is missing or no such thing; {mend}.')
    return values


def _unfit(values: Mapping[str, Any]) -> list[str]:
    """The keys whose values, each sound, do not fit the others."""
    classes, calibrated = len(values["classes"]), values.get("calibrated")
    unfit = ["confusion"] if [len(row) for row in values["confusion"]] != [classes] * classes else []
    return unfit + [key for key in ("ece", "operating") if calibrated and values.get(key) is None]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _is_none_or(check: _Check, value: Any) -> bool:
    return value is None or check(value)


def _is_list_of(check: _Check, value: Any) -> bool:
    return isinstance(value, list) and all(map(check, value))


def _is_table_of(check: _Check, value: Any) -> bool:
    return isinstance(value, dict) and all(map(check, value.values()))


def _has(checks: Mapping[str, _Check], value: Any) -> bool:
    return isinstance(value, dict) and all(key in value and check(value[key]) for key, check in checks.items())


def _is_measured(value: Any) -> bool:
    """Does it hold measures, each a number or None, and their intervals?"""
    if not isinstance(value, dict):
        return False
    ends = (value.get(f"{name}_ci") for name in MEASURES)
    return all(_maybe_number(value.get(name)) for name in MEASURES) and all(map(_maybe_pair, ends))


def _are_classes(value: Any) -> bool:
    own = ("sensitivity", "sensitivity_ci", "specificity", "specificity_ci")

    def is_whole(one: Any) -> bool:
        return _is_measured(one) and _is_count(one.get("n")) and all(name in one for name in own)

    return bool(value) and _is_table_of(is_whole, value)


def _are_curves(value: Any) -> bool:
    points = partial(_is_list_of, _is_pair)
    curve = partial(_has, {"roc": points, "precision_recall": points, "average_precision": _is_number})
    bins = partial(_is_list_of, partial(_has, {"confidence": _is_number, "accuracy": _is_number}))
    if not isinstance(value, dict):
        return False
    return all(bins(own) if name == "reliability" else curve(own) for name, own in value.items())


_maybe_number = partial(_is_none_or, _is_number)
_maybe_pair = partial(_is_none_or, _is_pair)

_RESULT: dict[str, _Check] = {
    "n": lambda value: _is_count(value) and value > 0,
    "correct": _is_count,
    "accuracy": _is_number,
    "accuracy_ci": _is_pair,
    "auc": _maybe_number,
    "loss": _is_number,
    "baseline": _is_number,
    "baseline_class": _is_text,
    "confusion": partial(_is_list_of, partial(_is_list_of, _is_count)),
    "classes": _are_classes,
}
"""What every result has."""
_OPERATING = {"positive": _is_text, "rule": _is_text, "threshold": _is_number}
_PERHAPS: dict[str, _Check] = {
    "auc_ci": _maybe_pair,
    "mcc": _maybe_number,
    "mcc_ci": _maybe_pair,
    "macro": _is_measured,
    "ece": _is_number,
    "calibrated": partial(_is_none_or, partial(_has, dict.fromkeys(("temperature", "loss", "ece"), _is_number))),
    "operating": partial(_is_none_or, lambda value: _has(_OPERATING, value) and _is_measured(value)),
    "curves": _are_curves,
}
"""What the result of a run from before there was any of it lacks."""
_DROP = {**dict.fromkeys(("test", "here", "difference"), _is_number), "difference_ci": _is_pair}
_SHIFT = {"beyond": _is_number, "beyond_ci": _is_pair}
_ELSEWHERE: dict[str, _Check] = {
    "mapping": partial(_is_table_of, _is_text),
    "left_out": partial(_is_table_of, _is_count),
    "learnt_from": _is_count,
    "drop": partial(_is_none_or, partial(_is_table_of, partial(_has, _DROP))),
    "shift": partial(_is_none_or, partial(_has, {"features": partial(_has, _SHIFT), "told_apart": _maybe_number})),
}
"""What an external test adds."""
