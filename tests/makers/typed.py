"""Values of any type that is read back, for hypothesis: every field within its range, absent where it may be."""

import dataclasses
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """What a field of this type may hold, its range included. Intervals begin before they end."""
    origin, options = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _ranged(options[0], options[1])
    if origin in (Union, UnionType):
        return st.one_of(*map(values_of, options))
    if origin is Literal:
        return st.sampled_from(options)
    if origin is tuple and options[-1] is ...:
        return st.lists(values_of(options[0]), max_size=4).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, options)).map(lambda ends: tuple(sorted(ends)))
    if origin is list:
        return st.lists(values_of(options[0]), max_size=4)
    if origin is dict and options[1] is not Any:
        return st.dictionaries(st.text(max_size=9), values_of(options[1]), max_size=3)
    if origin is dict:
        return st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=3)
    if hint is Path:
        return st.sampled_from([Path("a"), Path("/x/y z")])
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        hints = get_type_hints(hint, include_extras=True)
        fields = {one.name: values_of(hints[one.name]) for one in dataclasses.fields(hint)}
        return st.builds(hint, **fields)
    if hint is float:
        return st.floats(-1e6, 1e6)
    if hint is str:
        return st.text(max_size=20)
    return st.none() if hint in (None, NoneType) else st.from_type(hint)


def _ranged(kind: type, meta: Any) -> st.SearchStrategy[Any]:
    if meta.pattern is not None:
        return st.from_regex(meta.pattern, fullmatch=True)
    if kind is int:
        return st.integers(meta.ge, meta.le)
    low = meta.ge if meta.ge is not None else meta.gt
    return st.floats(low, meta.le, exclude_min=meta.ge is None and low is not None)
