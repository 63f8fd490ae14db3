"""What is used of Keras and TensorFlow without their promise: these tests say when an upgrade takes it away."""

from typing import Any

import numpy as np
import pytest

from engine.base.runtime import tensorflow
from engine.network.backbones import BACKBONES
from engine.network.keras_private import (
    AWAITS,
    leave_gradients_unsummed,
    place_of,
    weights_address,
    with_constants,
    workers_awaited_without_lock,
)


@pytest.mark.parametrize("name", BACKBONES)
def test_keras_names_the_address_of_each_backbone_s_weights(name: str) -> None:
    tensorflow().keras.applications  # noqa: B018  loads the modules that hold the addresses
    address = weights_address(*BACKBONES[name].keras_address)
    assert address is not None and address.startswith("https://")


def test_an_address_that_keras_does_not_name_is_none() -> None:
    assert weights_address("vgg16", "NO_SUCH_ADDRESS") is None and weights_address("no_such_module", "PATH") is None


def adam(*variables: Any) -> Any:
    optimizer = tensorflow().keras.optimizers.Adam()
    optimizer.build(variables)
    return optimizer


def test_an_optimizer_knows_the_place_of_each_of_its_variables() -> None:
    variables = [tensorflow().keras.Variable(np.zeros(2, np.float32)) for _ in range(3)]
    optimizer = adam(*variables)
    assert [place_of(optimizer, variable) for variable in variables] == [0, 1, 2]


def test_an_optimizer_sums_gradients_itself_unless_it_is_told_to_leave_them(monkeypatch: pytest.MonkeyPatch) -> None:
    summed: list[int] = []

    def watched(_: Any, pairs: Any) -> Any:
        summed.append(1)
        return pairs

    variable = tensorflow().keras.Variable(np.zeros(2, np.float32))
    usual, ours = adam(variable), adam(variable)
    monkeypatch.setattr(type(usual), "_all_reduce_sum_gradients", watched)
    gradient = tensorflow().constant([1.0, 1.0])
    usual.apply([gradient], [variable])
    assert summed == [1]
    leave_gradients_unsummed(ours)
    ours.apply([gradient], [variable])
    assert summed == [1] and (variable.numpy() < 0).all()


def test_a_function_with_constants_gives_the_same_and_has_no_variable() -> None:
    tf = tensorflow()
    weight = tf.Variable([2.0, 3.0])
    function = tf.function(lambda x: x * weight, input_signature=[tf.TensorSpec((2,), tf.float32)])
    traced = function.get_concrete_function()
    assert traced.graph.variables
    fixed = with_constants(traced)
    assert not fixed.graph.variables
    np.testing.assert_array_equal(np.ravel(fixed(tf.constant([1.0, 10.0]))), [2.0, 30.0])


def test_workers_are_awaited_by_a_foreign_call_which_says_what_tensorflow_says() -> None:
    tensorflow()
    from tensorflow.python.eager import context

    own = getattr(context.pywrap_tfe, AWAITS)
    with workers_awaited_without_lock():
        ours = getattr(context.pywrap_tfe, AWAITS)
        assert ours is not own, "TensorFlow's library has no such function any more"
        with pytest.raises(RuntimeError, match="ServerDef"):
            ours(context.context()._handle, b"no cluster")
    assert getattr(context.pywrap_tfe, AWAITS) is own
