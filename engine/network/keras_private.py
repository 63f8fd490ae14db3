"""All that is used of Keras and TensorFlow and is not theirs to promise: each thing behind one function of this file.

An upgrade that takes one of them away breaks here and in `tests/engine/network/test_keras_private.py`, nowhere else.
"""

import sys
from typing import Any


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
