"""All that is used of Keras and TensorFlow and is not theirs to promise: each thing behind one function of this file.

An upgrade that takes one of them away breaks here and in `tests/engine/network/test_keras_private.py`, nowhere else.
"""

import contextlib
import ctypes
import functools
import sys
from collections.abc import Iterator
from typing import Any

from engine.base.runtime import native_libraries

AWAITS = "TFE_EnableCollectiveOps"
"""What waits for other workers, in TensorFlow's library and in its Python."""


def weights_address(module: str, name: str) -> str | None:
    """Where Keras fetches a network's ImageNet weights: the constant `name` of a module of keras.src.applications.

    None where Keras isn't loaded or names none. The public functions give no address; they download at once.
    """
    return getattr(sys.modules.get(f"keras.src.applications.{module}"), name, None)


def place_of(optimizer: Any, variable: Any) -> int:
    """The place of a variable among those that the optimizer was built for; an `update_step` is not told it."""
    return int(optimizer._get_variable_index(variable))


def leave_gradients_unsummed(optimizer: Any) -> None:
    """Make the optimizer take gradients as they come, where it would sum them over the devices itself."""
    optimizer._all_reduce_sum_gradients = list


def with_constants(function: Any) -> Any:
    """A concrete function of TensorFlow with its variables turned into constants of its graph."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(function)


@contextlib.contextmanager
def workers_awaited_without_lock() -> Iterator[None]:
    """Within the block, TensorFlow waits for the other workers without Python's lock. It holds it by itself: no signal
    would be heard and no time be up until all have come.
    """
    from tensorflow.python.eager.context import pywrap_tfe

    own, paths = getattr(pywrap_tfe, AWAITS), native_libraries()
    if len(paths) == 2:
        framework, library = (ctypes.CDLL(str(path)) for path in paths)
        if hasattr(library, AWAITS):
            setattr(pywrap_tfe, AWAITS, functools.partial(_enable_collective_ops, framework, library))
    try:
        yield
    finally:
        setattr(pywrap_tfe, AWAITS, own)


def _enable_collective_ops(framework: ctypes.CDLL, library: ctypes.CDLL, context: Any, server: bytes) -> None:
    """What TensorFlow's function of this name does, as a foreign call, which lets go of Python's lock.

    Raises RuntimeError with what TensorFlow says.
    """
    pointer = ctypes.c_void_p
    name, inside = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name.argtypes, name.restype = (ctypes.py_object,), ctypes.c_char_p
    inside.argtypes, inside.restype = (ctypes.py_object, ctypes.c_char_p), pointer
    framework.TF_NewStatus.restype, framework.TF_Message.restype = pointer, ctypes.c_char_p
    status = pointer(framework.TF_NewStatus())
    try:
        getattr(library, AWAITS)(pointer(inside(context, name(context))), server, ctypes.c_size_t(len(server)), status)
        if framework.TF_GetCode(status):
            raise RuntimeError(framework.TF_Message(status).decode(errors="replace"))
    finally:
        framework.TF_DeleteStatus(status)
